//! The shim: a small process that starts every task attempt and outlives the worker.
//!
//! It is this same executable, started by the worker as `escheduler shim --dir DIR`, in a session of its own,
//! with one thread and no runtime. It forks, reaps, keeps time limits, ends trees, and writes how each attempt
//! ended into its folder. When the worker dies nothing happens to the tasks; the next worker connects to the
//! same shim and goes on. When the shim dies the leaders of its tasks die with it (`PR_SET_PDEATHSIG`), and
//! the next shim kills the rest and sees that nothing is left before it says hello.
//!
//! It knows nothing of tasks but tags, programs and files. The worker talks to it through [`Shim`]; what a
//! status means is the worker's to say.
//!
//! Not covered:
//!
//! - a process that root took out of the tree, the cgroup and the marker at once (`systemd-run`, a container
//!   daemon);
//! - a working folder or program on a file system that hangs: it holds up the other starts;
//! - `> /dev/stdout` in a script truncates its log, because the log is the standard output itself; `>&1` and
//!   `>> /dev/stdout` do not.
//!
//! A log that was cut has a hole: who serves it passes over that with `SEEK_DATA`.

/// Says something in the shim's log. A log that cannot be written, because the disk is full, is no reason to end
/// with all tasks, as it is for `eprintln!`.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

mod attempt;
mod cgroup;
mod client;
mod conn;
mod cut;
mod folder;
mod handle;
mod link;
mod orphans;
mod outbox;
mod protocol;
mod raw;
mod ready;

mod server;
mod spawn;
mod tree;

pub use client::{Event, Shim};
pub use link::{Error, Inventory, Options};
pub use protocol::{Account, Cause, Exit, Incarnation, Kill, Running, Start, Status};

use super::recent::Recent;
use cgroup::Groups;
use folder::Folder;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use server::Server;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// The word on the standard output by which a new shim says that it can be connected to.
const READY: &str = "ready";

/// The word by which it says that another one lives.
const TAKEN: &str = "taken";

/// How many started tags are remembered: a start that is told again comes within far fewer others.
const RECENT: usize = 1 << 16;

/// How far the shim goes before its tasks when both want the processor.
const PRIORITY: i32 = 5;

/// A log of shims that has become longer than this is begun anew.
const LOG_MAX: u64 = 1 << 20;

/// Runs the shim of a folder. To be called first thing in the process, while it has one thread.
pub fn main(dir: &Path, cgroup: bool, leased: bool) -> ExitCode {
    raw::forget_inheritance();
    match prepare(dir, cgroup, leased) {
        Ok(Some(server)) => match announce(READY).and_then(|()| server.run()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&error),
        },
        Ok(None) => announce(TAKEN).map_or_else(|error| complain(&error), |()| ExitCode::SUCCESS),
        Err(error) => complain(&error),
    }
}

fn complain(error: &io::Error) -> ExitCode {
    say!("the shim ends: {error}");
    ExitCode::FAILURE
}

/// Says a word to whoever started us, and no more.
fn announce(word: &str) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{word}")?;
    out.flush()?;
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    nix::unistd::dup2_stdout(&null)?;
    Ok(())
}

/// Becomes the shim of the folder; `None` if another is.
fn prepare(dir: &Path, cgroup: bool, leased: bool) -> io::Result<Option<Server>> {
    // It fails only for the leader of a group, who is nobody's child to be found in a group.
    let _ = nix::unistd::setsid();
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let signals = signals()?;
    let folder = Folder::open(dir)?;
    // The lock is never given back: it goes with the process.
    let Some(lock) = folder.lock()? else { return Ok(None) };
    std::mem::forget(lock);
    take_log(&folder)?;
    std::env::set_current_dir("/")?;
    prctl::set_child_subreaper(true)?;
    prctl::set_name(c"escheduler-shim")?;
    let identity = folder.identity()?;
    end_leftovers(&folder, identity)?;
    let starter = spawn::Starter::new(identity, raw::raise_priority(PRIORITY))?;
    // Allowed to root; without it we are as easily killed as the worker.
    let _ = std::fs::write("/proc/self/oom_score_adj", "-900");
    let groups = match cgroup.then(|| Groups::make(&folder, identity, &starter)) {
        Some(Ok(groups)) => Some(groups),
        Some(Err(error)) => {
            say!("without cgroups: {error}");
            None
        }
        None => None,
    };
    let outbox = outbox::Outbox::open(&folder.path("status"))?;
    let _ = std::fs::remove_file(folder.path("shim.sock"));
    let listener = UnixListener::bind(folder.socket())?;
    Ok(Some(Server {
        identity,
        incarnation: folder.begin_life()?,
        signals,
        listener: Some(listener),
        starter,
        groups,
        outbox,
        tree: tree::Tree::new(),
        worker: None,
        newcomer: None,
        attempts: Default::default(),
        leaders: Default::default(),
        orphans: Default::default(),
        recent: Recent::new(RECENT),
        leased,
        lease: None,
        needed_at: attempt::now(),
        round_at: Duration::ZERO,
        folder,
    }))
}

/// Blocks every signal; two of them are read from the descriptor.
fn signals() -> io::Result<SignalFd> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    let heard: SigSet = [Signal::SIGCHLD, Signal::SIGTERM].into_iter().collect();
    Ok(SignalFd::with_flags(&heard, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// From here on, complaints go into the folder.
fn take_log(folder: &Folder) -> io::Result<()> {
    let path = folder.path("shim.log");
    let log = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    if log.metadata()?.len() > LOG_MAX {
        log.set_len(0)?;
    }
    nix::unistd::dup2_stderr(&log)?;
    Ok(())
}

/// Kills what an earlier shim of this folder left, and returns when nothing is left. After another boot
/// there is nothing to look for.
fn end_leftovers(folder: &Folder, identity: folder::Identity) -> io::Result<()> {
    let boot = folder::boot();
    if folder.noted("boot").is_some_and(|noted| noted == boot && !boot.is_empty()) {
        let mut wait = Duration::from_millis(1);
        loop {
            let empty = cgroup::kill_left(folder);
            // Twice, because a look at all processes is not a look at one instant.
            let left = tree::kill_marked(identity) + tree::kill_marked(identity);
            if empty && left == 0 {
                break;
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(Duration::from_secs(1));
            if wait.as_secs() == 1 {
                say!("still waiting for {left} processes of an earlier shim to die");
            }
        }
    }
    folder.note("boot", &boot)
}
