//! One step of an instance, in one write, behind the guard of its epoch and revision.

use super::{Change, Db, Task, appended};
use escheduler::model::{InstanceId, TaskId};
use escheduler::planted;
use escheduler::store::{ChildStart, Error, LoadedTask, NewTask, Recorded, Step, TaskChange};

impl Db {
    pub fn record(&mut self, step: &Step) -> Result<Recorded, Error> {
        let conflict = || Error::Conflict(format!("process instance {}", step.instance));
        let row = self.instances.get_mut(&step.instance).ok_or_else(conflict)?;
        if row.epoch == step.epoch && row.revision == step.revision + 1 {
            return Ok(self.read_back(step));
        }
        if (row.epoch != step.epoch || row.revision != step.revision) && !planted::is("no-epoch") {
            return Err(conflict());
        }
        row.revision = step.revision + 1;
        let (owner, epoch, revision) = (row.owner.clone(), row.epoch, row.revision);
        self.changes.push(Change::Step { id: step.instance, owner, epoch, revision });
        row.takeovers = 0;
        row.warned |= step.warned;
        if let Some(state) = step.state {
            self.changes.push(Change::Instance { id: step.instance, from: row.state, to: state });
            row.state = state;
        }
        for (command, kind) in &step.orders {
            self.commands.remove(command);
            row.history = appended(&row.history, *kind);
            row.command = *kind;
        }
        step.changes.iter().for_each(|change| self.change(change));
        for id in &step.superseded {
            if let Some(task) = self.tasks.get_mut(&id.0) {
                task.valid = false;
            }
        }
        let mut recorded = Recorded::default();
        for new in &step.inserts {
            let task = self.insert_task(step, new);
            recorded.tasks.insert(new.tag, task);
            if let Some(child) = &new.child {
                recorded.children.insert(new.tag, self.begin_child(step.instance, task, child));
            }
        }
        Ok(recorded)
    }

    fn read_back(&self, step: &Step) -> Recorded {
        let mut recorded = Recorded::default();
        for new in &step.inserts {
            let Some(task) = self.task(new.tag).map(|task| task.attempt.id) else { continue };
            recorded.tasks.insert(new.tag, task);
            if new.child.is_some() {
                let link = self.links.iter().find(|(parent, of, _)| *parent == step.instance && *of == task);
                recorded.children.insert(new.tag, link.map(|(_, _, child)| *child));
            }
        }
        recorded
    }

    fn insert_task(&mut self, step: &Step, new: &NewTask) -> TaskId {
        let id = TaskId(self.tasks.len() as i32 + 1);
        let attempt = LoadedTask {
            id,
            name: new.name.clone(),
            kind: new.kind.to_owned(),
            state: new.state,
            tag: Some(new.tag),
            attempt: new.attempt,
            retries: new.retries,
            started_at: None,
            ended_at: new.state.is_finished().then_some(step.at),
            warned: false,
            host: None,
            log_path: None,
            holder: new.holder.clone(),
            retry_interval: new.retry_interval,
            max_retries: new.max_retries,
            dependent: None,
        };
        let own = Some(new.worker_group).filter(|group| *group > 0);
        let group = own.unwrap_or_else(|| self.instances[&step.instance].new.command.worker_group);
        self.tasks.insert(id.0, Task { instance: step.instance, attempt, valid: true, group });
        self.tags.insert(new.tag, id.0);
        self.changes.push(Change::Task { tag: new.tag, from: None, to: new.state });
        if let Some(holder) = new.holder.clone() {
            self.changes.push(Change::Holder { tag: new.tag, holder });
        }
        id
    }

    fn begin_child(&mut self, parent: InstanceId, task: TaskId, child: &ChildStart) -> Option<InstanceId> {
        let child = match child {
            ChildStart::New(new) => Some(self.insert((**new).clone())),
            ChildStart::Revive { instance, kind, owner, root } => {
                self.revive(*instance, *kind, owner, Some(*root)).then_some(*instance)
            }
        }?;
        self.links.push((parent, task, child));
        Some(child)
    }

    fn change(&mut self, change: &TaskChange) {
        let Some(task) = self.tasks.get_mut(&change.task) else { return };
        let attempt = &mut task.attempt;
        if let (Some(to), Some(tag)) = (change.state, attempt.tag) {
            self.changes.push(Change::Task { tag, from: Some(attempt.state), to });
            attempt.state = to;
        }
        attempt.started_at = change.started_at.or(attempt.started_at);
        attempt.ended_at = change.ended_at.or(attempt.ended_at);
        attempt.warned |= change.warned;
        if let (Some(holder), Some(tag)) = (&change.holder, attempt.tag) {
            attempt.holder = Some(holder.clone());
            self.changes.push(Change::Holder { tag, holder: holder.clone() });
        }
        if let Some(place) = &change.place {
            attempt.host = Some(place.host.clone());
            attempt.log_path = place.log_path.clone();
        }
    }
}
