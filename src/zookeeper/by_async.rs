//! The crate `zookeeper-async`.
//!
//! It opens a new session by itself when the old one has expired, and tells only by a state that calls itself "not
//! connected". A call that passed from the one session into the other would make ephemeral nodes that nobody keeps;
//! so the session counts as over from that moment, and is closed.

use super::generation::Signals;
use super::operations::{Error, Mode, Operations, Stat};
use super::tripwire::Tripwire;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use zookeeper_async::{Acl, CreateMode, WatchedEvent, ZkError, ZkState, ZooKeeper};

/// Between two attempts to connect. Without it, the crate tries as fast as it can.
const PAUSE: Duration = Duration::from_millis(300);

pub(super) struct ByAsync(ZooKeeper);

impl ByAsync {
    /// Connects, and waits for the first answer. It may hang for ever.
    pub(super) async fn connect(servers: &str, session: Duration, signals: Arc<Signals>) -> Result<Self, Error> {
        let ignored = |_: WatchedEvent| ();
        let zk = ZooKeeper::connect_with_retry_time(servers, session, ignored, PAUSE).await.map_err(error)?;
        let told = signals.clone();
        zk.add_listener(move |state| tell(&told, state));
        let session = ByAsync(zk);
        session.exists("/", None).await?;
        // The listener may have come too late for the first connection.
        signals.connected_once();
        Ok(session)
    }
}

#[allow(deprecated)] // the crate calls this state unused, and uses it for expired sessions
fn tell(signals: &Signals, state: ZkState) {
    match state {
        ZkState::Connected => signals.connected(),
        ZkState::NotConnected | ZkState::Closed | ZkState::AuthFailed => signals.over(),
        ZkState::Connecting | ZkState::ConnectedReadOnly | ZkState::Associating => signals.disconnected(),
    }
}

fn error(error: ZkError) -> Error {
    match error {
        ZkError::NoNode => Error::Missing,
        ZkError::NodeExists => Error::Exists,
        ZkError::BadVersion => Error::Version,
        ZkError::SessionExpired => Error::Over,
        ZkError::ConnectionLoss | ZkError::OperationTimeout | ZkError::SessionMoved => {
            Error::Unknown("the connection was lost".into())
        }
        other => Error::Refused(format!("{other:?}")),
    }
}

fn stat(stat: &zookeeper_async::Stat) -> Stat {
    Stat { created: stat.czxid, version: stat.version, owner: stat.ephemeral_owner, written_ms: stat.mtime }
}

fn mode(mode: Mode) -> CreateMode {
    match mode {
        Mode::Persistent => CreateMode::Persistent,
        Mode::Ephemeral => CreateMode::Ephemeral,
        Mode::EphemeralSequential => CreateMode::EphemeralSequential,
    }
}

#[async_trait]
impl Operations for ByAsync {
    async fn create(&self, path: &str, data: &[u8], how: Mode) -> Result<(String, Stat), Error> {
        let acl = Acl::open_unsafe().clone();
        let (path, made) = self.0.create2(path, data.to_vec(), acl, mode(how)).await.map_err(error)?;
        Ok((path, stat(&made)))
    }

    async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), Error> {
        let (data, found) = self.0.get_data(path, false).await.map_err(error)?;
        Ok((data, stat(&found)))
    }

    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<Stat, Error> {
        let written = self.0.set_data(path, data.to_vec(), version).await.map_err(error)?;
        Ok(stat(&written))
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), Error> {
        self.0.delete(path, version).await.map_err(error)
    }

    async fn children(&self, path: &str, wire: Option<&Tripwire>) -> Result<Vec<String>, Error> {
        let names = match wire.map(Tripwire::trip) {
            None => self.0.get_children(path, false).await,
            Some(trip) => self.0.get_children_w(path, move |_: WatchedEvent| trip()).await,
        };
        names.map_err(error)
    }

    async fn exists(&self, path: &str, wire: Option<&Tripwire>) -> Result<Option<Stat>, Error> {
        let found = match wire.map(Tripwire::trip) {
            None => self.0.exists(path, false).await,
            Some(trip) => self.0.exists_w(path, move |_: WatchedEvent| trip()).await,
        };
        Ok(found.map_err(error)?.as_ref().map(stat))
    }

    async fn close(&self) {
        // Whether it was closed shows on the server only; the session ends there in any case.
        let _ = self.0.close().await;
    }
}
