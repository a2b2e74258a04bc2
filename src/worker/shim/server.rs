//! The loop of the shim: one thread that waits for children, for the worker and for deadlines.

use super::attempt::{self, Attempt};
use super::cgroup::Groups;
use super::conn::{Conn, Next};
use super::folder::{Folder, Identity};
use super::orphans::Orphans;
use super::outbox::Outbox;
use super::protocol::{BUILD, Cause, Incarnation, Kill, Reply, Request, Start, Status, VERSION};
use super::raw;
use super::ready::ready;
use super::spawn::{Refusal, Starter};
use super::tree::Tree;
use crate::model::{Tag, Time};
use crate::worker::recent::Recent;
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

/// A shim that nobody needs ends after this.
const IDLE: Duration = Duration::from_secs(5);

/// How often logs are measured and refused statuses tried again, while there are such.
const ROUND: Duration = Duration::from_secs(1);

/// A shim at work.
pub(super) struct Server {
    pub folder: Folder,
    pub identity: Identity,
    pub incarnation: Incarnation,
    pub signals: SignalFd,
    /// `None` once the end has begun.
    pub listener: Option<UnixListener>,
    pub starter: Starter,
    pub groups: Option<Groups>,
    pub outbox: Outbox,
    pub tree: Tree,
    pub worker: Option<Conn>,
    /// Connected, but has not said hello.
    pub newcomer: Option<Conn>,
    pub attempts: HashMap<Tag, Attempt>,
    pub leaders: HashMap<i32, Tag>,
    pub orphans: Orphans,
    pub recent: Recent<Tag>,
    /// Nothing is started outside of a lease.
    pub leased: bool,
    /// When everything is killed.
    pub lease: Option<Duration>,
    pub needed_at: Duration,
    pub round_at: Duration,
}

