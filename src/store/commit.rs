//! Group commit: one task owns the one connection that writes. What is handed over while a transaction is being
//! written shares the next one, so that many small facts cost one wait for the disk.
//!
//! A batch is tried as a whole. If a job in it fails, the batch is tried again with each job behind a savepoint,
//! which takes back what that job did and nothing else. If the transaction itself fails, each job gets one of its
//! own. Callers are answered only after the commit.

use super::Error;
use super::sqlite::Writer;
use futures::FutureExt;
use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, TransactionTrait};
use std::any::Any;
use std::panic::AssertUnwindSafe;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How many jobs share one transaction at most.
const BATCH: usize = 256;

/// Something to be written, whose caller waits.
pub(super) trait Job: Send {
    /// Runs in a transaction and keeps what comes out. False: it must be taken back.
    fn run<'a>(&'a mut self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, bool>;
    /// Tells the caller what came out.
    fn answer(self: Box<Self>);
    /// Tells the caller that nothing came out.
    fn give_up(self: Box<Self>, error: Error);
}

/// A job whose caller waits for a `T`.
pub(super) struct Typed<T, F> {
    job: F,
    result: Result<T, Error>,
    caller: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Typed<T, F> {
    pub(super) fn new(job: F) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (caller, answer) = oneshot::channel();
        (Typed { job, result: Err(Error::closed()), caller }, answer)
    }
}

impl<T, F> Job for Typed<T, F>
where
    T: Send + 'static,
    F: for<'c> Fn(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T, Error>> + Send + Sync + 'static,
{
    fn run<'a>(&'a mut self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, bool> {
        let Typed { job, result, .. } = self;
        async move {
            let outcome = AssertUnwindSafe(async { job(transaction).await }).catch_unwind().await;
            *result = outcome.unwrap_or_else(|panic| Err(Error::broken(message(panic.as_ref()))));
            result.is_ok()
        }
        .boxed()
    }

    fn answer(self: Box<Self>) {
        // A caller who no longer waits has lost nothing: the fact is in the database.
        let _ = self.caller.send(self.result);
    }

    fn give_up(self: Box<Self>, error: Error) {
        let _ = self.caller.send(Err(error));
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("a write panicked: {}", text.unwrap_or("without a message"))
}

/// What became of one transaction.
enum Outcome {
    /// Committed; each job has its result.
    Done,
    /// Taken back, because a job failed.
    Refused,
    /// The transaction broke. Nothing of it counts.
    Broken(Error),
    /// There was none.
    NotBegun(Error),
}

/// How the jobs of a transaction stand to each other.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// One failure takes back everything.
    Together,
    /// Each has its savepoint.
    Apart,
}

/// The task that writes.
pub(super) struct Committer {
    pub(super) writer: Writer,
    pub(super) jobs: mpsc::Receiver<Box<dyn Job>>,
    pub(super) closing: CancellationToken,
    pub(super) changed: watch::Sender<u64>,
}

impl Committer {
    /// Writes until told to close, then what was handed over before that.
    pub(super) async fn run(mut self) -> Writer {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled(), if !self.jobs.is_closed() => self.jobs.close(),
                count = self.jobs.recv_many(&mut batch, BATCH) => match count {
                    0 => return self.writer,
                    _ => {
                        self.record(std::mem::take(&mut batch)).await;
                        // Whoever was answered may have more to write: let it join the next transaction.
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    }

    async fn record(&mut self, mut batch: Vec<Box<dyn Job>>) {
        let mut outcome = self.attempt(&mut batch, Mode::Together).await;
        if batch.len() > 1 && matches!(outcome, Outcome::Refused) {
            outcome = self.attempt(&mut batch, Mode::Apart).await;
        }
        match outcome {
            Outcome::Broken(_) if batch.len() > 1 => {
                for job in batch {
                    self.record_alone(job).await;
                }
            }
            outcome => self.answer(batch, outcome),
        }
    }

    async fn record_alone(&mut self, job: Box<dyn Job>) {
        let mut batch = vec![job];
        let outcome = self.attempt(&mut batch, Mode::Together).await;
        self.answer(batch, outcome);
    }

    /// One transaction.
    async fn attempt(&mut self, batch: &mut [Box<dyn Job>], mode: Mode) -> Outcome {
        let transaction = match self.writer.begin().await {
            Ok(transaction) => transaction,
            Err(error) => return Outcome::NotBegun(error),
        };
        for job in batch {
            let kept = match mode {
                Mode::Together => Ok(job.run(&transaction).await),
                Mode::Apart => run_apart(job.as_mut(), &transaction).await.map(|()| true),
            };
            match kept {
                Ok(true) => {}
                Ok(false) => {
                    self.writer.rollback(transaction).await;
                    return Outcome::Refused;
                }
                Err(error) => {
                    self.writer.rollback(transaction).await;
                    return Outcome::Broken(error);
                }
            }
        }
        match self.writer.commit(transaction).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Broken(error),
        }
    }

    fn answer(&self, batch: Vec<Box<dyn Job>>, outcome: Outcome) {
        match outcome {
            Outcome::Done => {
                self.changed.send_modify(|count| *count += 1);
                batch.into_iter().for_each(|job| job.answer());
            }
            Outcome::Refused => batch.into_iter().for_each(|job| job.answer()),
            Outcome::Broken(error) | Outcome::NotBegun(error) => {
                batch.into_iter().for_each(|job| job.give_up(error.clone()));
            }
        }
    }
}

/// Runs a job behind a savepoint and goes back to that if the job fails.
async fn run_apart(job: &mut dyn Job, transaction: &DatabaseTransaction) -> Result<(), Error> {
    let savepoint = transaction.begin().await?;
    match job.run(&savepoint).await {
        true => savepoint.commit().await?,
        false => savepoint.rollback().await?,
    }
    Ok(())
}
