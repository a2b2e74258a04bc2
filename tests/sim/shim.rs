//! The shim of a worker's machine, as a being of its own: it outlives the worker's process, and does what the real
//! one does. Its tasks are entries of the judge's ledger that end by themselves or are killed.

mod client;
mod tasks;

pub use client::{Client, Request, Wishes};

use crate::kernel::{MILLI, Micros, SECOND};
use crate::world::World;
use escheduler::clock::Clock;
use escheduler::model::{Tag, Time};
use escheduler::planted;
use escheduler::worker::shim::{Cause, Exit, Kill, Running, Status};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A shim that nobody needs ends after this.
const IDLE: Micros = 5 * SECOND;

/// What outlives shims: the folder.
pub struct Disk {
    pub name: String,
    lives: u64,
    pub outbox: BTreeMap<Tag, Status>,
}

impl Disk {
    pub fn new(name: String) -> Disk {
        Disk { name, lives: 0, outbox: BTreeMap::new() }
    }
}

pub struct Shim {
    /// Never the same twice on one machine.
    serial: u64,
    pub incarnation: u64,
    /// It takes what it is told; not any more once its end has begun.
    open: bool,
    tasks: BTreeMap<Tag, Task>,
    recent: BTreeSet<Tag>,
    /// Of its machine's boot clock.
    lease: Option<Duration>,
    pub paused_until: Micros,
    /// What came while it was held still.
    waiting: VecDeque<Request>,
    /// When the last request so far arrives.
    last: Micros,
    needed_at: Micros,
}

struct Task {
    running: Running,
    killed: Option<Cause>,
    /// Killed for good; it only has to die.
    struck: bool,
    /// Its process has ended, and how; seen by the shim when it goes on.
    ended: Option<(Exit, Time)>,
    grace: Duration,
}

impl World {
    /// Starts a worker's process, once it has reached a shim: the living one, or a new one.
    pub fn start_worker(&mut self, node: usize) {
        match &self.machines[node].shim {
            Some(shim) if !shim.open || shim.paused_until > self.q.now() => {
                // It is about to end, or held still.
                self.q.after(100 * MILLI, move |w| w.start(node));
            }
            Some(_) => {
                let (inventory, serial) = self.attach(node);
                self.begin_worker(node, inventory, serial);
            }
            None => {
                self.new_shim(node);
                let (inventory, serial) = self.attach(node);
                self.begin_worker(node, inventory, serial);
            }
        }
    }

    fn new_shim(&mut self, node: usize) {
        let low = self.dice.draw() & 0xffff_ffff;
        let now = self.q.now();
        let machine = &mut self.machines[node];
        machine.disk.lives += 1;
        let lives = machine.disk.lives;
        machine.shim = Some(Shim {
            serial: lives,
            incarnation: (lives << 32) | low,
            open: true,
            tasks: BTreeMap::new(),
            recent: BTreeSet::new(),
            lease: None,
            paused_until: 0,
            waiting: VecDeque::new(),
            last: 0,
            needed_at: now,
        });
        self.say(|| format!("a shim of {} begins, life {lives}", self.machines[node].disk.name));
    }

    fn living(&mut self, node: usize, serial: u64) -> Option<&mut Shim> {
        self.machines[node].shim.as_mut().filter(|shim| shim.serial == serial)
    }

    fn asked(&mut self, node: usize, serial: u64, request: Request) {
        let (now, boot) = (self.q.now(), self.machines[node].clock.boot());
        let Some(shim) = self.living(node, serial) else { return };
        if shim.paused_until > now {
            return shim.waiting.push_back(request);
        }
        match request {
            // Seen to by the worker's end.
            Request::Follow(_) => {}
            Request::Start(start) => self.start_task(node, serial, *start),
            Request::Kill(tag, mode) => self.kill_task(node, serial, tag, mode),
            Request::Forget(tag) => drop(self.machines[node].disk.outbox.remove(&tag)),
            Request::Lease(until) if shim.open => {
                shim.lease = Some(shim.lease.map_or(until, |end| end.max(until)));
                self.watch_lease(node, serial);
            }
            Request::Lease(until) if planted::is("revived") && until > boot => self.revive(node, serial, until),
            Request::Lease(_) => {}
            Request::Cap(until) => {
                shim.lease = shim.lease.map(|end| end.min(until));
                self.watch_lease(node, serial);
            }
            Request::End => self.close_shim(node, serial, Kill::Now),
            Request::Leave if shim.tasks.is_empty() => self.close_shim(node, serial, Kill::Gently),
            Request::Leave => {}
        }
    }

    /// Planted: an incarnation that was over goes on.
    fn revive(&mut self, node: usize, serial: u64, until: Duration) {
        let Some(shim) = self.living(node, serial) else { return };
        shim.open = true;
        shim.lease = Some(until);
        for task in shim.tasks.values_mut() {
            task.struck = false;
            task.killed = None;
        }
        self.watch_lease(node, serial);
    }

