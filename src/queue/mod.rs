//! What to run next: attempts wait in the order of their [`Rank`] until a worker has a free slot.
//!
//! What waits may be wiped at any time: its owner offers again what its rows say. Waiting is no right to run
//! anything: that is a grant, which is recorded before it is said.

mod board;
mod broker;
pub mod zookeeper;

pub use board::Board;
pub use broker::{Broker, Entry, Lobby};

use crate::model::{DefinitionId, InstanceId, Node, Priority, ProjectId, Property, Tag, TaskId};
use crate::params::Moment;
use std::sync::Arc;
use std::time::Duration;

/// The order of the queue, smallest first (`EasyScheduler 1.0.1: queue order`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub instance_priority: Priority,
    pub instance: InstanceId,
    pub task_priority: Priority,
    pub task: TaskId,
}

/// One attempt, with all that a worker needs to run it.
#[derive(Clone, Debug)]
pub struct Job {
    pub tag: Tag,
    /// 1 for the first attempt of the node in this instance: the fencing token that scripts get.
    pub attempt: u32,
    pub rank: Rank,
    pub project: ProjectId,
    pub definition: DefinitionId,
    pub node: Arc<Node>,
    /// Global parameters of the instance, resolved.
    pub globals: Arc<Vec<Property>>,
    pub moment: Moment,
    /// The account that the task runs under; `None`: that of the worker.
    pub tenant: Option<String>,
    /// After this long the attempt is ended and counts as failed.
    pub limit: Option<Duration>,
}

impl Job {
    pub fn instance(&self) -> InstanceId {
        self.rank.instance
    }

    pub fn task(&self) -> TaskId {
        self.rank.task
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{Document, Time};

    /// An attempt for tests of order.
    pub fn job(tag: u64, instance_priority: Priority, instance: i32, task_priority: Priority, task: i32) -> Arc<Job> {
        let text = r#"{"tasks":[{"name":"a","type":"SHELL","params":{"rawScript":"true"}}]}"#;
        let document = Document::parse(text).expect("it is sound");
        Arc::new(Job {
            tag: Tag(tag),
            attempt: 1,
            rank: Rank { instance_priority, instance: InstanceId(instance), task_priority, task: TaskId(task) },
            project: ProjectId(1),
            definition: DefinitionId(1),
            node: Arc::new(document.nodes[0].clone()),
            globals: Arc::default(),
            moment: Moment::of_run(Time(0), chrono_tz::UTC),
            tenant: None,
            limit: None,
        })
    }
}
