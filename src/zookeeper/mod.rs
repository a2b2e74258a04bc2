//! The ZooKeeper client: the few operations that the registry and the task queue need, and a session that is always
//! being looked after.
//!
//! Two crates speak the protocol, each behind [`Operations`]; neither is trusted. The one loses its watches with every
//! lost connection and can stop answering for ever, the other is terminated by an expired session. So a
//! [`Client`] is a supervisor: it holds one *generation* at a time (one session of one crate, on a runtime of its own
//! that can be thrown away), notices when it is over or silent, and builds the next one. Every call has a deadline, and
//! watches are loops that look again after whatever may have hidden a change from them.
//!
//! What a caller has to know:
//!
//! - An answer to a read proves nothing about the session: a server that is cut off from the others goes on answering.
//!   Only an acknowledged write does.
//! - [`Error::Unknown`] and [`Error::Over`] after a write mean that it may have happened, or may happen yet. Writes are
//!   repeated only if repeating them is harmless.
//! - Ephemeral nodes belong to a [`Session`]: whoever makes one waits for the session's end, and makes it anew.

mod by_async;
mod by_client;
mod client;
mod generation;
mod hosts;
mod operations;
mod state;
mod supervisor;
#[cfg(test)]
pub(crate) mod tests;
mod tripwire;
mod watched;

pub use client::Client;
pub use generation::{Session, Standing};
pub use operations::{Error, Mode, Stat};
pub use state::{ServerState, states};
pub use watched::Children;

use crate::config;
use std::time::Duration;

/// Which crate speaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crate {
    /// `zookeeper-async`.
    Async,
    /// `zookeeper-client`.
    Client,
}

/// How to reach the servers, and how patient to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port` of the servers, separated by commas, with or without the path of a root at the end.
    pub quorum: String,
    pub by: Crate,
    /// How long a session outlives its last sign of life; the server has the last word.
    pub session: Duration,
    /// How long one attempt to get a session may take.
    pub connection: Duration,
    /// The wait before the first new try; it doubles.
    pub retry_sleep: Duration,
    /// How often a read is tried again.
    pub retries: u32,
}

/// `zookeeper-async` counts in whole seconds: shorter sessions make it connect hundreds of times a second.
const SHORTEST_SESSION: Duration = Duration::from_secs(2);

/// A server limits what a client wants, often to less than half a minute, and one crate does not tell the result. So
/// nothing here waits longer than a session of this length would allow.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl From<&config::Zookeeper> for Settings {
    fn from(config: &config::Zookeeper) -> Self {
        Settings {
            quorum: config.quorum.clone(),
            by: match config.client {
                config::ZookeeperClient::Async => Crate::Async,
                config::ZookeeperClient::Client => Crate::Client,
            },
            session: config.session_timeout,
            connection: config.connection_timeout,
            retry_sleep: config.retry_sleep,
            retries: config.retry_maxtime,
        }
    }
}

impl Settings {
    fn session(&self) -> Duration {
        self.session.max(SHORTEST_SESSION)
    }

    /// The length of session that liveness is judged by.
    fn pulse(&self) -> Duration {
        self.session().min(LONGEST_WAIT)
    }

    /// How long a call may take, waiting for a connection included.
    pub fn deadline(&self) -> Duration {
        self.pulse() / 2
    }

    fn connection(&self) -> Duration {
        self.connection.clamp(Duration::from_millis(100), LONGEST_WAIT)
    }

    /// The wait before the n-th new try.
    fn backoff(&self, failures: u32) -> Duration {
        const LONGEST: Duration = Duration::from_secs(3);
        let doubled = self.retry_sleep.saturating_mul(1 << failures.saturating_sub(1).min(10));
        doubled.min(LONGEST).max(Duration::from_millis(20))
    }
}
