//! The simulator: the masters and workers of the product over a simulated network, store, registry, clock and shim,
//! in virtual time. A seed is the whole story of a run.
//!
//! ```text
//! sim --seeds 10000 [--from 0]        breaches, seeds per second, a verdict
//! sim --seed 7 [--bug NAME] --trace   one seed, with all that happens; --log adds what the product says
//! sim --bugs [--seeds 10000] [--quick] each known mistake until a breach is found; the cheap ones
//! sim --twice 50                      seeds that are lived twice come out the same
//! ```

mod db;
mod dice;
mod faults;
mod judge;
mod kernel;
mod load;
mod net;
mod plan;
mod processes;
mod queue;
mod records;
mod registry;
mod schedules;
mod shim;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use world::World;

/// The known mistakes; with each of them switched on, a breach must be found.
const PLANTED: [&str; 19] = [
    "no-epoch",
    "read-then-bump",
    "no-sweep",
    "grant-before-record",
    "empty-promise",
    "forgets-start",
    "ack-from-memory",
    "ack-before-commit",
    "outbox-forgets",
    "silence-is-loss",
    "no-dead-man",
    "lease-from-answer",
    "sign-in-renews",
    "one-fence",
    "mixed-fence",
    "revived",
    "early-sign-in",
    "old-wish",
    "young-group",
];

/// What a seed has to hold to count.
const TASKS: u64 = 20;
const FAULTS: u64 = 3;

/// How a seed went.
struct Verdict {
    breach: Option<String>,
    hash: u64,
    tasks: u64,
    faults: u64,
    counts: BTreeMap<&'static str, u64>,
    virtual_seconds: u64,
}

impl Verdict {
    fn counts(&self) -> bool {
        self.tasks >= TASKS && self.faults >= FAULTS
    }
}

fn live(seed: u64, bug: &'static str, talks: bool) -> Verdict {
    escheduler::planted::plant(bug);
    let mut world = World::new(seed, talks);
    world.begin_load();
    world.begin_faults();
    for node in 0..world.machines.len() {
        let soon = world.dice.seconds(0.0, 0.5);
        world.q.after(soon, move |w| w.start(node));
    }
    world.q.after(kernel::SECOND, World::tick);
    world.run();
    Verdict {
        breach: world.judge.breach.take(),
        hash: world.hash,
        tasks: world.judge.started,
        faults: world.faults,
        counts: std::mem::take(&mut world.counts),
        virtual_seconds: world.q.now() / kernel::SECOND,
    }
}

/// What many seeds came to.
#[derive(Default)]
struct Totals {
    seeds: u64,
    thin: u64,
    tasks: u64,
    virtual_seconds: u64,
    counts: BTreeMap<&'static str, u64>,
    breaches: BTreeMap<u64, String>,
}

/// Lives seeds on all threads, until all are done or enough breaches were found.
fn live_all(from: u64, seeds: u64, threads: u64, bug: &'static str, enough: usize) -> Totals {
    let next = AtomicU64::new(from);
    let totals = Mutex::new(Totals::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= from + seeds || locked(&totals).breaches.len() >= enough {
                return;
            }
            let verdict = live(seed, bug, false);
            let mut totals = locked(&totals);
            totals.seeds += 1;
            totals.thin += u64::from(!verdict.counts() && verdict.breach.is_none());
            totals.tasks += verdict.tasks;
            totals.virtual_seconds += verdict.virtual_seconds;
            for (what, count) in verdict.counts {
                *totals.counts.entry(what).or_default() += count;
            }
            totals.breaches.extend(verdict.breach.map(|breach| (seed, breach)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    totals.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Args(Vec<String>);

impl Args {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|arg| arg == name)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|arg| arg == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }

    fn bug(&self) -> &'static str {
        let named = self.value("--bug").and_then(|name| PLANTED.iter().find(|bug| **bug == name));
        named.copied().unwrap_or("")
    }
}

fn main() -> ExitCode {
    let args = Args(std::env::args().skip(1).collect());
    let well = match args.number("--seed") {
        Some(seed) => one(seed, &args),
        None if args.has("--bugs") => bugs(&args),
        None if args.has("--twice") => twice(args.number("--twice").unwrap_or(50)),
        None => many(&args),
    };
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, args: &Args) -> bool {
    if args.has("--log") {
        tracing_subscriber::fmt().with_env_filter("debug").without_time().with_writer(std::io::stdout).init();
    }
    let verdict = live(seed, args.bug(), args.has("--trace"));
    let Verdict { tasks, faults, virtual_seconds, counts, hash, .. } = &verdict;
    println!("seed {seed}: {tasks} tasks, {faults} faults, {virtual_seconds} s, {counts:?}, hash {hash:016x}");
    println!("{}", verdict.breach.as_deref().unwrap_or("no breach"));
    verdict.breach.is_none()
}

fn many(args: &Args) -> bool {
    let begun = Instant::now();
    let (from, seeds) = (args.number("--from").unwrap_or(0), args.number("--seeds").unwrap_or(300));
    let enough = args.number("--breaches").unwrap_or(10) as usize;
    let totals = live_all(from, seeds, args.number("--threads").unwrap_or(2), args.bug(), enough);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} seeds in {seconds:.1} s: {:.1} seeds/s; {} tasks in {} virtual hours; {} seeds do not count (fewer than \
         {TASKS} tasks or {FAULTS} faults)",
        totals.seeds,
        totals.seeds as f64 / seconds,
        totals.tasks,
        totals.virtual_seconds / 3600,
        totals.thin,
    );
    let counts: Vec<String> = totals.counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
    println!("{}", counts.join(", "));
    for (seed, breach) in &totals.breaches {
        println!("seed {seed}: {breach}\n    replay: make sim SEED={seed}");
    }
    println!("{}", if totals.breaches.is_empty() { "no breach" } else { "BREACHED" });
    totals.breaches.is_empty()
}

/// Each known mistake, or the one that is named, is found.
fn bugs(args: &Args) -> bool {
    let seeds = args.number("--seeds").unwrap_or(10_000);
    let chosen = args.bug();
    let mut all = true;
    // These take hundreds of seeds.
    let slow = |bug: &str| {
        args.has("--quick") && ["sign-in-renews", "read-then-bump", "mixed-fence", "lease-from-answer"].contains(&bug)
    };
    let wanted = |bug: &&'static str| (chosen.is_empty() || **bug == *chosen) && !slow(bug);
    for bug in PLANTED.into_iter().filter(wanted) {
        let begun = Instant::now();
        let totals = live_all(0, seeds, args.number("--threads").unwrap_or(2), bug, 1);
        let seconds = begun.elapsed().as_secs_f64();
        match totals.breaches.first_key_value() {
            Some((seed, breach)) => println!("{bug}: found at seed {seed} after {seconds:.1} s: {breach}"),
            None => println!("{bug}: NOT FOUND in {} seeds, {seconds:.1} s", totals.seeds),
        }
        all &= !totals.breaches.is_empty();
    }
    all
}

/// The same seed is the same run.
fn twice(seeds: u64) -> bool {
    let differs = |seed: &u64| live(*seed, "", false).hash != live(*seed, "", false).hash;
    let different: Vec<u64> = (0..seeds).filter(differs).collect();
    println!("{seeds} seeds lived twice, different: {different:?}");
    different.is_empty()
}
