//! What can go wrong with the store, sorted by what the caller can do about it.

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
        DbErr::ConnectionAcquire(_) => true,
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => match error.as_ref() {
            sqlx::Error::Database(error) => is_transient(error.as_ref()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => true,
            _ => false,
        },
        _ => false,
    }
}

/// SQLite's codes (the low byte is the kind): out of memory, disk or folder not writable, locked, full.
fn is_transient(error: &dyn DatabaseError) -> bool {
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
