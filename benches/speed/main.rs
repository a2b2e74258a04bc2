//! Speed, each row as a ratio to the floor measured in the same run: `make bench`.
//!
//! The release binary is driven over HTTP on a data folder of its own, then on one with a long history, and then as a
//! cluster. The floor is what the operating
//! system needs to start as many shells with `xargs`, measured before and after; how many files a second
//! the disk makes is printed beside, since that moves both.

mod cluster;
mod engine;
mod history;
mod lists;
#[path = "../../tests/it/processes.rs"]
#[allow(dead_code)]
mod processes;
mod schedules;
mod site;

use site::{Site, Workflow};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` passes this; there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{}", machine());
    let mut table = Table::default();
    if std::env::args().any(|argument| argument == "cluster") {
        cluster::rows(&mut table);
        return table.print();
    }
    if std::env::args().any(|argument| argument == "lists") {
        lists::rows(&mut table);
        return table.print();
    }
    if std::env::args().any(|argument| argument == "schedules") {
        schedules::rows(&mut table);
        return table.print();
    }
    let site = Site::start();
    idle(&site, &mut table);
    start_to_running(&site, &mut table);
    hops(&site, &mut table);
    chain(&site, &mut table);
    fan(&site, &mut table);
    many(&site, &mut table);
    drop(site);
    lists::rows(&mut table);
    schedules::rows(&mut table);
    cluster::rows(&mut table);
    engine::steps(&mut table);
    binary(&mut table);
    table.print();
}

#[derive(Default)]
struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    fn row(&mut self, workload: &str, measured: String, floor: String, verdict: (String, bool)) {
        let (target, reached) = verdict;
        let mark = if reached { "reached" } else { "MISSED" };
        println!("  {workload}: {measured} (floor {floor}; target {target}: {mark})");
        self.rows.push([workload.into(), measured, floor, format!("{target}: {mark}")]);
    }

    fn print(&self) {
        println!("\n| workload | measured | floor in the same run | target |\n|---|---|---|---|");
        for [workload, measured, floor, target] in &self.rows {
            println!("| {workload} | {measured} | {floor} | {target} |");
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    quantile(&mut values, 0.5)
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q).round() as usize]
}

fn ms(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

/// Seconds that `xargs` needs to start `count` shells, `parallel` at a time.
fn floor(count: usize, parallel: usize) -> f64 {
    let begun = Instant::now();
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("seq {count} | xargs -P {parallel} -I% /bin/sh -c true"))
        .stdin(Stdio::null())
        .status()
        .expect("xargs runs");
    assert!(status.success());
    begun.elapsed().as_secs_f64()
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, m)| m);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let folder = tempfile::tempdir().expect("a folder");
    let begun = Instant::now();
    for i in 0..100 {
        std::fs::write(folder.path().join(i.to_string()), "x").expect("a file");
    }
    format!("{model}, {cores} cores; 100 new files took {}", ms(begun.elapsed().as_secs_f64()))
}

fn idle(site: &Site, table: &mut Table) {
    std::thread::sleep(Duration::from_secs(3));
    let (before, begun) = (site.cpu_seconds(), Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let share = (site.cpu_seconds() - before) / begun.elapsed().as_secs_f64() * 100.0;
    let resident = site.resident_mib();
    let reached = resident <= 60.0 && share <= 1.0;
    table.row(
        "idle, all five roles",
        format!("{resident:.0} MiB resident, {share:.2} % of a core"),
        "-".into(),
        ("60 MiB, 1 %".into(), reached),
    );
}

fn start_to_running(site: &Site, table: &mut Table) {
    let ledger = site.ledger("first");
    let stamp = site::stamp(&ledger, "first");
    let id = site.define("first", &Workflow::chain(&[stamp.as_str()]));
    let mut seconds = vec![];
    for _ in 0..50 {
        std::fs::write(&ledger, "").expect("the ledger");
        let asked = site::now();
        site.start_and_wait(id);
        seconds.push(site::stamps(&ledger)[0].1 - asked);
    }
    let p50 = quantile(&mut seconds, 0.5);
    table.row(
        "start request → first node running, p50 of 50",
        ms(p50),
        ms(median((0..5).map(|_| floor(1, 1)).collect())),
        ("20 ms".into(), p50 <= 0.020),
    );
}

fn hops(site: &Site, table: &mut Table) {
    let ledger = site.ledger("hops");
    let scripts: Vec<String> = (0..101).map(|i| site::stamp(&ledger, &format!("n{i}"))).collect();
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let id = site.define("hops", &Workflow::chain(&scripts));
    let mut hops = vec![];
    for _ in 0..RUNS {
        std::fs::write(&ledger, "").expect("the ledger");
        site.start_and_wait(id);
        let stamps = site::stamps(&ledger);
        hops.extend(stamps.windows(2).map(|pair| pair[1].1 - pair[0].2));
    }
    let (p50, p99) = (quantile(&mut hops, 0.5), quantile(&mut hops, 0.99));
    table.row(
        "hop: end of a node → start of its successor",
        format!("p50 {}, p99 {}", ms(p50), ms(p99)),
        format!("p50 {} with xargs -P 1 and the same script", ms(hop_floor(site))),
        ("p50 5 ms, p99 20 ms".into(), p50 <= 0.005 && p99 <= 0.020),
    );
}

/// What the same measurement gives when `xargs` starts one script after the other: the begin and the end of
/// a script are read inside of it, so its own start and exit are part of every hop.
fn hop_floor(site: &Site) -> f64 {
    let ledger = site.ledger("hop-floor");
    let script = site.ledger("hop-floor.sh");
    std::fs::write(&script, site::stamp(&ledger, "n")).expect("a script");
    let command = format!("seq 100 | xargs -P 1 -I% /bin/bash {}", script.display());
    let status = Command::new("/bin/sh").arg("-c").arg(command).status().expect("xargs runs");
    assert!(status.success());
    let stamps = site::stamps(&ledger);
    median(stamps.windows(2).map(|pair| pair[1].1 - pair[0].2).collect())
}

fn chain(site: &Site, table: &mut Table) {
    let id = site.define("chain", &Workflow::chain(&["true"; 40]));
    let before = floor(40, 1);
    let took = median((0..RUNS).map(|_| site.start_and_wait(id)).collect());
    let floor = (before + floor(40, 1)) / 2.0;
    table.row(
        "40 SHELL `true` in a row",
        ms(took),
        ms(floor),
        (format!("2 × floor + 0.2 s = {}", ms(2.0 * floor + 0.2)), took <= 2.0 * floor + 0.2),
    );
}

fn fan(site: &Site, table: &mut Table) {
    let id = site.define("fan", &Workflow::fan(1000));
    let mut before = floor(1000, 16);
    let (mut rates, mut ratios) = (vec![], vec![]);
    for _ in 0..RUNS {
        let took = site.start_and_wait(id);
        let after = floor(1000, 16);
        let base = 1000.0 / ((before + after) / 2.0);
        before = after;
        rates.push((1001.0 / took, base));
        ratios.push(1001.0 / took / base);
    }
    throughput("1 node, then 1,000 parallel SHELL `true`", rates, ratios, table);
}

fn many(site: &Site, table: &mut Table) {
    let id = site.define("many", &Workflow::chain(&["true"; 3]));
    let mut before = floor(600, 16);
    let (mut rates, mut ratios) = (vec![], vec![]);
    for _ in 0..RUNS {
        let took = site.start_many_and_wait(id, 200);
        let after = floor(600, 16);
        let base = 600.0 / ((before + after) / 2.0);
        before = after;
        rates.push((600.0 / took, base));
        ratios.push(600.0 / took / base);
    }
    throughput("200 instances of a 3-node chain started at once", rates, ratios, table);
}

fn throughput(workload: &str, rates: Vec<(f64, f64)>, ratios: Vec<f64>, table: &mut Table) {
    let ours = median(rates.iter().map(|rate| rate.0).collect());
    let floor = median(rates.iter().map(|rate| rate.1).collect());
    let ratio = median(ratios);
    table.row(
        workload,
        format!("{ours:.0} tasks/s, {:.0} %", ratio * 100.0),
        format!("{floor:.0} tasks/s"),
        ("50 %".into(), ratio >= 0.5),
    );
}

fn binary(table: &mut Table) {
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_escheduler")).map_or(0, |data| data.len()) as f64 / 1e6;
    table.row("binary, stripped", format!("{size:.1} MB"), "-".into(), ("40 MB".into(), size <= 40.0));
}
