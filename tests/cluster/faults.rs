//! Which faults happen when: a plan that a seed repeats.

use crate::cluster::Shape;
use crate::dice::Dice;
use crate::machine;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    KillMaster,
    PauseMaster,
    RestartMaster,
    KillWorker,
    PauseWorker,
    RestartWorker,
    KillWorkerAndShim,
    KillShim,
    PauseShim,
    BurnWorker,
    KillApi,
    PauseApi,
    KillRegistryServer,
    PauseRegistryServer,
    RollRegistry,
    KillQuorum,
    KillRegistry,
    KillDatabase,
    PauseDatabase,
    RestartDatabase,
    HoldRegistry,
    HoldRegistryRequests,
    HoldRegistryAnswers,
    RefuseRegistry,
    HoldDatabase,
    HoldDatabaseRequests,
    HoldDatabaseAnswers,
    RefuseDatabase,
    CutPeers,
    CutPeersOneWay,
    Isolate,
}

/// What a fault is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Machine(machine::Kind),
    /// Any master or worker.
    Member,
    /// A master and a worker.
    Pair,
    RegistryServer,
    Registry,
    Database,
}

use Kind::*;
use machine::Kind::{Api, Master, Worker};

/// Rather often, and upon what.
const KINDS: [(Kind, &str, u64, Victim); 31] = [
    (KillMaster, "kill -9 of a master", 4, Victim::Machine(Master)),
    (PauseMaster, "SIGSTOP of a master", 4, Victim::Machine(Master)),
    (RestartMaster, "restart of a master", 2, Victim::Machine(Master)),
    (KillWorker, "kill -9 of a worker", 4, Victim::Machine(Worker)),
    (PauseWorker, "SIGSTOP of a worker", 4, Victim::Machine(Worker)),
    (RestartWorker, "restart of a worker", 2, Victim::Machine(Worker)),
    (KillWorkerAndShim, "kill -9 of a worker and its shim", 2, Victim::Machine(Worker)),
    (KillShim, "kill -9 of a shim", 2, Victim::Machine(Worker)),
    (PauseShim, "SIGSTOP of a shim", 2, Victim::Machine(Worker)),
    (BurnWorker, "a worker's machine burnt", 4, Victim::Machine(Worker)),
    (KillApi, "kill -9 of an api", 2, Victim::Machine(Api)),
    (PauseApi, "SIGSTOP of an api", 1, Victim::Machine(Api)),
    (KillRegistryServer, "kill -9 of a registry server", 2, Victim::RegistryServer),
    (PauseRegistryServer, "SIGSTOP of a registry server", 2, Victim::RegistryServer),
    (RollRegistry, "rolling restart of the registry", 1, Victim::Registry),
    (KillQuorum, "kill -9 of the registry's quorum", 1, Victim::Registry),
    (KillRegistry, "kill -9 of the whole registry", 1, Victim::Registry),
    (KillDatabase, "kill -9 of the database", 2, Victim::Database),
    (PauseDatabase, "SIGSTOP of the database", 2, Victim::Database),
    (RestartDatabase, "restart of the database", 1, Victim::Database),
    (HoldRegistry, "cut: machine and registry", 2, Victim::Member),
    (HoldRegistryRequests, "cut: machine to registry", 1, Victim::Member),
    (HoldRegistryAnswers, "cut: registry to machine", 1, Victim::Member),
    (RefuseRegistry, "reset: machine and registry", 2, Victim::Member),
    (HoldDatabase, "cut: machine and database", 2, Victim::Machine(Master)),
    (HoldDatabaseRequests, "cut: machine to database", 1, Victim::Machine(Master)),
    (HoldDatabaseAnswers, "cut: database to machine", 2, Victim::Machine(Master)),
    (RefuseDatabase, "reset: machine and database", 2, Victim::Machine(Master)),
    (CutPeers, "cut: master and worker", 3, Victim::Pair),
    (CutPeersOneWay, "cut: one way between master and worker", 3, Victim::Pair),
    (Isolate, "machine isolated", 3, Victim::Member),
];

impl Kind {
    pub const ALL: [Kind; 31] = {
        let mut all = [KillMaster; 31];
        let mut at = 0;
        while at < KINDS.len() {
            all[at] = KINDS[at].0;
            at += 1;
        }
        all
    };

    pub fn name(self) -> &'static str {
        KINDS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub at: Duration,
    pub lasts: Duration,
    pub kind: Kind,
    /// Number of the machine or of the registry server.
    pub target: usize,
    /// Of a pair: the second machine.
    pub other: usize,
}

/// What at most one fault at a time concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Machine(usize),
    Registry,
    Database,
}

/// What is asked of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub seed: u64,
    pub length: Duration,
    /// Between the beginnings of two faults, on average.
    pub every: Duration,
    /// How long a fault may last.
    pub longest: Duration,
    /// Whether registry and database are gone for three session time-outs each, and one of them for ten minutes.
    pub outages: bool,
}

