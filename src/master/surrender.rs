//! Instances that cannot be driven.

use super::driver::{Done, Driver};
use crate::calls::{Address, ToWorker};
use crate::model::State;
use crate::store::{Loaded, LoadedTask, Step, TaskChange};
use std::sync::Arc;

impl Driver {
    /// Ends an instance that cannot be driven.
    pub fn give_up(&mut self, loaded: &Loaded) {
        let open = || loaded.tasks.iter().filter(|task| !task.state.is_finished());
        let now = self.now();
        let killed = |task: &LoadedTask| TaskChange {
            task: task.id.0,
            state: Some(State::Kill),
            ended_at: Some(now),
            ..TaskChange::default()
        };
        let step = Step {
            instance: loaded.id,
            epoch: loaded.epoch,
            revision: loaded.revision,
            at: now,
            state: Some(State::Failure),
            warned: false,
            orders: vec![],
            inserts: vec![],
            changes: open().map(killed).collect(),
            superseded: vec![],
            alerts: vec![],
        };
        // What may run of it is ended; nobody waits for how.
        for task in open() {
            if let (Some(tag), Some(holder)) = (task.tag, &task.holder) {
                let (project, definition) = (loaded.project, loaded.definition);
                let (instance, task, epoch) = (loaded.id, task.id, loaded.epoch);
                let attempt = Address { project, definition, instance, task, tag, epoch };
                self.say(&holder.worker, ToWorker::Kill { attempt, now: false });
            }
        }
        let (store, id) = (self.means.records.clone(), loaded.id);
        self.loading.insert(id, vec![]);
        self.work.spawn(async move {
            let recorded = store.record(Arc::new(step)).await;
            Done::Loaded { id, loaded: Box::new(recorded.map(|_| None)) }
        });
    }
}
