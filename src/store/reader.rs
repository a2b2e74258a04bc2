//! What everybody reads through: a file or a server.

use super::server::Readers;
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, ExecResult, QueryResult, Statement};

/// Reads, cannot write, and answers within a limit: a server that does not is an error.
pub struct Reader(pub(super) Source);

pub(super) enum Source {
    File(DatabaseConnection),
    Server(Readers),
}

impl Reader {
    pub(super) async fn close(&self) {
        match &self.0 {
            Source::File(file) => {
                if let Err(error) = file.close_by_ref().await {
                    tracing::warn!(%error, "could not close the database");
                }
            }
            Source::Server(readers) => readers.close().await,
        }
    }
}

/// Hands a call to the file, or to a connection of the server.
macro_rules! call {
    ($reader:expr, $method:ident, $argument:expr) => {
        match &$reader.0 {
            Source::File(file) => file.$method($argument.clone()).await,
            Source::Server(readers) => {
                readers
                    .run(|connection| {
                        let argument = $argument.clone();
                        Box::pin(async move { connection.$method(argument).await })
                    })
                    .await
            }
        }
    };
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DatabaseBackend {
        match &self.0 {
            Source::File(_) => DatabaseBackend::Sqlite,
            Source::Server(readers) if readers.is_mysql() => DatabaseBackend::MySql,
            Source::Server(_) => DatabaseBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        call!(self, execute_raw, statement)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Source::File(file) => file.execute_unprepared(sql).await,
            Source::Server(readers) => {
                readers
                    .run(|connection| {
                        let sql = sql.to_owned();
                        Box::pin(async move { connection.execute_unprepared(&sql).await })
                    })
                    .await
            }
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        call!(self, query_one_raw, statement)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        call!(self, query_all_raw, statement)
    }
}
