//! One connection to a MySQL server, for the whole upgrade. It is never replaced by another one behind our back:
//! what it has locked and set would be gone.

use super::Error;
use crate::lock::MYSQL;
use sea_orm_migration::sea_orm::DatabaseConnection;
use sea_orm_migration::sea_orm::sqlx::mysql::{MySql, MySqlRow};
use sea_orm_migration::sea_orm::sqlx::pool::PoolConnection;
use sea_orm_migration::sea_orm::sqlx::{AssertSqlSafe, Connection, Error as Failure, Row, raw_sql};
use std::time::Duration;

/// How long the tables may be held by somebody else.
const PATIENCE: u32 = 30;
/// A statement that takes longer is told of, again and again.
const SILENCE: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_secs(10);

/// Every rule that would change rows is off (a row with the id 0 keeps it, a date of zeros is no error), and every
/// rule that keeps a value from being cut is on. Times in TIMESTAMP columns are read and written as UTC.
fn settings() -> [String; 4] {
    [
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'".into(),
        "SET SESSION time_zone = '+00:00'".into(),
        format!("SET SESSION lock_wait_timeout = {PATIENCE}"),
        format!("SET SESSION innodb_lock_wait_timeout = {PATIENCE}"),
    ]
}

/// The connection, and whom to tell what takes long.
pub(super) struct Session<'p> {
    connection: PoolConnection<MySql>,
    tell: &'p mut (dyn FnMut(&str) + Send),
}

impl<'p> Session<'p> {
    /// A connection that changes nothing, and is given back as it was.
    pub async fn plain(db: &DatabaseConnection, tell: &'p mut (dyn FnMut(&str) + Send)) -> Result<Session<'p>, Error> {
        let connection = db.get_mysql_connection_pool().acquire().await.map_err(|e| Error::of("connect", e))?;
        Ok(Session { connection, tell })
    }

    /// A connection for an upgrade.
    pub async fn open(db: &DatabaseConnection, tell: &'p mut (dyn FnMut(&str) + Send)) -> Result<Session<'p>, Error> {
        let mut session = Session::plain(db, tell).await?;
        for setting in settings() {
            session.run(&setting).await?;
        }
        Ok(session)
    }

    pub fn tell(&mut self, text: &str) {
        (self.tell)(text);
    }

    /// Runs a statement; answers how many rows it changed.
    pub async fn run(&mut self, sql: &str) -> Result<u64, Error> {
        let statement = raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *self.connection);
        statement.await.map(|done| done.rows_affected()).map_err(|error| Error::of(sql, error))
    }

    /// Runs a statement that may take long, and says so while it does.
    pub async fn run_long(&mut self, sql: &str, doing: &str) -> Result<u64, Error> {
        let mut statement = std::pin::pin!(raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *self.connection));
        let begun = std::time::Instant::now();
        let mut wait = SILENCE;
        loop {
            match tokio::time::timeout(wait, &mut statement).await {
                Ok(done) => return done.map(|done| done.rows_affected()).map_err(|error| Error::of(sql, error)),
                Err(_) => (self.tell)(&format!("{doing} ({} s)", begun.elapsed().as_secs())),
            }
            wait = AGAIN;
        }
    }

    /// The rows of a query whose columns are all texts, numbers or times, as texts; NULL is the empty text.
    pub async fn texts<const N: usize>(&mut self, sql: &str) -> Result<Vec<[String; N]>, Error> {
        let rows = self.rows(sql).await?;
        let read = |row: &MySqlRow| -> Result<[String; N], Failure> {
            let mut texts = [const { String::new() }; N];
            for (at, text) in texts.iter_mut().enumerate() {
                *text = text_of(row, at)?.unwrap_or_default();
            }
            Ok(texts)
        };
        rows.iter().map(|row| read(row).map_err(|error| Error::of(sql, error))).collect()
    }

    /// The one value of a query; `None` if it has no row, or NULL.
    pub async fn text(&mut self, sql: &str) -> Result<Option<String>, Error> {
        match self.rows(sql).await?.first() {
            Some(row) => text_of(row, 0).map_err(|error| Error::of(sql, error)),
            None => Ok(None),
        }
    }

    async fn rows(&mut self, sql: &str) -> Result<Vec<MySqlRow>, Error> {
        let statement = raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(&mut *self.connection);
        statement.await.map_err(|error| Error::of(sql, error))
    }

    /// What follows is one fact, until [`commit`](Session::commit). If the connection is lost before, the server
    /// takes it back.
    pub async fn begin(&mut self) -> Result<(), Error> {
        self.run("START TRANSACTION").await.map(drop)
    }

    pub async fn commit(&mut self) -> Result<(), Error> {
        self.run("COMMIT").await.map(drop)
    }

    /// Keeps every other upgrade of this database away, as long as the connection lives: also one that was killed, and
    /// whose last statement the server has not finished.
    pub async fn lock(&mut self) -> Result<(), Error> {
        for wait in [1, PATIENCE] {
            if self.text(&format!("SELECT GET_LOCK({MYSQL}, {wait})")).await?.as_deref() == Some("1") {
                return Ok(());
            }
            if wait == 1 {
                self.tell("another upgrade of this database is at work, or its last statement; waiting");
            }
        }
        Err(Error::Refused("another upgrade of this database is at work; let it finish".into()))
    }

    /// Ends the connection. It is not given back: it has settings of its own.
    pub async fn close(self) {
        let connection = self.connection.detach();
        // Whether the server hears of it changes nothing.
        let _ = connection.close().await;
    }
}

/// The bytes that the server has sent: in its text protocol every value is a text.
fn text_of(row: &MySqlRow, at: usize) -> Result<Option<String>, Failure> {
    let bytes: Option<&[u8]> = row.try_get_unchecked(at)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// A text as it stands in a statement.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
