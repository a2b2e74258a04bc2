//! What has to be removed now and then. Several processes may do it at once.

use crate::model::Time;
use crate::store::Store;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often to look.
const PAUSE: Duration = Duration::from_secs(3600);

/// Removes audit rows that are too old, until told to stop; zero keeps them for ever.
pub async fn run(store: &Store, retention: Duration, stop: &CancellationToken) {
    while !retention.is_zero() && !stop.is_cancelled() {
        let work = store.forget_changes(Time::now() - retention);
        tokio::select! {
            () = stop.cancelled() => return,
            forgotten = work => match forgotten {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "audit rows older than audit.retention were removed"),
                Err(error) => tracing::warn!("old audit rows could not be removed: {error}"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
