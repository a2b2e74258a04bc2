//! Group commit: a few tasks own the connections that write, for a file one. What is handed over while a transaction
//! is being written shares the next one, so that many small facts cost one wait for the disk.
//!
//! A batch is tried as a whole. If a job in it fails, the batch is tried again with each job behind a savepoint,
//! which takes back what that job did and nothing else. If the transaction itself fails, each job gets one of its
//! own. If another transaction was in the way, or the connection was lost before the commit, the batch is tried
//! again. Callers are answered only after the commit.

use super::Error;
use super::writer::{Commit, Writer};
use futures::FutureExt;
use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, TransactionTrait};
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How many jobs share one transaction at most.
const BATCH: usize = 256;
/// How often a batch is tried while others are in its way.
const TRIES: u64 = 8;
/// How long a job may wait for a server that does not answer. It is not carried out after that: its caller was told.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something to be written, whose caller waits.
pub(super) trait Job: Send {
    /// Runs in a transaction and keeps what comes out. False: it must be taken back.
    fn run<'a>(&'a mut self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, bool>;
    /// Why it must be taken back.
    fn error(&self) -> Option<&Error>;
    /// When it was handed over.
    fn since(&self) -> Instant;
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
    since: Instant,
}

impl<T, F> Typed<T, F> {
    pub(super) fn new(job: F) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (caller, answer) = oneshot::channel();
        (Typed { job, result: Err(Error::closed()), caller, since: Instant::now() }, answer)
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

    fn error(&self) -> Option<&Error> {
        self.result.as_ref().err()
    }

    fn since(&self) -> Instant {
        self.since
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
    /// Taken back, for a reason that passes.
    Undone(Error),
    /// The transaction broke. Nothing of it counts.
    Broken(Error),
    /// There was none.
    NotBegun(Error),
    /// Whether it counts could not be found out.
    Unknown(Error),
}

/// How the jobs of a transaction stand to each other.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// One failure takes back everything.
    Together,
    /// Each has its savepoint.
    Apart,
}

/// What is handed over, for all who write.
pub(super) type Jobs = Arc<Mutex<mpsc::Receiver<Box<dyn Job>>>>;

/// A task that writes.
pub(super) struct Committer {
    pub(super) writer: Writer,
    pub(super) jobs: Jobs,
    pub(super) closing: CancellationToken,
    pub(super) changed: Arc<watch::Sender<u64>>,
}

impl Committer {
    /// Writes until told to close, then what was handed over before that.
    pub(super) async fn run(mut self) -> Writer {
        loop {
            let batch = self.take().await;
            if batch.is_empty() {
                return self.writer;
            }
            self.record(batch).await;
            // Whoever was answered may have more to write: let it join the next transaction.
            tokio::task::yield_now().await;
        }
    }

