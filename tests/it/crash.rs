//! The program is killed again and again, sometimes with everything that it had started. What its tasks have
//! written into the ledger must look as if nothing had happened, but for attempts that surely died.

use crate::dice::Dice;
use crate::ledger::{self, History, Ledger};
use crate::processes;
use crate::site::{Site, document, eventually, is_finished, retried, shell, sub_process};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A workflow of the mix, and what has to come out of it.
struct Kind {
    name: &'static str,
    /// Name, script and parents of each node; no script: a SUB_PROCESS.
    nodes: Vec<Node>,
    strategy: &'static str,
    state: &'static str,
    /// Rather often.
    weight: u64,
}

struct Node {
    name: String,
    parents: Vec<String>,
    fate: Fate,
}

/// What must have become of a node in the end.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// One success.
    Once,
    /// One success after so many failures.
    After(u32),
    /// One failure and no success.
    Failure,
    /// It may have been ended because another one failed.
    Any,
    Never,
    /// The node itself writes nothing.
    Child,
}

fn node(name: &str, parents: &[&str], fate: Fate) -> Node {
    Node { name: name.into(), parents: parents.iter().map(|parent| (*parent).into()).collect(), fate }
}

fn chain(prefix: &str, length: usize) -> Vec<Node> {
    let name = |at: usize| format!("{prefix}{at}");
    let link = |at| match at {
        0 => node(&name(0), &[], Fate::Once),
        _ => node(&name(at), &[&name(at - 1)], Fate::Once),
    };
    (0..length).map(link).collect()
}

fn fan(width: usize) -> Vec<Node> {
    let spokes: Vec<String> = (0..width).map(|at| format!("spoke{at}")).collect();
    let names: Vec<&str> = spokes.iter().map(String::as_str).collect();
    let mut nodes = vec![node("hub", &[], Fate::Once)];
    nodes.extend(names.iter().map(|name| node(name, &["hub"], Fate::Once)));
    nodes.push(node("rim", &names, Fate::Once));
    nodes
}

/// The kinds. The child comes before its parent.
fn mix() -> Vec<Kind> {
    use Fate::*;
    let kind = |name, nodes, state, weight| Kind { name, nodes, strategy: "CONTINUE", state, weight };
    vec![
        kind("child", chain("child", 4), "SUCCESS", 0),
        kind("chain", chain("link", 6), "SUCCESS", 3),
        kind("fan", fan(10), "SUCCESS", 3),
        kind(
            "nested",
            vec![
                node("before", &[], Once),
                node("inner", &["before"], Child),
                node("beside", &["before"], Once),
                node("after", &["inner", "beside"], Once),
            ],
            "SUCCESS",
            2,
        ),
        kind(
            "retries",
            vec![node("first", &[], Once), node("stubborn", &["first"], After(2)), node("last", &["stubborn"], Once)],
            "SUCCESS",
            2,
        ),
        kind(
            "goes-on",
            vec![
                node("root", &[], Once),
                node("bad", &["root"], Failure),
                node("never", &["bad"], Never),
                node("good", &["root"], Once),
                node("better", &["good"], Once),
            ],
            "FAILURE",
            1,
        ),
        Kind {
            name: "gives-up",
            nodes: vec![
                node("root", &[], Once),
                node("bad", &["root"], Failure),
                node("slow", &["root"], Any),
                node("never", &["bad", "slow"], Never),
            ],
            strategy: "END",
            state: "FAILURE",
            weight: 1,
        },
    ]
}

impl Kind {
    fn define(&self, site: &Site, ledger: &Ledger, child: i64, dice: &mut Dice) -> i64 {
        let tasks = self.nodes.iter().map(|node| {
            let parents: Vec<&str> = node.parents.iter().map(String::as_str).collect();
            let tenths = 3 + dice.below(13);
            let sleep = format!("sleep {}.{}", tenths / 10, tenths % 10);
            match node.fate {
                Fate::Child => sub_process(&node.name, child, &parents),
                Fate::After(times) => {
                    retried(shell(&node.name, &ledger.failing(&node.name, &sleep, times), &parents), 3)
                }
                Fate::Failure => shell(&node.name, &ledger.failing(&node.name, &sleep, 1_000_000), &parents),
                Fate::Once | Fate::Never | Fate::Any => shell(&node.name, &ledger.script(&node.name, &sleep), &parents),
            }
        });
        site.define(self.name, &document(tasks.collect()))
    }

