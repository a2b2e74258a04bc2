//! Why a data source cannot be connected, in plain words: for whoever has typed it in.

use super::Target;
use crate::model::DbType;
use sea_orm::sqlx::mysql::MySqlDatabaseError;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::sqlx::{self, error::DatabaseError};
use std::io::ErrorKind;
use std::time::Duration;

/// The sentences hold what was typed in, never the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("this release cannot connect to {0} yet; the data source can be saved all the same")]
    NotYet(DbType),
    #[error("no host is called {0}")]
    UnknownHost(String),
    #[error("nothing listens at {0}")]
    Nobody(String),
    #[error("{place} does not answer within {patience:?}")]
    Silent { place: String, patience: Duration },
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    #[error("what listens at {place} does not speak as {kind} does")]
    Stranger { place: String, kind: DbType },
    #[error("no encrypted connection to {0} could be made: {1}")]
    Tls(String, String),
    #[error("the server refuses the user `{0}` or the password")]
    LoginRefused(String),
    #[error("the server has no database `{0}`")]
    NoDatabase(String),
    #[error("the user `{user}` may not use the database `{database}`")]
    DatabaseRefused { user: String, database: String },
    #[error("the server lets nobody in from this machine")]
    MachineRefused,
    #[error("the server has no connection left")]
    Full,
    #[error("the server says: {0}")]
    Said(String),
}

/// How much of what a server says is passed on.
const LONGEST: usize = 300;

impl Trouble {
    /// What an error of the driver means. `place` is host and port.
    pub(super) fn of(error: &sqlx::Error, target: &Target, place: &str) -> Trouble {
        let stranger = || Trouble::Stranger { place: place.to_owned(), kind: target.kind };
        match error {
            sqlx::Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused => Trouble::Nobody(place.to_owned()),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => stranger(),
                _ => Trouble::Unreachable(place.to_owned(), plain(&error.to_string())),
            },
            sqlx::Error::Protocol(_) | sqlx::Error::Decode(_) => stranger(),
            sqlx::Error::Tls(error) => Trouble::Tls(place.to_owned(), plain(&error.to_string())),
            sqlx::Error::Database(error) => said(error.as_ref(), target),
            error => Trouble::Unreachable(place.to_owned(), plain(&error.to_string())),
        }
    }
}

fn said(error: &dyn DatabaseError, target: &Target) -> Trouble {
    let (user, database) = (target.user.clone(), target.database.clone());
    let mysql = error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number);
    let postgres = error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code);
    match (mysql, postgres) {
        (Some(1045 | 1698), _) | (_, Some("28P01")) => Trouble::LoginRefused(user),
        (Some(1049), _) | (_, Some("3D000")) => Trouble::NoDatabase(database),
        (Some(1044), _) | (_, Some("42501")) => Trouble::DatabaseRefused { user, database },
        (Some(1129 | 1130), _) => Trouble::MachineRefused,
        (Some(1040 | 1203 | 1226), _) | (_, Some("53300")) => Trouble::Full,
        _ => Trouble::Said(plain(error.message())),
    }
}

/// One line of bounded length.
fn plain(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    text.trim().to_owned()
}
