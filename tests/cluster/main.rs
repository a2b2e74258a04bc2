//! A real cluster of processes, under load and faults: judged by what its tasks have written down.
//!
//! As a test (`cargo test --test cluster`): failovers one by one, and two short storms. `make chaos` runs a long one.
//! This is no harness of the usual kind, because the tests here take the whole machine: they run one after the other,
//! several on one cluster.

mod canaries;
mod client;
mod cluster;
mod coroner;
mod database;
#[path = "../it/dice.rs"]
mod dice;
mod failover;
mod faults;
mod injector;
mod judge;
mod ledger;
mod load;
mod machine;
mod mix;
mod network;
mod operator;
#[path = "../it/processes.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod processes;
#[path = "../it/site.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod site;
mod storm;
mod tools;
mod wire;

use cluster::Shape;
use database::Product;
use faults::Wish;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "chaos") {
        return chaos(&arguments[1..]);
    }
    if arguments.iter().any(|word| word == "--list") {
        tests().iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    let mut failed = 0;
    for (name, test) in tests() {
        if wanted(name) && !passes(name, test) {
            failed += 1;
        }
    }
    if failed > 0 {
        println!("{failed} tests of the cluster FAILED");
    }
    ExitCode::from(u8::from(failed > 0))
}

type Test = fn();

fn tests() -> Vec<(&'static str, Test)> {
    vec![
        ("the_judge_notices_what_is_wrong", judge::notices_what_is_wrong),
        ("a_plan_repeats_and_leaves_time_between", tools::a_plan_repeats_and_leaves_time_between),
        ("a_wire_holds_or_refuses", tools::a_wire_holds_or_refuses),
        ("a_network_cuts_one_way", tools::a_network_cuts_one_way),
        ("failover_with_direct_on_postgres", || failover::all(Product::Postgres, "direct")),
        ("failover_with_zookeeper_on_mariadb", || failover::all(Product::Mariadb, "zookeeper")),
        ("an_operator_on_mariadb", || operator::all(Product::Mariadb)),
        ("storm_with_direct_on_mariadb", || short_storm(Product::Mariadb, "direct")),
        ("storm_with_zookeeper_on_postgres", || short_storm(Product::Postgres, "zookeeper")),
    ]
}

fn passes(name: &str, test: Test) -> bool {
    if let Some(why) = network::Network::obstacle() {
        servers::note_skip(&why);
        return true;
    }
    let begun = Instant::now();
    println!("test {name} ...");
    let passed = catch_unwind(AssertUnwindSafe(test)).is_ok();
    println!("test {name} ... {} in {:.1} s", if passed { "ok" } else { "FAILED" }, begun.elapsed().as_secs_f64());
    passed
}

/// A full cluster, with a lease and a session that expire within a short run.
fn shape(database: Product, queue: &'static str) -> Shape {
    Shape {
        database,
        queue,
        masters: 3,
        workers: 4,
        apis: 2,
        ensemble: true,
        lease: Duration::from_secs(6),
        session: Duration::from_secs(4),
    }
}

fn short_storm(database: Product, queue: &'static str) {
    let seed = rand::random::<u32>().into();
    let wish = Wish {
        seed,
        length: Duration::from_secs(45),
        every: Duration::from_millis(2500),
        longest: Duration::from_secs(12),
        outages: false,
    };
    assert_ne!(storm::storm(shape(database, queue), &wish, 15), Some(false), "seed {seed}");
}

/// `chaos SEED=… MINUTES=… DB=… QUEUE=… LONG=1`, in any order.
fn chaos(words: &[String]) -> ExitCode {
    let value = |name: &str| {
        let found = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let number = |name: &str| value(name).map(|text| text.parse::<u64>());
    let (Ok(seed), Ok(minutes), Ok(rate)) = (
        number("SEED").unwrap_or_else(|| Ok(rand::random::<u32>().into())),
        number("MINUTES").unwrap_or(Ok(20)),
        number("RATE").unwrap_or(Ok(20)),
    ) else {
        println!("SEED, MINUTES and RATE are numbers");
        return ExitCode::FAILURE;
    };
    let database = match value("DB").as_deref() {
        Some("mariadb") => Product::Mariadb,
        Some("postgres") | None => Product::Postgres,
        Some(other) => {
            println!("DB is mariadb or postgres, not {other}");
            return ExitCode::FAILURE;
        }
    };
    let queue = if value("QUEUE").as_deref() == Some("zookeeper") { "zookeeper" } else { "direct" };
    let outages = value("LONG").as_deref() == Some("1");
    let wish = Wish {
        seed,
        length: Duration::from_secs(minutes * 60),
        every: Duration::from_millis(3300),
        longest: Duration::from_secs(40),
        outages,
    };
    if let Some(why) = network::Network::obstacle() {
        println!("{why}");
        return ExitCode::FAILURE;
    }
    match storm::storm(shape(database, queue), &wish, rate) {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            println!("the servers are not installed; make servers");
            ExitCode::FAILURE
        }
    }
}
