//! Load and faults at once, then peace, then the verdict.

use crate::canaries::Canaries;
use crate::cluster::{Cluster, Shape};
use crate::coroner;
use crate::dice::Dice;
use crate::faults::{Fault, Kind, Wish, plan};
use crate::injector::Injector;
use crate::judge::Account;
use crate::ledger::Line;
use crate::load::{Load, Row};
use crate::mix::{CHILD, NESTED};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long nothing may happen after the last fault before what is left counts as lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a storm and prints what came of it; whether there was no breach. Nothing where something is not installed.
pub fn storm(shape: Shape, wish: &Wish, tasks_a_second: u64) -> Option<bool> {
    let canaries = Canaries::new(20);
    let cluster = Cluster::start(shape.clone())?;
    let mut dice = Dice(wish.seed ^ 0x10ad);
    let load = Load::new(&cluster, &mut dice, wish.longest.min(Duration::from_secs(30)));
    let faults = plan(wish, &shape);
    println!(
        "{} faults within {} s on {} with the queue `{}`, seed {}",
        faults.len(),
        wish.length.as_secs(),
        shape.database.name(),
        shape.queue,
        wish.seed
    );
    let scene = Scene { cluster: &cluster, load: &load, over: AtomicBool::new(false), restarts: AtomicUsize::new(0) };
    let mut breaches = scene.play(&faults, wish, tasks_a_second);
    breaches.extend(scene.judge());
    breaches.extend(canaries.dead());
    report(&faults, &shape);
    println!("{} processes had ended by themselves and were started again", scene.restarts.load(Relaxed));
    breaches.iter().take(30).for_each(|breach| println!("BREACH: {breach}"));
    if !breaches.is_empty() {
        cluster.keep();
    }
    let long = faults.iter().filter(|fault| fault.lasts > shape.session).count();
    println!(
        "verdict: {} breaches; {} faults, {long} of them longer than the session time-out; {} with seed {}",
        breaches.len(),
        faults.len(),
        shape.database.name(),
        wish.seed
    );
    Some(breaches.is_empty())
}

struct Scene<'c> {
    cluster: &'c Cluster,
    load: &'c Load<'c>,
    over: AtomicBool,
    /// Processes that ended by themselves.
    restarts: AtomicUsize,
}

impl<'c> Scene<'c> {
    /// Returns what never came to its end.
    fn play(&self, faults: &[Fault], wish: &Wish, tasks_a_second: u64) -> Vec<String> {
        std::thread::scope(|scope| {
            scope.spawn(|| self.load.feed(Dice(wish.seed ^ 0xfeed), tasks_a_second));
            scope.spawn(|| self.load.order(Dice(wish.seed ^ 0x0bde)));
            scope.spawn(|| coroner::watch(self.cluster, &self.over));
            scope.spawn(|| self.look_after());
            self.inject(faults, wish.length);
            self.load.end();
            std::thread::scope(|scope| Injector { cluster: self.cluster, scope }.heal());
            let lost = self.wait();
            self.over.store(true, Relaxed);
            lost
        })
    }

    fn inject(&self, faults: &[Fault], length: Duration) {
        let ends = faults.iter().map(|fault| (fault.at + fault.lasts, false, fault));
        let mut events: Vec<_> = faults.iter().map(|fault| (fault.at, true, fault)).chain(ends).collect();
        events.sort_by_key(|(at, begins, _)| (*at, *begins));
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let injector = Injector { cluster: self.cluster, scope };
            for (at, begins, fault) in events {
                std::thread::sleep(at.saturating_sub(begun.elapsed()));
                self.tell(begun, begins, fault);
                if begins { injector.begin(fault) } else { injector.end(fault) }
            }
        });
        std::thread::sleep(length.saturating_sub(begun.elapsed()));
    }

    fn tell(&self, begun: Instant, begins: bool, fault: &Fault) {
        let what = if begins { "begins" } else { "ends" };
        let machine = &self.cluster.machines[fault.target].name;
        let at = begun.elapsed().as_secs_f64();
        let uptime = crate::ledger::now() as f64 / 100.0;
        println!(
            "{at:7.2} (up {uptime:.2}) {what}: {} ({machine}, {:.1} s)",
            fault.kind.name(),
            fault.lasts.as_secs_f64()
        );
    }

    fn look_after(&self) {
        while !self.over.load(Relaxed) {
            let again = self.cluster.machines.iter().filter(|machine| machine.look_after()).count();
            self.restarts.fetch_add(again, Relaxed);
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until every instance has ended; returns those that do not.
    fn wait(&self) -> Vec<String> {
        let (mut moved_at, mut seen) = (Instant::now(), (0, 0));
        loop {
            let open = self.open();
            let now = (open.len(), self.cluster.ledger.with(<[Line]>::len));
            if now != seen {
                (moved_at, seen) = (Instant::now(), now);
            }
            if open.is_empty() || moved_at.elapsed() > PATIENCE {
                return open;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What has not ended, or does not even exist although it was accepted.
    fn open(&self) -> Vec<String> {
        let mut open = Vec::new();
        for (at, kind) in self.load.kinds.iter().enumerate() {
            let Some(rows) = self.load.rows(at) else {
                open.push(format!("the instances of `{}` cannot be read", kind.name));
                continue;
            };
            let accepted = self.load.asked(at).accepted;
            if rows.len() < accepted {
                open.push(format!("{} of {accepted} starts of `{}` exist", rows.len(), kind.name));
            }
            let running = rows.iter().filter(|row| !row.ended);
            open.extend(running.map(|row| format!("`{}` {} never ended: {}", kind.name, row.id, row.state)));
        }
        open
    }

    fn judge(&self) -> Vec<String> {
        let account = Account::of(&self.cluster.ledger.lines());
        let mut breaches = account.breaches.clone();
        breaches.extend(self.load.breaches());
        breaches.extend(self.cluster.ledger.alive().iter().map(|node| format!("{node} lives although all has ended")));
        let rows: Vec<Vec<Row>> = (0..self.load.kinds.len()).map(|at| self.load.rows(at).unwrap_or_default()).collect();
        for (at, kind) in self.load.kinds.iter().enumerate() {
            let asked = self.load.asked(at);
            let possible = if at == CHILD { rows[NESTED].len() } else { asked.accepted + asked.unknown };
            if rows[at].len() > possible {
                breaches.push(format!("{} of at most {possible} instances of `{}` exist", rows[at].len(), kind.name));
            }
            for row in rows[at].iter().filter(|row| row.ended) {
                let last = account.instances.range((row.id, 0)..=(row.id, usize::MAX)).next_back();
                let none = BTreeMap::new();
                let wrong = kind.judge(&row.state, last.map_or(&none, |(_, nodes)| nodes));
                breaches.extend(wrong.iter().map(|what| format!("`{}` {}: {what}", kind.name, row.id)));
            }
        }
        let instances: usize = rows.iter().map(Vec::len).sum();
        println!(
            "{instances} instances for {} accepted starts, {} orders; {} attempts started, {} of them anew",
            self.load.accepted(),
            self.load.orders.load(Relaxed),
            account.starts,
            account.attempts_beyond_the_first
        );
        breaches
    }
}

/// Counts for each kind of fault.
fn report(faults: &[Fault], shape: &Shape) {
    println!("{:>5} {:>5}  fault", "times", "long");
    for kind in Kind::ALL {
        let of_it = || faults.iter().filter(|fault| fault.kind == kind);
        let long = of_it().filter(|fault| fault.lasts > shape.session).count();
        println!("{:>5} {long:>5}  {}", of_it().count(), kind.name());
    }
}
