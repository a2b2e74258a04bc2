//! Connections that read, kept by us instead of a pool of the driver: a connection whose answer did not come in time
//! has to go, and no pool throws one away for that.

use super::session::Purpose;
use super::{CALL, Server, within};
use crate::store::error::lost_its_connection;
use futures::future::BoxFuture;
use sea_orm::{ConnAcquireErr, DatabaseConnection, DbErr};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// For how long a connection above the kept number may stand idle.
const IDLE: Duration = Duration::from_secs(60);
/// A read that lost its connection is tried so often.
const TRIES: usize = 3;

pub(in crate::store) struct Readers {
    server: Arc<Server>,
    /// One for each connection that may be open.
    places: Semaphore,
    /// Those that nobody uses, and since when; the longest idle one first.
    idle: Mutex<VecDeque<(DatabaseConnection, Instant)>>,
    kept: usize,
    max_wait: Duration,
}

impl Readers {
    pub(in crate::store) fn new(server: Arc<Server>, most: usize, kept: usize, max_wait: Duration) -> Readers {
        let places = Semaphore::new(most.max(1));
        Readers { server, places, idle: Mutex::default(), kept, max_wait }
    }

    pub(in crate::store) fn is_mysql(&self) -> bool {
        self.server.is_mysql()
    }

    /// Runs something that only reads. If the server goes meanwhile, it is run again on another connection.
    pub(in crate::store) async fn run<T>(
        &self,
        read: impl for<'c> Fn(&'c DatabaseConnection) -> BoxFuture<'c, Result<T, DbErr>> + Send + Sync,
    ) -> Result<T, DbErr> {
        let place = match tokio::time::timeout(self.max_wait, self.places.acquire()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_) => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        };
        let mut tries = 1;
        let outcome = loop {
            let connection = match self.take() {
                Some(connection) => connection,
                None => self.server.connect(Purpose::Read).await?,
            };
            let outcome = within(CALL, read(&connection)).await;
            match &outcome {
                // What is idle goes as well: it was opened before, so the server has dropped it too.
                Err(error) if lost_its_connection(error) => {
                    self.idle().clear();
                    if tries < TRIES && !timed_out(error) {
                        tries += 1;
                        continue;
                    }
                }
                _ => self.give_back(connection),
            }
            break outcome;
        };
        drop(place);
        outcome
    }

    /// No further reads.
    pub(in crate::store) async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle());
        for (connection, _) in idle {
            super::close(connection).await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<(DatabaseConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<DatabaseConnection> {
        self.idle().pop_front().map(|(connection, _)| connection)
    }

    /// In turn, because after its use a connection is busy with itself for a moment.
    fn give_back(&self, connection: DatabaseConnection) {
        if self.places.is_closed() {
            return;
        }
        let mut idle = self.idle();
        if idle.len() > self.kept && idle.front().is_some_and(|(_, since)| since.elapsed() > IDLE) {
            idle.pop_front();
        }
        idle.push_back((connection, Instant::now()));
    }
}

/// Whether the whole time was spent already.
fn timed_out(error: &DbErr) -> bool {
    matches!(error, DbErr::Conn(sea_orm::RuntimeErr::Internal(_)))
}
