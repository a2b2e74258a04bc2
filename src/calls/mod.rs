//! What masters and workers say to each other. Within one process it is handed over, between many it is sent ([`grpc`]).
//!
//! Both directions are unbounded on purpose: an attempt causes a handful of messages, and how many
//! attempts there are is bounded by the masters; a bound here could make the two wait for each other.

mod bell;
mod cluster;
mod embedded;
pub mod grpc;

pub use bell::{Bell, LocalBell};
pub use cluster::{
    Address, Beat, Colleagues, Failure, Hello, Holder, Link, MasterMail, Masters, Registrar, SignIn, Standing,
    ToMaster, ToWorker, WorkerMail,
};
pub use embedded::Embedded;

use crate::model::{InstanceId, Tag, Time};

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
