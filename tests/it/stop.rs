//! Stop means stopped: the whole tree of a task is gone, and nothing else was hit.

use crate::ledger::{Ledger, Line};
use crate::processes::{self, lives, token};
use crate::site::{Site, document, eventually, is_finished, shell, sub_process};
use serde_json::Value;
use std::process::{Child, Command, Stdio};

/// Processes that have nothing to do with the site, and must survive it.
struct Canaries(Vec<Child>);

impl Canaries {
    fn add(&mut self, count: usize) {
        for _ in 0..count {
            let canary = Command::new("sleep").arg("99999").stdin(Stdio::null()).spawn();
            self.0.push(canary.expect("sleep is installed"));
        }
    }

    fn living(&self) -> usize {
        self.0.iter().filter(|canary| lives(canary.id() as i32)).count()
    }
}

impl Drop for Canaries {
    fn drop(&mut self) {
        for canary in &mut self.0 {
            // It is our own child; at worst it is dead already.
            let _ = canary.kill();
            let _ = canary.wait();
        }
    }
}

/// A script whose processes fork, leave session and environment behind, and do not hear TERM; every one of
/// them is a `sleep TOKEN` in the end.
fn tree(ledger: &Ledger, name: &str, token: &str, at: usize) -> String {
    let start = ledger.line("start", name);
    let breed = match at % 10 {
        // Goes on forking.
        0 => format!("while :; do (setsid sleep {token} &); sleep 0.05; done"),
        _ => format!("exec sleep {token}"),
    };
    format!(
        "trap '' TERM HUP INT\n\
         sleep {token} &\n\
         setsid sleep {token} &\n\
         (setsid sh -c 'sleep {token} & exec sleep {token}' &)\n\
         env -i setsid sleep {token} &\n\
         sh -c 'trap - TERM; sh -c \"sleep {token} & wait\" & wait' &\n\
         {start}{breed}\n"
    )
}

fn ended(site: &Site, instance: i64, definition: i64) -> Value {
    eventually("the instance ends", || {
        let row = site.instances(definition).into_iter().find(|row| row["id"] == instance)?;
        is_finished(&row["state"]).then_some(row)
    })
}

fn start(site: &Site, definition: i64) -> i64 {
    let known = site.instances(definition).len();
    site.start_instance(definition, &[]);
    eventually("the instance begins", || {
        let rows = site.instances(definition);
        (rows.len() > known).then(|| rows[0]["id"].as_i64().expect("an id"))
    })
}

fn order(site: &Site, instance: i64, what: &str) {
    let answer = site.execute(instance, what);
    assert_eq!(answer["code"], 0, "{what}: {answer}");
}

fn two_hundred_stops(cgroup: &str) {
    const NODES: usize = 40;
    const INSTANCES: usize = 5;
    let settings = [
        ("ESCHEDULER_WORKER_KILL_GRACE", "200ms"),
        ("ESCHEDULER_WORKER_TASK_CGROUP", cgroup),
        ("ESCHEDULER_WORKER_EXEC_THREADS", "50"),
    ];
    let site = Site::with(&settings);
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let token = token();
    let names: Vec<String> = (0..NODES).map(|at| format!("tree{at}")).collect();
    let nodes = names.iter().enumerate().map(|(at, name)| shell(name, &tree(&ledger, name, &token, at), &[]));
    let definition = site.define("trees", &document(nodes.collect()));
    let mut canaries = Canaries(Vec::new());
    let mut most = 0;
    for round in 1..=INSTANCES {
        canaries.add(10);
        let instance = start(&site, definition);
        eventually("all trees stand", || (ledger.starts().len() == round * NODES).then_some(()));
        canaries.add(10);
        most = most.max(processes::with_argument(&token).len());
        order(&site, instance, "STOP");
        let row = ended(&site, instance, definition);
        let left = processes::with_argument(&token);
        assert!(left.is_empty(), "{} survivors: {left:?}", left.len());
        assert_eq!(row["state"], "STOP");
        let states: Vec<Value> = site.tasks(instance).iter().map(|task| task["state"].clone()).collect();
        assert_eq!(states, vec![Value::from("KILL"); NODES]);
    }
    assert_eq!(canaries.living(), canaries.0.len(), "a stranger was hit");
    let noted = std::fs::read_to_string(site.data.join("shim/cgroup")).unwrap_or_default();
    let used = !noted.is_empty() && std::path::Path::new(noted.trim()).is_dir();
    assert!(cgroup == "true" || !used);
    println!(
        "cgroups wanted: {cgroup}, used: {used}; {} trees stopped, up to {most} processes at a time; no survivor, {} canaries unhurt",
        NODES * INSTANCES,
        canaries.0.len()
    );
}

#[test]
fn two_hundred_stopped_trees_leave_no_survivor_with_cgroups() {
    two_hundred_stops("true");
}

#[test]
fn two_hundred_stopped_trees_leave_no_survivor_without_cgroups() {
    two_hundred_stops("false");
}

#[test]
fn a_second_stop_skips_the_time_of_grace() {
    // An hour: whoever waits for it waits longer than this test.
    let site = Site::with(&[("ESCHEDULER_WORKER_KILL_GRACE", "1h")]);
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let token = token();
    let definition = site.define("deaf", &document(vec![shell("deaf", &tree(&ledger, "deaf", &token, 1), &[])]));
    let instance = start(&site, definition);
    eventually("the tree stands", || (ledger.running() == 1).then_some(()));
    order(&site, instance, "STOP");
    eventually("the instance is stopping", || (site.instances(definition)[0]["state"] == "READY_STOP").then_some(()));
    assert!(!processes::with_argument(&token).is_empty(), "it does not hear TERM");
    order(&site, instance, "STOP");
    assert_eq!(ended(&site, instance, definition)["state"], "STOP");
    assert!(processes::with_argument(&token).is_empty());
}