    /// What is wrong with one instance.
    fn judge(&self, nodes: &BTreeMap<String, History>, cuts: &[usize]) -> Vec<String> {
        let mut wrong = Vec::new();
        for node in &self.nodes {
            let none = History::default();
            let history = nodes.get(&node.name).unwrap_or(&none);
            let (succeeded, failed) = (history.succeeded(), history.failed());
            // A success that was lost with the power counts as an attempt that died.
            let right = match node.fate {
                Fate::Once => succeeded >= 1 && failed == 0,
                Fate::After(times) => succeeded >= 1 && failed == times as usize,
                Fate::Failure => succeeded == 0 && failed >= 1,
                Fate::Any => failed == 0,
                Fate::Never | Fate::Child => history.attempts.is_empty(),
            };
            if !right {
                wrong.push(format!("`{}` succeeded {succeeded} times and failed {failed} times", node.name));
            }
            wrong.extend(ledger::breaches(history, cuts).iter().map(|what| format!("`{}`: {what}", node.name)));
            for parent in &node.parents {
                if self.nodes.iter().any(|other| other.name == *parent && other.fate != Fate::Child) {
                    wrong.extend(ledger::order_breaches(&node.name, history, parent, nodes.get(parent)));
                }
            }
        }
        wrong
    }
}

/// Instances that were asked for.
#[derive(Clone, Copy, Default)]
struct Asked {
    accepted: usize,
    /// Asked for when the program died: nobody knows.
    unknown: usize,
}

struct Storm {
    site: Site,
    ledger: Ledger,
    kinds: Vec<Kind>,
    definitions: Vec<i64>,
    asked: Vec<Asked>,
    dice: Dice,
}

impl Storm {
    fn new(seed: u64) -> Storm {
        let site = Site::with(&[("ESCHEDULER_WORKER_EXEC_THREADS", "24")]);
        site.project();
        let ledger = Ledger::new(site.folder.path());
        let (kinds, mut dice) = (mix(), Dice(seed));
        let mut definitions = Vec::new();
        for kind in &kinds {
            let child = definitions.first().copied().unwrap_or_default();
            definitions.push(kind.define(&site, &ledger, child, &mut dice));
        }
        let asked = vec![Asked::default(); kinds.len()];
        Storm { site, ledger, kinds, definitions, asked, dice }
    }

    /// Asks for one more instance; whether the program was there to hear it.
    fn feed(&mut self) -> bool {
        let weights: u64 = self.kinds.iter().map(|kind| kind.weight).sum();
        let mut drawn = self.dice.below(weights);
        let chosen = self.kinds.iter().position(|kind| {
            let hit = drawn < kind.weight;
            drawn = drawn.saturating_sub(kind.weight);
            hit
        });
        let at = chosen.expect("less than all weights");
        let answer = self.site.risk_start(self.definitions[at], &[("failureStrategy", self.kinds[at].strategy)]);
        match answer {
            Some(accepted) => {
                assert!(accepted, "a start was refused");
                self.asked[at].accepted += 1;
            }
            None => self.asked[at].unknown += 1,
        }
        answer.is_some()
    }

    /// How many nodes of the instances so far still have to start, at least.
    fn waiting(&self) -> usize {
        let started = self.ledger.starts();
        let wanted = self.kinds.iter().zip(&self.asked).map(|(kind, asked)| {
            let sure = kind.nodes.iter().filter(|node| !matches!(node.fate, Fate::Never | Fate::Any | Fate::Child));
            sure.count() * asked.accepted
        });
        wanted.sum::<usize>().saturating_sub(started.len())
    }

    /// Feeds until enough is going on; returns what runs and what waits.
    fn rouse(&mut self) -> (usize, usize) {
        eventually("ten nodes run and ten wait", || {
            let (running, waiting) = (self.ledger.running(), self.waiting());
            // On a busy machine it takes a crowd until ten run at the same time.
            if waiting < 40 || (running < 10 && waiting < 400) {
                assert!(self.feed(), "the program lives");
            }
            (running >= 10 && waiting >= 10).then_some((running, waiting))
        })
    }

    /// Kills the program in the middle of whatever it does, requests included; and, if the power is cut, all
    /// that it has started.
    fn strike(&mut self, cut: bool) {
        let delay = Duration::from_millis(self.dice.below(400));
        let pid = Pid::from_raw(self.site.pid() as i32);
        let signal = if cut { Signal::SIGSTOP } else { Signal::SIGKILL };
        let killer = std::thread::spawn(move || {
            std::thread::sleep(delay);
            // Our own child, which nobody reaps before this thread has ended.
            kill(pid, signal).expect("our own child");
        });
        if !cut {
            while self.feed() {
                std::thread::sleep(Duration::from_millis(self.dice.below(40)));
            }
        }
        killer.join().expect("the killer returns");
        if cut {
            let dead = self.site.cut_power();
            self.ledger.cut(&dead);
        } else {
            self.site.crash();
        }
    }

    /// Waits until nothing is going on; returns the rows of all top-level instances by kind.
    fn settle(&self) -> Vec<Vec<Value>> {
        let ended = |definition: &i64| {
            eventually("all instances end", || {
                let rows = self.site.instances(*definition);
                rows.iter().all(|row| is_finished(&row["state"])).then_some(rows)
            })
        };
        self.definitions.iter().map(ended).collect()
    }
}

