//! Processes begin, are held still, are killed, and begin again.

use super::{Node, Proc, World};
use crate::kernel::{Flag, Micros, SECOND};
use futures::future::BoxFuture;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};
use tokio_util::sync::CancellationToken;

impl World {
    /// Begins a process on a machine.
    pub fn spawn(&mut self, node: Node, start: String, make: impl FnOnce(&mut Proc, usize) -> BoxFuture<'static, ()>) {
        let pid = self.procs.len();
        let flag = Arc::new(Flag { pid, queued: AtomicBool::new(true), ready: self.ready.clone() });
        let mut process = Proc {
            node,
            start,
            alive: true,
            paused_until: 0,
            stop: CancellationToken::new(),
            mail: None,
            bell: Arc::default(),
            changes: None,
            client: None,
            future: None,
            flag,
        };
        process.future = Some(make(&mut process, pid));
        self.say(|| format!("{} begins as process {pid}", process.start));
        self.procs.push(process);
        self.machines[node].pid = Some(pid);
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(pid);
    }

    pub fn is_alive(&self, pid: usize) -> bool {
        self.procs[pid].alive
    }

    /// When the process can act again; `None` if it is dead.
    pub fn acts_at(&self, pid: usize) -> Option<Micros> {
        let process = &self.procs[pid];
        process.alive.then_some(process.paused_until.max(self.q.now()))
    }

    pub fn acts_now(&self, pid: usize) -> bool {
        self.acts_at(pid) == Some(self.q.now())
    }

    pub fn pause(&mut self, pid: usize, span: Micros) {
        let until = self.q.now() + span;
        let process = &mut self.procs[pid];
        if !process.alive {
            return;
        }
        process.paused_until = process.paused_until.max(until);
        let until = process.paused_until;
        self.say(|| format!("{} is paused until {:.3}", self.procs[pid].start, until as f64 / SECOND as f64));
        self.q.at(until, move |w| {
            let process = &w.procs[pid];
            if process.alive && process.paused_until <= w.q.now() {
                process.flag.queued.store(true, Relaxed);
                w.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(pid);
                w.say(|| format!("{} goes on", w.procs[pid].start));
            }
        });
    }

    /// SIGKILL: nothing of it is done any more.
    pub fn kill(&mut self, pid: usize) {
        if self.procs[pid].alive {
            self.say(|| format!("{} is killed", self.procs[pid].start));
            self.bury(pid);
        }
    }

    fn bury(&mut self, pid: usize) {
        let process = &mut self.procs[pid];
        process.alive = false;
        let node = process.node;
        drop(process.future.take());
        process.mail = None;
        process.changes = None;
        process.client = None;
        self.machines[node].pid = None;
        self.process_gone(pid);
        self.client_gone(node, pid);
    }

    /// It has left by itself.
    pub(super) fn ended(&mut self, pid: usize) {
        self.say(|| format!("{} ends", self.procs[pid].start));
        let node = self.procs[pid].node;
        self.bury(pid);
        let again = self.q.now() + self.dice.seconds(0.2, 3.0);
        let at = again.max(self.machines[node].dark_until);
        self.q.at(at, move |w| w.start(node));
    }

    /// Starts the process of a machine, unless one lives there or it may not be yet.
    pub fn start(&mut self, node: Node) {
        let machine = &self.machines[node];
        if machine.pid.is_some() {
            return;
        }
        if machine.dark_until > self.q.now() {
            self.q.at(machine.dark_until, move |w| w.start(node));
            return;
        }
        if machine.is_master { self.start_master(node) } else { self.start_worker(node) }
    }
}
