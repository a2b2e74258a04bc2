//! What an upgrade would do, told before it is done.

use super::catalog::Catalog;
use super::journal::{self, Journal};
use super::live::{self, Refused, Run};
use super::session::Session;
use super::zone::{self, Zone};
use super::{Error, Options, VERSION, original, shape, times, version_row, walk};
use crate::state::State;
use chrono::{NaiveDateTime, TimeDelta};
use std::fmt;

/// A server of the original whose last sign of life is younger is taken for alive. It gives one every minute at
/// least.
const ALIVE: TimeDelta = TimeDelta::minutes(3);

/// How many runs and commands are told one by one.
const NAMED: usize = 20;

/// What an upgrade would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The release that the database comes from.
    pub version: String,
    /// The zone in which its times are read.
    pub zone: Zone,
    /// Nobody has said so: it is the database server's.
    pub zone_is_the_server_s: bool,
    /// An earlier attempt was interrupted; this one goes on.
    pub resumed: bool,
    /// The original's tables.
    pub tables: Vec<TablePlan>,
    /// Tables that are made.
    pub created: Vec<String>,
    /// Runs that are under way: they are ended as FAILURE.
    pub runs: Vec<Run>,
    /// Commands that cannot be carried out any more.
    pub refused: Vec<Refused>,
    /// Servers of the original that are still there, one sentence each.
    pub alive: Vec<String>,
}

/// What happens to a table.
#[derive(Clone, Debug)]
pub struct TablePlan {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// Its columns with local times.
    pub times: Vec<String>,
    /// Columns that it gets.
    pub added: Vec<String>,
    /// Whether an interrupted upgrade has changed it already.
    pub done: bool,
}

/// Makes the plan. Changes nothing.
pub(super) async fn make(
    session: &mut Session<'_>,
    catalog: &Catalog,
    journal: &Journal,
    options: &Options,
) -> Result<Plan, Error> {
    let resumed = journal.has_begun();
    let (version, zone) =
        if resumed { remembered(journal, options)? } else { found(session, catalog, options).await? };
    let mut plan = Plan {
        version,
        zone,
        zone_is_the_server_s: options.zone.is_none() && !resumed,
        resumed,
        tables: Vec::new(),
        created: Vec::new(),
        runs: Vec::new(),
        refused: Vec::new(),
        alive: Vec::new(),
    };
    for table in shape::wanted() {
        let name = shape::name(&table);
        let original = if resumed { super::is_original(journal, &name) } else { catalog.has_table(&name) };
        if !original {
            plan.created.push(name);
            continue;
        }
        let times = if resumed {
            times::columns(journal, &name)
        } else {
            let ours: Vec<_> = table.get_columns().iter().map(|column| column.get_column_name()).collect();
            let found = catalog.columns_of_type(&name, "datetime");
            found.into_iter().filter(|column| ours.contains(column)).collect()
        };
        let rows = session.text(&format!("SELECT COUNT(*) FROM `{name}`")).await?;
        plan.tables.push(TablePlan {
            rows: rows.and_then(|rows| rows.parse().ok()).unwrap_or_default(),
            times,
            added: shape::Change::of(catalog, &table, false).added,
            done: journal.is_done(&walk::done(&format!("times {name}"))),
            name,
        });
    }
    if !journal.is_done("runs") {
        let found = live::find(session).await?;
        (plan.runs, plan.refused) = (found.runs, found.refused);
    }
    if !resumed {
        plan.alive = alive(session, &plan.zone).await?;
    }
    Ok(plan)
}

/// An upgrade that has begun goes on as it began.
pub(super) fn remembered(journal: &Journal, options: &Options) -> Result<(String, Zone), Error> {
    let version = journal.get(journal::FROM).unwrap_or_default().to_owned();
    let zone = times::zone_of(journal)
        .ok_or_else(|| Error::Refused(format!("the journal `{}` of an earlier attempt is damaged", journal::TABLE)))?;
    match options.zone {
        Some(other) if other != zone => Err(Error::Refused(format!(
            "an earlier attempt has begun to read the times as {zone}, and some are converted already; it cannot go on as \
             {other}: leave --time-zone out, or start again from a backup"
        ))),
        _ => Ok((version, zone)),
    }
}