/// A number of the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn fifty_kills_and_ten_power_cuts_lose_nothing_and_repeat_nothing() {
    let seed = setting("ESCHEDULER_TEST_SEED", rand::random::<u32>().into());
    let rounds = setting("ESCHEDULER_TEST_ROUNDS", 50);
    println!("ESCHEDULER_TEST_SEED={seed} repeats this");
    let mut storm = Storm::new(seed);
    let mut seen = Vec::new();
    for round in 1..=rounds {
        seen.push(storm.rouse());
        storm.strike(round % 5 == 0);
        storm.site.up();
    }
    let rows = storm.settle();
    let (running, waiting): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
    println!("{rounds} kills; running nodes at each: {running:?}; waiting nodes at each: {waiting:?}");

    let lines = storm.ledger.lines();
    let cuts = ledger::cuts(&lines);
    let mut instances: BTreeMap<i64, BTreeMap<String, History>> = BTreeMap::new();
    for ((instance, node), history) in ledger::histories(&lines) {
        instances.entry(instance).or_default().insert(node, history);
    }
    let attempts: usize = instances.values().flat_map(BTreeMap::values).map(|history| history.attempts.len()).sum();
    let mut wrong = Vec::new();
    for ((kind, asked), rows) in storm.kinds.iter().zip(&storm.asked).zip(&rows) {
        println!("{}: {} accepted, {} unknown, {} ran", kind.name, asked.accepted, asked.unknown, rows.len());
        let top_level = kind.weight > 0;
        if top_level && !(asked.accepted..=asked.accepted + asked.unknown).contains(&rows.len()) {
            wrong.push(format!("{} of `{}` were accepted and {} ran", asked.accepted, kind.name, rows.len()));
        }
        for row in rows.iter().filter(|_| top_level) {
            let id = row["id"].as_i64().expect("an id");
            let nodes = instances.remove(&id).unwrap_or_default();
            let mut told = kind.judge(&nodes, &cuts);
            if row["state"] != kind.state {
                told.push(format!("its state is {}", row["state"]));
            }
            wrong.extend(told.iter().map(|what| format!("`{}` {id}: {what}", kind.name)));
        }
        // What is left when the top-level ones are taken out are their children.
    }
    let parents = rows[storm.kinds.iter().position(|kind| kind.name == "nested").expect("in the mix")].len();
    if instances.len() != parents {
        wrong.push(format!("{parents} parents had {} children", instances.len()));
    }
    for (id, nodes) in &instances {
        let told = storm.kinds[0].judge(nodes, &cuts);
        wrong.extend(told.iter().map(|what| format!("child {id}: {what}")));
    }
    println!("{attempts} attempts, {} lines in the ledger", lines.len());

    let (code, last) = storm.site.stop();
    assert_eq!((code, last.as_str()), (Some(0), "stopped; no task was running"));
    eventually("the shim leaves", || processes::shim(&storm.site.data).is_none().then_some(()));
    let left = processes::tasks(&storm.site.data);
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(wrong.is_empty(), "ESCHEDULER_TEST_SEED={seed}\n{}", wrong.join("\n"));
}

