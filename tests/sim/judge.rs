//! The oracle: a ledger of the processes that really ran, written by the simulated shims, against which every write
//! is judged at once. It believes nothing that masters or workers say of themselves.

use crate::db::Change;
use crate::kernel::{Micros, SECOND};
use crate::world::World;
use escheduler::calls::Holder;
use escheduler::model::{CommandId, InstanceId, ScheduleId, State, Tag, Time};
use std::collections::{BTreeMap, BTreeSet};

/// How long after the last fault everything has ended at the latest.
const LIMIT: Micros = 600 * SECOND;

#[derive(Default)]
pub struct Judge {
    pub breach: Option<String>,
    ledger: BTreeMap<Tag, Entry>,
    nodes: BTreeMap<(InstanceId, String), Vec<Tag>>,
    live: BTreeSet<Tag>,
    granted: BTreeMap<Tag, Holder>,
    fenced: BTreeSet<Holder>,
    claimed: BTreeSet<CommandId>,
    /// Instants of schedules that have an instance.
    pub scheduled: BTreeSet<(ScheduleId, Time)>,
    /// Acknowledged starts.
    pub promised: BTreeSet<CommandId>,
    pub started: u64,
}

/// One process.
struct Entry {
    instance: InstanceId,
    name: String,
    machine: usize,
    holder: Holder,
    end: Option<Micros>,
    well: bool,
    /// How it ended is nowhere written.
    lost: bool,
    run: i32,
}

impl World {
    pub fn breach(&mut self, what: String) {
        if self.judge.breach.is_none() {
            self.judge.breach = Some(format!("at {:.3} s: {what}", self.q.now() as f64 / SECOND as f64));
        }
    }

    /// A process begins.
    pub fn judge_start(&mut self, node: usize, incarnation: u64, tag: Tag) {
        let holder = Holder { worker: self.machines[node].disk.name.clone(), incarnation };
        let Some(task) = self.db.task(tag).cloned() else {
            return self.breach(format!("I2: {tag} is started and was never recorded"));
        };
        let (id, name) = (task.instance, task.attempt.name.clone());
        let what = format!("node {name} of instance {id}, attempt {} ({tag}) at {holder}", task.attempt.attempt);
        self.say(|| format!("{what} starts"));
        if self.judge.ledger.contains_key(&tag) {
            return self.breach(format!("I2: {what} is started twice"));
        }
        // A later incarnation of the same worker is not the holder: it may live while its forerunner is declared dead.
        if task.attempt.holder.as_ref() != Some(&holder) {
            return self.breach(format!("I2: {what} is started, but was granted to {:?}", task.attempt.holder));
        }
        if task.attempt.state.is_finished() {
            return self.breach(format!("I2: {what} is started, but is recorded as {}", task.attempt.state));
        }
        let row = &self.db.instances[&id];
        if row.state.is_finished() {
            return self.breach(format!("I9: {what} is started, but the instance has ended: {}", row.state));
        }
        let run = row.run_times;
        let definition = row.new.command.definition;
        let (host, hosts) = (format!("host-{node}"), self.db.groups.get(&task.group));
        if row.grouped && hosts.is_some_and(|hosts| !hosts.contains(&host)) {
            return self.breach(format!("I7: {what} does not belong to that group"));
        }
        let on_machine = self.judge.live.iter().filter(|tag| self.judge.ledger[tag].machine == node).count();
        if on_machine >= self.machines[node].slots {
            return self.breach(format!("I7: {what} finds no free slot"));
        }
        let siblings = self.judge.nodes.get(&(id, name.clone())).cloned().unwrap_or_default();
        for other in siblings {
            let entry = &self.judge.ledger[&other];
            if entry.end.is_none() {
                return self.breach(format!("I2: {what} is started while {other} lives at {}", entry.holder));
            }
            if entry.well && entry.run == run && !entry.lost && !self.is_buried(&entry.holder) {
                return self.breach(format!("I3: {what} is started although {other} at {} ended well", entry.holder));
            }
        }
        for parent in self.plan.parents(definition, &name) {
            let succeeded = |task: &crate::db::Task| {
                task.instance == id && task.valid && task.attempt.name == parent && task.attempt.state == State::Success
            };
            if !self.db.tasks.values().any(succeeded) {
                return self.breach(format!("I3: {what} is started before {parent} has succeeded"));
            }
        }
        let (end, well, lost) = (None, false, false);
        let entry = Entry { instance: id, name: name.clone(), machine: node, holder, end, well, lost, run };
        self.judge.ledger.insert(tag, entry);
        self.judge.nodes.entry((id, name)).or_default().push(tag);
        self.judge.live.insert(tag);
        self.judge.started += 1;
    }

