//! One session: a crate at work on a runtime of its own.

use super::by_async::ByAsync;
use super::by_client::ByClient;
use super::operations::{Error, Mode, Operations, Stat};
use super::tripwire::Tripwire;
use super::{Crate, Settings, hosts};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;

/// How a session stands, as its crate has told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Counts the connections: a new one may have hidden changes, and lost watches.
    pub connections: u64,
    pub connected: bool,
    /// It has ended, and does not come back.
    pub over: bool,
}

/// Where a crate's callbacks tell what they see. They neither wait nor panic.
pub(super) struct Signals {
    standing: watch::Sender<Standing>,
}

impl Signals {
    pub(super) fn connected(&self) {
        self.standing.send_modify(|standing| {
            standing.connections += 1;
            standing.connected = true;
        });
    }

    /// As [`connected`](Self::connected), unless it was told already.
    pub(super) fn connected_once(&self) {
        if !self.standing.borrow().connected {
            self.connected();
        }
    }

    pub(super) fn disconnected(&self) {
        self.standing.send_modify(|standing| standing.connected = false);
    }

    pub(super) fn over(&self) {
        self.standing.send_modify(|standing| standing.over = true);
    }
}

/// One session with ZooKeeper. It is used until it is over; the next one is another value.
#[derive(Clone)]
pub struct Session {
    generation: Arc<Generation>,
}

struct Generation {
    /// Never the same twice in one client.
    number: u64,
    operations: Box<dyn Operations>,
    standing: watch::Receiver<Standing>,
    signals: Arc<Signals>,
    deadline: Duration,
    /// What the crate's tasks run on. A crate whose tasks wait for each other is ended by throwing this away.
    runtime: Mutex<Option<Runtime>>,
}

impl Session {
    /// Looks for a server that answers, and opens a session there.
    pub(super) async fn open(settings: &Settings, number: u64) -> Result<Session, Error> {
        let servers = hosts::answering(&settings.quorum).await?;
        let (sender, standing) = watch::channel(Standing::default());
        let signals = Arc::new(Signals { standing: sender });
        let runtime = Held::new().map_err(|error| Error::Unknown(format!("no thread can be started: {error}")))?;
        let (by, length, told) = (settings.by, settings.session(), signals.clone());
        let connecting = runtime.get().spawn(async move {
            let operations: Box<dyn Operations> = match by {
                Crate::Async => Box::new(ByAsync::connect(&servers, length, told).await?),
                Crate::Client => Box::new(ByClient::connect(&servers, length, told).await?),
            };
            Ok::<_, Error>(operations)
        });
        let limit = settings.connection();
        let operations = match timeout(limit, connecting).await {
            Ok(Ok(connected)) => connected?,
            Ok(Err(broken)) => return Err(Error::Unknown(format!("connecting broke off: {broken}"))),
            Err(_) => return Err(Error::Unknown(format!("no session within {limit:?}"))),
        };
        let runtime = Mutex::new(Some(runtime.keep()));
        let deadline = settings.deadline();
        Ok(Session { generation: Arc::new(Generation { number, operations, standing, signals, deadline, runtime }) })
    }

    /// Never the same twice in one client.
    pub fn number(&self) -> u64 {
        self.generation.number
    }

    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.generation.standing.clone()
    }

    /// Waits for its end.
    pub async fn over(&self) {
        // It cannot fail: who waits holds the sender as well.
        let _ = self.standing().wait_for(|standing| standing.over).await;
    }

    /// See [`Operations::create`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<(String, Stat), Error> {
        self.bounded(self.generation.operations.create(path, data, mode)).await
    }

    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), Error> {
        self.bounded(self.generation.operations.get(path)).await
    }

    /// See [`Operations::set`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<Stat, Error> {
        self.bounded(self.generation.operations.set(path, data, version)).await
    }

    /// See [`Operations::delete`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), Error> {
        self.bounded(self.generation.operations.delete(path, version)).await
    }

    /// # Errors
    /// See [`Error`].
    pub async fn children(&self, path: &str) -> Result<Vec<String>, Error> {
        self.children_wired(path, None).await
    }

    pub(super) async fn children_wired(&self, path: &str, wire: Option<&Tripwire>) -> Result<Vec<String>, Error> {
        self.bounded(self.generation.operations.children(path, wire)).await
    }

    /// # Errors
    /// See [`Error`].
    pub async fn exists(&self, path: &str) -> Result<Option<Stat>, Error> {
        self.bounded(self.generation.operations.exists(path, None)).await
    }

    /// Makes a persistent node without data, and those above it, as far as they are missing.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ensure(&self, path: &str) -> Result<(), Error> {
        if self.exists(path).await?.is_some() {
            return Ok(());
        }
        let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).chain([path.len()]);
        for end in ends {
            match self.create(&path[..end], b"", Mode::Persistent).await {
                Ok(_) | Err(Error::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if self.generation.standing.borrow().over {
            return Err(Error::Over);
        }
        let deadline = self.generation.deadline;
        let late = || Err(Error::Unknown(format!("none within {deadline:?}")));
        timeout(deadline, call).await.unwrap_or_else(|_| late())
    }

    /// Whether a server answers within that time.
    pub(super) async fn answers(&self, within: Duration) -> bool {
        matches!(timeout(within, self.generation.operations.exists("/", None)).await, Ok(Ok(_)))
    }

    /// No call is made through it any more.
    pub(super) fn end(&self) {
        self.generation.signals.over();
    }

    /// Gives it up: closed if a server is there to close it, and whatever its crate still does ends.
    pub(super) async fn retire(self) {
        const PATIENCE: Duration = Duration::from_secs(1);
        self.end();
        if self.generation.standing.borrow().connected {
            let _ = timeout(PATIENCE, self.generation.operations.close()).await;
        }
        self.generation.shut_down();
    }
}

impl Generation {
    fn shut_down(&self) {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// A runtime that may be dropped anywhere, also where waiting for its threads is forbidden.
struct Held(Option<Runtime>);

impl Held {
    fn new() -> std::io::Result<Held> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("zookeeper").enable_all().build()?;
        Ok(Held(Some(runtime)))
    }

    fn get(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until `keep` takes it and self with it")
    }

    fn keep(mut self) -> Runtime {
        self.0.take().expect("it is there until now")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
