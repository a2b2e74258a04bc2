//! What goes wrong, and when. After the last fault everything heals.

use crate::kernel::{Micros, SECOND};
use crate::shim::Disk;
use crate::world::{Node, World};
use std::sync::atomic::Ordering::Relaxed;

impl World {
    pub fn begin_faults(&mut self) {
        let first = self.dice.seconds(1.0, 6.0);
        self.q.after(first, World::fault);
        if self.plan.ten_minutes {
            let at = self.dice.seconds(10.0, 60.0);
            self.q.after(at, |w| {
                let database = w.dice.chance(0.5);
                w.outage(database, 600 * SECOND);
            });
        }
    }

    fn fault(&mut self) {
        if self.q.now() > self.plan.faults_until {
            return;
        }
        self.one_fault();
        let next = self.dice.seconds(1.0, 9.0);
        self.q.after(next, World::fault);
    }

    /// Remembers until when this fault lasts.
    fn lasts(&mut self, what: &'static str, span: Micros) {
        self.count(what);
        self.faults += 1;
        self.plan.calm_at = self.plan.calm_at.max(self.q.now() + span);
        self.say(|| format!("FAULT {what} for {:.3} s", span as f64 / SECOND as f64));
    }

    fn span(&mut self) -> Micros {
        // Around what leases and sessions last, and far from it.
        let around = *self.dice.pick(&[0.5, 3.0, 8.0, 9.0, 10.5, 12.0, 25.0, 40.0]);
        self.dice.seconds(around * 0.8, around)
    }

    fn one_fault(&mut self) {
        let machines = self.machines.len();
        let node = self.dice.within(0, machines as u64) as usize;
        match self.dice.within(0, 100) {
            0..24 => self.pause_somebody(node),
            24..44 => self.kill_somebody(node),
            44..66 => self.cut_something(node),
            66..72 => self.isolate(node),
            72..80 => {
                let database = self.dice.chance(0.5);
                let around = *self.dice.pick(&[1.0, 5.0, 12.0, 30.0]);
                let span = self.dice.seconds(around * 0.5, around);
                self.outage(database, span);
            }
            80..85 => self.jump(node),
            85..89 => {
                let span = self.dice.seconds(1.0, 8.0);
                self.lasts("follower stranded", span);
                self.strand(node, span);
            }
            89..92 if !self.machines[node].is_master => self.burn(node),
            92..96 => self.restart(node),
            _ => self.kill_shim_of(node),
        }
    }

    fn pause_somebody(&mut self, node: Node) {
        let span = self.span();
        if let Some(pid) = self.machines[node].pid {
            self.lasts("pause", span);
            self.pause(pid, span);
        }
        // A shim alone, and shortly: held still longer, it could not keep its word.
        if !self.machines[node].is_master && self.dice.chance(0.2) {
            let span = self.dice.seconds(0.1, 0.9);
            self.lasts("pause of a shim", span);
            self.pause_shim(node, span);
        }
    }

    fn kill_somebody(&mut self, node: Node) {
        let span = self.dice.seconds(0.1, 1.0) * self.dice.within(1, 20);
        if let Some(pid) = self.machines[node].pid {
            self.lasts("kill", span);
            self.kill(pid);
            self.machines[node].dark_until = self.q.now() + span;
            self.q.after(span, move |w| w.start(node));
        }
    }

    /// A planned restart.
    fn restart(&mut self, node: Node) {
        let Some(pid) = self.machines[node].pid else { return };
        let span = self.dice.seconds(1.0, 20.0);
        self.lasts("restart", span);
        self.machines[node].dark_until = self.q.now() + span;
        self.procs[pid].stop.cancel();
        let dead = self.dice.seconds(2.0, 30.0);
        // Who does not leave in time is killed.
        self.q.after(dead, move |w| {
            if w.is_alive(pid) {
                w.kill(pid);
                w.start(node);
            }
        });
        self.plan.calm_at = self.plan.calm_at.max(self.q.now() + dead);
    }

    fn kill_shim_of(&mut self, node: Node) {
        if !self.machines[node].is_master && self.machines[node].shim.is_some() {
            self.lasts("kill of a shim", 0);
            self.kill_shim(node);
            if self.dice.chance(0.3)
                && let Some(pid) = self.machines[node].pid
            {
                self.kill(pid);
                let span = self.dice.seconds(0.1, 5.0);
                self.machines[node].dark_until = self.q.now() + span;
                self.q.after(span, move |w| w.start(node));
            }
        }
    }

    /// The machine loses its power; its disk may go with it.
    fn burn(&mut self, node: Node) {
        let span = self.dice.seconds(1.0, 30.0);
        self.lasts("burnt machine", span);
        self.machines[node].dark_until = self.q.now() + span;
        self.kill_shim(node);
        if let Some(pid) = self.machines[node].pid {
            self.kill(pid);
        }
        if self.dice.chance(0.4) {
            let lost: Vec<_> = self.machines[node].disk.outbox.keys().copied().collect();
            lost.into_iter().for_each(|tag| self.judge_lost(tag));
            let name = format!("{}'", self.machines[node].disk.name);
            self.machines[node].disk = Disk::new(name);
        }
        self.q.after(span, move |w| w.start(node));
    }

    fn cut_something(&mut self, node: Node) {
        // Most often what a lease hangs on.
        let places = self.machines.len() as u64 + 2;
        let other = match self.dice.chance(0.5) {
            true => self.dice.within(self.machines.len() as u64, places) as usize,
            false => self.dice.within(0, places) as usize,
        };
        if other == node {
            return;
        }
        let span = self.span();
        let pairs = match self.dice.within(0, 10) {
            0..6 => vec![(node, other), (other, node)],
            6..8 => vec![(node, other)],
            _ => vec![(other, node)],
        };
        self.lasts("cut", span);
        self.say(|| format!("cut: {pairs:?}"));
        self.cut(pairs, span);
    }

    fn isolate(&mut self, node: Node) {
        let span = self.span();
        let others = (0..self.machines.len() + 3).filter(|other| *other != node);
        let pairs: Vec<_> = others.flat_map(|other| [(node, other), (other, node)]).collect();
        self.lasts("isolation", span);
        self.say(|| format!("{node} is alone"));
        self.cut(pairs, span);
    }

    fn outage(&mut self, database: bool, span: Micros) {
        let until = self.q.now() + span;
        if database {
            self.lasts("database down", span);
            self.plan.database_down_until = self.plan.database_down_until.max(until);
        } else if self.registry.is_up {
            self.lasts("registry down", span);
            self.set_registry(false);
            self.q.at(until, |w| w.set_registry(true));
        }
    }

    /// Somebody sets the wall clock.
    fn jump(&mut self, node: Node) {
        let by = *self.dice.pick(&[-3_600_000, -20_000, -1_500, 1_500, 20_000, 3_600_000]);
        self.lasts("clock jump", 0);
        self.say(|| format!("the wall clock of {node} jumps by {by} ms"));
        self.machines[node].clock.wrong.fetch_add(by, Relaxed);
    }
}
