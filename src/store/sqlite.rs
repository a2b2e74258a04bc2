//! The embedded database: a file, many connections that read it, one that writes it.

use super::Error;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, SqlxSqliteConnector, TransactionOptions,
    TransactionTrait,
};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const READERS: u32 = 4;
/// How long to wait for another process that holds the file, or for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// The log is copied back into the database whenever it has grown by so many pages (4 MiB).
const CHECKPOINT_PAGES: &str = "1000";
/// What a burst has made the log larger than that is given back.
const LOG_LIMIT: &str = "67108864";

/// What a commit promises.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Durability {
    /// It outlives a power cut.
    Full,
    /// It outlives this process.
    Process,
}

/// Makes the file, for its owner's eyes only, unless it is there. SQLite gives its other files the same mode.
pub(super) fn create(path: &Path) -> Result<(), Error> {
    let created = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    created
        .map(drop)
        .map_err(|error| Error::unavailable(io::Error::new(error.kind(), format!("{}: {error}", path.display()))))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .statement_cache_capacity(512)
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

/// Connections that read, and cannot write.
pub(super) async fn readers(path: &Path) -> Result<DatabaseConnection, Error> {
    connect(options(path).pragma("query_only", "on").pragma("cache_size", "-8192"), READERS).await
}

async fn connect(options: SqliteConnectOptions, connections: u32) -> Result<DatabaseConnection, Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// The one connection that writes. After a failed commit or rollback it is thrown away: whether it is still inside
/// a transaction is not certain then.
pub(super) struct Writer {
    path: PathBuf,
    durability: Durability,
    connection: Option<DatabaseConnection>,
}

impl Writer {
    pub(super) fn new(path: PathBuf, durability: Durability) -> Self {
        Writer { path, durability, connection: None }
    }

    pub(super) async fn connection(&mut self) -> Result<&DatabaseConnection, Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(self.options(), 1).await?,
        };
        Ok(self.connection.insert(connection))
    }

    fn options(&self) -> SqliteConnectOptions {
        options(&self.path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match self.durability {
                Durability::Full => SqliteSynchronous::Full,
                Durability::Process => SqliteSynchronous::Off,
            })
            .pragma("cache_size", "-16384")
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("journal_size_limit", LOG_LIMIT)
    }

    /// Takes the write lock at once: a transaction that reads first would fail when it comes to write.
    pub(super) async fn begin(&mut self) -> Result<DatabaseTransaction, Error> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.connection().await?.begin_with_options(options).await?)
    }

    pub(super) async fn commit(&mut self, transaction: DatabaseTransaction) -> Result<(), Error> {
        let outcome = transaction.commit().await;
        if outcome.is_err() {
            self.close().await;
        }
        Ok(outcome?)
    }

    /// Takes everything back. SQLite may have done so by itself, when the disk was full.
    pub(super) async fn rollback(&mut self, transaction: DatabaseTransaction) {
        if transaction.rollback().await.is_err() {
            self.close().await;
        }
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "could not close the database");
        }
    }
}