    /// Whether nobody is believed any more about what this holder has done: its worker was fenced, then or later.
    fn is_buried(&self, holder: &Holder) -> bool {
        let later = |other: &&Holder| other.worker == holder.worker && other.incarnation >= holder.incarnation;
        self.judge.fenced.iter().any(|other| later(&other))
    }

    /// A process is gone; whether it had done its work.
    pub fn judge_stop(&mut self, tag: Tag, well: bool) {
        let now = self.q.now();
        self.judge.live.remove(&tag);
        if let Some(entry) = self.judge.ledger.get_mut(&tag) {
            entry.end = Some(now);
            entry.well = well;
            let (id, name) = (entry.instance, entry.name.clone());
            self.say(|| format!("node {name} of instance {id} ({tag}) ends {}", if well { "well" } else { "badly" }));
        }
    }

    /// How it ended can never be told.
    pub fn judge_lost(&mut self, tag: Tag) {
        if let Some(entry) = self.judge.ledger.get_mut(&tag) {
            entry.lost = true;
        }
    }

    /// What a write has changed.
    pub fn judge_changes(&mut self) {
        for change in std::mem::take(&mut self.db.changes) {
            self.say(|| format!("recorded: {change:?}"));
            match change {
                Change::Task { tag, from, to } => self.judge_task(tag, from, to),
                Change::Instance { id, from, to } => self.judge_instance(id, from, to),
                Change::Revived { .. } | Change::Step { .. } | Change::TakenOver { .. } => {}
                Change::Fenced { holder } => {
                    self.count("fences");
                    self.judge.fenced.insert(holder);
                }
                Change::Holder { tag, holder } => {
                    if let Some(other) = self.judge.granted.insert(tag, holder.clone()) {
                        self.breach(format!("I2: {tag} is granted to {holder}, and was granted to {other}"));
                    }
                }
                Change::Scheduled { schedule, at, id } => {
                    self.count("instants");
                    if !self.judge.scheduled.insert((schedule, at)) {
                        self.breach(format!(
                            "I1: instant {} of schedule {schedule} made a second instance, {id}",
                            at.0
                        ));
                    }
                }
                Change::Claimed { command } => {
                    if !self.judge.claimed.insert(command) {
                        self.breach(format!("I1: command {command} made two instances"));
                    }
                }
            }
        }
    }

    fn judge_task(&mut self, tag: Tag, from: Option<State>, to: State) {
        let Some(task) = self.db.task(tag).cloned() else { return };
        let what = format!("{tag} (node {} of instance {})", task.attempt.name, task.instance);
        if from.is_some_and(State::is_finished) || (from == Some(State::Running) && to == State::Submitted) {
            return self.breach(format!("I8: {what} goes from {from:?} to {to}"));
        }
        if from.is_none() {
            let own = |other: &&crate::db::Task| other.instance == task.instance && other.attempt.kind != "SUB_PROCESS";
            let open = self.db.tasks.values().filter(own).filter(|other| !other.attempt.state.is_finished()).count();
            // A step may end one attempt and insert another: changes come first.
            if open > self.plan.places {
                self.breach(format!("I7: instance {} has {open} attempts under way", task.instance));
            }
        }
        if !to.is_finished() || task.attempt.kind == "SUB_PROCESS" {
            return;
        }
        match self.judge.ledger.get(&tag) {
            Some(entry) if entry.end.is_none() => {
                self.breach(format!("I2: {what} is recorded as {to} while it lives at {}", entry.holder));
            }
            Some(entry) if to == State::Success && !entry.well => {
                self.breach(format!("I3: {what} is recorded as {to}, but ended badly"));
            }
            None if to == State::Success => self.breach(format!("I3: {what} is recorded as {to}, but never ran")),
            _ => {}
        }
    }

