//! Whose database this is, and how far it has come.

use crate::upgrade;
use crate::{Migrator, MigratorTrait};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DatabaseBackend, DatabaseConnection, Statement};
use std::collections::BTreeSet;

/// Where the steps that were taken are noted.
pub(crate) const STEPS: &str = "seaql_migrations";

/// What our tables, and EasyScheduler's, begin with.
const PREFIX: &str = "t_escheduler_";

/// How many tables of another program are named.
const NAMED: usize = 5;

/// What a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has no table.
    Empty,
    /// A database of this release of EasyScheduler, or one whose upgrade is not finished.
    Old(String),
    /// Ours, and some steps behind.
    Ours {
        /// How many.
        behind: usize,
        /// The oldest of them.
        next: String,
    },
    /// Ours, with every step taken.
    Current,
    /// A later release was here: the newest step that is not known.
    Newer(String),
    /// None of these; a sentence says what was found.
    Foreign(String),
}

/// Finds out what the database is. Changes nothing.
///
/// # Errors
/// The database cannot be read.
pub async fn state(db: &DatabaseConnection) -> Result<State, DbErr> {
    let tables = tables(db).await?;
    if tables.is_empty() {
        return Ok(State::Empty);
    }
    if db.get_database_backend() == DatabaseBackend::MySql
        && let Some(version) = upgrade::unfinished(db, &tables).await?
    {
        return Ok(State::Old(version));
    }
    if tables.contains(STEPS) {
        let taken = taken_steps(db).await?;
        let behind = Migrator::migrations().len().saturating_sub(taken.len());
        return Ok(match unknown_step(&taken) {
            Some(step) => State::Newer(step),
            None => match pending(&taken) {
                Some(next) => State::Ours { behind, next },
                None => State::Current,
            },
        });
    }
    match db.get_database_backend() {
        DatabaseBackend::MySql => upgrade::recognise(db, &tables).await,
        // EasyScheduler 1.x has never run there.
        _ => Ok(State::Foreign(strangers(&tables))),
    }
}

/// Says what tables there are that nobody here has made.
pub(crate) fn strangers(tables: &BTreeSet<String>) -> String {
    if let Some(table) = tables.iter().find(|table| table.starts_with(PREFIX)) {
        return format!("the table `{table}` was made by another program; give an empty database");
    }
    let names: Vec<_> = tables.iter().take(NAMED).map(|table| format!("`{table}`")).collect();
    let more = if tables.len() > NAMED { format!(" and {} more", tables.len() - NAMED) } else { String::new() };
    format!("the tables {}{more} belong to something else; give an empty database", names.join(", "))
}

/// The names of all tables, without views.
async fn tables(db: &DatabaseConnection) -> Result<BTreeSet<String>, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DatabaseBackend::MySql => {
            "SELECT CAST(table_name AS CHAR) AS name FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
        }
        DatabaseBackend::Postgres => {
            "SELECT table_name::text AS name FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    };
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await?;
    rows.iter().map(|row| row.try_get("", "name")).collect()
}

/// The steps that were taken, newest first.
pub(crate) async fn taken_steps(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let mut statement = Query::select();
    statement.column("version").from(STEPS).order_by("version", Order::Desc);
    db.query_all(&statement).await?.iter().map(|row| row.try_get("", "version")).collect()
}

/// The oldest step that was not taken.
fn pending(taken: &[String]) -> Option<String> {
    let all = Migrator::migrations();
    all.iter().map(|migration| migration.name()).find(|name| !taken.iter().any(|step| step == name)).map(str::to_owned)
}

/// The newest of these steps that this program does not know.
pub(crate) fn unknown_step(taken: &[String]) -> Option<String> {
    let known = Migrator::migrations();
    taken.iter().find(|step| known.iter().all(|migration| migration.name() != *step)).cloned()
}
