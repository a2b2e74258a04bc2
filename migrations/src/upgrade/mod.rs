//! A MySQL database of EasyScheduler 1.0.0 to 1.1.0 becomes one of ours, in place, and keeps every row.
//!
//! What happens, in this order: the release is recognised; a journal is begun, with the zone of the old times; tables
//! that came with later releases are made; each table gets our shape; its times become UTC; our own columns are filled;
//! runs that were under way are set aside; the step that makes new databases is noted as taken.
//!
//! MySQL commits each change of a table by itself, so whoever is interrupted cannot go back, only on: every step can
//! be repeated, or notes itself in the transaction that does it. A second call finishes what a first one has begun, with
//! the zone of the first one.

mod catalog;
mod journal;
mod live;
mod original;
mod own;
mod plan;
mod session;
mod shape;
mod times;
mod walk;
mod zone;

pub use live::{Refused, Run};
pub use plan::{Plan, TablePlan};
pub use zone::Zone;

use crate::m20261122_000001_create_tables as tables;
use crate::state::{STEPS, State};
use catalog::Catalog;
use chrono::{DateTime, Utc};
use journal::Journal;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::sqlx::mysql::MySqlPoolOptions;
use sea_orm_migration::sea_orm::{DatabaseBackend, DatabaseConnection, SqlxMySqlConnector, Statement, sqlx};
use session::{Session, quote};
use std::collections::BTreeSet;

/// The release whose tables ours are.
const VERSION: &str = "1.1.0";

/// What the operator says, and how it is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// The zone in which the old masters wrote times; else the database server's, if it can be told.
    pub zone: Option<Zone>,
    /// Now: what is ended by the upgrade is ended at this time.
    pub now: DateTime<Utc>,
    /// How many rows are changed in one transaction.
    pub batch: usize,
}

impl Options {
    /// The usual way, from now.
    pub fn new(zone: Option<Zone>) -> Options {
        Options { zone, now: Utc::now(), batch: 5000 }
    }
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The release that the database came from.
    pub from: String,
    /// Runs that were under way; they are ended as FAILURE, and nothing of them is started by itself.
    pub runs: Vec<Run>,
}

/// Why the upgrade did not come to its end. What was done stays done; a second call goes on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was changed: the sentence says what to do first.
    #[error("{0}")]
    Refused(String),
    /// The database did not carry a statement out.
    #[error("the database did not carry out `{statement}`: {error}")]
    Database {
        /// The beginning of the statement.
        statement: String,
        /// What it answered.
        error: sqlx::Error,
    },
    /// The same, in a later step.
    #[error(transparent)]
    Step(#[from] DbErr),
}

impl Error {
    fn of(sql: &str, error: sqlx::Error) -> Error {
        const SHOWN: usize = 120;
        let mut statement: String = sql.chars().take(SHOWN).collect();
        if statement.len() < sql.len() {
            statement += " …";
        }
        Error::Database { statement, error }
    }
}

impl From<Error> for DbErr {
    fn from(error: Error) -> DbErr {
        match error {
            Error::Step(error) => error,
            Error::Database { error, .. } => {
                DbErr::Query(sea_orm_migration::sea_orm::RuntimeErr::SqlxError(error.into()))
            }
            Error::Refused(why) => DbErr::Migration(why),
        }
    }
}

/// What all steps share.
struct Work<'w, 'p> {
    session: &'w mut Session<'p>,
    journal: &'w mut Journal,
    options: &'w Options,
    zone: Zone,
    /// When the upgrade began, as a column takes it.
    begun: String,
}

/// Says what [`upgrade`] would do. Changes nothing.
///
/// # Errors
/// It would be refused, or the database cannot be read.
pub async fn plan(db: &DatabaseConnection, options: &Options) -> Result<Plan, Error> {
    let mut quiet = |_: &str| {};
    let mut session = Session::plain(db, &mut quiet).await?;
    let catalog = Catalog::read(&mut session).await?;
    let journal = Journal::read(&mut session, catalog.has_table(journal::TABLE)).await?;
    plan::make(&mut session, &catalog, &journal, options).await
}

