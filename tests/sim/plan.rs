//! What a seed draws before its world begins: how large it is, how bad its network, what is to be run.

use crate::dice::Dice;
use crate::kernel::{Micros, SECOND};
use escheduler::model::{DefinitionId, ProjectId, ReleaseState, Schedule, UserId};
use escheduler::store::Definition;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

pub struct Plan {
    pub masters: usize,
    pub workers: usize,
    pub slots: usize,
    pub fetch: usize,
    pub places: usize,
    /// Of what masters sleep; the rest of the time they save.
    pub haste: f64,
    pub wrong_clocks_ms: f64,
    /// Chances of one message or call.
    pub loss: f64,
    pub slow: f64,
    pub doubles: f64,
    pub failures: f64,
    pub lost_answers: f64,
    /// How long callers wait.
    pub patience: Micros,
    pub long_tasks: f64,
    pub bad_tasks: f64,
    pub restart_lease: Duration,
    /// Worker groups, and when somebody makes them.
    pub groups: HashMap<i32, BTreeSet<String>>,
    pub groups_at: Micros,
    pub definitions: Vec<Definition>,
    parents: BTreeMap<DefinitionId, BTreeMap<String, Vec<String>>>,
    /// Which definition is started when.
    pub starts: Vec<(Micros, DefinitionId)>,
    pub starts_done: bool,
    pub schedules: Vec<Schedule>,
    pub tasks: u64,
    /// No fault begins after this.
    pub faults_until: Micros,
    /// When the last fault is over.
    pub calm_at: Micros,
    pub database_down_until: Micros,
    pub ten_minutes: bool,
    /// Waiting attempts are entries in the registry.
    pub queue_outside: bool,
}

impl Plan {
    pub fn draw(seed: u64, dice: &mut Dice) -> Plan {
        let masters = dice.within(2, 4) as usize;
        let workers = dice.within(2, 4) as usize;
        let faults_until = dice.seconds(50.0, 100.0);
        let rough = dice.unit();
        let mut groups = HashMap::new();
        if dice.chance(0.3) {
            let hosts = [format!("host-{masters}"), format!("host-{}", masters + workers - 1)];
            groups.insert(1, BTreeSet::from(hosts));
        }
        let mut plan = Plan {
            masters,
            workers,
            slots: dice.within(2, 5) as usize,
            fetch: dice.within(1, 4) as usize,
            places: *dice.pick(&[2, 3, 20]),
            haste: *dice.pick(&[1.0, 1.0, 0.4, 0.15]),
            wrong_clocks_ms: *dice.pick(&[0.0, 500.0, 120_000.0]),
            loss: 0.02 * rough,
            slow: 0.05 * rough * dice.unit(),
            doubles: 0.2 * dice.unit(),
            failures: 0.02 * rough,
            lost_answers: 0.05 * rough,
            patience: dice.seconds(1.0, 4.0),
            long_tasks: *dice.pick(&[0.1, 0.3, 0.6]),
            bad_tasks: *dice.pick(&[0.0, 0.1, 0.3]),
            restart_lease: Duration::from_secs(60),
            groups,
            groups_at: 0,
            definitions: Vec::new(),
            parents: BTreeMap::new(),
            starts: Vec::new(),
            starts_done: false,
            schedules: Vec::new(),
            tasks: 0,
            faults_until,
            calm_at: faults_until,
            database_down_until: 0,
            ten_minutes: seed % 50 == 49,
            queue_outside: dice.chance(0.3),
        };
        plan.define(dice);
        plan.draw_starts(dice);
        plan.draw_schedules(seed);
        plan
    }

    pub fn parents(&self, definition: DefinitionId, node: &str) -> Vec<String> {
        self.parents.get(&definition).and_then(|nodes| nodes.get(node)).cloned().unwrap_or_default()
    }

    /// How many nodes it has.
    pub fn size(&self, definition: DefinitionId) -> usize {
        self.parents.get(&definition).map_or(0, BTreeMap::len)
    }

    fn define(&mut self, dice: &mut Dice) {
        let shapes = dice.within(1, 4);
        for _ in 0..shapes {
            let size = dice.within(2, 9) as usize;
            let child = self.definitions.last().map(|definition| definition.id).filter(|_| dice.chance(0.4));
            let nodes = self.nodes(dice, size, child);
            self.add(nodes);
        }
    }

    /// A chain, a fan, a diamond, or what chance draws.
    fn nodes(&self, dice: &mut Dice, size: usize, child: Option<DefinitionId>) -> Vec<Value> {
        let shape = dice.within(0, 4);
        let place_of_child = child.map(|_| dice.within(0, size as u64) as usize);
        let mut nodes = Vec::new();
        for ix in 0..size {
            let after: Vec<usize> = match shape {
                _ if ix == 0 => vec![],
                0 => vec![ix - 1],
                1 => vec![0],
                2 if ix == size - 1 => (1..ix.max(2)).filter(|parent| *parent < ix).collect(),
                2 => vec![0],
                _ => (0..ix).filter(|_| dice.chance(0.4)).collect(),
            };
            let after: Vec<String> = after.iter().map(|parent| format!("n{parent}")).collect();
            let mut node = json!({
                "name": format!("n{ix}"),
                "id": format!("n{ix}"),
                "preTasks": after,
                "maxRetryTimes": dice.within(0, 3),
                "retryInterval": u64::from(dice.chance(0.1)),
                "workerGroupId": if dice.chance(0.2) { 1 } else { -1 },
                "taskInstancePriority": *dice.pick(&["HIGH", "MEDIUM", "LOW"]),
            });
            match child.filter(|_| place_of_child == Some(ix)) {
                Some(child) => {
                    node["type"] = json!("SUB_PROCESS");
                    node["params"] = json!({"processDefinitionId": child.0});
                }
                None => {
                    node["type"] = json!("SHELL");
                    node["params"] = json!({"rawScript": "true"});
                }
            }
            nodes.push(node);
        }
        nodes
    }

    fn add(&mut self, nodes: Vec<Value>) {
        let id = DefinitionId(self.definitions.len() as i32 + 1);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parents = nodes.iter().map(|node| {
            let after = node["preTasks"].as_array().map(|list| list.iter().map(text).collect()).unwrap_or_default();
            (text(&node["name"]), after)
        });
        self.parents.insert(id, parents.collect());
        self.definitions.push(Definition {
            id,
            name: format!("d{id}"),
            version: 1,
            release: ReleaseState::Online,
            changed_at: None,
            project: ProjectId(1),
            author: UserId(1),
            document: json!({"tasks": nodes, "globalParams": [], "timeout": 0, "tenantId": -1}).to_string().into(),
            locations: None,
            connects: None,
            timeout_minutes: 0,
            tenant_id: -1,
            receivers: None,
            receivers_cc: None,
        });
    }

    /// Enough starts for twenty tasks at least.
    fn draw_starts(&mut self, dice: &mut Dice) {
        let wanted = dice.within(22, 40);
        let mut planned = 0;
        while planned < wanted {
            let definition = dice.pick(&self.definitions).id;
            planned += self.parents[&definition].len() as u64;
            let at = dice.within(SECOND, self.faults_until * 4 / 5);
            self.starts.push((at, definition));
        }
        self.starts.sort();
        // Whoever makes a group, uses it at once.
        if !self.groups.is_empty() && dice.chance(0.5) {
            self.groups_at = dice.pick(&self.starts).0;
        }
        self.tasks = planned;
    }
}