    /// The next batch; an empty one when nothing will come any more.
    async fn take(&self) -> Vec<Box<dyn Job>> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut jobs = self.jobs.lock().await;
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled(), if !jobs.is_closed() => jobs.close(),
                _ = jobs.recv_many(&mut batch, BATCH) => return batch,
            }
        }
    }

    async fn record(&mut self, batch: Vec<Box<dyn Job>>) {
        let Some(mut batch) = self.in_time(batch) else { return };
        match self.persist(&mut batch).await {
            Outcome::Broken(_) if batch.len() > 1 => self.record_each(batch).await,
            outcome => self.answer(batch, outcome),
        }
    }

    async fn record_each(&mut self, batch: Vec<Box<dyn Job>>) {
        let mut down = None;
        for job in batch {
            let Some(mut alone) = self.in_time(vec![job]) else { continue };
            let outcome = match &down {
                // Not one after the other, each with its time to wait.
                Some(error) => Outcome::NotBegun(Error::clone(error)),
                None => self.persist(&mut alone).await,
            };
            if let Outcome::NotBegun(error) = &outcome {
                down = Some(error.clone());
            }
            self.answer(alone, outcome);
        }
    }

    /// The jobs whose callers can still be told the truth.
    fn in_time(&self, batch: Vec<Box<dyn Job>>) -> Option<Vec<Box<dyn Job>>> {
        if self.writer.limit().is_none() {
            return Some(batch);
        }
        let (late, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| job.since().elapsed() > PATIENCE);
        let error = || Error::unavailable("the database server did not come to it in time");
        late.into_iter().for_each(|job| job.give_up(error()));
        (!batch.is_empty()).then_some(batch)
    }

    /// Tries again while that may help.
    async fn persist(&mut self, batch: &mut [Box<dyn Job>]) -> Outcome {
        let mut tries = 1;
        loop {
            let mut outcome = self.attempt(batch, Mode::Together).await;
            if batch.len() > 1 && matches!(outcome, Outcome::Refused) {
                outcome = self.attempt(batch, Mode::Apart).await;
            }
            match outcome {
                Outcome::Undone(error) if tries == TRIES => return Outcome::Broken(error),
                Outcome::Undone(error) => {
                    tracing::debug!(%error, tries, "a transaction is tried again");
                    // Not in step with whoever was in the way.
                    tokio::time::sleep(Duration::from_millis(rand::random_range(1..10 * tries + 2))).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// One transaction.
    async fn attempt(&mut self, batch: &mut [Box<dyn Job>], mode: Mode) -> Outcome {
        let transaction = match self.writer.begin().await {
            Ok(transaction) => transaction,
            Err(error) => return Outcome::NotBegun(error),
        };
        for job in batch {
            let run = run(job.as_mut(), &transaction, mode);
            let ran = match self.writer.limit() {
                Some(limit) => tokio::time::timeout(limit, run).await,
                None => Ok(run.await),
            };
            match ran {
                Ok(Ran::Kept) => {}
                Ok(Ran::TakenBack(outcome)) => {
                    self.writer.rollback(transaction).await;
                    return outcome;
                }
                Err(_) => {
                    self.writer.abandon(transaction);
                    return Outcome::Broken(Error::unavailable("the database server did not answer in time"));
                }
            }
        }
        match self.writer.commit(transaction).await {
            Commit::Done => Outcome::Done,
            Commit::Undone(error) if self.writer.limit().is_some() => Outcome::Undone(error),
            Commit::Undone(error) => Outcome::Broken(error),
            Commit::Unknown(error) => Outcome::Unknown(error),
        }
    }

    fn answer(&self, batch: Vec<Box<dyn Job>>, outcome: Outcome) {
        match outcome {
            Outcome::Done => {
                self.changed.send_modify(|count| *count += 1);
                batch.into_iter().for_each(|job| job.answer());
            }
            Outcome::Refused => batch.into_iter().for_each(|job| job.answer()),
            Outcome::Undone(error) | Outcome::Broken(error) | Outcome::NotBegun(error) | Outcome::Unknown(error) => {
                batch.into_iter().for_each(|job| job.give_up(error.clone()))
            }
        }
    }
}

/// What became of one job.
enum Ran {
    /// It counts, if the transaction does; or it was taken back by itself and has its error.
    Kept,
    /// The transaction must be taken back.
    TakenBack(Outcome),
}

/// Runs a job; apart from others, behind a savepoint, and goes back to that if the job fails.
async fn run(job: &mut dyn Job, transaction: &DatabaseTransaction, mode: Mode) -> Ran {
    let ran = match mode {
        Mode::Together => Ok(job.run(transaction).await),
        Mode::Apart => run_apart(job, transaction).await,
    };
    match ran {
        Ok(true) => Ran::Kept,
        Ok(false) => match job.error() {
            Some(error) if error.passes() => Ran::TakenBack(Outcome::Undone(error.clone())),
            _ if mode == Mode::Apart => Ran::Kept,
            _ => Ran::TakenBack(Outcome::Refused),
        },
        Err(error) if error.passes() => Ran::TakenBack(Outcome::Undone(error)),
        Err(error) => Ran::TakenBack(Outcome::Broken(error)),
    }
}

async fn run_apart(job: &mut dyn Job, transaction: &DatabaseTransaction) -> Result<bool, Error> {
    let savepoint = transaction.begin().await?;
    match job.run(&savepoint).await {
        true => savepoint.commit().await?,
        // Nothing is left to go back to: everything is taken back.
        false if job.error().is_some_and(Error::passes) => drop(savepoint),
        false => savepoint.rollback().await?,
    }
    Ok(job.error().is_none())
}