    /// Looks again when the lease ends.
    fn watch_lease(&mut self, node: usize, serial: u64) {
        let clock = self.machines[node].clock.clone();
        let Some(end) = self.living(node, serial).and_then(|shim| shim.lease) else { return };
        if end == Duration::MAX {
            return;
        }
        self.q.at(clock.when(end), move |w| w.look_at_lease(node, serial));
    }

    fn look_at_lease(&mut self, node: usize, serial: u64) {
        let (now, boot) = (self.q.now(), self.machines[node].clock.boot());
        let worker = self.machines[node].pid.and_then(|pid| self.acts_at(pid));
        let Some(shim) = self.living(node, serial) else { return };
        if shim.paused_until > now || !shim.open || shim.lease.is_none_or(|end| end > boot) {
            return; // a later look follows
        }
        if planted::is("no-dead-man") && worker != Some(now) {
            let again = worker.unwrap_or(now + SECOND);
            self.q.at(again, move |w| w.look_at_lease(node, serial));
            return;
        }
        shim.lease = None;
        self.count("leases over");
        self.close_shim(node, serial, Kill::Now);
    }

    /// Nothing is started any more, and everything is ended; then so is the shim.
    fn close_shim(&mut self, node: usize, serial: u64, mode: Kill) {
        let Some(shim) = self.living(node, serial) else { return };
        shim.open = false;
        let tags: Vec<Tag> = shim.tasks.keys().copied().collect();
        if planted::is("early-sign-in") {
            return self.leave_to_die(node, serial, tags);
        }
        self.say(|| format!("the shim of {} kills {tags:?} and ends", self.machines[node].disk.name));
        for tag in tags {
            self.strike(node, serial, tag, mode, Cause::Over);
        }
        self.perhaps_end(node, serial);
    }

    /// Planted: the next incarnation does not wait until the former one is dead.
    fn leave_to_die(&mut self, node: usize, serial: u64, tags: Vec<Tag>) {
        for tag in tags {
            let dying = self.dice.seconds(0.0, 0.9);
            self.judge_lost(tag);
            self.q.after(dying, move |w| w.judge_stop(tag, false));
        }
        let last = self.machines[node].shim.take().map_or(0, |shim| shim.last);
        self.hang_up(node, serial, last);
    }

    fn perhaps_end(&mut self, node: usize, serial: u64) {
        if self.living(node, serial).is_some_and(|shim| !shim.open && shim.tasks.is_empty()) {
            let last = self.machines[node].shim.take().map_or(0, |shim| shim.last);
            self.hang_up(node, serial, last);
        }
    }

    /// The worker's process is gone; its shim goes on while it has something to do.
    pub fn client_gone(&mut self, node: usize, _pid: usize) {
        let now = self.q.now();
        if let Some(shim) = &mut self.machines[node].shim {
            shim.needed_at = now;
            self.q.after(IDLE, move |w| w.idle(node));
        }
    }

    fn idle(&mut self, node: usize) {
        let now = self.q.now();
        let lonely = self.machines[node].pid.is_none();
        let Some(shim) = &self.machines[node].shim else { return };
        let (serial, needed_at) = (shim.serial, shim.needed_at);
        if !lonely {
            return;
        }
        if shim.tasks.is_empty() && now >= needed_at + IDLE && shim.paused_until <= now {
            self.close_shim(node, serial, Kill::Gently);
        } else {
            self.q.after(IDLE, move |w| w.idle(node));
        }
    }

    /// The shim is killed, and its tasks with it; nobody knows how they ended.
    pub fn kill_shim(&mut self, node: usize) {
        let Some(shim) = self.machines[node].shim.take() else { return };
        self.say(|| format!("the shim of {} is killed", self.machines[node].disk.name));
        for (tag, task) in &shim.tasks {
            if task.ended.is_none() {
                self.judge_stop(*tag, false);
            }
            self.judge_lost(*tag);
        }
        self.hang_up(node, shim.serial, shim.last);
    }

    pub fn pause_shim(&mut self, node: usize, span: Micros) {
        let until = self.q.now() + span;
        let Some(shim) = &mut self.machines[node].shim else { return };
        shim.paused_until = shim.paused_until.max(until);
        let serial = shim.serial;
        self.say(|| format!("the shim of {} is paused", self.machines[node].disk.name));
        self.q.at(until, move |w| w.shim_goes_on(node, serial));
    }

    fn shim_goes_on(&mut self, node: usize, serial: u64) {
        let now = self.q.now();
        let Some(shim) = self.living(node, serial).filter(|shim| shim.paused_until <= now) else { return };
        let waiting = std::mem::take(&mut shim.waiting);
        let ended: Vec<Tag> = shim.tasks.iter().filter(|(_, task)| task.ended.is_some()).map(|(tag, _)| *tag).collect();
        ended.into_iter().for_each(|tag| self.reap(node, serial, tag));
        waiting.into_iter().for_each(|request| self.asked(node, serial, request));
        self.look_at_lease(node, serial);
    }
}
