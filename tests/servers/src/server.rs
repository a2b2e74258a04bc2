//! A server: its folder, its processes, and what can be done to them.

use crate::guardian::Guardian;
use crate::processes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a server may take to answer, or to end, on a machine that builds something else meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// What distinguishes one kind of server from another.
pub(crate) trait Kind: Send + Sync {
    fn name(&self) -> &'static str;
    /// The program with its arguments. It is started inside `folder`, or changes into it by itself.
    fn command(&self, folder: &Path) -> Command;
    /// Whether it serves.
    fn answers(&self, folder: &Path) -> bool;
    /// What makes it end in order.
    fn farewell(&self) -> Signal;
}

/// A running server. It is killed, and its folder removed, when this value is dropped or this process ends.
pub struct Server {
    kind: Box<dyn Kind>,
    folder: PathBuf,
    process: Mutex<Option<Child>>,
    /// Last: it removes the folder.
    _guardian: Guardian,
}

impl Server {
    /// Takes the folder over and starts the server. Fails if that does not come to answer.
    pub(crate) fn launch(kind: Box<dyn Kind>, folder: PathBuf) -> Result<Server, String> {
        let guardian = Guardian::over(&folder).map_err(|error| format!("could not start a guardian: {error}"))?;
        let server = Server { kind, folder, process: Mutex::default(), _guardian: guardian };
        server.try_start()?;
        Ok(server)
    }

    /// Its data and its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it again, on the same port and data, and waits until it answers.
    pub fn start(&self) {
        self.try_start().unwrap_or_else(|problem| panic!("{problem}"));
    }

    /// Ends it in order.
    pub fn stop(&self) {
        let mut process = self.process();
        if let Some(child) = process.as_ref() {
            let pid = Pid::from_raw(child.id().cast_signed());
            let _ = kill(pid, self.kind.farewell());
        }
        self.wait_for_the_end(&mut process);
    }

    /// `kill -9` of all its processes at once.
    pub fn kill(&self) {
        let mut process = self.process();
        processes::signal(&self.folder, Signal::SIGKILL);
        self.wait_for_the_end(&mut process);
    }

    /// SIGSTOP: it keeps its connections, and answers nothing.
    pub fn pause(&self) {
        processes::signal(&self.folder, Signal::SIGSTOP);
    }

    /// SIGCONT after [`Server::pause`].
    pub fn resume(&self) {
        processes::signal(&self.folder, Signal::SIGCONT);
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_start(&self) -> Result<(), String> {
        let mut process = self.process();
        if process.is_some() {
            return Ok(());
        }
        let log = self.log().map_err(|error| format!("could not write a log: {error}"))?;
        let errors = log.try_clone().map_err(|error| format!("could not write a log: {error}"))?;
        let mut command = self.kind.command(&self.folder);
        let command = command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.spawn().map_err(|error| format!("could not start {}: {error}", self.kind.name()))?;
        self.wait_for_an_answer(process.insert(child))
    }

    fn log(&self) -> std::io::Result<File> {
        File::options().create(true).append(true).open(self.folder.join("log"))
    }

    fn wait_for_an_answer(&self, process: &mut Child) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if self.kind.answers(&self.folder) {
                return Ok(());
            }
            if let Ok(Some(status)) = process.try_wait() {
                return Err(self.problem(&format!("ended with {status}")));
            }
            std::thread::sleep(POLL);
        }
        Err(self.problem("does not answer"))
    }

    fn problem(&self, what: &str) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let last: Vec<_> = log.lines().rev().take(30).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        format!("{} {what}; the end of its log:\n{}", self.kind.name(), last.join("\n"))
    }

    fn wait_for_the_end(&self, process: &mut Option<Child>) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(child) = process.as_mut()
                && matches!(child.try_wait(), Ok(Some(_)) | Err(_))
            {
                *process = None;
            }
            if process.is_none() && processes::inside(&self.folder).is_empty() {
                return;
            }
            assert!(Instant::now() < end, "{}", self.problem("does not end"));
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        processes::signal(&self.folder, Signal::SIGKILL);
        if let Some(mut child) = self.process().take() {
            let _ = child.wait();
        }
    }
}

/// A new folder for a server. Its path is short, because the names of sockets must be, and it lies where other
/// accounts may enter, because PostgreSQL's must.
pub(crate) fn folder(kind: &str) -> PathBuf {
    let random = RandomState::new().hash_one(Instant::now());
    let folder = std::env::temp_dir().join(format!("es-{kind}-{random:016x}"));
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("could not make {}: {error}", folder.display()));
    folder
}

/// Starts a server on ports of its own; again, on others, if somebody was faster to take one.
pub(crate) fn launch<T>(start: impl Fn() -> Result<T, String>) -> T {
    let mut problem = String::new();
    for _ in 0..3 {
        match start() {
            Ok(server) => return server,
            Err(found) => problem = found,
        }
    }
    panic!("{problem}");
}

/// The database that a URL names.
pub(crate) fn database_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}
