//! How the database is: what people look at, and whether it answers at all.
//!
//! Servers are asked in their own words, for there are no common ones.

use super::reader::{Reader, Source};
use super::{Error, Store};
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, QueryResult, Statement};
use std::collections::HashMap;

/// Connections, as the database counts them; `None` where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// How many it takes at most.
    pub most: Option<i64>,
    /// How many there were at most at a time.
    pub peak: Option<i64>,
    pub open: Option<i64>,
    /// How many of them are at work.
    pub running: Option<i64>,
}

impl Store {
    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Error> {
        let backend = self.read().get_database_backend();
        self.read().query_one_raw(Statement::from_string(backend, "SELECT 1")).await?;
        Ok(())
    }

    /// How the database is.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn pulse(&self) -> Result<Pulse, Error> {
        let reader = self.read();
        match reader.get_database_backend() {
            DatabaseBackend::MySql => Ok(mysql(reader).await?),
            DatabaseBackend::Postgres => Ok(postgres(reader).await?),
            _ => {
                self.ping().await?;
                Ok(file(reader))
            }
        }
    }
}

/// The file has no server, so these are the connections of this process; one of them writes.
fn file(reader: &Reader) -> Pulse {
    let Source::File(connections) = &reader.0 else { return Pulse::default() };
    let pool = connections.get_sqlite_connection_pool();
    let (open, idle) = (i64::from(pool.size()), i64::try_from(pool.num_idle()).unwrap_or_default());
    let most = i64::from(pool.options().get_max_connections());
    // None is ever closed while the process runs, so what is open is also the peak.
    Pulse { most: Some(most + 1), peak: Some(open + 1), open: Some(open + 1), running: Some(open.saturating_sub(idle)) }
}

async fn mysql(reader: &Reader) -> Result<Pulse, DbErr> {
    let limit = "SHOW VARIABLES WHERE Variable_name = 'max_connections'";
    let counts =
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Max_used_connections', 'Threads_connected', 'Threads_running')";
    let mut values = HashMap::new();
    for statement in [limit, counts] {
        let rows = reader.query_all_raw(Statement::from_string(DatabaseBackend::MySql, statement)).await?;
        for row in rows {
            let (name, value): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            values.insert(name.to_lowercase(), value.parse().ok());
        }
    }
    let value = |name: &str| values.get(name).copied().flatten();
    Ok(Pulse {
        most: value("max_connections"),
        peak: value("max_used_connections"),
        open: value("threads_connected"),
        running: value("threads_running"),
    })
}

async fn postgres(reader: &Reader) -> Result<Pulse, DbErr> {
    let question = "SELECT current_setting('max_connections')::bigint, COUNT(*), \
                    COUNT(*) FILTER (WHERE state = 'active') FROM pg_stat_activity WHERE datname IS NOT NULL";
    let row = reader.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, question)).await?;
    let number = |row: &QueryResult, index| row.try_get_by_index::<i64>(index);
    match row {
        None => Ok(Pulse::default()),
        Some(row) => Ok(Pulse {
            most: Some(number(&row, 0)?),
            peak: None,
            open: Some(number(&row, 1)?),
            running: Some(number(&row, 2)?),
        }),
    }
}
