//! The worker: takes the most urgent attempts while it has free slots, prepares them, and lets its shim
//! start them.
//!
//! It decides nothing about instances and knows no database. What it must remember across a crash, the
//! shim and its folder remember: after a restart the worker finds there what runs and what has ended.

pub mod account;
mod desk;
pub mod environment;
mod executor;
mod memory;
pub mod shim;
pub mod workplace;

pub use executor::Interpreters;

use crate::calls::WorkerSide;
use crate::queue::Queue;
use desk::Desk;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use workplace::Workplace;

/// How long the execution folders of an ended instance lie aside before they are removed.
const TRASH_AGE: Duration = Duration::from_secs(600);

/// How long an idle shim is waited for when the worker leaves.
const LEAVING: Duration = Duration::from_secs(2);

/// What the worker is handed.
pub struct Worker {
    pub queue: Arc<dyn Queue>,
    pub calls: WorkerSide,
    pub workplace: Workplace,
    pub settings: Settings,
}

pub struct Settings {
    /// How many attempts run at once (`worker.exec.threads`).
    pub slots: usize,
    /// How long an attempt that is to stop may take to leave (`worker.kill.grace`).
    pub grace: Duration,
    /// Bytes of a task's log that are kept (`worker.log.max.size`).
    pub log_max: u64,
    /// Whether attempts get a cgroup each where that is possible (`worker.task.cgroup`).
    pub cgroup: bool,
    /// The shim's folder.
    pub shim: PathBuf,
    /// The file in which the worker remembers with which shim it has settled.
    pub memory: PathBuf,
    /// The executable that the shim is started from.
    pub program: PathBuf,
}

/// Why the worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Shim(#[from] shim::Error),
    #[error("{0}")]
    Displaced(String),
}

/// How many attempts go on when the worker has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub running: usize,
}

impl Worker {
    /// Works until told to stop; then takes nothing new and leaves. Tasks go on: they are the shim's.
    ///
    /// # Errors
    /// The shim cannot be started or reached.
    pub async fn run(self, stop: CancellationToken) -> Result<Left, Error> {
        let options = shim::Options {
            dir: self.settings.shim.clone(),
            program: self.settings.program.clone(),
            cgroup: self.settings.cgroup,
        };
        let (shim, inventory, mut events) = shim::Shim::attach(options).await?;
        let mut orders = self.calls.orders;
        let workplace = Arc::new(self.workplace);
        let mut desk =
            Desk::new(shim.clone(), inventory, self.calls.reports, workplace, self.settings, self.queue.clone());
        let mut cleaning = tokio::time::interval(TRASH_AGE / 10);
        loop {
            let free = desk.free();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(event) = events.recv() => desk.happened(event).map_err(Error::Displaced)?,
                Some(order) = orders.recv() => desk.ordered(order).await,
                Some(prepared) = desk.preparing.join_next(), if !desk.preparing.is_empty() => desk.prepared(prepared),
                jobs = self.queue.take(free), if free > 0 => desk.take(jobs),
                _ = cleaning.tick() => desk.clean(TRASH_AGE),
            }
        }
        let left = Left { running: desk.running() };
        if left.running == 0 {
            desk.leave();
            shim.leave();
            // It hangs up when it is gone. If it stays, it has a reason, and ends by itself later.
            let gone = async { while events.recv().await.is_some() {} };
            let _ = tokio::time::timeout(LEAVING, gone).await;
        }
        Ok(left)
    }
}