async fn found(session: &mut Session<'_>, catalog: &Catalog, options: &Options) -> Result<(String, Zone), Error> {
    let row = version_row(session, catalog.has_table("t_escheduler_version")).await?;
    let version = match original::recognise(catalog, row.as_deref()) {
        State::Old(version) => version,
        State::Foreign(why) => return Err(Error::Refused(why)),
        _ => return Err(Error::Refused("this is no database of EasyScheduler 1.x".into())),
    };
    let zone = match options.zone {
        Some(zone) => zone,
        None => of_server(session, options).await?,
    };
    Ok((version, zone))
}

async fn of_server(session: &mut Session<'_>, options: &Options) -> Result<Zone, Error> {
    // Our own session speaks UTC; what the others get is the server's.
    let sql = "SELECT @@global.time_zone, @@system_time_zone, \
               TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone))";
    let answer = session.texts::<3>(sql).await?;
    let [variable, system, ahead] = answer.into_iter().next().unwrap_or_default();
    let ahead = ahead.parse().unwrap_or_default();
    zone::of_server(&variable, &system, ahead, options.now).map_err(Error::Refused)
}

/// Servers of the original that have given a sign of life just now.
async fn alive(session: &mut Session<'_>, zone: &Zone) -> Result<Vec<String>, Error> {
    const FORMAT: &str = "%Y-%m-%d %H:%M:%S%.f";
    let now = session.text("SELECT UTC_TIMESTAMP()").await?.unwrap_or_default();
    let now = NaiveDateTime::parse_from_str(&now, FORMAT).unwrap_or_default();
    let sql = "SELECT 'master', host, last_heartbeat_time FROM t_escheduler_master_server UNION ALL \
               SELECT 'worker', host, last_heartbeat_time FROM t_escheduler_worker_server";
    let mut alive = Vec::new();
    for [role, host, beat] in session.texts(sql).await? {
        let Ok(beat) = NaiveDateTime::parse_from_str(&beat, FORMAT) else { continue };
        let age = now - zone.utc(beat);
        if age.abs() < ALIVE {
            let seconds = age.num_seconds().max(0);
            alive.push(format!("a {role} of EasyScheduler on {host} was alive {seconds} s ago"));
        }
    }
    Ok(alive)
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { version, zone, .. } = self;
        match self.resumed {
            true => writeln!(f, "the upgrade of a database of EasyScheduler {version} was interrupted; it goes on")?,
            false => {
                writeln!(f, "this is a database of EasyScheduler {version}; it becomes one of escheduler, in place")?
            }
        }
        let whose = if self.zone_is_the_server_s { " (the database server's; else say --time-zone)" } else { "" };
        writeln!(f, "its times are read as {zone}{whose} and become UTC")?;
        for table in self.tables.iter().filter(|table| !table.done) {
            write!(f, "  {}: {} rows kept", table.name, table.rows)?;
            list(f, "; converted: ", &table.times)?;
            list(f, "; added: ", &table.added)?;
            writeln!(f)?;
        }
        for table in &self.created {
            writeln!(f, "  {table}: made")?;
        }
        writeln!(f, "the version row says {VERSION} then; tables of Quartz, and all others, stay as they are")?;
        describe(f, &self.runs)?;
        if !self.refused.is_empty() {
            writeln!(f, "commands that go to t_escheduler_error_command: {}", self.refused.len())?;
            for Refused { id, reason } in self.refused.iter().take(NAMED) {
                writeln!(f, "  command {id}: {reason}")?;
            }
        }
        self.alive.iter().try_for_each(|alive| writeln!(f, "stop it first: {alive}"))
    }
}

fn list(f: &mut fmt::Formatter<'_>, before: &str, names: &[String]) -> fmt::Result {
    if names.is_empty() { Ok(()) } else { write!(f, "{before}{}", names.join(", ")) }
}

/// Names the runs that were under way.
fn describe(f: &mut fmt::Formatter<'_>, runs: &[Run]) -> fmt::Result {
    if runs.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "{} runs under way are ended as FAILURE, their unfinished nodes as NEED_FAULT_TOLERANCE; nothing is started by \
         itself. Once you have made sure that no process of them is left on the old workers (or in YARN), recover them:",
        runs.len()
    )?;
    for run in runs.iter().take(NAMED) {
        writeln!(f, "  {run}")?;
    }
    if runs.len() > NAMED { writeln!(f, "  and {} more", runs.len() - NAMED) } else { Ok(()) }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.name)?;
        list(f, ": ", &self.nodes)
    }
}

impl fmt::Display for super::Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the database of EasyScheduler {} is upgraded", self.from)?;
        describe(f, &self.runs)
    }
}
