//! The load: workflows that are started, and orders about some of them.

use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::ledger::{Line, What};
use crate::mix::{CHILD, Fate, Kind, ORDERED, kinds};
use crate::site::is_finished;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Instances that were asked for.
#[derive(Clone, Copy, Default)]
pub struct Asked {
    pub accepted: usize,
    /// There was no answer, or none that says yes: nobody knows.
    pub unknown: usize,
}

pub struct Load<'c> {
    cluster: &'c Cluster,
    pub kinds: Vec<Kind>,
    definitions: Vec<i64>,
    asked: Vec<Mutex<Asked>>,
    pub orders: AtomicUsize,
    /// What was left of an instance that was stopped.
    breaches: Mutex<Vec<String>>,
    /// Nothing new is started.
    over: AtomicBool,
}

/// An instance, as the API tells it.
pub struct Row {
    pub id: i64,
    pub state: String,
    pub ended: bool,
}

impl<'c> Load<'c> {
    /// `longest` is how long a task may take.
    pub fn new(cluster: &'c Cluster, dice: &mut Dice, longest: Duration) -> Load<'c> {
        let kinds = kinds();
        let tenths = longest.as_millis() as u64 / 100;
        let mut definitions = Vec::new();
        for kind in &kinds {
            let child = definitions.get(CHILD).copied().unwrap_or_default();
            definitions.push(kind.define(&cluster.client, &cluster.ledger, child, dice, tenths));
        }
        let asked = kinds.iter().map(|_| Mutex::default()).collect();
        let (orders, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        Load { cluster, kinds, definitions, asked, orders, breaches: Mutex::default(), over }
    }

    pub fn asked(&self, kind: usize) -> Asked {
        *self.asked[kind].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn accepted(&self) -> usize {
        (0..self.kinds.len()).map(|kind| self.asked(kind).accepted).sum()
    }

    /// The instances of a kind, if they can be read now.
    pub fn rows(&self, kind: usize) -> Option<Vec<Row>> {
        let rows = self.cluster.client.try_instances(self.definitions[kind])?;
        let row = |row: &Value| {
            let state = row["state"].as_str().unwrap_or_default().to_owned();
            Some(Row { id: row["id"].as_i64()?, state, ended: is_finished(&row["state"]) })
        };
        Some(rows.iter().filter_map(row).collect())
    }

    pub fn end(&self) {
        self.over.store(true, Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    /// Starts workflows at random, so many tasks a second, as long as not too many wait.
    pub fn feed(&self, mut dice: Dice, tasks_a_second: u64) {
        while !self.is_over() {
            let kind = self.draw(&mut dice);
            let mean = 1000 * self.kinds[kind].nodes.len() as u64 / tasks_a_second;
            std::thread::sleep(Duration::from_millis(mean / 2 + dice.below(mean + 1)));
            if self.waiting() < 8 * tasks_a_second as usize {
                let answer = self.cluster.client.try_start(self.definitions[kind], self.kinds[kind].strategy);
                let mut asked = self.asked[kind].lock().unwrap_or_else(PoisonError::into_inner);
                match answer {
                    Some(()) => asked.accepted += 1,
                    None => asked.unknown += 1,
                }
            }
        }
    }

    fn draw(&self, dice: &mut Dice) -> usize {
        let mut drawn = dice.below(self.kinds.iter().map(|kind| kind.weight).sum());
        let hit = self.kinds.iter().position(|kind| {
            let hit = drawn < kind.weight;
            drawn = drawn.saturating_sub(kind.weight);
            hit
        });
        hit.unwrap_or_default()
    }

    /// How many nodes of what was accepted still have to start, about. Those that are stopped or paused may never.
    fn waiting(&self) -> usize {
        let kinds = || self.kinds.iter().enumerate().filter(|(at, _)| ![CHILD, ORDERED].contains(at));
        let wanted: usize = kinds().map(|(at, kind)| kind.sure() * self.asked(at).accepted).sum();
        let nodes = kinds().flat_map(|(_, kind)| &kind.nodes);
        let sure: HashSet<&str> =
            nodes.filter(|node| !matches!(node.fate, Fate::Any | Fate::Never)).map(|node| node.name.as_str()).collect();
        let started = self.cluster.ledger.with(|lines| {
            let starts = lines.iter().filter_map(|line| match line {
                Line::Task(What::Start, attempt) => Some((attempt.instance, attempt.node.as_str())),
                _ => None,
            });
            starts.filter(|(_, node)| sure.contains(node)).collect::<HashSet<_>>().len()
        });
        wanted.saturating_sub(started)
    }

    /// Stops some of the ordered instances, pauses others, and tells them to go on or to run again.
    pub fn order(&self, mut dice: Dice) {
        let mut fates: BTreeMap<i64, Fates> = BTreeMap::new();
        while !self.is_over() {
            std::thread::sleep(Duration::from_millis(500));
            for row in self.rows(ORDERED).unwrap_or_default() {
                let fate = fates.entry(row.id).or_insert_with(|| Fates::draw(&mut dice));
                self.follow(&row, fate);
            }
        }
        // Who was stopped last is looked at as well.
        for row in self.rows(ORDERED).unwrap_or_default() {
            if let Some(fate) = fates.get_mut(&row.id)
                && row.state == "STOP"
            {
                self.see_stopped(row.id, fate);
            }
        }
    }

    fn follow(&self, row: &Row, fate: &mut Fates) {
        let ledger = &self.cluster.ledger;
        match row.state.as_str() {
            "RUNNING_EXEUTION" => {
                if let Some(order) = fate.first
                    && fate.patience == 0
                {
                    fate.first = None;
                    self.say(row.id, order);
                }
                fate.patience = fate.patience.saturating_sub(1);
            }
            "STOP" => {
                self.see_stopped(row.id, fate);
                if fate.again {
                    fate.again = false;
                    ledger.write(&Line::Repeated { instance: row.id });
                    self.say(row.id, "REPEAT_RUNNING");
                }
            }
            "PAUSE" if fate.again => {
                fate.again = false;
                ledger.write(&Line::Resumed { instance: row.id });
                self.say(row.id, "RECOVER_SUSPENDED_PROCESS");
            }
            _ => {}
        }
    }

    fn say(&self, instance: i64, order: &str) {
        if self.cluster.client.execute(instance, order) {
            self.orders.fetch_add(1, Relaxed);
        }
    }

    /// Stop means that nothing is left.
    fn see_stopped(&self, instance: i64, fate: &mut Fates) {
        if fate.seen_stopped {
            return;
        }
        fate.seen_stopped = true;
        let prefix = format!("{instance}-");
        let left: Vec<String> =
            self.cluster.ledger.alive().into_iter().filter(|name| name.starts_with(&prefix)).collect();
        self.cluster.ledger.write(&Line::Stopped { instance });
        if !left.is_empty() {
            let what = format!("instance {instance} was stopped, and {} lives", left.join(", "));
            self.breaches.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        }
    }

    pub fn breaches(&self) -> Vec<String> {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is done to one ordered instance.
struct Fates {
    first: Option<&'static str>,
    /// How often it is seen running before.
    patience: u64,
    /// Whether it is told to go on, or to run again.
    again: bool,
    seen_stopped: bool,
}

impl Fates {
    fn draw(dice: &mut Dice) -> Fates {
        let first = [None, Some("STOP"), Some("STOP"), Some("PAUSE")][dice.below(4) as usize];
        Fates { first, patience: dice.below(6), again: dice.below(2) == 0, seen_stopped: false }
    }
}
