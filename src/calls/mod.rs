//! What masters and workers say to each other. In one process a call is a message in a channel.
//!
//! Both directions are unbounded on purpose: an attempt causes a handful of messages, and how many
//! attempts there are is bounded by the masters; a bound here could make the two wait for each other.

mod bell;
mod cluster;

pub use bell::{Bell, LocalBell};
pub use cluster::{
    Address, Beat, Colleagues, Failure, Hello, Holder, Link, MasterMail, Registrar, SignIn, Standing, ToMaster,
    ToWorker, WorkerMail,
};

use crate::model::{InstanceId, Tag, TaskId, Time};
use crate::queue::Job;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a worker tells the owner of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub instance: InstanceId,
    pub tag: Tag,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Started {
        at: Time,
        place: Place,
    },
    /// Repeated until it is acknowledged.
    Ended {
        exit: Exit,
        started_at: Time,
        at: Time,
        place: Place,
    },
    /// Never started, and never will be.
    NotHere,
    /// Started or not, it is certainly dead and its end unknown.
    Lost,
}

/// Where an attempt runs or ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub pid: Option<u32>,
    pub execute_path: Option<String>,
    pub log_path: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success,
    Failed,
    /// Its time limit passed.
    TimedOut,
}

/// What an owner tells a worker.
#[derive(Clone, Debug)]
pub enum Order {
    /// End the attempt; `now` skips the time of grace. If it never started, say so.
    Kill { instance: InstanceId, task: TaskId, tag: Tag, now: bool },
    /// The report of its end is recorded.
    Acknowledge { tag: Tag },
    /// The instance with these ids (project, definition, instance) has ended: its execution folders may go.
    Clear { ids: [i32; 3] },
    /// Every attempt that a living instance waits for was resumed.
    Resumed,
    /// The owner has just loaded these attempts: go on with what runs, report what ended, queue the rest.
    Resume { jobs: Vec<Arc<Job>> },
}

/// The master's end.
pub struct MasterSide {
    pub orders: UnboundedSender<Order>,
    pub reports: UnboundedReceiver<Report>,
}

/// The worker's end.
pub struct WorkerSide {
    pub orders: UnboundedReceiver<Order>,
    pub reports: UnboundedSender<Report>,
}

/// Connects the master and the worker of one process.
pub fn embedded() -> (MasterSide, WorkerSide) {
    let (order, orders) = unbounded_channel();
    let (report, reports) = unbounded_channel();
    (MasterSide { orders: order, reports }, WorkerSide { orders, reports: report })
}
