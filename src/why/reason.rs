//! The reasons, and the codes that programs know them by.

use crate::model::Time;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// Others have to succeed first.
    Predecessor,
    /// One of those failed, so it will not run.
    PredecessorFailed,
    /// The run does not include it.
    NotChosen,
    /// Its instance runs as many tasks at once as it may.
    Places,
    /// No worker that may run it has a free slot.
    Slot,
    /// A worker was given it, and has not said yet that it has started.
    HandedOver,
    /// Its turn has come just now.
    Turn,
    /// No worker lives.
    NoWorker,
    /// No worker of its group lives.
    WorkerGroupEmpty,
    /// The machines are too busy.
    Overload,
    /// It failed, and is tried again later.
    Retry,
    /// It waits for runs of other definitions.
    Dependency,
    /// Its sub-process goes on.
    SubProcess,
    /// The instance is paused, or about to be.
    Paused,
    /// The instance is being ended.
    Stopping,
    /// No master lives.
    NoMaster,
    /// The masters have as many instances in hand as they may.
    Instances,
    /// A command waits for a master to take it up.
    Command,
    /// The schedule's last run has not ended.
    Overlap,
}

/// Why something does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    pub code: Code,
    /// A sentence without its end.
    pub text: String,
    /// When that is over, if it is known.
    pub until: Option<Time>,
}

impl Reason {
    pub fn new(code: Code, text: impl Into<String>) -> Reason {
        Reason { code, text: text.into(), until: None }
    }

    /// Whether there is nothing but to wait for other nodes, as most nodes do for most of the time.
    pub fn is_order(&self) -> bool {
        matches!(self.code, Code::Predecessor | Code::PredecessorFailed | Code::NotChosen)
    }
}
