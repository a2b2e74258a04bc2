//! One failure at a time. What it takes until work goes on is printed, and not judged: a busy machine is slow.

#[path = "dependents.rs"]
mod dependents;
#[path = "reasons.rs"]
mod reasons;

use crate::cluster::{Cluster, Shape};
use crate::coroner;
use crate::database::Product;
use crate::judge::Account;
use crate::ledger::{Attempt, Line, What, now};
use crate::machine::{Kind, Machine};
use crate::site::{document, eventually, shell};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(5);
const SESSION: Duration = Duration::from_secs(3);

/// The number of the worker group that consists of one worker.
const GROUP: i32 = 7;

/// A registry server's tick.
const TICK: Duration = Duration::from_millis(500);

/// Every failure, one after the other, on one cluster.
pub fn all(database: Product, queue: &'static str) {
    let shape =
        Shape { database, queue, masters: 2, workers: 3, apis: 2, ensemble: false, lease: LEASE, session: SESSION };
    let Some(cluster) = Cluster::start(shape) else { return };
    let (over, stage) = (AtomicBool::new(false), Stage { cluster, number: Cell::new(0) });
    let cluster = &stage.cluster;
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| coroner::watch(cluster, &over));
        let _end = Ended(&over);
        for (name, step) in STEPS {
            println!("  {name}");
            step(&stage);
            let breaches = Account::of(&cluster.ledger.lines()).breaches;
            assert!(breaches.is_empty(), "{name}: {breaches:#?}");
        }
        over.store(true, Relaxed);
        watch.join().expect("it returns");
    });
}

/// The watch ends even if a step fails.
struct Ended<'o>(&'o AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

type Step = fn(&Stage);

const STEPS: [(&str, Step); 13] = [
    ("any api node shows the log of any worker", Stage::logs),
    ("stop ends a tree of processes on every worker", Stage::stop),
    ("kill -9 of a master: its instances go on", Stage::master_killed),
    ("what ends at one master is seen at the other, whichever of them is killed meanwhile", Stage::dependents),
    ("kill -9 of a worker alone: its tasks go on, and its successor reports them", Stage::worker_killed),
    ("a worker's machine burnt: its tasks are tried again elsewhere", Stage::machine_burnt),
    (
        "SIGSTOP of a worker beyond its lease: its shim ends the tasks, and they are tried again once",
        Stage::worker_paused,
    ),
    ("restart of a worker on purpose: its tasks go on", Stage::worker_restarted),
    ("a worker group that was just made binds tasks to its workers", Stage::group),
    ("a node whose worker group has no living worker says so", Stage::says_worker_group_empty),
    ("a node that was granted and has not started names its worker", Stage::says_handed_over),
    ("a start that no master has taken up is a command that waits", Stage::says_command),
    ("a node whose first attempt is not recorded yet says that its turn has come", Stage::says_turn),
];

struct Stage {
    cluster: Cluster,
    number: Cell<usize>,
}

impl Stage {
    fn define(&self, tasks: Vec<Value>) -> i64 {
        self.number.set(self.number.get() + 1);
        self.cluster.client.define(&format!("w{}", self.number.get()), &document(tasks))
    }

    /// A node that does nothing for so many seconds.
    fn sleeper(&self, node: &str, seconds: f64, before: &[&str]) -> Value {
        shell(node, &self.cluster.ledger.script(node, &format!("sleep {seconds} 9>&-")), before)
    }

    /// A short node that is limited to a worker group.
    fn bound(&self, node: &str, group: i32) -> Value {
        let mut node = self.sleeper(node, 0.1, &[]);
        node["workerGroupId"] = json!(group);
        node
    }

    /// The line of the ledger, once it is there, after so many of the same kind.
    fn await_line(&self, instance: i64, node: &str, what: What, after: usize) -> Attempt {
        eventually("the task writes", || {
            let lines = self.cluster.ledger.of(instance, node);
            lines.into_iter().filter(|(other, _)| *other == what).map(|(_, attempt)| attempt).nth(after)
        })
    }

    fn starts(&self, instance: i64, node: &str) -> usize {
        self.cluster.ledger.of(instance, node).iter().filter(|(what, _)| *what == What::Start).count()
    }

    fn must_succeed(&self, definition: i64, instance: i64) {
        assert_eq!(self.cluster.client.end_of(definition, instance), "SUCCESS");
    }

    /// Starts one long task, and returns its instance and the machine that it runs on.
    fn long_task(&self, seconds: f64) -> (i64, i64, &Machine) {
        let definition = self.define(vec![self.sleeper("long", seconds, &[]), self.sleeper("next", 0.1, &["long"])]);
        let instance = self.cluster.client.start(definition);
        let machine = self.await_line(instance, "long", What::Start, 0).machine;
        (definition, instance, self.cluster.machine(&machine))
    }

    /// Waits until a machine that was down has found its way back.
    fn settle(&self, machine: &Machine) {
        machine.start();
        let definition = self.define((0..6).map(|at| self.sleeper(&format!("n{at}"), 0.2, &[])).collect());
        let instance = self.cluster.client.start(definition);
        self.must_succeed(definition, instance);
    }

    fn logs(&self) {
        let tasks = (0..12).map(|at| shell(&format!("n{at}"), &format!("echo told by {at}; sleep 0.5"), &[])).collect();
        let definition = self.define(tasks);
        let instance = self.cluster.client.start(definition);
        self.must_succeed(definition, instance);
        for task in self.cluster.client.tasks(instance) {
            let name = task["name"].as_str().unwrap_or_default().replace('n', "told by ");
            for (detail, download) in self.cluster.client.logs(&task) {
                assert!(detail.contains(&name), "{task}: {detail:?}");
                assert!(download.contains(&name), "{task}: {download:?}");
            }
        }
    }

