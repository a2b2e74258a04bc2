//! A database server: MariaDB, MySQL or PostgreSQL. Many connections read, a few write.
//!
//! A server can be restarted, paused or cut off at any moment. So every call has a deadline, a connection that missed
//! one is thrown away, and what was in the middle of a commit then is looked up afterwards: see [`Writer`].

mod readers;
mod session;
mod writer;

pub(super) use readers::Readers;
pub(super) use writer::Writer;

use super::Error;
use crate::config::{Backend, Database};
use migrations::State;
use sea_orm::sqlx::mysql::MySqlConnectOptions;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{ConnectOptions as _, Error as SqlxError};
use sea_orm::{DatabaseConnection, DbErr, RuntimeErr};
use session::Purpose;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// How long one statement, and one transaction, may take.
pub(super) const CALL: Duration = Duration::from_secs(5);
/// How long to try to connect. The driver tries again, ever more slowly, while a server refuses.
const CONNECT: Duration = Duration::from_secs(5);
/// The same while the server is known to be down: callers need not all wait.
const CONNECT_WHILE_DOWN: Duration = Duration::from_secs(2);

/// How long another process may be changing the tables.
const MIGRATION: Duration = Duration::from_secs(600);

/// Where the server is, and whether it was there lately.
pub(super) struct Server {
    address: Address,
    /// Whether the last attempt to connect has failed.
    down: AtomicBool,
}

#[derive(Clone)]
enum Address {
    Mysql(Box<MySqlConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

impl Server {
    /// The server that the configuration names; `None` if it names a file.
    pub(super) fn of(database: &Database) -> Result<Option<Arc<Server>>, Error> {
        let address = match &database.backend {
            Backend::Sqlite(_) => return Ok(None),
            Backend::Mysql(url) => MySqlConnectOptions::from_str(url.expose())
                .map(|options| Address::Mysql(Box::new(options.disable_statement_logging()))),
            Backend::Postgres(url) => PgConnectOptions::from_str(url.expose())
                .map(|options| Address::Postgres(Box::new(options.disable_statement_logging()))),
        };
        // Not the driver's words: they may hold the address.
        let address = address.map_err(|_| Error::broken("datasource.url cannot be read by the driver"))?;
        Ok(Some(Arc::new(Server { address, down: AtomicBool::new(false) })))
    }

    /// Whether it is MySQL or MariaDB.
    pub(super) fn is_mysql(&self) -> bool {
        matches!(self.address, Address::Mysql(_))
    }

    /// A new connection.
    async fn connect(&self, purpose: Purpose) -> Result<DatabaseConnection, DbErr> {
        let patience = if self.down.load(Relaxed) { CONNECT_WHILE_DOWN } else { CONNECT };
        let connected = match &self.address {
            Address::Mysql(options) => session::mysql(options, purpose, patience).await,
            Address::Postgres(options) => session::postgres(options, purpose, patience).await,
        };
        let was_down = self.down.swap(connected.is_err(), Relaxed);
        match &connected {
            Ok(_) if was_down => tracing::info!("the database server answers again"),
            Err(error) if !was_down => tracing::warn!(%error, "the database server cannot be reached"),
            Ok(_) | Err(_) => {}
        }
        connected.map_err(|error| match error {
            // The driver tries until its patience ends, and then tells that only.
            SqlxError::PoolTimedOut => {
                DbErr::Conn(RuntimeErr::Internal(format!("the database server cannot be reached within {patience:?}")))
            }
            error => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
        })
    }

    /// Refuses tables of another release.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let db = self.connect(Purpose::Read).await?;
        let checked = within(CALL, async {
            Ok(match migrations::state(&db).await? {
                State::Current => Ok(()),
                State::Newer(found) => Err(Error::Newer { found }),
                State::Ours { next, .. } => Err(Error::Older { is: format!("`{next}` is missing") }),
                State::Empty => Err(Error::Older { is: "there are none".into() }),
                State::Old(version) => Err(Error::Older { is: format!("they are EasyScheduler {version}'s") }),
                State::Foreign(why) => Err(Error::broken(why)),
            })
        });
        let checked = checked.await;
        close(db).await;
        checked?
    }

    /// Creates or upgrades the tables. One process at a time does; a second one waits.
    pub(super) async fn migrate(&self) -> Result<(), Error> {
        let db = self.connect(Purpose::Migrate).await?;
        let migrated = self.migrate_alone(&db).await;
        close(db).await;
        migrated
    }

    async fn migrate_alone(&self, db: &DatabaseConnection) -> Result<(), Error> {
        migrations::lock(db, MIGRATION).await?;
        if let Some(found) = migrations::newer_than_us(db).await? {
            return Err(Error::Newer { found });
        }
        Ok(migrations::up(db).await?)
    }
}

/// Runs a call to its end or its deadline.
async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    match tokio::time::timeout(limit, call).await {
        Ok(outcome) => outcome,
        Err(_) => {
            Err(DbErr::Conn(RuntimeErr::Internal(format!("the database server did not answer within {limit:?}"))))
        }
    }
}

/// Closes a connection in order, if the server still listens. The locks of a session end with it.
async fn close(db: DatabaseConnection) {
    let _ = tokio::time::timeout(Duration::from_secs(1), db.close()).await;
}