#[test]
fn an_attempt_that_died_with_its_shim_is_not_started_again_after_a_second_crash() {
    let mut site = Site::start();
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let nodes: Vec<String> = (0..20).map(|at| format!("n{at}")).collect();
    let tasks = nodes.iter().map(|name| shell(name, &ledger.script(name, "sleep 1"), &[]));
    let definition = site.define("parallel", &document(tasks.collect()));
    site.start_instance(definition, &[]);
    eventually("all nodes run", || (ledger.running() == nodes.len()).then_some(()));
    let dead = site.cut_power();
    ledger.cut(&dead);
    // Now the shim is there again, and what it does not know must not pass for what was never started.
    site.up();
    site.crash();
    site.up();
    let row = eventually("the instance ends", || {
        let row = site.instances(definition)[0].clone();
        is_finished(&row["state"]).then_some(row)
    });
    assert_eq!(row["state"], "SUCCESS");
    let lines = ledger.lines();
    let cuts = ledger::cuts(&lines);
    let wrong = ledger::histories(&lines).into_iter().flat_map(|(key, history)| {
        ledger::breaches(&history, &cuts).into_iter().map(move |what| format!("{key:?}: {what}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tasks_that_die_with_their_shim_run_again_when_nothing_is_left_of_them() {
    let site = Site::start();
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let token = processes::token();
    let names: Vec<String> = (0..10).map(|at| format!("n{at}")).collect();
    let nodes = names.iter().map(|name| {
        let family = format!("setsid sleep {token} &\nenv -i setsid sleep {token} &\nsleep {token} &\n");
        let work = format!("if [ $ESCHEDULER_TASK_ATTEMPT = 1 ]; then {family}fi");
        let last = "if [ $ESCHEDULER_TASK_ATTEMPT = 1 ]; then sleep 1000; fi";
        shell(name, &format!("{work}\n{}", ledger.script(name, last)), &[])
    });
    let definition = site.define("families", &document(nodes.collect()));
    site.start_instance(definition, &[]);
    eventually("all nodes run", || (ledger.running() == names.len()).then_some(()));
    eventually("their families are there", || {
        (processes::with_argument(&token).len() == 3 * names.len()).then_some(())
    });
    processes::send(processes::shim(&site.data).expect("it lives"), Signal::SIGKILL);
    let row = eventually("the instance ends", || {
        let row = site.instances(definition)[0].clone();
        is_finished(&row["state"]).then_some(row)
    });
    assert_eq!(row["state"], "SUCCESS");
    assert!(processes::with_argument(&token).is_empty());
    let histories = ledger::histories(&ledger.lines());
    assert_eq!(histories.len(), names.len());
    for history in histories.values() {
        let numbers: Vec<(u32, bool)> =
            history.attempts.iter().map(|past| (past.number, past.ended.is_some())).collect();
        assert_eq!(numbers, [(1, false), (2, true)]);
    }
}

#[test]
fn a_planned_restart_leaves_running_tasks_alone() {
    let mut site = Site::start();
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let gate = site.folder.path().join("gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.02; done", gate.display());
    let nodes = vec![
        shell("a", &ledger.script("a", &wait), &[]),
        shell("b", &ledger.script("b", &wait), &[]),
        shell("c", &ledger.script("c", ""), &["a", "b"]),
    ];
    let definition = site.define("gated", &document(nodes));
    site.start_instance(definition, &[]);
    eventually("both run", || (ledger.running() == 2).then_some(()));
    let (code, last) = site.stop();
    assert_eq!((code, last.as_str()), (Some(0), "stopped; 2 tasks go on and will be taken over"));
    assert_eq!(ledger.running(), 2);
    // They end while nobody looks.
    std::fs::write(&gate, "").expect("our own folder");
    eventually("both end", || (ledger.running() == 0).then_some(()));
    site.up();
    eventually("the instance succeeds", || (site.instances(definition)[0]["state"] == "SUCCESS").then_some(()));
    assert!(ledger.starts().values().all(|count| *count == 1));
    assert_eq!(ledger.starts().len(), 3);
}

#[test]
fn what_was_ordered_is_obeyed_although_the_program_dies_at_once() {
    const ROUNDS: usize = 8;
    let mut site = Site::with(&[("ESCHEDULER_WORKER_KILL_GRACE", "100ms")]);
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let token = processes::token();
    let forever = |name: &str| {
        let work = format!("setsid sleep {token} &\ntrap '' TERM\nsleep {token}");
        shell(name, &ledger.script(name, &work), &[])
    };
    let child = site.define("child", &document(vec![forever("inner")]));
    let nodes = vec![forever("outer"), sub_process("nested", child, &[]), shell("last", "true", &["outer", "nested"])];
    let definition = site.define("parent", &document(nodes));
    for round in 1..=ROUNDS {
        site.start_instance(definition, &[]);
        eventually("both run", || (ledger.starts().len() == 2 * round).then_some(()));
        let id = site.instances(definition)[0]["id"].as_i64().expect("an id");
        assert_eq!(site.execute(id, "STOP")["code"], 0);
        site.crash();
        site.up();
        let row = eventually("the instance ends", || {
            let row = site.instances(definition)[0].clone();
            is_finished(&row["state"]).then_some(row)
        });
        assert_eq!((&row["state"], row["id"].as_i64()), (&Value::from("STOP"), Some(id)));
        assert!(processes::with_argument(&token).is_empty(), "survivors");
    }
    assert!(ledger.starts().values().all(|count| *count == 1), "nothing was started again");
    println!("{ROUNDS} families stopped across a crash");
}

#[test]
fn a_first_start_that_is_killed_at_any_moment_can_be_repeated() {
    const ROUNDS: u64 = 20;
    let seed = setting("ESCHEDULER_TEST_SEED", rand::random::<u32>().into());
    println!("ESCHEDULER_TEST_SEED={seed} repeats this");
    let mut dice = Dice(seed);
    for _ in 0..3 {
        let mut site = Site::prepare(&[]);
        for _ in 0..ROUNDS / 3 {
            site.stillborn(Duration::from_millis(dice.below(250)));
        }
        site.up();
        site.project();
        let definition = site.define("hello", &document(vec![shell("hello", "echo hello", &[])]));
        assert_eq!(site.run(definition)["state"], "SUCCESS");
    }
}
