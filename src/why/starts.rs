//! Why what somebody has asked for has not begun.

use super::{Code, Crew, Reason, overload};
use crate::model::{InstanceId, OverlapPolicy};

/// Something that is to become an instance, or to run one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A command row.
    Command,
    /// An instant of a schedule that must not overlap with its last run, if that is known.
    Firing { policy: OverlapPolicy, last: Option<InstanceId> },
}

/// Why it has not begun. `in_hand` is how many instances are being driven, `most` how many one master may drive.
pub fn start(what: Start, crew: &Crew, in_hand: usize, most: usize) -> Reason {
    if let Start::Firing { policy, last } = what {
        let policy = policy.to_string();
        let last = last.map_or("the run before it".to_owned(), |id| format!("process instance {id}"));
        return Reason::new(
            Code::Overlap,
            format!("{last} has not ended, and the schedule's overlap policy is {policy}"),
        );
    }
    if crew.masters.is_empty() {
        return Reason::new(Code::NoMaster, "no master is running that could take it up");
    }
    let all = most.saturating_mul(crew.masters.len());
    if in_hand >= all {
        let text = format!("{in_hand} instances are being driven, and the masters take no more than {all} at once");
        return Reason::new(Code::Instances, text);
    }
    // A master without any work takes some on, however busy its machine is.
    match overload(&crew.masters).filter(|_| in_hand > 0) {
        Some(why) => Reason::new(Code::Overload, format!("the masters take nothing more on for now ({why})")),
        None => Reason::new(Code::Command, "a master is about to take it up"),
    }
}
