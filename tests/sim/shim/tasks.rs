//! The life of one task below a simulated shim.

use super::Task;
use crate::kernel::Micros;
use crate::world::World;
use escheduler::clock::Clock;
use escheduler::model::{Tag, Time};
use escheduler::planted;
use escheduler::worker::shim::{Cause, Event, Exit, Kill, Running, Start, Status};

impl World {
    pub(super) fn start_task(&mut self, node: usize, serial: u64, start: Start) {
        let boot = self.machines[node].clock.boot();
        let at = self.machines[node].clock.now();
        let status = self.machines[node].disk.outbox.get(&start.tag).cloned();
        let Some(shim) = self.living(node, serial) else { return };
        let tag = start.tag;
        if let Some(task) = shim.tasks.get(&tag) {
            let running = task.running.clone();
            return self.reply(node, serial, Event::Started(running));
        }
        if let Some(status) = status {
            return self.reply(node, serial, Event::Ended(status));
        }
        if shim.lease.is_none_or(|end| end <= boot) {
            return self.reply(node, serial, Event::Missing(tag));
        }
        if !shim.open || !shim.recent.insert(tag) {
            return;
        }
        let running = Running { tag, pid: tag.0 as u32, started_at: at, note: start.note.clone() };
        let task = Task { running: running.clone(), killed: None, struck: false, ended: None, grace: start.grace };
        shim.tasks.insert(tag, task);
        let incarnation = shim.incarnation;
        let (span, code) = self.draw_task();
        self.judge_start(node, incarnation, tag);
        self.q.after(span, move |w| w.leader_ended(node, serial, tag, Exit::Code(code)));
        self.reply(node, serial, Event::Started(running));
    }

    /// How long a task runs, and how it ends.
    pub(super) fn draw_task(&mut self) -> (Micros, i32) {
        let span = match self.dice.chance(self.plan.long_tasks) {
            true => self.dice.seconds(4.0, 35.0),
            false => self.dice.seconds(0.05, 4.0),
        };
        (span, i32::from(self.dice.chance(self.plan.bad_tasks)))
    }

    pub(super) fn kill_task(&mut self, node: usize, serial: u64, tag: Tag, mode: Kill) {
        let status = self.machines[node].disk.outbox.get(&tag).cloned();
        let Some(shim) = self.living(node, serial) else { return };
        if shim.tasks.contains_key(&tag) {
            return self.strike(node, serial, tag, mode, Cause::Asked);
        }
        match status {
            Some(status) => self.reply(node, serial, Event::Ended(status)),
            None => self.reply(node, serial, Event::Missing(tag)),
        }
    }

    /// Begins to end a task, or goes on harder.
    pub(super) fn strike(&mut self, node: usize, serial: u64, tag: Tag, mode: Kill, cause: Cause) {
        let obeys = self.dice.chance(0.8);
        let leaving = self.dice.seconds(0.0, 1.5);
        let dying = self.dice.seconds(0.0, if cause == Cause::Over { 0.9 } else { 0.3 });
        let now = self.q.now();
        let Some(task) = self.living(node, serial).and_then(|shim| shim.tasks.get_mut(&tag)) else { return };
        if task.ended.is_some() {
            return;
        }
        task.killed.get_or_insert(cause);
        let span = match mode {
            Kill::Now if task.struck => return,
            Kill::Now => dying,
            Kill::Gently if obeys => leaving,
            Kill::Gently => task.grace.as_micros() as u64 + dying,
        };
        task.struck |= mode == Kill::Now;
        let running = task.running.clone();
        if cause == Cause::Over {
            // Whatever it still does well, it counts as lost.
            self.judge_lost(tag);
        }
        if planted::is("revived") && cause == Cause::Over {
            // It tells what it is only about to do.
            let at = self.machines[node].clock.now();
            let status = status(running, Exit::Signal(9), at, Some(cause));
            self.machines[node].disk.outbox.insert(tag, status.clone());
            self.reply(node, serial, Event::Ended(status));
        }
        self.q.at(now + span, move |w| {
            let spared =
                w.living(node, serial).and_then(|shim| shim.tasks.get(&tag)).is_some_and(|task| task.killed.is_none());
            if !spared {
                w.leader_ended(node, serial, tag, Exit::Signal(9));
            }
        });
    }

    /// The process of a task is gone.
    pub(super) fn leader_ended(&mut self, node: usize, serial: u64, tag: Tag, exit: Exit) {
        let (now, at) = (self.q.now(), self.machines[node].clock.now());
        let Some(shim) = self.living(node, serial) else { return };
        let paused = shim.paused_until > now;
        let Some(task) = shim.tasks.get_mut(&tag).filter(|task| task.ended.is_none()) else { return };
        task.ended = Some((exit.clone(), at));
        self.judge_stop(tag, exit == Exit::Code(0));
        if !paused {
            self.reap(node, serial, tag);
        }
    }

    pub(super) fn reap(&mut self, node: usize, serial: u64, tag: Tag) {
        let now = self.q.now();
        let Some(shim) = self.living(node, serial) else { return };
        let Some(Task { running, killed, ended: Some((exit, at)), .. }) = shim.tasks.remove(&tag) else { return };
        shim.needed_at = now;
        let status = status(running, exit, at, killed);
        self.machines[node].disk.outbox.insert(tag, status.clone());
        self.reply(node, serial, Event::Ended(status));
        self.perhaps_end(node, serial);
    }
}

fn status(running: Running, exit: Exit, ended_at: Time, killed: Option<Cause>) -> Status {
    let Running { tag, pid, started_at, note } = running;
    Status { tag, exit, started_at, ended_at, pid: Some(pid), killed, note }
}
