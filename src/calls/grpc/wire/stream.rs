//! What is said on the stream between a worker and a master.

use super::job::job;
use super::report::report;
use super::{Garbled, address, holder, words};
use crate::calls::{Hello, ToMaster, ToWorker};
use crate::model::{InstanceId, Tag};
use std::sync::Arc;

/// What a worker's message says.
pub(in crate::calls::grpc) enum FromWorker {
    Hello { hello: Hello, master: String },
    Said(ToMaster),
}

/// The first message; `master` is the start of the one that is meant.
pub(in crate::calls::grpc) fn hello_words(hello: Hello, master: String) -> words::FromWorker {
    let Hello { holder, host, start } = hello;
    let hello = words::Hello { holder: Some(holder.into()), host, start, master };
    words::FromWorker { what: Some(words::from_worker::What::Hello(hello)) }
}

pub(in crate::calls::grpc) fn to_master_words(what: ToMaster) -> words::FromWorker {
    use words::from_worker::What as Word;
    let what = match what {
        ToMaster::Credit { number } => Word::Credit(words::Credit { number }),
        ToMaster::Claim { number, instance, tag } => {
            Word::Claim(words::Claim { number, instance: instance.0, tag: tag.0 })
        }
        ToMaster::Withdraw { number } => Word::Withdraw(words::Withdraw { number }),
        ToMaster::Report(report) => Word::Report(report.into()),
        ToMaster::Holding { tags } => {
            Word::Holding(words::Holding { tags: tags.into_iter().map(|tag| tag.0).collect() })
        }
    };
    words::FromWorker { what: Some(what) }
}

/// `None`: a word of a later release.
pub(in crate::calls::grpc) fn from_worker(said: words::FromWorker) -> Result<Option<FromWorker>, Garbled> {
    use words::from_worker::What as Word;
    let Some(word) = said.what else { return Ok(None) };
    let what = match word {
        Word::Hello(words::Hello { holder: who, host, start, master }) => {
            let hello = Hello { holder: holder(who)?, host, start };
            return Ok(Some(FromWorker::Hello { hello, master }));
        }
        Word::Credit(words::Credit { number }) => ToMaster::Credit { number },
        Word::Claim(words::Claim { number, instance, tag }) => {
            ToMaster::Claim { number, instance: InstanceId(instance), tag: Tag(tag) }
        }
        Word::Withdraw(words::Withdraw { number }) => ToMaster::Withdraw { number },
        Word::Report(said) => match report(said)? {
            Some(report) => ToMaster::Report(report),
            None => return Ok(None),
        },
        Word::Holding(words::Holding { tags }) => ToMaster::Holding { tags: tags.into_iter().map(Tag).collect() },
    };
    Ok(Some(FromWorker::Said(what)))
}

pub(in crate::calls::grpc) fn to_worker_words(what: ToWorker) -> words::FromMaster {
    use words::from_master::What as Word;
    let what = match what {
        ToWorker::Grant { credit, epoch, job } => {
            Word::Grant(words::Grant { credit, epoch, job: Some((&*job).into()) })
        }
        ToWorker::Void { credit } => Word::Void(words::Void { credit }),
        ToWorker::Ask { attempt } => Word::Ask(words::Ask { attempt: Some(attempt.into()) }),
        ToWorker::Kill { attempt, now } => Word::Kill(words::Kill { attempt: Some(attempt.into()), now }),
        ToWorker::Acknowledge { tag } => Word::Acknowledge(words::Acknowledge { tag: tag.0 }),
        ToWorker::Clear { ids: [project, definition, instance] } => {
            Word::Clear(words::Clear { project, definition, instance })
        }
        ToWorker::Fenced { incarnation } => Word::Fenced(words::Fenced { incarnation }),
    };
    words::FromMaster { what: Some(what) }
}

/// What a master's message says.
pub(in crate::calls::grpc) enum FromMaster {
    /// The start of its process.
    Welcome(String),
    Said(ToWorker),
}

/// `None`: a word of a later release.
pub(in crate::calls::grpc) fn from_master(said: words::FromMaster) -> Result<Option<FromMaster>, Garbled> {
    use words::from_master::What as Word;
    let Some(word) = said.what else { return Ok(None) };
    let what = match word {
        Word::Welcome(words::Welcome { start }) => return Ok(Some(FromMaster::Welcome(start))),
        Word::Grant(words::Grant { credit, epoch, job: said }) => {
            let said = said.ok_or_else(|| Garbled::lacks("its job"))?;
            ToWorker::Grant { credit, epoch, job: Arc::new(job(said)?) }
        }
        Word::Void(words::Void { credit }) => ToWorker::Void { credit },
        Word::Ask(words::Ask { attempt }) => ToWorker::Ask { attempt: address(attempt)? },
        Word::Kill(words::Kill { attempt, now }) => ToWorker::Kill { attempt: address(attempt)?, now },
        Word::Acknowledge(words::Acknowledge { tag }) => ToWorker::Acknowledge { tag: Tag(tag) },
        Word::Clear(words::Clear { project, definition, instance }) => {
            ToWorker::Clear { ids: [project, definition, instance] }
        }
        Word::Fenced(words::Fenced { incarnation }) => ToWorker::Fenced { incarnation },
    };
    Ok(Some(FromMaster::Said(what)))
}
