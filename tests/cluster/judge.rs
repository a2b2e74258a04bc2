//! What must be true of a ledger, whatever happened.

use crate::ledger::{Attempt, Line, What};
use std::collections::BTreeMap;

/// What became of one attempt.
#[derive(Clone, Debug)]
pub struct Past {
    pub attempt: Attempt,
    /// Where in the ledger.
    pub started: usize,
    /// Where, and whether it was a good end.
    pub ended: Option<(usize, bool)>,
}

/// The attempts at a node since its instance was last told to run from its beginning.
pub type History = Vec<Past>;

/// A ledger, read.
pub struct Account {
    /// By instance; the part before it was repeated counts as another instance.
    pub instances: BTreeMap<(i64, usize), BTreeMap<String, History>>,
    /// What is wrong whatever the workflow looks like.
    pub breaches: Vec<String>,
    pub starts: usize,
    pub attempts_beyond_the_first: usize,
    dooms: Vec<(usize, String)>,
    overs: Vec<Over>,
}

/// The shims of a machine up to this one were seen to be gone.
struct Over {
    machine: String,
    life: u64,
    at: u64,
}

/// How many hundredths of a second after the end of a shim it may be seen. Meanwhile its attempts may have been tried
/// again: that they were dead by then is told by the locks.
pub const LATE: u64 = 200;

impl Account {
    pub fn of(lines: &[Line]) -> Account {
        let mut account = Account {
            instances: BTreeMap::new(),
            breaches: Vec::new(),
            starts: 0,
            attempts_beyond_the_first: 0,
            dooms: Vec::new(),
            overs: Vec::new(),
        };
        let mut round: BTreeMap<i64, usize> = BTreeMap::new();
        let mut stopped: BTreeMap<i64, bool> = BTreeMap::new();
        for (at, line) in lines.iter().enumerate() {
            match line {
                Line::Doom { machine } => account.dooms.push((at, machine.clone())),
                Line::Over { machine, life, at } => {
                    account.overs.push(Over { machine: machine.clone(), life: *life, at: *at });
                }
                Line::Stopped { instance } => drop(stopped.insert(*instance, true)),
                Line::Resumed { instance } => drop(stopped.insert(*instance, false)),
                Line::Repeated { instance } => {
                    stopped.insert(*instance, false);
                    *round.entry(*instance).or_default() += 1;
                }
                Line::Task(what, attempt) => {
                    let round = round.get(&attempt.instance).copied().unwrap_or_default();
                    let stopped = stopped.get(&attempt.instance).copied().unwrap_or_default();
                    account.task(at, *what, attempt, round, stopped);
                }
            }
        }
        account.compare_attempts();
        account
    }

    fn task(&mut self, at: usize, what: What, attempt: &Attempt, round: usize, stopped: bool) {
        let name = format!("`{}` of instance {}", attempt.node, attempt.instance);
        if stopped {
            self.breaches.push(format!("{name}: attempt {} wrote although the instance was stopped", attempt.number));
        }
        let nodes = self.instances.entry((attempt.instance, round)).or_default();
        let history = nodes.entry(attempt.node.clone()).or_default();
        match what {
            What::Start => {
                self.starts += 1;
                history.push(Past { attempt: attempt.clone(), started: at, ended: None });
            }
            What::Twice => {
                self.breaches.push(format!("{name}: attempt {} began while another one lived", attempt.number));
            }
            What::End | What::Fail => {
                let open = |past: &&mut Past| past.attempt.pid == attempt.pid && past.attempt.number == attempt.number;
                match history.iter_mut().rev().find(open) {
                    Some(past) => past.ended = Some((at, what == What::End)),
                    None => self.breaches.push(format!("{name}: attempt {} ended unbegun", attempt.number)),
                }
            }
        }
    }

    /// An attempt follows another one only if that one failed, or was ended with its worker.
    fn compare_attempts(&mut self) {
        for ((instance, _), nodes) in &self.instances {
            for (node, history) in nodes {
                self.attempts_beyond_the_first += history.len().saturating_sub(1);
                for pair in history.windows(2) {
                    let [former, next] = pair else { continue };
                    let (first, second) = (former.attempt.number, next.attempt.number);
                    let mut wrong = |what: &str| {
                        self.breaches.push(format!("`{node}` of instance {instance}: attempt {second} began {what}"));
                    };
                    if second <= first {
                        wrong(&format!("after attempt {first}"));
                    }
                    let lost = is_lost(&self.dooms, &self.overs, former, next);
                    match former.ended {
                        Some((ended, _)) if ended > next.started => wrong(&format!("while attempt {first} lived")),
                        Some((_, true)) if !lost => wrong(&format!("although attempt {first} had succeeded")),
                        None if !lost => wrong(&format!("while attempt {first} could live")),
                        Some(_) | None => {}
                    }
                }
            }
        }
    }
}

