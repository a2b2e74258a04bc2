//! What to run next. Masters offer attempts, workers with a free slot take the most urgent one.
//!
//! The queue may be wiped at any time: its owner offers again what its rows say. An entry is no right to
//! run anything twice, for a worker starts a tag once, however often it is told.

mod memory;

pub use memory::Memory;

use crate::model::{DefinitionId, InstanceId, Node, Priority, ProjectId, Property, Tag, TaskId};
use crate::params::Moment;
use async_trait::async_trait;
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

/// Entries are handed out in the order of their [`Rank`].
#[async_trait]
pub trait Queue: Send + Sync {
    /// Adds attempts, without waiting: an entry that gets lost is offered again by its owner. One whose tag
    /// is waiting already is not added twice.
    fn offer(&self, jobs: Vec<Arc<Job>>);

    /// Takes up to `count` of the most urgent entries; waits until there is at least one.
    /// Dropping the future takes nothing.
    async fn take(&self, count: usize) -> Vec<Arc<Job>>;

    /// Removes an entry that nobody has taken yet; says whether it was there.
    async fn withdraw(&self, tag: Tag) -> bool;
}
