//! The generated words, and their translation into ours and back. Nothing is decided here.
//!
//! Translating into ours may fail, because whatever crosses the network may be anything: [`Garbled`] says what was
//! not understood. A word of a later release is no error: it reads as `None`, and is passed over.

mod job;
mod report;
mod standing;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use report::report;
pub(super) use standing::{answer, beat, sign_in, standing};
pub(super) use stream::{
    FromMaster, FromWorker, from_master, from_worker, hello_words, to_master_words, to_worker_words,
};

use crate::calls::{Address, Holder};
use crate::model::{DefinitionId, InstanceId, ProjectId, Tag, TaskId};

/// The generated code.
#[allow(clippy::all, clippy::pedantic)]
pub(super) mod words {
    tonic::include_proto!("escheduler.cluster");
}

/// What came over the network is not what both sides have agreed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Garbled(String);

impl Garbled {
    fn new(what: impl Into<String>) -> Self {
        Garbled(what.into())
    }

    fn lacks(what: &str) -> Self {
        Garbled(format!("the message lacks {what}"))
    }
}

impl From<Garbled> for tonic::Status {
    fn from(garbled: Garbled) -> Self {
        tonic::Status::invalid_argument(garbled.0)
    }
}

impl From<Holder> for words::Holder {
    fn from(holder: Holder) -> Self {
        words::Holder { worker: holder.worker, incarnation: holder.incarnation }
    }
}

pub(super) fn holder(said: Option<words::Holder>) -> Result<Holder, Garbled> {
    let said = said.ok_or_else(|| Garbled::lacks("its holder"))?;
    Ok(Holder { worker: said.worker, incarnation: said.incarnation })
}

impl From<Address> for words::Address {
    fn from(address: Address) -> Self {
        let Address { project, definition, instance, task, tag, epoch } = address;
        let (project, definition) = (project.0, definition.0);
        words::Address { project, definition, instance: instance.0, task: task.0, tag: tag.0, epoch }
    }
}

fn address(said: Option<words::Address>) -> Result<Address, Garbled> {
    let said = said.ok_or_else(|| Garbled::lacks("its attempt"))?;
    Ok(Address {
        project: ProjectId(said.project),
        definition: DefinitionId(said.definition),
        instance: InstanceId(said.instance),
        task: TaskId(said.task),
        tag: Tag(said.tag),
        epoch: said.epoch,
    })
}