/// A script that waits for a file.
fn gated(ledger: &Ledger, name: &str, gate: &std::path::Path) -> String {
    ledger.script(name, &format!("while [ ! -e {} ]; do sleep 0.02; done", gate.display()))
}

#[test]
fn a_paused_instance_starts_nothing_new_and_goes_on_when_it_is_resumed() {
    let site = Site::start();
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let gate = site.folder.path().join("gate");
    let nodes = vec![
        shell("a", &gated(&ledger, "a", &gate), &[]),
        shell("b", &ledger.script("b", ""), &["a"]),
        shell("c", &ledger.script("c", ""), &["b"]),
    ];
    let definition = site.define("gated", &document(nodes));
    let instance = start(&site, definition);
    eventually("the first node runs", || (ledger.running() == 1).then_some(()));
    order(&site, instance, "PAUSE");
    eventually("the instance is pausing", || (site.instances(definition)[0]["state"] == "READY_PAUSE").then_some(()));
    std::fs::write(&gate, "").expect("our own folder");
    assert_eq!(ended(&site, instance, definition)["state"], "PAUSE");
    let nodes: Vec<String> = ledger.starts().into_keys().map(|(_, node)| node).collect();
    assert_eq!(nodes, ["a"]);
    order(&site, instance, "RECOVER_SUSPENDED_PROCESS");
    let done = eventually("the instance succeeds", || {
        let row = site.instances(definition)[0].clone();
        (row["state"] == "SUCCESS").then_some(row)
    });
    assert_eq!(done["id"], instance);
    let starts: Vec<(String, usize)> = ledger.starts().into_iter().map(|((_, node), count)| (node, count)).collect();
    assert_eq!(starts, [("a".into(), 1), ("b".into(), 1), ("c".into(), 1)]);
}

#[test]
fn what_is_stopped_in_the_queue_never_starts() {
    let site = Site::with(&[("ESCHEDULER_WORKER_EXEC_THREADS", "2"), ("ESCHEDULER_WORKER_KILL_GRACE", "200ms")]);
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let never = site.folder.path().join("never");
    let names: Vec<String> = (0..8).map(|at| format!("n{at}")).collect();
    let nodes = names.iter().map(|name| shell(name, &gated(&ledger, name, &never), &[]));
    let definition = site.define("queued", &document(nodes.collect()));
    let instance = start(&site, definition);
    eventually("two run", || (ledger.running() == 2).then_some(()));
    order(&site, instance, "STOP");
    assert_eq!(ended(&site, instance, definition)["state"], "STOP");
    // The slots are free again, and what was queued stays away.
    let after = site.define("after", &document(vec![shell("after", &ledger.script("after", ""), &[])]));
    assert_eq!(site.run(after)["state"], "SUCCESS");
    let started = ledger.lines().into_iter().filter(|line| matches!(line, Line::Start(a) if a.node != "after"));
    assert_eq!(started.count(), 2);
}

#[test]
fn a_stop_is_heard_although_a_crowd_of_starts_waits_for_its_turn() {
    let site = Site::with(&[("ESCHEDULER_MASTER_EXEC_THREADS", "1"), ("ESCHEDULER_WORKER_KILL_GRACE", "200ms")]);
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let never = site.folder.path().join("never");
    let definition = site.define("long", &document(vec![shell("long", &gated(&ledger, "long", &never), &[])]));
    let quick = site.define("quick", &document(vec![shell("quick", &ledger.script("quick", ""), &[])]));
    let instance = start(&site, definition);
    eventually("it runs", || (ledger.running() == 1).then_some(()));
    // More than the master reads at a time.
    (0..510).for_each(|_| site.start_instance(quick, &[]));
    order(&site, instance, "STOP");
    assert_eq!(ended(&site, instance, definition)["state"], "STOP");
}

#[test]
fn a_restart_does_not_cut_the_time_of_grace_of_a_sub_process_short() {
    let mut site = Site::with(&[("ESCHEDULER_WORKER_KILL_GRACE", "1h")]);
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let gate = site.folder.path().join("gate");
    let heard = site.folder.path().join("heard");
    let script = format!("trap ': > {}' TERM\n{}", heard.display(), gated(&ledger, "inner", &gate));
    let child = site.define("child", &document(vec![shell("inner", &script, &[])]));
    let definition = site.define("parent", &document(vec![sub_process("nested", child, &[])]));
    let instance = start(&site, definition);
    eventually("the child's node runs", || (ledger.running() == 1).then_some(()));
    order(&site, instance, "STOP");
    eventually("it hears TERM", || heard.exists().then_some(()));
    site.crash();
    std::fs::remove_file(&heard).expect("our own folder");
    site.up();
    // The same wish arrives again: that nothing harder has come before it is seen by the end that it writes.
    let after = site.define("after", &document(vec![shell("after", &ledger.script("after", ""), &[])]));
    assert_eq!(site.run(after)["state"], "SUCCESS");
    assert_eq!(ledger.running(), 1, "it still has its hour");
    std::fs::write(&gate, "").expect("our own folder");
    ended(&site, instance, definition);
    let ends = ledger.lines().into_iter().filter(|line| matches!(line, Line::End(a) if a.node == "inner"));
    assert_eq!(ends.count(), 1);
}
