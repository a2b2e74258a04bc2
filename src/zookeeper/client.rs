//! What the rest of the program holds: ZooKeeper, whichever session that is at the moment.

use super::generation::{Session, Standing};
use super::operations::{Error, Mode, Stat};
use super::supervisor::Supervisor;
use super::watched::Children;
use super::{Settings, watched};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Clones share it. When the last one is dropped the session is closed.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Arc<Settings>,
    sessions: watch::Receiver<Option<Session>>,
    give_up: Arc<Notify>,
    stop: CancellationToken,
    _stopped: DropGuard,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Client {
    /// Does not wait for the servers: calls do, each until its deadline.
    pub fn open(settings: Settings) -> Client {
        let settings = Arc::new(settings);
        let (sender, sessions) = watch::channel(None);
        let (stop, give_up) = (CancellationToken::new(), Arc::new(Notify::new()));
        let supervisor =
            Supervisor { settings: settings.clone(), sessions: sender, give_up: give_up.clone(), stop: stop.clone() };
        let supervisor = Mutex::new(Some(tokio::spawn(supervisor.run())));
        Client {
            inner: Arc::new(Inner {
                settings,
                sessions,
                give_up,
                _stopped: stop.clone().drop_guard(),
                stop,
                supervisor,
            }),
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The session as it stands, connected; waits for one without limit.
    pub async fn session(&self) -> Session {
        let mut sessions = self.inner.sessions.clone();
        loop {
            let found = sessions.borrow_and_update().clone();
            let Some(session) = found else {
                if sessions.changed().await.is_err() {
                    // Closed: there will be none any more.
                    std::future::pending::<()>().await;
                }
                continue;
            };
            let mut standing = session.standing();
            let usable = standing.wait_for(|standing: &Standing| standing.connected && !standing.over);
            tokio::select! {
                usable = usable => if usable.is_ok() { return session; },
                _ = sessions.changed() => {}
            }
        }
    }

    /// Gives this session up for a new one, because it may hold nodes that nobody keeps.
    pub fn give_up(&self, session: &Session) {
        if self.inner.sessions.borrow().as_ref().is_some_and(|current| current.number() == session.number()) {
            self.inner.give_up.notify_one();
        }
    }

    /// # Errors
    /// See [`Error`].
    pub async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<(String, Stat), Error> {
        self.once(move |session| async move { session.create(path, data, mode).await }).await
    }

    /// Writes a node, if it still has that version (`None`: in any case).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<Stat, Error> {
        self.once(move |session| async move { session.set(path, data, version).await }).await
    }

    /// Deletes a node, if it still has that version (`None`: in any case).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), Error> {
        self.once(move |session| async move { session.delete(path, version).await }).await
    }

    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), Error> {
        self.again(move |session| async move { session.get(path).await }).await
    }

    /// # Errors
    /// See [`Error`].
    pub async fn children(&self, path: &str) -> Result<Vec<String>, Error> {
        self.again(move |session| async move { session.children(path).await }).await
    }

    /// # Errors
    /// See [`Error`].
    pub async fn exists(&self, path: &str) -> Result<Option<Stat>, Error> {
        self.again(move |session| async move { session.exists(path).await }).await
    }

    /// Makes a persistent node without data, and those above it, as far as they are missing.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ensure(&self, path: &str) -> Result<(), Error> {
        self.again(move |session| async move { session.ensure(path).await }).await
    }

    /// Follows the names below a node, which is made if it is missing.
    pub fn follow(&self, path: &str) -> Children {
        watched::follow(self.clone(), path.to_owned())
    }

    /// Closes the session and waits until that is done; afterwards no call is answered.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        let supervisor = self.inner.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor {
            // It does not panic; were it cancelled, the runtime would be leaving.
            let _ = supervisor.await;
        }
    }

    /// One attempt, as soon as there is a connection.
    async fn once<T, F: Future<Output = Result<T, Error>>>(&self, call: impl FnOnce(Session) -> F) -> Result<T, Error> {
        self.in_time(async { call(self.session().await).await }).await
    }

    /// As many attempts as the settings allow: only for what may happen twice.
    async fn again<T, F: Future<Output = Result<T, Error>>>(&self, call: impl Fn(Session) -> F) -> Result<T, Error> {
        let tried = async {
            let mut failures = 0;
            loop {
                match call(self.session().await).await {
                    Err(error) if error.passes() && failures < self.inner.settings.retries => failures += 1,
                    answer => return answer,
                }
                self.pause(self.inner.settings.backoff(failures)).await;
            }
        };
        self.in_time(tried).await
    }

    /// Waits that long, or until the connection is another one.
    async fn pause(&self, long: Duration) {
        let session = self.inner.sessions.borrow().clone();
        let Some(session) = session else { return };
        let mut standing = session.standing();
        standing.mark_unchanged();
        let _ = timeout(long, standing.changed()).await;
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let deadline = self.inner.settings.deadline();
        timeout(deadline, call).await.unwrap_or_else(|_| Err(Error::Unknown(format!("none within {deadline:?}"))))
    }
}
