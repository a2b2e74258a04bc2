//! What can go wrong with the store, sorted by what the caller can do about it.

use sea_orm::sqlx::mysql::MySqlDatabaseError;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::sqlx::{self, error::DatabaseError};
use sea_orm::{DbErr, RuntimeErr, SqlErr};
use std::sync::Arc;

/// An error of the store. The messages complete "could not …: ".
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is not there: "instance 7".
    #[error("{0} does not exist")]
    Missing(String),
    /// The row is not what the caller took it for, or the name is taken: read again. A whole sentence:
    /// "instance 7 was changed meanwhile".
    #[error("{0}")]
    Conflict(String),
    /// The database does not answer, or cannot write now: wait, and try again. Whether the fact was recorded is
    /// known only after reading.
    #[error("the database cannot be used at present: {0}")]
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
    /// A row that cannot be read, or a statement that cannot work: trying again is useless.
    #[error("the database and this program do not agree: {0}")]
    Broken(Arc<dyn std::error::Error + Send + Sync>),
    /// The tables of a server are missing, or those of an earlier release.
    #[error("its tables are not those of this release ({is}); run `escheduler migrate` first")]
    Older {
        /// What they are instead.
        is: String,
    },
    /// A text that its column does not hold.
    #[error("a text is longer than {0}")]
    TooLong(String),
    /// A later release has changed this database; this one might damage it.
    #[error("a later release has changed the database (`{found}` is not known here)")]
    Newer {
        /// The name of the newest unknown step.
        found: String,
    },
}

impl Error {
    pub(super) fn closed() -> Self {
        Error::unavailable("the store is closed")
    }

    pub(super) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Unavailable(Arc::from(source.into()))
    }

    /// Whether the transaction was taken back for a reason that passes by itself: another transaction was in the way,
    /// or the connection was lost. The same jobs may succeed in another one.
    pub(super) fn passes(&self) -> bool {
        let Error::Unavailable(source) = self else { return false };
        source.downcast_ref::<DbErr>().is_some_and(|error| lost_its_connection(error) || is_clash(error))
    }

    pub(super) fn broken(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Broken(Arc::from(source.into()))
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(text)) => {
                return Error::Conflict(format!("it is there already: {text}"));
            }
            Some(SqlErr::ForeignKeyConstraintViolation(text)) => {
                return Error::Conflict(format!("what it belongs to was removed meanwhile: {text}"));
            }
            Some(_) | None => {}
        }
        if let Some(limit) = exceeded(&error) {
            return Error::TooLong(limit);
        }
        match error {
            DbErr::RecordNotFound(what) => Error::Missing(what),
            DbErr::RecordNotUpdated => Error::Missing("the row".to_owned()),
            error if is_outage(&error) => Error::unavailable(error),
            error => Error::broken(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))).into()
    }
}

/// Whether the same statement may succeed later.
fn is_outage(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(RuntimeErr::Internal(_)) => true,
        error => match driver(error) {
            Some(sqlx::Error::Database(error)) => is_transient(error.as_ref()),
            Some(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::BeginFailed) => true,
            Some(_) => lost_its_connection(error),
            None => false,
        },
    }
}

/// Whether there is no connection any more, so that its transaction is or will be taken back.
pub(super) fn lost_its_connection(error: &DbErr) -> bool {
    match driver(error) {
        Some(sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_)) => true,
        Some(sqlx::Error::Database(error)) => ends_session(error.as_ref()),
        // The answer did not come in time.
        _ => matches!(error, DbErr::Conn(RuntimeErr::Internal(_))),
    }
}

fn driver(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// What a text was too long for, if that is what is wrong.
fn exceeded(error: &DbErr) -> Option<String> {
    let Some(sqlx::Error::Database(error)) = driver(error) else { return None };
    match (mysql(error.as_ref()), postgres(error.as_ref())) {
        // Data too long for column 'name' at row 1
        (Some(1406), _) => {
            let column = error.message().split('\'').nth(1).unwrap_or("its column");
            Some(format!("`{column}` can be"))
        }
        // value too long for type character varying(64)
        (_, Some("22001")) => {
            let limit = error.message().rsplit_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
            Some(limit.map_or_else(|| "its column can hold".into(), |limit| format!("{limit} characters")))
        }
        _ => None,
    }
}

/// MySQL's number of an error.
fn mysql(error: &dyn DatabaseError) -> Option<u16> {
    error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// PostgreSQL's code of an error.
fn postgres(error: &dyn DatabaseError) -> Option<&str> {
    error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code)
}

/// Errors after which a server closes the connection: it is shut down, or an administrator or a time limit has ended
/// the session.
fn ends_session(error: &dyn DatabaseError) -> bool {
    const MYSQL: [u16; 8] = [1053, 1077, 1079, 1152, 1927, 2006, 2013, 4031];
    const POSTGRES: [&str; 6] = ["57P01", "57P02", "57P03", "57P04", "57P05", "25P03"];
    match (mysql(error), postgres(error)) {
        (Some(number), _) => MYSQL.contains(&number),
        (_, Some(code)) => POSTGRES.contains(&code) || code.starts_with("08"),
        _ => false,
    }
}

/// Whether another transaction was in the way: a deadlock, or a row that stayed locked.
fn is_clash(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(error)) = driver(error) else { return false };
    match (mysql(error.as_ref()), postgres(error.as_ref())) {
        (Some(number), _) => [1205, 1213].contains(&number),
        (_, Some(code)) => ["40001", "40P01", "55P03"].contains(&code),
        _ => false,
    }
}

/// Whether the server, or the file, cannot do it at present.
fn is_transient(error: &dyn DatabaseError) -> bool {
    // No connection or thread left, disk or table full, locked, read only, out of time.
    const MYSQL: [u16; 14] = [1021, 1040, 1114, 1129, 1203, 1205, 1213, 1226, 1290, 1317, 1836, 1969, 3024, 3169];
    // Resources, locks and clashes, operators and time limits, the system.
    const POSTGRES: [&str; 5] = ["53", "55", "40", "57", "58"];
    match (mysql(error), postgres(error)) {
        (Some(number), _) => MYSQL.contains(&number) || ends_session(error),
        (_, Some(code)) => POSTGRES.iter().any(|class| code.starts_with(class)) || ends_session(error),
        _ => is_transient_in_sqlite(error),
    }
}

/// SQLite's codes (the low byte is the kind): out of memory, disk or folder not writable, locked, full.
fn is_transient_in_sqlite(error: &dyn DatabaseError) -> bool {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const NO_MEMORY: u32 = 7;
    const READ_ONLY: u32 = 8;
    const IO: u32 = 10;
    const FULL: u32 = 13;
    const CANNOT_OPEN: u32 = 14;
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| [BUSY, LOCKED, NO_MEMORY, READ_ONLY, IO, FULL, CANNOT_OPEN].contains(&(code & 0xff)))
}
