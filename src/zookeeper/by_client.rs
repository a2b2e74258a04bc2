//! The crate `zookeeper-client`.

use super::generation::Signals;
use super::operations::{Error, Mode, Operations, Stat};
use super::tripwire::Tripwire;
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions, Error as Failure, OneshotWatcher, SessionState};

pub(super) struct ByClient {
    /// `None`: closed. The crate closes the session when its last handle is dropped.
    client: Mutex<Option<Client>>,
    /// Where its tasks run.
    runtime: Handle,
}

impl ByClient {
    /// Connects. To be called on the runtime that its tasks shall run on.
    pub(super) async fn connect(servers: &str, session: Duration, signals: Arc<Signals>) -> Result<Self, Error> {
        let connector = Client::connector().with_session_timeout(session);
        let client = connector.connect(servers).await.map_err(error)?;
        signals.connected_once();
        let runtime = Handle::current();
        let mut states = client.state_watcher();
        runtime.spawn(async move {
            let mut state = states.peek_state();
            loop {
                match state {
                    SessionState::SyncConnected => signals.connected(),
                    SessionState::Disconnected | SessionState::ConnectedReadOnly => signals.disconnected(),
                    SessionState::Expired | SessionState::AuthFailed | SessionState::Closed => return signals.over(),
                }
                state = states.changed().await;
            }
        });
        Ok(ByClient { client: Mutex::new(Some(client)), runtime })
    }

    fn client(&self) -> Result<Client, Error> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Over)
    }

    /// Trips the wire when the watcher tells something, unless nobody waits for it any more.
    fn follow(&self, watcher: OneshotWatcher, wire: &Tripwire) {
        let (trip, cut) = (wire.trip(), wire.cut());
        self.runtime.spawn(async move {
            if cut.run_until_cancelled(watcher.changed()).await.is_some() {
                trip();
            }
        });
    }
}

fn error(error: Failure) -> Error {
    match error {
        Failure::NoNode => Error::Missing,
        Failure::NodeExists => Error::Exists,
        Failure::BadVersion => Error::Version,
        Failure::SessionExpired | Failure::ClientClosed => Error::Over,
        Failure::ConnectionLoss
        | Failure::Timeout
        | Failure::NoHosts
        | Failure::SessionMoved
        | Failure::Throttled
        | Failure::RuntimeInconsistent
        | Failure::UnexpectedError(_)
        | Failure::Custom(_) => Error::Unknown(error.to_string()),
        other => Error::Refused(other.to_string()),
    }
}

fn stat(stat: zookeeper_client::Stat) -> Stat {
    Stat { created: stat.czxid, version: stat.version, owner: stat.ephemeral_owner, written_ms: stat.mtime }
}

fn options(mode: Mode) -> CreateOptions<'static> {
    let mode = match mode {
        Mode::Persistent => CreateMode::Persistent,
        Mode::Ephemeral => CreateMode::Ephemeral,
        Mode::EphemeralSequential => CreateMode::EphemeralSequential,
    };
    mode.with_acls(Acls::anyone_all())
}

#[async_trait]
impl Operations for ByClient {
    async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<(String, Stat), Error> {
        let (made, sequence) = self.client()?.create(path, data, &options(mode)).await.map_err(error)?;
        let path = if mode == Mode::EphemeralSequential { format!("{path}{sequence}") } else { path.to_owned() };
        Ok((path, stat(made)))
    }

    async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), Error> {
        let (data, found) = self.client()?.get_data(path).await.map_err(error)?;
        Ok((data, stat(found)))
    }

    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<Stat, Error> {
        self.client()?.set_data(path, data, version).await.map(stat).map_err(error)
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), Error> {
        self.client()?.delete(path, version).await.map_err(error)
    }

    async fn children(&self, path: &str, wire: Option<&Tripwire>) -> Result<Vec<String>, Error> {
        let client = self.client()?;
        let Some(wire) = wire else { return client.list_children(path).await.map_err(error) };
        let (names, watcher) = client.list_and_watch_children(path).await.map_err(error)?;
        self.follow(watcher, wire);
        Ok(names)
    }

    async fn exists(&self, path: &str, wire: Option<&Tripwire>) -> Result<Option<Stat>, Error> {
        let client = self.client()?;
        let Some(wire) = wire else { return Ok(client.check_stat(path).await.map_err(error)?.map(stat)) };
        let (found, watcher) = client.check_and_watch_stat(path).await.map_err(error)?;
        self.follow(watcher, wire);
        Ok(found.map(stat))
    }

    async fn close(&self) {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(client) = client else { return };
        let mut states = client.state_watcher();
        drop(client);
        // Calls under way hold handles of their own; they end soon, and the caller waits no longer than it likes.
        let mut state = states.peek_state();
        while !state.is_terminated() {
            state = states.changed().await;
        }
    }
}
