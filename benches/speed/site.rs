//! A running escheduler, and workflows for it.

#[path = "../../tests/it/site.rs"]
#[allow(dead_code)]
mod running;

use running::{document, shell};
pub use running::{eventually, is_finished};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub struct Site(running::Site);

pub struct Workflow(pub Value);

impl Workflow {
    pub fn chain(scripts: &[&str]) -> Workflow {
        let names: Vec<String> = (0..scripts.len()).map(|i| format!("n{i}")).collect();
        let node = |(i, script): (usize, &&str)| {
            let before: Vec<&str> = i.checked_sub(1).map(|before| names[before].as_str()).into_iter().collect();
            shell(&names[i], script, &before)
        };
        Workflow(document(scripts.iter().enumerate().map(node).collect()))
    }

    pub fn fan(width: usize) -> Workflow {
        let mut tasks = vec![shell("root", "true", &[])];
        tasks.extend((0..width).map(|i| shell(&format!("leaf{i}"), "true", &["root"])));
        Workflow(document(tasks))
    }
}

/// Seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

/// A script that writes when it began and when it is about to end.
pub fn stamp(ledger: &Path, name: &str) -> String {
    format!("#!/bin/bash\nb=$EPOCHREALTIME\necho {name} $b $EPOCHREALTIME >> {}\n", ledger.display())
}

/// Name, begin and end of each line of a ledger, in order of the begins.
pub fn stamps(ledger: &Path) -> Vec<(String, f64, f64)> {
    let text = std::fs::read_to_string(ledger).expect("the ledger");
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[0].to_owned(), words[1].parse().expect("a time"), words[2].parse().expect("a time"))
    };
    let mut stamps: Vec<(String, f64, f64)> = text.lines().map(line).collect();
    stamps.sort_by(|a, b| a.1.total_cmp(&b.1));
    stamps
}

impl Site {
    pub fn start() -> Site {
        let site = running::Site::start();
        site.project();
        Site(site)
    }

    /// A site whose database was filled while it was down.
    pub fn with_history(fill: impl FnOnce(&Path)) -> Site {
        let mut site = running::Site::start();
        site.stop();
        fill(&site.data.join("escheduler.db"));
        site.up();
        Site(site)
    }

    pub fn database(&self) -> PathBuf {
        self.0.data.join("escheduler.db")
    }

    pub fn down(&mut self) {
        self.0.stop();
    }

    pub fn up(&mut self) {
        self.0.up();
    }

    /// Saves a workflow whose only node is forbidden, and takes it online; returns its id.
    pub fn define_idle(&self, name: &str) -> i64 {
        let mut node = shell("rests", "true", &[]);
        node["runFlag"] = "FORBIDDEN".into();
        self.0.define(name, &document(vec![node]))
    }

    /// The data of an answer that must be a success.
    pub fn get(&self, path: &str) -> Value {
        self.0.get(path)
    }

    pub fn ledger(&self, name: &str) -> PathBuf {
        let path = self.0.folder.path().join(name);
        std::fs::write(&path, "").expect("the ledger");
        path
    }

    /// Saves a workflow and takes it online; returns its id.
    pub fn define(&self, name: &str, workflow: &Workflow) -> i64 {
        self.0.define(name, &workflow.0)
    }

    /// Starts a backfill of a definition.
    pub fn backfill(&self, id: i64, range: &str, at_once: u32) {
        let at_once = at_once.to_string();
        let form = [
            ("execType", "COMPLEMENT_DATA"),
            ("scheduleTime", range),
            ("runMode", "RUN_MODE_PARALLEL"),
            ("expectedParallelismNumber", at_once.as_str()),
        ];
        self.0.start_instance(id, &form);
    }

    /// How many instances of a definition have succeeded.
    pub fn ended(&self, id: i64) -> i64 {
        self.0.count(id, "SUCCESS")
    }

    /// Seconds from the request until the instance has succeeded.
    pub fn start_and_wait(&self, id: i64) -> f64 {
        self.start_many_and_wait(id, 1)
    }

    pub fn start_many_and_wait(&self, id: i64, count: usize) -> f64 {
        let before = self.0.count(id, "SUCCESS");
        let begun = Instant::now();
        let callers = count.min(8);
        std::thread::scope(|scope| {
            for part in 0..callers {
                scope.spawn(move || (part..count).step_by(callers).for_each(|_| self.0.start_instance(id, &[])));
            }
        });
        let wait = if count > 1 { 20 } else { 2 };
        while self.0.count(id, "SUCCESS") < before + count as i64 {
            assert!(begun.elapsed() < Duration::from_secs(120), "the instances do not come to an end");
            std::thread::sleep(Duration::from_millis(wait));
        }
        begun.elapsed().as_secs_f64()
    }

    pub fn cpu_seconds(&self) -> f64 {
        let ticks = |pid: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let after = stat.rsplit(") ").next().unwrap_or_default().to_owned();
            let fields: Vec<&str> = after.split(' ').collect();
            let field = |i: usize| fields.get(i).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
            field(11) + field(12)
        };
        self.0.pids().into_iter().map(ticks).sum::<f64>() / 100.0
    }

    pub fn resident_mib(&self) -> f64 {
        let resident = |pid: u32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:").map(str::to_owned));
            line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or_default()
        };
        self.0.pids().into_iter().map(resident).sum::<f64>() / 1024.0
    }
}
