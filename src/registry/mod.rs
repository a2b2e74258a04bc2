//! Who is alive, and who may hold attempts. Nothing here is the truth about work: the store is.
//!
//! Members sign in with their address; a worker's lease is a node of its own that outlives sessions, moved by
//! compare-and-set. Reads prove nothing about the reader's session (a server that is cut off goes on answering), so
//! only acknowledged writes count for anything.

mod machine;
mod memory;
#[cfg(test)]
mod tests;
mod zookeeper;

pub use memory::Memory;
pub use zookeeper::{Beats, ZooKeeper};

use crate::model::Time;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use tokio::sync::watch;

/// The parts that a process can play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Master,
    Worker,
    Api,
    Logger,
    Alert,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Master, Role::Worker, Role::Api, Role::Logger, Role::Alert];

    pub fn name(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Worker => "worker",
            Role::Api => "api",
            Role::Logger => "logger",
            Role::Alert => "alert",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One living member. Signing out is what dropping its [`Membership`] does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub role: Role,
    /// The start of a process: never the same twice.
    pub start: String,
    pub host: String,
    pub pid: u32,
    /// Where its service listens; `None` within one process.
    #[serde(default)]
    pub address: Option<SocketAddr>,
    /// False: it says itself that it cannot do its part, because no database answers it.
    #[serde(default = "sound")]
    pub sound: bool,
}

fn sound() -> bool {
    true
}

/// The right of a worker's incarnation to hold attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// One life of the worker's shim.
    pub incarnation: u64,
    /// Moved by every renewal.
    pub beat: u64,
    /// How long one beat lasts, in milliseconds, counted from before it was sent. 0: for ever.
    pub length_ms: u64,
    /// A master has declared this incarnation dead.
    pub fenced: bool,
}

/// Which writing of a lease was seen: never the same twice, also if the lease vanished in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub i128);

/// A lease as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub worker: String,
    pub lease: Lease,
    pub version: Version,
    /// By the clock of the registry: for people only.
    pub written_at: Time,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whether the call had an effect is not known.
    #[error("the registry does not answer: {0}")]
    Unavailable(String),
    /// Something in it is not ours, or not as we write it.
    #[error("the registry holds something unexpected: {0}")]
    Foreign(String),
}

#[async_trait]
pub trait Registry: Send + Sync {
    /// Signs in, until the returned value is dropped. Does not wait for the registry: it is signed in as soon as the
    /// registry answers, and again whenever it has lost the session.
    async fn join(&self, member: Member) -> Membership;

    /// All living members of a role, read now.
    ///
    /// # Errors
    /// The registry does not answer in time.
    async fn members(&self, role: Role) -> Result<Vec<Member>, Error>;

    /// Counts changes of the memberships of any role: for those who wait for one. Two may show as one.
    fn changes(&self) -> watch::Receiver<u64>;

    /// The lease of a worker (its name), read now.
    ///
    /// # Errors
    /// The registry does not answer in time, or what stands there is foreign.
    async fn lease(&self, worker: &str) -> Result<Option<Posted>, Error>;

    /// All leases, read now. What is foreign is left out: one strange node must not hide the others.
    ///
    /// # Errors
    /// The registry does not answer in time.
    async fn leases(&self) -> Result<Vec<Posted>, Error>;

    /// Writes the lease of a worker if it still stands as seen (`None`: if there is none yet). `None` if not.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: it may have been written all the same.
    async fn post(&self, worker: &str, lease: &Lease, over: Option<Version>) -> Result<Option<Version>, Error>;

    /// Waits, for a moment at most, until everybody whose membership was dropped is signed out, and leaves. Called
    /// last: the others see us go at once, and need not wait for a session to expire.
    async fn close(&self) {}
}

/// A running master or worker, as pages show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// In the order of signing in; never the same for two of a role.
    pub number: u32,
    pub host: String,
    pub pid: u32,
    /// The path of its node; empty within one process.
    pub node: String,
    /// The share of the machine's processors that is in use, of 1.
    pub cpu: f64,
    /// The share of its memory.
    pub memory: f64,
    /// The load average, where it is told.
    pub load: Option<f64>,
    pub started: Time,
    /// Its last sign of life.
    pub beat: Time,
}

/// Shows who is there to people, and to nobody else: no decision is made by it.
#[async_trait]
pub trait Muster: Send + Sync {
    /// The living masters or workers; of the other roles nobody is shown.
    ///
    /// # Errors
    /// The registry does not answer in time.
    async fn servers(&self, role: Role) -> Result<Vec<Server>, Error>;
}

/// A place in the registry.
#[async_trait]
pub trait Seat: Send + Sync {
    /// Writes that the member lives. An answer without error is an acknowledged write of this very session.
    ///
    /// # Errors
    /// The registry does not answer in time, or the member is not signed in at the moment.
    async fn beat(&self, sound: bool) -> Result<(), Error>;
}

/// Being signed in. Dropping it signs out.
pub struct Membership {
    seat: Box<dyn Seat>,
}

impl Membership {
    /// For who keeps a registry.
    pub fn new(seat: impl Seat + 'static) -> Self {
        Membership { seat: Box::new(seat) }
    }

    /// See [`Seat::beat`].
    ///
    /// # Errors
    /// The registry does not answer in time, or the member is not signed in at the moment.
    pub async fn beat(&self, sound: bool) -> Result<(), Error> {
        self.seat.beat(sound).await
    }
}
