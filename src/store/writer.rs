//! What a committer writes through: a file or a server.

use super::{Error, server, sqlite};
use sea_orm::DatabaseTransaction;
use std::time::Duration;

/// What became of a commit.
pub(super) enum Commit {
    Done,
    /// It was taken back, certainly.
    Undone(Error),
    /// Nobody could be asked in time.
    Unknown(Error),
}

/// One connection that writes.
pub(super) enum Writer {
    File(sqlite::Writer),
    Server(server::Writer),
}

impl Writer {
    pub(super) async fn begin(&mut self) -> Result<DatabaseTransaction, Error> {
        match self {
            Writer::File(file) => file.begin().await,
            Writer::Server(server) => server.begin().await,
        }
    }

    pub(super) async fn commit(&mut self, transaction: DatabaseTransaction) -> Commit {
        match self {
            Writer::File(file) => file.commit(transaction).await.map_or_else(Commit::Undone, |()| Commit::Done),
            Writer::Server(server) => server.commit(transaction).await,
        }
    }

    /// Takes everything back.
    pub(super) async fn rollback(&mut self, transaction: DatabaseTransaction) {
        match self {
            Writer::File(file) => file.rollback(transaction).await,
            Writer::Server(server) => server.rollback(transaction).await,
        }
    }

    /// How long one job may take: a server may not answer at all.
    pub(super) fn limit(&self) -> Option<Duration> {
        match self {
            Writer::File(_) => None,
            Writer::Server(_) => Some(server::CALL),
        }
    }

    /// Gives up a transaction in the middle of a statement.
    pub(super) fn abandon(&mut self, transaction: DatabaseTransaction) {
        drop(transaction);
        match self {
            Writer::File(_) => {}
            Writer::Server(server) => server.abandon(),
        }
    }

    pub(super) async fn close(&mut self) {
        match self {
            Writer::File(file) => file.close().await,
            Writer::Server(server) => server.close().await,
        }
    }
}