/// Whether the shim that had started an attempt was gone before the next one.
fn is_lost(dooms: &[(usize, String)], overs: &[Over], past: &Past, next: &Past) -> bool {
    let Attempt { machine, life, .. } = &past.attempt;
    dooms.iter().any(|(at, doomed)| (past.started..next.started).contains(at) && doomed == machine)
        || overs.iter().any(|over| over.machine == *machine && over.life >= *life && over.at <= next.attempt.at + LATE)
}

/// How many attempts at it succeeded.
pub fn succeeded(history: &[Past]) -> usize {
    history.iter().filter(|past| matches!(past.ended, Some((_, true)))).count()
}

/// How many attempts at it failed.
pub fn failed(history: &[Past]) -> usize {
    history.iter().filter(|past| matches!(past.ended, Some((_, false)))).count()
}

/// Whether a node began before the last attempt at its parent had succeeded.
pub fn is_early(history: &[Past], parent: &[Past]) -> bool {
    let Some(begun) = history.iter().map(|past| past.started).min() else { return false };
    let ended = parent.last().and_then(|last| last.ended);
    !matches!(ended, Some((ended, true)) if ended < begun)
}

/// The judge is judged first: each breach planted must be found, and what is right must pass.
pub fn notices_what_is_wrong() {
    let task = |what, number, pid, machine: &str| {
        let attempt = Attempt { instance: 1, node: "n".into(), number, pid, machine: machine.into(), life: 1, at: 0 };
        Line::Task(what, attempt)
    };
    let (start, end, fail) = (
        |number, pid| task(What::Start, number, pid, "w1"),
        |number, pid| task(What::End, number, pid, "w1"),
        |number, pid| task(What::Fail, number, pid, "w1"),
    );
    let over = |machine: &str, life| Line::Over { machine: machine.into(), life, at: 0 };
    let much_later = Line::Over { machine: "w1".into(), life: 1, at: LATE + 1 };
    let doom = || Line::Doom { machine: "w1".into() };
    let found = |lines: &[Line]| Account::of(lines).breaches.len();

    assert_eq!(found(&[start(1, 7), fail(1, 7), start(2, 8), end(2, 8)]), 0, "a failure may be tried again");
    assert_eq!(found(&[start(1, 7), doom(), start(2, 8), end(2, 8)]), 0, "what was killed may be tried again");
    assert_eq!(found(&[start(1, 7), over("w1", 1), start(2, 8)]), 0, "a lost worker's may be tried again");
    assert_eq!(found(&[start(1, 7), end(1, 7), over("w1", 1), start(2, 8)]), 0, "its end was lost with the worker");
    let repeated = Line::Repeated { instance: 1 };
    assert_eq!(found(&[start(1, 7), end(1, 7), repeated.clone(), start(2, 8)]), 0, "it was to run again");

    assert_eq!(found(&[start(1, 7), start(2, 8)]), 1, "the first one lives");
    assert_eq!(found(&[start(1, 7), over("w2", 1), start(2, 8)]), 1, "another worker was lost");
    assert_eq!(found(&[start(1, 7), start(2, 8), much_later]), 1, "its shim was gone only later");
    assert_eq!(found(&[doom(), start(1, 7), start(2, 8)]), 1, "it was killed before");
    assert_eq!(found(&[start(1, 7), end(1, 7), start(2, 8)]), 1, "it had succeeded");
    assert_eq!(found(&[start(1, 7), doom(), start(2, 8), end(1, 7)]), 1, "it was not dead");
    assert_eq!(found(&[start(1, 7), fail(1, 7), start(1, 8)]), 1, "a number is used once");
    assert_eq!(found(&[task(What::Twice, 2, 8, "w1")]), 1, "the lock was held");
    assert_eq!(found(&[start(1, 7), Line::Stopped { instance: 1 }, end(1, 7)]), 1, "stop means stopped");
    assert_eq!(found(&[end(1, 7)]), 1, "there is no end without a start");
    let history = |lines: &[Line]| Account::of(lines).instances.remove(&(1, 0)).and_then(|mut nodes| nodes.remove("n"));
    let parent = history(&[start(1, 7), end(1, 7)]).expect("a history");
    let mut early = parent.clone();
    early.iter_mut().for_each(|past| past.started = 0);
    assert!(is_early(&early, &parent), "it began before its parent had ended");
    assert!(is_early(&parent, &[]), "its parent has not even begun");
    let mut late = parent.clone();
    late.iter_mut().for_each(|past| past.started = 9);
    assert!(!is_early(&late, &parent));
}