    fn group(&self) {
        let chosen = self.cluster.of(Kind::Worker)[1];
        let address = chosen.place.address;
        // Used at once: masters look for new groups every few seconds only.
        self.cluster.database.execute(&format!(
            "INSERT INTO t_escheduler_worker_group (id, name, ip_list) VALUES ({GROUP}, 'chosen', '{address}')"
        ));
        let definition = self.define((0..8).map(|at| self.bound(&format!("n{at}"), GROUP)).collect());
        let instance = self.cluster.client.start(definition);
        self.must_succeed(definition, instance);
        for at in 0..8 {
            assert_eq!(self.await_line(instance, &format!("n{at}"), What::Start, 0).machine, chosen.name);
        }
    }

    fn stop(&self) {
        // Every process of the tree holds the lock, and none hears TERM.
        let tree = "trap '' TERM\nsleep 300 &\nsetsid sh -c 'trap \"\" TERM; sleep 300 & sleep 300' &\nsleep 300";
        let node = |at: usize| shell(&format!("n{at}"), &self.cluster.ledger.script(&format!("n{at}"), tree), &[]);
        let definition = self.define((0..9).map(node).collect());
        let instance = self.cluster.client.start(definition);
        (0..9).for_each(|at| drop(self.await_line(instance, &format!("n{at}"), What::Start, 0)));
        assert!(self.cluster.client.execute(instance, "STOP"));
        assert_eq!(self.cluster.client.end_of(definition, instance), "STOP");
        assert_eq!(self.cluster.ledger.alive(), Default::default(), "stop means stopped");
    }

    fn master_killed(&self) {
        let names: Vec<String> = (0..60).map(|at| format!("n{at}")).collect();
        let node = |at: usize| match at {
            0 => self.sleeper(&names[0], 0.2, &[]),
            _ => self.sleeper(&names[at], 0.2, &[&names[at - 1]]),
        };
        let definition = self.define((0..names.len()).map(node).collect());
        let instance = self.cluster.client.start(definition);
        self.await_line(instance, "n2", What::Start, 0);
        let owner = self.owner(definition, instance);
        let (killed_at, known) = (now(), self.begun(instance));
        owner.kill();
        // One node may have been granted before.
        let next = eventually("its instance goes on", || {
            let begun = self.begun(instance);
            begun.get(known.len() + 1).cloned()
        });
        told(
            "a master",
            killed_at,
            next.at,
            ("session time-out + server tick + 1 s", SESSION + TICK + Duration::from_secs(1)),
        );
        self.must_succeed(definition, instance);
        names.iter().for_each(|name| assert_eq!(self.starts(instance, name), 1, "{name}"));
        self.settle(owner);
    }

    /// What has started of an instance.
    fn begun(&self, instance: i64) -> Vec<Attempt> {
        self.cluster.ledger.with(|lines| {
            let starts = lines.iter().filter_map(|line| match line {
                Line::Task(What::Start, attempt) if attempt.instance == instance => Some(attempt.clone()),
                _ => None,
            });
            starts.collect()
        })
    }

    fn worker_killed(&self) {
        let (definition, instance, machine) = self.long_task(4.0);
        machine.kill();
        std::thread::sleep(Duration::from_millis(500));
        let back_at = now();
        machine.start();
        let next = self.await_line(instance, "next", What::Start, 0);
        println!("    {:.2} s after its start, what follows the task began", (next.at - back_at) as f64 / 100.0);
        self.must_succeed(definition, instance);
        assert_eq!(self.starts(instance, "long"), 1);
    }

    fn machine_burnt(&self) {
        let (definition, instance, machine) = self.long_task(6.0);
        let burnt_at = now();
        machine.freeze();
        self.cluster.doom(machine);
        machine.burn();
        let again = self.await_line(instance, "long", What::Start, 1);
        assert_ne!(again.machine, machine.name);
        let target = LEASE.mul_f64(1.05) + Duration::from_secs(3);
        told("a worker's machine", burnt_at, again.at, ("1.05 × lease + 3 s", target));
        self.must_succeed(definition, instance);
        assert_eq!(self.starts(instance, "long"), 2);
        self.settle(machine);
    }

    fn worker_paused(&self) {
        let (definition, instance, machine) = self.long_task(30.0);
        let paused_at = now();
        machine.signal(Signal::SIGSTOP);
        let again = self.await_line(instance, "long", What::Start, 1);
        println!("    {:.2} s after SIGSTOP, the task was tried again", (again.at - paused_at) as f64 / 100.0);
        assert_ne!(again.machine, machine.name);
        machine.signal(Signal::SIGCONT);
        self.must_succeed(definition, instance);
        assert_eq!(self.starts(instance, "long"), 2);
        self.settle(machine);
    }

    fn worker_restarted(&self) {
        let (definition, instance, machine) = self.long_task(LEASE.as_secs_f64() + 4.0);
        machine.stop();
        // Longer than its lease: a restart on purpose has one of its own.
        std::thread::sleep(LEASE + Duration::from_secs(2));
        machine.start();
        self.must_succeed(definition, instance);
        assert_eq!(self.starts(instance, "long"), 1);
    }
}

fn told(what: &str, from: u64, to: u64, (target, limit): (&str, Duration)) {
    let took = (to - from) as f64 / 100.0;
    println!("    failover of {what}: {took:.2} s (target: {target} = {:.2} s)", limit.as_secs_f64());
}
