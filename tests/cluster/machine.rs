//! One machine of the cluster: an address, a data folder, and the process that serves there while it is up.

use crate::network::Place;
use crate::processes;
use crate::wire::{State, Wire};
use nix::sys::signal::Signal;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The port of the API. It is the same everywhere, since every machine has an address of its own.
pub const PORT: u16 = 12345;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Master,
    Worker,
    Api,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Master => "master",
            Kind::Worker => "worker",
            Kind::Api => "api",
        }
    }

    fn roles(self) -> &'static str {
        match self {
            Kind::Master => "master,alert",
            Kind::Worker => "worker,logger",
            Kind::Api => "api",
        }
    }
}

pub struct Machine {
    pub kind: Kind,
    pub name: String,
    pub place: Place,
    pub folder: PathBuf,
    /// Environment variables.
    pub settings: Vec<(String, String)>,
    pub registry: Vec<Wire>,
    pub database: Wire,
    process: Mutex<Process>,
}

#[derive(Default)]
struct Process {
    child: Option<Child>,
    /// Whether it is to be started again when it ends by itself, as a service manager does it.
    wanted: bool,
    ended_at: Option<Instant>,
}

impl Machine {
    pub fn new(
        (kind, name, place): (Kind, String, Place),
        folder: PathBuf,
        settings: Vec<(String, String)>,
        (registry, database): (Vec<Wire>, Wire),
    ) -> Machine {
        std::fs::create_dir_all(&folder).expect("our own folder");
        Machine { kind, name, place, folder, settings, registry, database, process: Mutex::default() }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What a URL of the API begins with.
    pub fn base(&self) -> String {
        format!("http://{}:{PORT}/escheduler", self.place.address)
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn start(&self) {
        let mut process = self.process();
        process.wanted = true;
        if process.child.is_none() {
            process.child = Some(self.spawn());
        }
    }

    fn spawn(&self) -> Child {
        let said = File::options().create(true).append(true).open(self.folder.join("said")).expect("our own folder");
        self.place
            .command(env!("CARGO_BIN_EXE_escheduler"))
            .args(["run", "--roles", self.kind.roles()])
            .envs(self.settings.iter().cloned())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(said.try_clone().expect("our own file"))
            .stderr(said)
            .spawn()
            .expect("escheduler starts")
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(child) = &self.process().child {
            processes::send(child.id().cast_signed(), signal);
        }
    }

    /// SIGKILL to the process alone.
    pub fn kill(&self) {
        self.end(Signal::SIGKILL);
    }

    /// SIGTERM, and waits.
    pub fn stop(&self) {
        self.end(Signal::SIGTERM);
    }

    fn end(&self, signal: Signal) {
        let mut process = self.process();
        process.wanted = false;
        let Some(mut child) = process.child.take() else { return };
        processes::send(child.id().cast_signed(), signal);
        let begun = Instant::now();
        while matches!(child.try_wait(), Ok(None)) {
            if begun.elapsed() > Duration::from_secs(30) {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts it again a second after it ended by itself; whether it did.
    pub fn look_after(&self) -> bool {
        let mut process = self.process();
        if process.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_)))) {
            process.child = None;
            process.ended_at = Some(Instant::now());
        }
        let due = process.ended_at.is_none_or(|at| at.elapsed() > Duration::from_secs(1));
        let again = process.wanted && process.child.is_none() && due;
        if again {
            process.child = Some(self.spawn());
        }
        again
    }

    /// The living shim.
    pub fn shim(&self) -> Option<i32> {
        processes::shim(&self.data())
    }

    pub fn signal_shim(&self, signal: Signal) {
        self.shim().into_iter().for_each(|pid| processes::send(pid, signal));
    }

    /// Stops everything on the machine.
    pub fn freeze(&self) {
        self.place.pids().into_iter().for_each(processes::freeze);
    }

    /// Kills everything on the machine at once: process, shim and tasks.
    pub fn burn(&self) {
        let mut process = self.process();
        process.wanted = false;
        // Frozen first, so that nothing of it notices what it does not survive.
        self.freeze();
        loop {
            let left = self.place.pids();
            if left.is_empty() {
                break;
            }
            left.into_iter().for_each(|pid| processes::send(pid, Signal::SIGKILL));
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(mut child) = process.child.take() {
            let _ = child.wait();
        }
    }

    pub fn cut_registry(&self, state: State) {
        self.registry.iter().for_each(|wire| wire.set(state));
    }
}
