//! What an operator does: declares a worker dead that nobody else may bury, and starts members while servers are away.

use crate::cluster::{Cluster, Shape};
use crate::database::Product;
use crate::judge::Account;
use crate::ledger::What;
use crate::machine::{Kind, Machine};
use crate::site::{document, eventually, shell};
use crate::wire::State;
use serde_json::Value;
use std::process::{Output, Stdio};
use std::time::Duration;

/// All of it, on one cluster whose leases never end.
pub fn all(database: Product) {
    let shape = Shape {
        database,
        queue: "direct",
        masters: 1,
        workers: 2,
        apis: 1,
        ensemble: false,
        lease: Duration::ZERO,
        session: Duration::from_secs(3),
    };
    let Some(cluster) = Cluster::start(shape) else { return };
    let desk = Desk { cluster };
    let steps: [Step; 5] = [
        ("a worker is declared dead only by who is sure of it", Desk::worker_dead),
        ("a master that starts while the database is away goes on when it is back", Desk::without_database),
        ("a master that starts while ZooKeeper is away goes on when it is back", Desk::without_registry),
        ("members that wait for a server leave when they are told to", Desk::leave_while_waiting),
        ("a whole cluster that starts before its database works afterwards", Desk::all_before_database),
    ];
    for (name, step) in steps {
        println!("  {name}");
        step(&desk);
        let breaches = Account::of(&desk.cluster.ledger.lines()).breaches;
        assert!(breaches.is_empty(), "{name}: {breaches:#?}");
    }
}

type Step = (&'static str, fn(&Desk));

struct Desk {
    cluster: Cluster,
}

impl Desk {
    fn worker_dead(&self) {
        let node = |name: &str, seconds: u32, before: &[&str]| {
            shell(name, &self.cluster.ledger.script(name, &format!("sleep {seconds} 9>&-")), before)
        };
        let definition = self.define("long", vec![node("long", 20, &[]), node("next", 0, &["long"])]);
        let instance = self.cluster.client.start(definition);
        let first = eventually("the task begins", || self.starts(instance).into_iter().next());
        let machine = self.cluster.machine(&first);
        let host = machine.place.address.to_string();
        refused(&self.admin(&[&host, "--yes"]), 1, "lives: it has just renewed its lease");
        refused(&self.admin(&["10.9.8.7", "--yes"]), 2, "no worker of the host 10.9.8.7 has ever signed in");
        self.cluster.doom(machine);
        machine.burn();
        refused(&self.admin(&[&host]), 2, "there is no terminal to ask at: give --yes");
        let done = self.admin(&[&host, "--yes"]);
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{done:?}");
        for part in [&format!("of host {host}: last heard of "), "; its lease never ends\n", " is declared dead\n"] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
        let second = eventually("it is tried again", || self.starts(instance).into_iter().nth(1));
        assert_ne!(second, first);
        assert_eq!(self.cluster.client.end_of(definition, instance), "SUCCESS");
        let again = self.admin(&[&host, "--yes"]);
        assert!(again.status.success() && String::from_utf8_lossy(&again.stdout).contains("dead already"), "{again:?}");
        machine.start();
        self.must_work("afterwards");
    }

    fn without_database(&self) {
        let master = self.cluster.of(Kind::Master)[0];
        self.start_without(master, "the database", |state| master.database.set(state));
    }

    fn without_registry(&self) {
        let master = self.cluster.of(Kind::Master)[0];
        self.start_without(master, "ZooKeeper", |state| master.cut_registry(state));
    }

    fn start_without(&self, machine: &Machine, what: &str, cut: impl Fn(State)) {
        machine.stop();
        cut(State::Refuses);
        let (before, told) = (said(machine).len(), format!("waiting for {what} since "));
        machine.start();
        eventually("it says what it waits for", || said(machine)[before..].contains(&told).then_some(()));
        assert!(!machine.look_after(), "it waits, and does not end: {}", said(machine));
        cut(State::Whole);
        self.must_work(what);
    }

    fn leave_while_waiting(&self) {
        for state in [State::Refuses, State::HoldsBoth] {
            let master = self.cluster.of(Kind::Master)[0];
            master.stop();
            master.database.set(state);
            let before = said(master).len();
            master.start();
            eventually("it waits", || said(master)[before..].contains("waiting for the database").then_some(()));
            master.stop();
            assert!(said(master)[before..].contains("stopped before anything was started"), "{}", said(master));
            master.database.set(State::Whole);
        }
        self.cluster.of(Kind::Master)[0].start();
        self.must_work("after leaving");
    }

    fn all_before_database(&self) {
        let machines = &self.cluster.machines;
        machines.iter().for_each(Machine::stop);
        self.cluster.database.server().stop();
        let before: Vec<usize> = machines.iter().map(|machine| said(machine).len()).collect();
        machines.iter().for_each(Machine::start);
        for (machine, before) in machines.iter().zip(before) {
            eventually("each waits", || said(machine)[before..].contains("waiting for the database").then_some(()));
        }
        self.cluster.database.server().start();
        self.must_work("all");
        assert!(machines.iter().all(|machine| !machine.look_after()), "none has ended");
    }

    fn define(&self, name: &str, tasks: Vec<Value>) -> i64 {
        self.cluster.client.define(name, &document(tasks))
    }

    /// The machines at which the attempts of a node called `long` have begun.
    fn starts(&self, instance: i64) -> Vec<String> {
        let lines = self.cluster.ledger.of(instance, "long");
        lines.into_iter().filter(|(what, _)| *what == What::Start).map(|(_, attempt)| attempt.machine).collect()
    }

    fn must_work(&self, name: &str) {
        let definition = self.define(name, vec![shell("a", "true", &[]), shell("b", "true", &["a"])]);
        let instance = self.cluster.client.start(definition);
        assert_eq!(self.cluster.client.end_of(definition, instance), "SUCCESS");
    }

    /// `escheduler admin worker-dead`, at the machine of the API.
    fn admin(&self, arguments: &[&str]) -> Output {
        let machine = self.cluster.of(Kind::Api)[0];
        let mut command = machine.place.command(env!("CARGO_BIN_EXE_escheduler"));
        command.args(["admin", "worker-dead"]).args(arguments).envs(machine.settings.iter().cloned());
        command.current_dir(&machine.folder).stdin(Stdio::null()).output().expect("escheduler starts")
    }
}

fn refused(output: &Output, code: i32, told: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(code) && stderr.contains(told), "{code} {told:?}: {output:?}");
}

/// What the process of a machine has said so far, through all its lives.
fn said(machine: &Machine) -> String {
    let bytes = std::fs::read(machine.folder.join("said")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
