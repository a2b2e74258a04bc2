//! What is asked of a crate that speaks ZooKeeper's protocol.

use super::tripwire::Tripwire;
use async_trait::async_trait;

/// How a node is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Persistent,
    /// Gone with the session.
    Ephemeral,
    /// Gone with the session, ten digits appended to its name.
    EphemeralSequential,
}

/// What identifies one writing of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The transaction that made the node: another one after it was deleted and made anew.
    pub created: i64,
    /// Counts the writings since then.
    pub version: i32,
    /// The session that an ephemeral node belongs to, else 0.
    pub owner: i64,
    /// When it was last written, by the clock of the server: epoch milliseconds.
    pub written_ms: i64,
}

/// Shaped by what the caller can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The node, or the one above it, does not exist.
    #[error("there is no such node")]
    Missing,
    #[error("the node exists already")]
    Exists,
    /// Somebody else has written it meanwhile.
    #[error("the node was written meanwhile")]
    Version,
    /// No answer: a write may have happened, or may happen yet.
    #[error("no answer from ZooKeeper: {0}")]
    Unknown(String),
    /// The session has ended, and its ephemeral nodes with it; as to a write, see [`Error::Unknown`].
    #[error("the ZooKeeper session has ended")]
    Over,
    /// The server has said no, and will again.
    #[error("ZooKeeper refuses: {0}")]
    Refused(String),
}

impl Error {
    /// Whether the same call may succeed in a moment.
    pub fn passes(&self) -> bool {
        matches!(self, Error::Unknown(_) | Error::Over)
    }
}

/// One session with the servers. Calls may hang for ever and may be dropped at any point.
#[async_trait]
pub(super) trait Operations: Send + Sync {
    /// Makes a node; answers with its path, which is longer if it is sequential.
    async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<(String, Stat), Error>;

    async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), Error>;

    /// Writes a node, if it still has that version (`None`: in any case).
    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<Stat, Error>;

    /// Deletes a node, if it still has that version (`None`: in any case).
    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), Error>;

    /// The names below a node; trips the wire at the next change of them, unless the connection is lost before.
    async fn children(&self, path: &str, wire: Option<&Tripwire>) -> Result<Vec<String>, Error>;

    /// Trips the wire when the node is made, written or deleted, unless the connection is lost before.
    async fn exists(&self, path: &str, wire: Option<&Tripwire>) -> Result<Option<Stat>, Error>;

    /// Ends the session, so that its nodes vanish at once.
    async fn close(&self);
}
