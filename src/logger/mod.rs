//! The logger: serves the task logs of its host.
//!
//! Within one process everybody holds the port [`logs`](crate::logs) itself, so there is nothing to serve and
//! the role only stands for it. In a cluster the process that plays it answers the same questions over the network, on
//! the port that it has for all its roles ([`calls::grpc`](crate::calls::grpc)): whoever is a member is found by the
//! host of a task, and asked for its logs.

use crate::logs::Logs;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The role.
pub struct Logger {
    _logs: Arc<dyn Logs>,
}

impl Logger {
    /// Hands it the logs of this host.
    pub fn new(logs: Arc<dyn Logs>) -> Logger {
        Logger { _logs: logs }
    }

    /// Waits until told to stop. There is no housekeeping: old logs are not removed.
    pub async fn run(self, stop: CancellationToken) {
        stop.cancelled().await;
    }
}