impl Server {
    /// Serves until it is no longer needed.
    pub fn run(mut self) -> io::Result<()> {
        let mut more = false;
        while !self.is_over() {
            let [signal, newcomer, greeting, said] = self.wait(more)?;
            if signal {
                self.hear_signals();
            }
            if newcomer && let Some(listener) = &self.listener {
                // What fails here is the other side's to repeat.
                self.newcomer = listener.accept().and_then(|(stream, _)| Conn::accept(stream)).ok();
            }
            if greeting {
                self.greet();
            }
            if said && !self.worker.as_mut().is_some_and(Conn::receive) {
                self.worker = None;
                self.needed_at = attempt::now();
            }
            if self.lease.is_some_and(|end| end <= attempt::now()) {
                self.lease = None;
                self.close(Kill::Now);
            }
            more = self.serve();
            self.tick();
            if !self.worker.as_mut().is_none_or(Conn::flush) {
                self.worker = None;
            }
        }
        std::fs::remove_file(self.folder.path("shim.sock")).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })
    }

    /// Waits until something happens: a signal, a connection, its hello, a request.
    fn wait(&self, more: bool) -> io::Result<[bool; 4]> {
        let timeout = if more { Duration::ZERO } else { self.patience() };
        let output = self.worker.as_ref().is_some_and(Conn::waits);
        let fds = [
            Some(self.signals.as_fd()),
            self.listener.as_ref().map(|listener| listener.as_fd()),
            self.newcomer.as_ref().map(Conn::fd),
            self.worker.as_ref().map(Conn::fd),
        ];
        ready(fds, output.then_some(3), timeout)
    }

    /// How long nothing has to be done if nothing happens. Never long while something runs: poll's clock
    /// stands still while the machine sleeps, ours does not.
    fn patience(&self) -> Duration {
        let now = attempt::now();
        let deadlines = self.attempts.values().filter_map(Attempt::due).chain(self.lease);
        let idle = self.is_idle().then_some(self.needed_at + IDLE);
        let round = (!self.attempts.is_empty() || self.outbox.waits()).then_some(self.round_at);
        let due = deadlines.chain(idle).chain(round).min();
        due.map_or(ROUND * 60, |due| due.saturating_sub(now))
    }

    fn is_idle(&self) -> bool {
        self.attempts.is_empty() && self.worker.is_none() && self.newcomer.is_none() && !self.outbox.waits()
    }

    fn is_over(&self) -> bool {
        let unneeded = self.is_idle() && attempt::now() >= self.needed_at + IDLE;
        self.attempts.is_empty() && (unneeded || self.listener.is_none())
    }

    fn hear_signals(&mut self) {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if signal.ssi_signo == Signal::SIGTERM as u32 {
                self.close(Kill::Gently);
            }
        }
        let mut any = false;
        while let Some((pid, exit)) = raw::reap() {
            any = true;
            if let Some(tag) = self.leaders.remove(&pid)
                && let Some(attempt) = self.attempts.get_mut(&tag)
            {
                attempt.leader_ended(exit);
            }
        }
        if any {
            self.look_for_orphans();
            self.settle();
        }
    }

    /// Nothing is started any more, and everything is ended; then so are we.
    fn close(&mut self, mode: Kill) {
        if self.listener.take().is_some() {
            let _ = std::fs::remove_file(self.folder.path("shim.sock"));
        }
        for tag in self.attempts.keys().copied().collect::<Vec<_>>() {
            self.kill(tag, mode, Cause::Over);
        }
    }

    /// Hears the first words of a newcomer, who becomes the worker by them.
    fn greet(&mut self) {
        let Some(conn) = &mut self.newcomer else { return };
        if !conn.receive() {
            self.newcomer = None;
            return;
        }
        match conn.next() {
            Next::Nothing => {}
            Next::Request(Request::Hello { version: _ }) => {
                if let Some(mut former) = self.worker.take() {
                    former.say(&Reply::Displaced);
                    former.flush();
                }
                self.worker = self.newcomer.take();
                self.say(Reply::Hello {
                    version: VERSION,
                    build: BUILD.to_owned(),
                    incarnation: self.incarnation,
                    pid: std::process::id(),
                    cgroup: self.groups.is_some(),
                    running: self.attempts.values().map(|attempt| attempt.running.clone()).collect(),
                    ended: self.outbox.all(),
                });
            }
            Next::Request(_) | Next::Broken => self.newcomer = None,
        }
    }

    fn say(&mut self, reply: Reply) {
        if let Some(worker) = &mut self.worker {
            worker.say(&reply);
        }
    }

    /// Does what the worker asked, up to the first start: one takes long enough that exits should be heard
    /// before the next. True if there may be more.
    fn serve(&mut self) -> bool {
        while let Some(worker) = &mut self.worker {
            match worker.next() {
                Next::Nothing => return false,
                Next::Broken => self.worker = None,
                Next::Request(Request::Start(start)) => {
                    self.start(*start);
                    return true;
                }
                Next::Request(Request::Kill { tag, mode }) => self.kill(tag, mode, Cause::Asked),
                Next::Request(Request::Forget { tag }) => self.outbox.forget(tag),
                // One that was over has ended us, and is not revived.
                Next::Request(Request::Lease { until }) if self.listener.is_some() => {
                    self.lease = Some(self.lease.map_or(until, |end| end.max(until)));
                }
                Next::Request(Request::Cap { until }) => self.lease = self.lease.map(|end| end.min(until)),
                Next::Request(Request::End) => self.close(Kill::Now),
                Next::Request(Request::Lease { .. }) => {}
                Next::Request(Request::Leave) if self.attempts.is_empty() => self.close(Kill::Gently),
                Next::Request(Request::Leave | Request::Hello { .. }) => {}
            }
        }
        false
    }

    fn start(&mut self, start: Start) {
        let tag = start.tag;
        if let Some(attempt) = self.attempts.get(&tag) {
            let running = attempt.running.clone();
            return self.say(Reply::Started(running));
        }
        if let Some(status) = self.outbox.get(tag).cloned() {
            return self.say(Reply::Ended(status));
        }
        if self.leased && self.lease.is_none_or(|end| end <= attempt::now()) {
            // Certainly not started, and it will not be.
            return self.say(Reply::Missing { tag });
        }
        if self.listener.is_none() || !self.recent.insert(tag) {
            return;
        }
        let group = self.groups.as_mut().and_then(|groups| match groups.take() {
            Ok(group) => Some(group),
            Err(error) => {
                say!("{tag} runs without a cgroup: {error}");
                None
            }
        });
        let started_at = Time::now();
        match self.starter.start(&start, group.as_ref()) {
            Ok(pid) => {
                let attempt = Attempt::new(start, pid, started_at, group);
                let running = attempt.running.clone();
                if self.attempts.is_empty() {
                    self.round_at = attempt::now() + ROUND;
                }
                self.leaders.insert(pid, tag);
                self.attempts.insert(tag, attempt);
                self.say(Reply::Started(running));
            }
            Err(Refusal::Cgroup(errno)) => {
                say!("cgroups are not used: {}", errno.desc());
                self.groups = None;
                self.recent.remove(tag);
                self.start(start);
            }
            Err(Refusal::NotStarted(why)) => {
                if let (Some(groups), Some(group)) = (&mut self.groups, group) {
                    groups.give(group);
                }
                self.ended(attempt::not_started(tag, start.note, why));
            }
        }
    }

    fn kill(&mut self, tag: Tag, mode: Kill, cause: Cause) {
        if self.attempts.contains_key(&tag) {
            self.look_for_orphans();
            let orphans = self.orphans.of(tag);
            if let Some(attempt) = self.attempts.get_mut(&tag) {
                attempt.kill(mode, cause, &self.tree, &orphans);
            }
        } else {
            match self.outbox.get(tag).cloned() {
                Some(status) => self.say(Reply::Ended(status)),
                None => self.say(Reply::Missing { tag }),
            }
        }
    }

    fn ended(&mut self, status: Status) {
        self.outbox.save(status.clone());
        self.say(Reply::Ended(status));
    }

    fn look_for_orphans(&mut self) {
        let running =
            || self.attempts.values().map(|attempt| (attempt.running.tag, attempt.running.pid as i32)).collect();
        self.orphans.look(&self.tree, self.identity, &self.leaders, running);
    }

    /// Tells the end of those of whom nothing is left.
    fn settle(&mut self) {
        let ended = self.attempts.values().filter(|attempt| attempt.leader().is_none());
        for tag in ended.map(|attempt| attempt.running.tag).collect::<Vec<_>>() {
            let orphans = self.orphans.of(tag);
            let Some(attempt) = self.attempts.get_mut(&tag) else { continue };
            if attempt.settle(&self.tree, &orphans)
                && let Some(attempt) = self.attempts.remove(&tag)
            {
                attempt.cut_log();
                let (status, group) = attempt.status();
                if let (Some(groups), Some(group)) = (&mut self.groups, group) {
                    groups.give(group);
                }
                self.ended(status);
            }
        }
        if self.attempts.is_empty() {
            self.needed_at = attempt::now();
            self.orphans.kill_all(&self.tree);
        }
    }

    /// Does what is due.
    fn tick(&mut self) {
        let now = attempt::now();
        if self.worker.is_some() {
            self.needed_at = now;
        }
        if self.attempts.values().any(|attempt| attempt.is_due(now)) {
            self.look_for_orphans();
            for tag in self.attempts.keys().copied().collect::<Vec<_>>() {
                let orphans = self.orphans.of(tag);
                if let Some(attempt) = self.attempts.get_mut(&tag) {
                    attempt.tick(now, &self.tree, &orphans);
                }
            }
            self.settle();
        }
        if now >= self.round_at && (!self.attempts.is_empty() || self.outbox.waits()) {
            self.round_at = now + ROUND;
            self.attempts.values().filter(|attempt| attempt.age(now) >= ROUND).for_each(Attempt::cut_log);
            self.outbox.save_rest();
        }
    }
}
