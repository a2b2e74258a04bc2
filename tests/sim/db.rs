//! The database: tables in memory that behave as those of the store do, one whole fact at a time.

mod firings;
mod steps;
mod workers;

use escheduler::calls::Holder;
use escheduler::model::{
    Command, CommandId, CommandType, DefinitionId, InstanceId, Outcome, Schedule, ScheduleId, State, Tag, TaskId, Time,
};
use escheduler::store::{
    Child, Definition, Error, Live, Loaded, LoadedTask, NewInstance, Parent, Standpoint, WorkerRow,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A row of `t_escheduler_process_instance`.
pub struct Instance {
    pub id: InstanceId,
    pub new: NewInstance,
    pub state: State,
    pub command: CommandType,
    pub history: String,
    pub owner: Option<String>,
    pub epoch: i32,
    pub revision: i64,
    pub root: Option<InstanceId>,
    pub takeovers: i32,
    pub run_times: i32,
    pub warned: bool,
    /// It was made when there were worker groups already.
    pub grouped: bool,
}

/// A row of `t_escheduler_task_instance`.
#[derive(Clone)]
pub struct Task {
    pub instance: InstanceId,
    pub attempt: LoadedTask,
    /// It is the newest of its node in this run.
    pub valid: bool,
    pub group: i32,
}

/// What a write has changed, for whoever judges it; some of it is only for the trace.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "the trace shows all of it")]
pub enum Change {
    Task { tag: Tag, from: Option<State>, to: State },
    Holder { tag: Tag, holder: Holder },
    Instance { id: InstanceId, from: State, to: State },
    Revived { id: InstanceId, from: State },
    Claimed { command: CommandId },
    Scheduled { schedule: ScheduleId, at: Time, id: InstanceId },
    Fenced { holder: Holder },
    Step { id: InstanceId, owner: Option<String>, epoch: i32, revision: i64 },
    TakenOver { id: InstanceId, owner: String, epoch: i32 },
}

#[derive(Default)]
pub struct Db {
    pub definitions: BTreeMap<DefinitionId, Definition>,
    pub instances: BTreeMap<InstanceId, Instance>,
    pub tasks: BTreeMap<i32, Task>,
    pub tags: BTreeMap<Tag, i32>,
    /// Parent, its task, child.
    links: Vec<(InstanceId, TaskId, InstanceId)>,
    pub commands: BTreeMap<CommandId, Command>,
    pub errors: Vec<(CommandId, String)>,
    pub schedules: BTreeMap<ScheduleId, Schedule>,
    pub firings: BTreeMap<(ScheduleId, Time), Outcome>,
    pub workers: BTreeMap<String, WorkerRow>,
    pub groups: HashMap<i32, BTreeSet<String>>,
    pub changes: Vec<Change>,
    last_command: i32,
}

impl Db {
    pub fn task(&self, tag: Tag) -> Option<&Task> {
        self.tasks.get(self.tags.get(&tag)?)
    }

    pub fn insert_command(&mut self, mut command: Command) -> CommandId {
        self.last_command += 1;
        command.id = CommandId(self.last_command);
        self.commands.insert(command.id, command);
        CommandId(self.last_command)
    }

    pub fn orders(&self, limit: u64, orders: bool) -> Vec<Command> {
        let is_order = |command: &&Command| matches!(command.kind, CommandType::Pause | CommandType::Stop) == orders;
        let mut found: Vec<Command> = self.commands.values().filter(is_order).cloned().collect();
        if !orders {
            found.sort_by_key(|command| (command.priority, command.id));
        }
        found.truncate(limit as usize);
        found
    }

    pub fn reject(&mut self, id: CommandId, reason: String) {
        if self.commands.remove(&id).is_some() {
            self.errors.push((id, reason));
        }
    }

    fn insert(&mut self, new: NewInstance) -> InstanceId {
        let id = InstanceId(self.instances.len() as i32 + 1);
        let command = new.command.kind;
        let row = Instance {
            id,
            state: State::Running,
            command,
            history: command.name().to_owned(),
            owner: Some(new.owner.clone()),
            epoch: 1,
            revision: 1,
            root: new.root,
            takeovers: 0,
            run_times: 1,
            warned: false,
            grouped: !self.groups.is_empty(),
            new,
        };
        self.tell_scheduled(&row);
        self.instances.insert(id, row);
        id
    }

    pub fn claim_start(&mut self, new: NewInstance) -> Option<InstanceId> {
        self.commands.remove(&new.command.id)?;
        self.changes.push(Change::Claimed { command: new.command.id });
        Some(self.insert(new))
    }

    pub fn claim_again(&mut self, command: &Command, id: InstanceId, owner: &str) -> bool {
        self.commands.remove(&command.id).is_some() && self.revive(id, command.kind, owner, None)
    }

    fn revive(&mut self, id: InstanceId, kind: CommandType, owner: &str, root: Option<InstanceId>) -> bool {
        let Some(row) = self.instances.get_mut(&id).filter(|row| row.state.is_finished()) else { return false };
        self.changes.push(Change::Revived { id, from: row.state });
        row.history = appended(&row.history, kind);
        row.state = State::Running;
        row.command = kind;
        row.owner = Some(owner.to_owned());
        row.epoch += 1;
        row.revision += 1;
        row.run_times += 1;
        row.root = root;
        row.takeovers = 0;
        row.warned = false;
        for task in self.tasks.values_mut().filter(|task| task.instance == id) {
            if kind == CommandType::Repeat || task.attempt.state != State::Success {
                task.valid = false;
            }
        }
        true
    }

    pub fn live_instances(&self) -> Vec<Live> {
        let live = self.instances.values().filter(|row| State::LIVE.contains(&row.state));
        let live = live.map(|row| Live {
            id: row.id,
            owner: row.owner.clone(),
            epoch: row.epoch,
            root: row.root.unwrap_or(row.id),
            takeovers: row.takeovers,
        });
        live.collect()
    }

    pub fn standpoint(&self, id: InstanceId) -> Option<Standpoint> {
        self.instances.get(&id).map(|row| Standpoint { state: row.state, owner: row.owner.clone() })
    }

    pub fn attempt_is_settled(&self, instance: InstanceId, tag: Tag) -> bool {
        self.task(tag).filter(|task| task.instance == instance).is_none_or(|task| task.attempt.state.is_finished())
    }

    pub fn take_over(&mut self, id: InstanceId, from: Option<&str>, owner: &str) -> bool {
        let changes = &mut self.changes;
        let mut take = |row: &mut Instance| {
            let takes = row.owner.as_deref() == from && State::LIVE.contains(&row.state);
            if takes {
                row.owner = Some(owner.to_owned());
                row.epoch += 1;
                row.takeovers += 1;
                changes.push(Change::TakenOver { id: row.id, owner: owner.to_owned(), epoch: row.epoch });
            }
            takes
        };
        let taken = self.instances.get_mut(&id).is_some_and(&mut take);
        if taken {
            self.instances.values_mut().filter(|row| row.root == Some(id)).for_each(|row| {
                take(row);
            });
        }
        taken
    }

    pub fn load(&self, id: InstanceId) -> Result<Loaded, Error> {
        let row = self.instances.get(&id).ok_or_else(|| Error::Missing(format!("process instance {id}")))?;
        let again = row.run_times > 1;
        let own: Vec<&Task> = self.tasks.values().filter(|task| task.instance == id).collect();
        let tasks: Vec<LoadedTask> = own.iter().filter(|task| task.valid).map(|task| task.attempt.clone()).collect();
        let mut attempts: HashMap<String, u32> = HashMap::new();
        for task in own.iter().filter(|_| again) {
            let count = attempts.entry(task.attempt.name.clone()).or_default();
            *count = task.attempt.attempt.max(*count);
        }
        let mut children = HashMap::new();
        for (parent, task, child) in &self.links {
            let known = |of: &&&Task| of.attempt.id == *task && (of.valid || again);
            if *parent == id
                && let Some(known) = own.iter().find(known)
                && let Some(state) = self.instances.get(child).map(|child| child.state)
            {
                children.insert(known.attempt.name.clone(), Child { instance: *child, task: *task, state });
            }
        }
        let definition = &self.definitions[&row.new.command.definition];
        let mut loaded = Loaded::fresh(id, row.new.clone(), definition, None);
        loaded.state = row.state;
        loaded.owner = row.owner.clone();
        loaded.epoch = row.epoch;
        loaded.revision = row.revision;
        loaded.takeovers = row.takeovers;
        loaded.command = row.command;
        loaded.history = row.history.clone();
        loaded.run_times = row.run_times;
        loaded.warned = row.warned;
        loaded.root = row.root.unwrap_or(id);
        let link = self.links.iter().rev().find(|(_, _, child)| *child == id).filter(|_| row.new.root.is_some());
        loaded.parent = link.map(|(instance, task, _)| Parent { instance: *instance, task: *task });
        loaded.tasks = tasks;
        loaded.attempts = attempts;
        loaded.children = children;
        Ok(loaded)
    }
}

fn appended(history: &str, kind: CommandType) -> String {
    format!("{history},{kind}")
}