pub fn plan(wish: &Wish, shape: &Shape) -> Vec<Fault> {
    let mut planner = Planner { dice: Dice(wish.seed), shape, taken: vec![], faults: vec![] };
    if wish.outages {
        planner.outages(wish);
    }
    let mut at = Duration::from_secs(2);
    while at < wish.length {
        planner.add(at, wish);
        at += wish.every / 2 + millis(planner.dice.below(wish.every.as_millis() as u64 + 1));
    }
    planner.faults.sort_by_key(|fault| fault.at);
    planner.faults
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

struct Planner<'s> {
    dice: Dice,
    shape: &'s Shape,
    taken: Vec<(Part, Duration, Duration)>,
    faults: Vec<Fault>,
}

impl Planner<'_> {
    fn outages(&mut self, wish: &Wish) {
        let (three, ten) = (self.shape.session * 3, Duration::from_secs(600));
        let (long, short) = match wish.seed % 2 {
            0 => ((KillRegistry, Part::Registry), (KillDatabase, Part::Database)),
            _ => ((KillDatabase, Part::Database), (KillRegistry, Part::Registry)),
        };
        let mut take = |at, lasts, (kind, part)| {
            self.taken.push((part, at, at + lasts));
            self.faults.push(Fault { at, lasts, kind, target: 0, other: 0 });
        };
        take(wish.length / 10, three, long);
        take(wish.length / 5, three, short);
        take(wish.length / 3, ten, long);
    }

    /// Adds a fault, of another kind if everything that the one drawn could concern is in trouble already.
    fn add(&mut self, at: Duration, wish: &Wish) {
        for _ in 0..20 {
            let (kind, victim) = self.draw();
            let lasts = self.duration(wish.longest);
            let Some((target, other, parts)) = self.choose(victim, at, at + lasts) else { continue };
            self.taken.extend(parts.into_iter().map(|part| (part, at, at + lasts)));
            self.faults.push(Fault { at, lasts, kind, target, other });
            return;
        }
    }

    fn draw(&mut self) -> (Kind, Victim) {
        let mut drawn = self.dice.below(KINDS.iter().map(|row| row.2).sum());
        let hit = KINDS.iter().find(|row| {
            let hit = drawn < row.2;
            drawn = drawn.saturating_sub(row.2);
            hit
        });
        hit.map_or((KillMaster, Victim::Machine(Master)), |row| (row.0, row.3))
    }

    /// Two of five outlast the session time-out.
    fn duration(&mut self, longest: Duration) -> Duration {
        let (session, longest) = (self.shape.session.as_millis() as u64, longest.as_millis() as u64);
        if self.dice.below(5) >= 2 {
            return millis(500 + self.dice.below(session - 500));
        }
        // Rather shorter than longer, so that the cluster gets somewhere in between.
        let room = longest.saturating_sub(session + 500).max(1);
        let far = self.dice.below(room).min(self.dice.below(room));
        millis(session + 500 + far)
    }

    fn choose(&mut self, victim: Victim, from: Duration, to: Duration) -> Option<(usize, usize, Vec<Part>)> {
        match victim {
            Victim::Machine(kind) => self.machine(kind, from, to).map(|at| (at, 0, vec![Part::Machine(at)])),
            Victim::Member => {
                let kind = if self.dice.below(2) == 0 { Master } else { Worker };
                self.machine(kind, from, to).map(|at| (at, 0, vec![Part::Machine(at)]))
            }
            Victim::Pair => {
                let (master, worker) = (self.machine(Master, from, to)?, self.machine(Worker, from, to)?);
                let parts = vec![Part::Machine(master), Part::Machine(worker)];
                Some(if self.dice.below(2) == 0 { (master, worker, parts) } else { (worker, master, parts) })
            }
            Victim::RegistryServer => {
                let target = self.dice.below(if self.shape.ensemble { 3 } else { 1 }) as usize;
                self.is_free(Part::Registry, from, to).then_some((target, 0, vec![Part::Registry]))
            }
            Victim::Registry => self.is_free(Part::Registry, from, to).then_some((0, 0, vec![Part::Registry])),
            Victim::Database => self.is_free(Part::Database, from, to).then_some((0, 0, vec![Part::Database])),
        }
    }

    /// A machine of this kind that is in no trouble.
    fn machine(&mut self, kind: machine::Kind, from: Duration, to: Duration) -> Option<usize> {
        let (masters, workers) = (usize::from(self.shape.masters), usize::from(self.shape.workers));
        let numbers = match kind {
            Master => 0..masters,
            Worker => masters..masters + workers,
            Api => masters + workers..masters + workers + usize::from(self.shape.apis),
        };
        let free: Vec<usize> = numbers.filter(|at| self.is_free(Part::Machine(*at), from, to)).collect();
        (!free.is_empty()).then(|| free[self.dice.below(free.len() as u64) as usize])
    }

    /// With a second in between, so that one fault is over before the next one comes.
    fn is_free(&self, part: Part, from: Duration, to: Duration) -> bool {
        let rest = Duration::from_secs(1);
        self.taken.iter().all(|(other, begin, end)| *other != part || to + rest < *begin || *end + rest < from)
    }
}