/// Upgrades the database, or goes on with an upgrade that was interrupted. `tell` is told what takes long.
///
/// # Errors
/// It is refused before anything was changed; or the database has failed, and a second call goes on.
pub async fn upgrade(
    db: &DatabaseConnection,
    options: &Options,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<Done, Error> {
    let mut session = Session::open(db, tell).await?;
    session.lock().await?;
    let done = match in_session(&mut session, options).await {
        Ok(done) => later_steps(db).await.map(|()| done),
        Err(error) => Err(error),
    };
    session.close().await;
    done
}

/// Takes the steps after the first, on a connection of its own: the other one keeps the lock meanwhile.
async fn later_steps(db: &DatabaseConnection) -> Result<(), Error> {
    let options = db.get_mysql_connection_pool().connect_options();
    let pool = MySqlPoolOptions::new().max_connections(1).connect_with((*options).clone()).await;
    let other = SqlxMySqlConnector::from_sqlx_mysql_pool(pool.map_err(|error| Error::of("connect", error))?);
    let taken = crate::Migrator::up(&other, None).await;
    // What was done is committed; whether the server hears of the end changes nothing.
    let _ = other.close().await;
    Ok(taken?)
}

async fn in_session(session: &mut Session<'_>, options: &Options) -> Result<Done, Error> {
    let mut catalog = Catalog::read(session).await?;
    let mut journal = Journal::read(session, catalog.has_table(journal::TABLE)).await?;
    if !journal.has_begun() {
        begin(session, &catalog, &mut journal, options).await?;
    }
    let begun = journal.get(journal::BEGUN).unwrap_or_default().to_owned();
    let (from, zone) = plan::remembered(&journal, options)?;
    if journal.is_done(journal::DONE) {
        return Ok(Done { runs: live::ended(session, &begun).await?, from });
    }
    let wanted = shape::wanted();
    let missing: Vec<_> = wanted.iter().filter(|table| !catalog.has_table(&shape::name(table))).collect();
    for table in &missing {
        shape::create(session, table).await?;
    }
    if !missing.is_empty() {
        catalog = Catalog::read(session).await?;
    }
    let mut work = Work { session, journal: &mut journal, options, zone, begun };
    for table in &wanted {
        reshape(&mut work, &catalog, table).await?;
        times::convert(&mut work, table).await?;
    }
    own::attempts(&mut work).await?;
    own::roots(&mut work).await?;
    own::sessions(&mut work).await?;
    own::schedules(&mut work, &catalog).await?;
    live::set_aside(&mut work).await?;
    finish(&mut work).await?;
    let runs = live::ended(work.session, &work.begun).await?;
    Ok(Done { from, runs })
}

/// The last moment to refuse; afterwards the zone and the columns with local times are fixed.
async fn begin(
    session: &mut Session<'_>,
    catalog: &Catalog,
    journal: &mut Journal,
    options: &Options,
) -> Result<(), Error> {
    let plan = plan::make(session, catalog, journal, options).await?;
    if let Some(alive) = plan.alive.first() {
        return Err(Error::Refused(format!(
            "{alive}; stop every master, worker, api and alert server of EasyScheduler first (after a crash wait for three \
             minutes)"
        )));
    }
    let mut notes = vec![
        (journal::FROM.to_owned(), plan.version.clone()),
        (journal::ZONE.to_owned(), plan.zone.to_string()),
        (journal::BEGUN.to_owned(), times::text(options.now.naive_utc())),
    ];
    notes.extend(plan.tables.iter().map(|table| (times::note(&table.name), table.times.join(","))));
    journal.begin(session, &notes).await
}

/// Whether the original made this table.
fn is_original(journal: &Journal, table: &str) -> bool {
    journal.get(&times::note(table)).is_some()
}

async fn reshape(work: &mut Work<'_, '_>, catalog: &Catalog, table: &TableCreateStatement) -> Result<(), Error> {
    let name = shape::name(table);
    let step = format!("shape {name}");
    if work.journal.is_done(&step) {
        return Ok(());
    }
    let change = shape::Change::of(catalog, table, !is_original(work.journal, &name));
    for statement in [change.statement(&name), change.clearing(&name)].into_iter().flatten() {
        work.session.run_long(&statement, &format!("changing the table {name}")).await?;
    }
    work.journal.note(work.session, &step, "done").await
}

/// Notes that the tables are those of our first step, and that nothing is left to be done.
async fn finish(work: &mut Work<'_, '_>) -> Result<(), Error> {
    let session = &mut *work.session;
    session
        .run(&format!(
            "CREATE TABLE IF NOT EXISTS {STEPS} (version varchar(255) NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)"
        ))
        .await?;
    session.begin().await?;
    let row = session.text("SELECT id FROM t_escheduler_version LIMIT 1").await?;
    let version = match row {
        Some(_) => format!("UPDATE t_escheduler_version SET version = {}", quote(VERSION)),
        None => format!("INSERT INTO t_escheduler_version (id, version) VALUES (1, {})", quote(VERSION)),
    };
    session.run(&version).await?;
    let seconds = work.options.now.timestamp();
    let taken = format!("INSERT INTO {STEPS} (version, applied_at) VALUES ({}, {seconds})", quote(tables::NAME));
    session.run(&taken).await?;
    work.journal.note(session, journal::DONE, &times::text(work.options.now.naive_utc())).await?;
    session.commit().await
}

/// The release that an upgrade has begun from and not finished.
pub(crate) async fn unfinished(db: &DatabaseConnection, tables: &BTreeSet<String>) -> Result<Option<String>, DbErr> {
    if !tables.contains(journal::TABLE) {
        return Ok(None);
    }
    let sql = format!("SELECT step, position FROM {} WHERE step IN ('from', 'done')", journal::TABLE);
    let rows = db.query_all_raw(Statement::from_string(DatabaseBackend::MySql, sql)).await?;
    let mut from = None;
    for row in rows {
        match row.try_get::<String>("", "step")?.as_str() {
            journal::DONE => return Ok(None),
            _ => from = Some(row.try_get("", "position")?),
        }
    }
    Ok(from)
}

/// Whose database this is that has no note of our steps.
pub(crate) async fn recognise(db: &DatabaseConnection, tables: &BTreeSet<String>) -> Result<State, DbErr> {
    let mut quiet = |_: &str| {};
    let mut session = Session::plain(db, &mut quiet).await?;
    let catalog = Catalog::read(&mut session).await?;
    let version = version_row(&mut session, tables.contains("t_escheduler_version")).await?;
    Ok(original::recognise(&catalog, version.as_deref()))
}

/// What the version row says, if there is one.
async fn version_row(session: &mut Session<'_>, exists: bool) -> Result<Option<String>, Error> {
    match exists {
        true => session.text("SELECT version FROM t_escheduler_version ORDER BY id DESC LIMIT 1").await,
        false => Ok(None),
    }
}
