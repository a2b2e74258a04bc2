//! A connection that writes.
//!
//! If the answer to a commit is lost, the transaction may have been committed or not. So each transaction ends by
//! writing a random token into the row of its writer. Afterwards the row is read *with a lock*: it is locked by the
//! transaction in question until the server has decided about that, so the answer is final, even if the commit is
//! still on its way when we ask. The token is there or it is not.

use super::session::Purpose;
use super::{CALL, Server, within};
use crate::model::Time;
use crate::store::Error;
use crate::store::entity::committer::{ActiveModel, Column, Entity};
use crate::store::writer::Commit;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    QuerySelect, TransactionTrait,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to find out what became of a commit.
const FIND_OUT: Duration = Duration::from_secs(15);
/// MySQL ends a session that was idle for 2 s; a new one is opened before that.
const FRESH: Duration = Duration::from_secs(1);
/// After which time without a commit the row of a writer is swept.
const SWEPT: Duration = Duration::from_secs(7 * 86_400);

pub(in crate::store) struct Writer {
    server: Arc<Server>,
    /// The key of its row.
    id: String,
    /// Whether the row is there.
    noted: bool,
    connection: Option<DatabaseConnection>,
    used: Instant,
}

impl Writer {
    /// It connects when it has something to write.
    pub(in crate::store) fn new(server: Arc<Server>) -> Writer {
        let id = uuid::Uuid::new_v4().to_string();
        Writer { server, id, noted: false, connection: None, used: Instant::now() }
    }

    pub(in crate::store) async fn begin(&mut self) -> Result<DatabaseTransaction, Error> {
        if self.server.is_mysql() && self.used.elapsed() > FRESH {
            self.connection = None;
        }
        let reused = self.connection.is_some();
        match self.try_to_begin().await {
            // The server may have been restarted since.
            Err(_) if reused => Ok(self.try_to_begin().await?),
            outcome => Ok(outcome?),
        }
    }

    async fn try_to_begin(&mut self) -> Result<DatabaseTransaction, DbErr> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect(Purpose::Write).await?,
        };
        if !self.noted {
            within(CALL, self.note(&connection)).await?;
            self.noted = true;
        }
        let transaction = within(CALL, connection.begin()).await?;
        self.connection = Some(connection);
        Ok(transaction)
    }

    /// Makes the row, and sweeps those of writers that are gone.
    async fn note(&self, connection: &DatabaseConnection) -> Result<(), DbErr> {
        let now = Time::now().0;
        let long_ago = now - SWEPT.as_millis() as i64;
        Entity::delete_many().filter(Column::WrittenMs.lt(long_ago)).exec(connection).await?;
        if Entity::find_by_id(self.id.as_str()).one(connection).await?.is_none() {
            let row = ActiveModel { id: Set(self.id.clone()), token: Set(0), written_ms: Set(now) };
            Entity::insert(row).exec_without_returning(connection).await?;
        }
        Ok(())
    }

    pub(in crate::store) async fn commit(&mut self, transaction: DatabaseTransaction) -> Commit {
        let token = rand::random::<i64>();
        let noted = Entity::update_many()
            .col_expr(Column::Token, Expr::value(token))
            .col_expr(Column::WrittenMs, Expr::value(Time::now().0))
            .filter(Column::Id.eq(self.id.as_str()))
            .exec(&transaction);
        match within(CALL, noted).await {
            Ok(noted) if noted.rows_affected == 1 => {}
            Ok(_) => {
                self.rollback(transaction).await;
                self.noted = false;
                return Commit::Undone(Error::unavailable("the row of this writer was swept"));
            }
            Err(error) => {
                self.rollback(transaction).await;
                return Commit::Undone(error.into());
            }
        }
        match within(CALL, transaction.commit()).await {
            Ok(()) => {
                self.used = Instant::now();
                Commit::Done
            }
            Err(error) => {
                self.connection = None;
                tracing::warn!(%error, "the answer to a commit was lost; looking whether it was made");
                self.find_out(token, error.into()).await
            }
        }
    }

    /// Asks until there is an answer.
    async fn find_out(&mut self, token: i64, error: Error) -> Commit {
        let end = Instant::now() + FIND_OUT;
        while Instant::now() < end {
            match self.last_token().await {
                Ok(last) if last == Some(token) => return Commit::Done,
                Ok(_) => return Commit::Undone(error),
                Err(problem) => tracing::debug!(error = %problem, "could not look for the commit"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Commit::Unknown(error)
    }

    /// The token of the last transaction that was committed, once no transaction is under way any more.
    async fn last_token(&mut self) -> Result<Option<i64>, DbErr> {
        let connection = self.server.connect(Purpose::Write).await?;
        let own = Entity::find_by_id(self.id.clone()).select_only().column(Column::Token).lock_exclusive();
        let token = within(CALL, own.into_tuple().one(&connection)).await?;
        self.connection = Some(connection);
        self.used = Instant::now();
        Ok(token)
    }

    /// Takes everything back. If the server does not confirm that, it does so when the connection ends.
    pub(in crate::store) async fn rollback(&mut self, transaction: DatabaseTransaction) {
        self.used = Instant::now();
        if within(CALL, transaction.rollback()).await.is_err() {
            self.connection = None;
        }
    }

    /// Gives up a connection whose transaction did not come to its end.
    pub(in crate::store) fn abandon(&mut self) {
        self.connection = None;
    }

    /// Removes its row and leaves.
    pub(in crate::store) async fn close(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let _ = within(Duration::from_secs(1), Entity::delete_by_id(self.id.clone()).exec(&connection)).await;
        super::close(connection).await;
    }
}
