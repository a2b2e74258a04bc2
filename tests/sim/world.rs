//! The world: machines, their processes, and what connects them. Everything happens in one thread, in virtual time.

mod lives;

use crate::db::Db;
use crate::dice::Dice;
use crate::judge::Judge;
use crate::kernel::{Flag, MILLI, MachineClock, Micros, Queue, Ready, SECOND, What};
use crate::net::Net;
use crate::plan::Plan;
use crate::registry::Registry;
use crate::shim::{Client, Disk, Shim};
use escheduler::calls::{LocalBell, MasterMail};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A machine, by its place in [`World::machines`]; the three services come after the machines.
pub type Node = usize;

/// So many polls at one moment are no work any more.
const SPIN: u64 = 20_000;

pub struct Machine {
    pub is_master: bool,
    pub clock: Arc<MachineClock>,
    /// The process that lives there, if one does.
    pub pid: Option<usize>,
    pub starts: u32,
    /// Of a worker's machine.
    pub disk: Disk,
    pub shim: Option<Shim>,
    /// Nothing starts there before.
    pub dark_until: Micros,
    pub slots: usize,
}

pub struct Proc {
    pub node: Node,
    pub start: String,
    pub alive: bool,
    pub paused_until: Micros,
    pub stop: CancellationToken,
    pub mail: Option<UnboundedSender<MasterMail>>,
    pub bell: Arc<LocalBell>,
    pub changes: Option<watch::Sender<u64>>,
    pub client: Option<Client>,
    future: Option<BoxFuture<'static, ()>>,
    flag: Arc<Flag>,
}

pub struct World {
    pub q: Arc<Queue>,
    pub dice: Dice,
    /// For who sets the clocks.
    pub clock_dice: Dice,
    pub plan: Plan,
    pub db: Db,
    pub registry: Registry,
    pub net: Net,
    pub judge: Judge,
    pub machines: Vec<Machine>,
    pub procs: Vec<Proc>,
    ready: Ready,
    /// How often processes were polled at this very moment.
    polls: (Micros, u64),
    /// Of everything that has happened.
    pub hash: u64,
    pub talks: bool,
    /// Faults by kind, and what else is worth counting.
    pub counts: BTreeMap<&'static str, u64>,
    pub faults: u64,
    pub over: bool,
}

impl World {
    pub fn new(seed: u64, talks: bool) -> World {
        let mut dice = Dice::new(seed);
        let plan = Plan::draw(seed, &mut dice);
        let q = Arc::new(Queue::default());
        let mut world = World {
            q: q.clone(),
            registry: Registry::default(),
            net: Net::default(),
            db: Db::default(),
            judge: Judge::default(),
            machines: Vec::new(),
            procs: Vec::new(),
            ready: Ready::default(),
            polls: (0, 0),
            hash: 0,
            talks,
            counts: BTreeMap::new(),
            faults: 0,
            over: false,
            dice,
            clock_dice: Dice::new(seed.rotate_left(32)),
            plan,
        };
        for node in 0..world.plan.masters + world.plan.workers {
            let machine = world.machine(node);
            world.machines.push(machine);
        }
        world
    }

    fn machine(&mut self, node: Node) -> Machine {
        let is_master = node < self.plan.masters;
        let clock = MachineClock {
            queue: self.q.clone(),
            rate: 1.0 + (self.dice.unit() - 0.5) * 0.04,
            boot: self.dice.within(0, 1_000_000) * SECOND,
            wrong: AtomicI64::new(((self.dice.unit() - 0.5) * self.plan.wrong_clocks_ms) as i64),
            haste: if is_master { self.plan.haste } else { 1.0 },
        };
        Machine {
            is_master,
            clock: Arc::new(clock),
            pid: None,
            starts: 0,
            disk: Disk::new(format!("W{node}")),
            shim: None,
            dark_until: 0,
            slots: self.plan.slots,
        }
    }

    pub fn store(&self) -> Node {
        self.machines.len()
    }

    pub fn registry_node(&self) -> Node {
        self.machines.len() + 1
    }

    pub fn api(&self) -> Node {
        self.machines.len() + 2
    }

    pub fn masters(&self) -> std::ops::Range<Node> {
        0..self.plan.masters
    }

    /// Whether the last fault is over.
    pub fn is_calm(&self) -> bool {
        self.q.now() >= self.plan.calm_at
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn say(&self, what: impl FnOnce() -> String) {
        if self.talks {
            println!("{:10.3} {}", self.q.now() as f64 / SECOND as f64, what());
        }
    }

    /// Lives until it is judged.
    pub fn run(&mut self) {
        loop {
            self.poll_ready();
            if self.over || self.judge.breach.is_some() {
                break;
            }
            let Some(what) = self.q.next() else { break };
            let mixed = (self.hash ^ self.q.now()).wrapping_mul(0x0100_0000_01b3);
            match what {
                What::Act(act) => {
                    self.hash = mixed ^ 1;
                    act(self);
                }
                What::Wake(alarm) => {
                    self.hash = mixed;
                    alarm.ring();
                }
            }
        }
        self.hash ^= self.dice.draw();
        // They hold on to what holds on to them.
        self.procs.iter_mut().for_each(|process| process.alive = false);
        self.procs.clear();
        self.q.clear();
        self.net = Net::default();
    }

    fn poll_ready(&mut self) {
        loop {
            let next = self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(pid) = next else { return };
            let process = &mut self.procs[pid];
            if !process.alive || process.paused_until > self.q.now() {
                continue; // stays marked as queued; whoever goes on is queued again
            }
            process.flag.queued.store(false, Relaxed);
            let Some(mut future) = process.future.take() else { continue };
            self.polls = (self.q.now(), if self.polls.0 == self.q.now() { self.polls.1 + 1 } else { 0 });
            if self.polls.1 > SPIN {
                let start = self.procs[pid].start.clone();
                return self.breach(format!("{start} spins: it goes on and on at the same moment"));
            }
            let waker = Waker::from(process.flag.clone());
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => self.procs[pid].future = Some(future),
                Poll::Ready(()) => self.ended(pid),
            }
        }
    }

    /// What has to be seen to from time to time.
    pub fn tick(&mut self) {
        self.tick_streams();
        self.tick_registry();
        self.put_clocks_right();
        self.judge_end();
        if !self.over {
            self.q.after(SECOND, World::tick);
        }
    }

    /// How long a message takes.
    pub fn delay(&mut self) -> Micros {
        let calm = self.is_calm();
        let slow = if calm { 0.0 } else { self.plan.slow };
        match self.dice.unit() {
            x if x < 0.93 - slow => self.dice.within(MILLI / 5, 20 * MILLI),
            x if x < 0.98 - slow => self.dice.within(20 * MILLI, 500 * MILLI),
            _ if calm => self.dice.within(100 * MILLI, 600 * MILLI),
            _ => self.dice.within(500 * MILLI, 6 * SECOND),
        }
    }
}