    fn judge_instance(&mut self, id: InstanceId, from: State, to: State) {
        let onward = match from {
            State::Running => to != State::Submitted && to != State::Running,
            State::ReadyPause => to == State::ReadyStop || to.is_finished(),
            State::ReadyStop => to.is_finished(),
            _ => false,
        };
        if !onward {
            return self.breach(format!("I8: instance {id} goes from {from} to {to}"));
        }
        if !to.is_finished() {
            return;
        }
        let alive = self.judge.live.iter().find(|tag| self.judge.ledger[tag].instance == id);
        if let Some(tag) = alive {
            return self.breach(format!("I9: instance {id} is recorded as {to} while {tag} lives"));
        }
        let family = |row: &&crate::db::Instance| row.root == Some(id) && !row.state.is_finished();
        if let Some(child) = self.db.instances.values().find(family).map(|child| child.id) {
            self.breach(format!("I9: instance {id} is recorded as {to} while its child {child} goes on"));
        }
    }

    /// Whether all has ended that had to.
    pub fn judge_end(&mut self) {
        if !self.is_calm() || self.q.now() < self.plan.calm_at + 2 * SECOND || !self.plan.starts_done {
            return;
        }
        let open = self.db.instances.values().filter(|row| !row.state.is_finished()).count();
        let outboxes = self
            .machines
            .iter()
            .flat_map(|machine| machine.disk.outbox.keys().map(|tag| (machine.disk.name.clone(), *tag)));
        let full: Vec<(String, Tag)> = outboxes.collect();
        let fired = self.db.all_have_fired();
        if open == 0 && fired && self.db.commands.is_empty() && full.is_empty() && self.judge.live.is_empty() {
            self.over = true;
            self.judge_schedules();
            return self.judge_promises();
        }
        // What waits for the run before it, runs one after the other.
        let limit = if self.plan.schedules.is_empty() { LIMIT } else { 6 * LIMIT };
        if self.q.now() > self.plan.calm_at + limit {
            let rows = self.db.instances.values().filter(|row| !row.state.is_finished());
            let rows: Vec<String> = rows.map(|row| format!("{} of {:?} is {}", row.id, row.owner, row.state)).collect();
            let tasks = self.db.tasks.values().filter(|task| !task.attempt.state.is_finished());
            let tasks: Vec<String> = tasks.map(|task| format!("{:?}", task.attempt)).collect();
            let commands: Vec<_> = self.db.commands.values().map(|command| (command.id, command.kind)).collect();
            self.breach(format!(
                "I4: not everything has ended: schedules {fired}; instances {rows:?}; tasks {tasks:?}; commands {commands:?}; outboxes {full:?}"
            ));
        }
    }

    fn judge_promises(&mut self) {
        let refused: BTreeSet<CommandId> = self.db.errors.iter().map(|(id, _)| *id).collect();
        let kept = |id: &CommandId| self.judge.claimed.contains(id) && !refused.contains(id);
        if let Some(id) = self.judge.promised.iter().find(|id| !kept(id)).copied() {
            self.breach(format!("I5: command {id} was acknowledged, and nothing became of it: {:?}", self.db.errors));
        }
    }
}
