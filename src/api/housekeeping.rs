//! What has to be removed now and then: hourly, by tokio-cron-scheduler. Several processes may do it at once, and an hour
//! that is missed is made up for by the next.

use crate::model::Time;
use crate::store::{Error, Store};
use std::future::Future;
use std::time::Duration;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;

/// At a minute that is nobody else's.
const HOURLY: &str = "0 23 * * * *";
/// How many rows are removed at a time, so that nobody waits long for it.
const SLICE: u64 = 1000;

/// How long things are kept; zero means for ever.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    /// Who has changed what (`audit.retention`).
    pub changes: Duration,
    /// What became of the instants of schedules (`schedule.firing.retention`).
    pub firings: Duration,
    /// Log-ins without a request (`server.session-timeout`).
    pub sessions: Duration,
}

/// Removes what is too old, at once and then each hour, until told to stop.
pub async fn run(store: &Store, retention: Retention, stop: &CancellationToken) {
    let tidy = async {
        let scheduler = match hourly(store, retention).await {
            Ok(scheduler) => Some(scheduler),
            Err(error) => {
                tracing::warn!("old rows are removed at a start only: {error}");
                None
            }
        };
        clear(store, retention).await;
        stop.cancelled().await;
        if let Some(mut scheduler) = scheduler {
            scheduler.shutdown().await.unwrap_or_else(|error| tracing::debug!(%error, "the hourly jobs do not end"));
        }
    };
    tokio::select! {
        () = tidy => {}
        () = stop.cancelled() => {}
    }
}

async fn hourly(store: &Store, retention: Retention) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let store = store.clone();
    let job = Job::new_async(HOURLY, move |_, _| {
        let store = store.clone();
        Box::pin(async move { clear(&store, retention).await })
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

async fn clear(store: &Store, retention: Retention) {
    let Retention { changes, firings, sessions } = retention;
    forget("audit rows", changes, |before| store.forget_changes(before)).await;
    forget("instants of schedules", firings, |before| forget_firings(store, before)).await;
    forget("log-ins", sessions, |before| store.forget_sessions(before)).await;
}

async fn forget_firings(store: &Store, before: Time) -> Result<u64, Error> {
    let mut forgotten = 0;
    loop {
        match store.forget_firings(before, SLICE).await? {
            0 => return Ok(forgotten),
            rows => forgotten += rows,
        }
    }
}

async fn forget<F: Future<Output = Result<u64, Error>>>(what: &str, kept: Duration, removal: impl FnOnce(Time) -> F) {
    if kept.is_zero() {
        return;
    }
    match removal(Time::now() - kept).await {
        Ok(0) => {}
        Ok(rows) => tracing::info!(rows, "{what} older than {kept:?} were removed"),
        Err(error) => tracing::warn!("old {what} could not be removed: {error}"),
    }
}
