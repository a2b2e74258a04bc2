//! The life of one attempt inside the shim.

use super::cgroup::Group;
use super::cut;
use super::protocol::{Cause, Exit, Kill, Running, Start, Status};
use super::tree::Tree;
use crate::model::{Tag, Time};
use nix::sys::signal::Signal;
use std::time::Duration;

/// How long what a leader left behind may take to leave after `TERM`, if its attempt's grace is longer.
const LEFTOVER_GRACE: Duration = Duration::from_secs(2);

/// How soon a kill is repeated, at first and at most: a tree may fork between the look and the blow.
const AGAIN: Duration = Duration::from_millis(10);
const AGAIN_AT_MOST: Duration = Duration::from_secs(1);

/// A process may be reaped a moment before its cgroup is empty. Only after this is one that stays inhabited,
/// although nobody is to be seen, taken for what it is.
const DOUBT: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(1);

/// Instants are readings of `CLOCK_BOOTTIME`, which goes on while the machine sleeps.
pub(super) fn now() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).expect("every kernel since 2.6.39 has it").into()
}

/// An attempt with a process.
pub(super) struct Attempt {
    pub running: Running,
    start: Start,
    pub group: Option<Group>,
    since: Duration,
    ending: Ending,
    killed: Option<Cause>,
    /// How its leader ended; the leader is reaped.
    ended: Option<(Exit, Time)>,
    /// Since when its cgroup is inhabited by nobody who can be seen.
    doubt: Option<Duration>,
}

/// How far its end was driven.
enum Ending {
    No,
    /// `TERM` was sent; `KILL` follows then.
    Asked(Duration),
    /// `KILL` was sent; again then, and then after so long.
    Killed(Duration, Duration),
}

impl Attempt {
    pub fn new(start: Start, pid: i32, started_at: Time, group: Option<Group>) -> Attempt {
        let running = Running { tag: start.tag, pid: pid as u32, started_at, note: start.note.clone() };
        Attempt { running, start, group, since: now(), ending: Ending::No, killed: None, ended: None, doubt: None }
    }

    /// The leader's pid while it is ours to signal.
    pub fn leader(&self) -> Option<i32> {
        self.ended.is_none().then_some(self.running.pid as i32)
    }

    /// The leader was reaped.
    pub fn leader_ended(&mut self, exit: Exit) {
        self.ended = Some((exit, Time::now()));
    }

    /// Begins to end it, or goes on harder. `orphans` are its processes that lost their parents.
    pub fn kill(&mut self, mode: Kill, cause: Cause, tree: &Tree, orphans: &[i32]) {
        // If its leader has ended, how it ended is decided.
        if self.ended.is_none() {
            self.killed.get_or_insert(cause);
        }
        match (mode, &self.ending) {
            (Kill::Gently, Ending::No) => self.ask(self.start.grace, tree, orphans),
            (Kill::Now, Ending::No | Ending::Asked(_)) => self.strike(AGAIN, tree, orphans),
            (Kill::Gently, Ending::Asked(_)) | (_, Ending::Killed(..)) => {}
        }
    }

    fn ask(&mut self, grace: Duration, tree: &Tree, orphans: &[i32]) {
        // What is stopped hears TERM only when it goes on.
        tree.signal(&self.roots(orphans), &[Signal::SIGTERM, Signal::SIGCONT]);
        self.ending = Ending::Asked(now().saturating_add(grace));
    }

    fn strike(&mut self, again: Duration, tree: &Tree, orphans: &[i32]) {
        if let Some(group) = &self.group {
            group.kill();
        }
        tree.signal(&self.roots(orphans), &[Signal::SIGKILL]);
        self.ending = Ending::Killed(now() + again, (again * 2).min(AGAIN_AT_MOST));
    }

    fn roots(&self, orphans: &[i32]) -> Vec<i32> {
        self.leader().into_iter().chain(orphans.iter().copied()).collect()
    }

    /// When it wants to be looked at next.
    pub fn due(&self) -> Option<Duration> {
        match self.ending {
            Ending::No if self.ended.is_some() => self.doubt.map(|_| now() + LOOK),
            Ending::No => self.start.limit.map(|limit| self.since.saturating_add(limit)),
            Ending::Asked(at) | Ending::Killed(at, _) => Some(at),
        }
    }

    /// Whether there is something to do about it.
    pub fn is_due(&self, now: Duration) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration, tree: &Tree, orphans: &[i32]) {
        if !self.is_due(now) {
            return;
        }
        match self.ending {
            Ending::No => self.kill(Kill::Gently, Cause::TimeLimit, tree, orphans),
            Ending::Asked(_) => self.strike(AGAIN, tree, orphans),
            Ending::Killed(_, again) => self.strike(again, tree, orphans),
        }
    }

    /// Whether the whole tree is gone; begins to end what the leader left behind.
    pub fn settle(&mut self, tree: &Tree, orphans: &[i32]) -> bool {
        if self.ended.is_none() {
            return false;
        }
        if orphans.is_empty() && !self.group.as_ref().is_some_and(Group::inhabited) {
            return true;
        }
        if let Ending::No = self.ending {
            if orphans.is_empty() && now() < *self.doubt.get_or_insert_with(now) + DOUBT {
                return false;
            }
            cut::append(&self.start.log, "processes that the task left behind are ended");
            self.ask(self.start.grace.min(LEFTOVER_GRACE), tree, orphans);
        }
        false
    }

    /// How long it has been running.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }

    /// Keeps the log below its limit.
    pub fn cut_log(&self) {
        if let Err(error) = cut::cut(&self.start.log, self.start.log_max) {
            say!("{} cannot be cut: {error}", self.start.log.display());
        }
    }

    /// What is to be told once it has settled, and its cgroup.
    pub fn status(self) -> (Status, Option<Group>) {
        let Running { tag, pid, started_at, note } = self.running;
        let (exit, ended_at) = self.ended.expect("only an attempt whose leader has ended settles");
        (Status { tag, exit, started_at, ended_at, pid: Some(pid), killed: self.killed, note }, self.group)
    }
}

/// The status of an attempt that never ran.
pub(super) fn not_started(tag: Tag, note: String, why: String) -> Status {
    let now = Time::now();
    Status { tag, exit: Exit::NotStarted(why), started_at: now, ended_at: now, pid: None, killed: None, note }
}
