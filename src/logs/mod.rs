//! What tasks have printed, wherever they ran.
//!
//! The room only reads: tasks write their logs themselves, and the shim cuts those that grow too large.

mod local;
mod remote;

pub use local::{ANSWER_MAX, LINE_MAX, Local};
pub use remote::Remote;

use async_trait::async_trait;
use bytes::Bytes;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no log at {0}")]
    Missing(String),
    /// The path leads out of the folder of the logs.
    #[error("{0} is not the log of a task")]
    Outside(String),
    #[error("the log {path} cannot be read: {why}")]
    Unreadable { path: String, why: std::io::Error },
    /// Nobody on the task's host serves its logs now.
    #[error("the log of host {host} cannot be read: no logger there answers{}", because(.why))]
    Silent {
        host: String,
        /// What the last one that was asked said; empty if there was none to ask.
        why: String,
    },
}

fn because(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(" ({why})") }
}

/// Reads task logs. `host` and `path` are those of the task's row.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Up to `limit` lines after the first `skip`, each ended by `\r\n`; a last line without end counts as
    /// one. What is no UTF-8 shows as replacement signs. Empty when there is nothing at that place yet.
    /// Fewer than `limit` does not mean the end: an answer has a largest size.
    ///
    /// # Errors
    /// See [`Error`].
    async fn lines(&self, host: &str, path: &str, skip: u64, limit: u64) -> Result<String, Error>;

    /// Up to `max` bytes from the byte `from` on, as they were written; empty at the end. What was cut out of
    /// a log is not counted, so the next bytes begin at `from` plus the length of the answer.
    ///
    /// # Errors
    /// See [`Error`].
    async fn bytes(&self, host: &str, path: &str, from: u64, max: usize) -> Result<Bytes, Error>;
}
