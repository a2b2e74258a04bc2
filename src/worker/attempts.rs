//! One attempt in a worker's hands.

use super::shim::{self, Status};
use crate::calls::{Address, Exit, Place, What};
use crate::model::{DefinitionId, InstanceId, ProjectId, Tag, TaskId, Time};

/// An attempt between being taken and being acknowledged.
pub(super) struct Held {
    pub attempt: Address,
    pub place: Place,
    pub stage: Stage,
    /// Who has last asked for it or about it.
    pub master: Option<String>,
}

pub(super) enum Stage {
    Preparing,
    /// The shim has it.
    Handed {
        started_at: Option<Time>,
    },
    Ended(What),
}

/// What the shim keeps beside an attempt, so that a later worker process knows whose it is.
pub(super) fn note(attempt: &Address) -> String {
    let Address { project, definition, instance, task, epoch, .. } = attempt;
    format!("{project}/{definition}/{instance}/{task}/{epoch}")
}

/// Reads it back.
pub(super) fn from_note(tag: Tag, note: &str) -> Option<Address> {
    let numbers: Vec<i32> = note.split('/').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [project, definition, instance, task, epoch] = numbers.try_into().ok()?;
    Some(Address {
        project: ProjectId(project),
        definition: DefinitionId(definition),
        instance: InstanceId(instance),
        task: TaskId(task),
        tag,
        epoch,
    })
}

/// How the attempt ended, for its owner. An exit that nobody asked for is a failure, whatever its code
/// (`EasyScheduler 1.0.1: known defects D1`).
pub(super) fn outcome(status: &Status, place: Place) -> What {
    let exit = match (&status.exit, status.killed) {
        (_, Some(shim::Cause::Over)) => return What::Lost,
        (shim::Exit::Code(0), _) => Exit::Success,
        (_, Some(shim::Cause::TimeLimit)) => Exit::TimedOut,
        _ => Exit::Failed,
    };
    What::Ended { exit, started_at: status.started_at, at: status.ended_at, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back() {
        let attempt = from_note(Tag(7), "1/2/3/4/5").unwrap();
        assert_eq!(from_note(Tag(7), &note(&attempt)), Some(attempt));
        assert_eq!(from_note(Tag(7), ""), None);
        assert_eq!(from_note(Tag(7), "1/2/3/4/5/6"), None);
    }
}
