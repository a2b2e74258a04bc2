//! The life of one process instance: [`Instance::step`] takes an event and the time, and returns what is
//! to be recorded and then done.
//!
//! Pure: no clock, no store, no randomness but the seed it was given, so that every run can be replayed.
//! It knows nothing of ids of rows, of workers or of other instances; the master translates. A step
//! costs what the event touches, however many nodes are waiting.
//!
//! | The instance is | and goes on like this |
//! |---|---|
//! | [`Phase::Running`] | ready nodes are submitted, most urgent first, at most [`Settings::places`] at a time |
//! | [`Phase::Pausing`] | nothing new is submitted, what runs may end |
//! | [`Phase::Stopping`] | nothing new is submitted, what runs is killed |
//! | [`Phase::Failing`] | a node failed for good and the strategy is END: as stopping, but the end is a failure |
//! | [`Phase::Ended`] | every event changes nothing |
//!
//! It ends when nothing is active, ready or resting. A node that waits for a failed one never becomes
//! ready, so it needs no state of its own.

mod instance;
mod plan;
mod restore;
#[cfg(test)]
mod tests;

pub use instance::Instance;
pub use plan::{Plan, Planned, Work};
pub use restore::Row;

use crate::dag::NodeIx;
use crate::model::{FailureStrategy, State, Tag, Time};
use std::time::Duration;

/// What holds for the whole life of an instance.
#[derive(Clone, Debug)]
pub struct Settings {
    pub strategy: FailureStrategy,
    /// How many attempts may be submitted and not ended at a time (`master.exec.task.number`). Logic
    /// nodes take no place.
    pub places: usize,
    /// After this long an alert is raised, once; nothing is stopped.
    pub timeout: Option<Duration>,
}

/// One try at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub tag: Tag,
    /// 1 for the first one of this node in this instance; never used twice.
    pub number: u32,
    /// How many retries were used up so far.
    pub retries: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success,
    Failed,
    /// The node's time limit passed.
    TimedOut,
    /// A child instance was paused, or a DEPENDENT node stopped waiting for that reason.
    Paused,
    /// A child instance was stopped.
    Stopped,
}

/// What a user wants of a living instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Pause,
    /// A second one skips the time of grace.
    Stop,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The instance is new, or was just loaded.
    Begin,
    Started {
        node: NodeIx,
        tag: Tag,
        at: Time,
    },
    Finished {
        node: NodeIx,
        tag: Tag,
        exit: Exit,
        at: Time,
    },
    /// The attempt is certainly dead and its end unknown.
    Lost {
        node: NodeIx,
        tag: Tag,
    },
    /// The attempt was never started and never will be.
    Refused {
        node: NodeIx,
        tag: Tag,
    },
    Order(Order),
    /// A time that [`Instance::next_alarm`] named has come.
    Tick,
}

impl Event {
    /// The same, not later than this: what was told by a clock that is ahead, or was then, would put off retries and
    /// time-outs.
    pub fn no_later_than(mut self, now: Time) -> Event {
        if let Event::Started { at, .. } | Event::Finished { at, .. } = &mut self {
            *at = now.min(*at);
        }
        self
    }
}

/// What a step decided. All of it is recorded in one write; then what reaches outside is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Record a new attempt, then hand it out.
    Submit { node: NodeIx, attempt: Attempt },
    /// Record a new attempt of a SUB_PROCESS node together with its child instance, then begin the child.
    Spawn { node: NodeIx, attempt: Attempt },
    /// Record a new attempt of a DEPENDENT node, then look at the runs that it waits for.
    Watch { node: NodeIx, attempt: Attempt },
    /// Record a node that was ready and will not run now: paused or killed before its start.
    Shelve { node: NodeIx, attempt: Attempt, state: State },
    /// Record what is known of an attempt.
    Note { node: NodeIx, tag: Tag, note: Note },
    /// End an attempt; `now` skips the time of grace. For a SUB_PROCESS node: stop its child; for a DEPENDENT node:
    /// wait no more.
    Kill { node: NodeIx, tag: Tag, now: bool },
    /// Pause a logic node: the child of a SUB_PROCESS node, or the waiting of a DEPENDENT node.
    Pause { node: NodeIx, tag: Tag },
    /// Record an alert.
    Alert(Alert),
    /// Record the instance's state. The last one of an instance is finished.
    Become(State),
}

/// A change of an attempt's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    Started {
        at: Time,
    },
    Ended {
        state: State,
        at: Time,
    },
    /// The time-out alert was raised.
    Warned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// The node has been running for too long.
    TaskTimeout {
        node: NodeIx,
    },
    /// The instance has been running for too long.
    InstanceTimeout,
    /// The node's worker died; the node is tried again.
    FaultTolerance {
        node: NodeIx,
    },
    Ended(State),
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Running,
    Pausing,
    Stopping { now: bool },
    Failing,
    Ended(State),
}

impl Phase {
    /// The state that the row of an instance in this phase shows.
    pub fn state(self) -> State {
        match self {
            Phase::Running | Phase::Failing => State::Running,
            Phase::Pausing => State::ReadyPause,
            Phase::Stopping { .. } => State::ReadyStop,
            Phase::Ended(state) => state,
        }
    }
}

/// Attempt tags, drawn from a seed (SplitMix64): unpredictable enough never to meet again, and the same
/// for the same seed.
#[derive(Clone, Debug)]
struct Tags(u64);

impl Tags {
    fn draw(&mut self) -> Tag {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Tag(z ^ (z >> 31))
    }
}
