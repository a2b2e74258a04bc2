//! Queues of YARN.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, Params, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Listed, Queue};
use crate::model::Time;
use crate::store::QueueRefusal;

/// `queue/list`
pub async fn list(call: Call) -> Outcome<Vec<Queue>> {
    let queues: Vec<Queue> = call.store().all_queues().await?.into_iter().map(Queue::from).collect();
    Reply::data(&queues)
}

/// `queue/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Queue>> {
    let part = call.form.page()?;
    let found = call.store().queues(call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, Queue::from))
}

pub const CREATE: Params =
    &[need("queue", Text(64), "The queue as YARN knows it."), need("queueName", Text(64), "The name that people see.")];

/// `queue/create`
pub async fn create(call: Call) -> Outcome {
    let value = call.form.name("queue", 64)?.to_owned();
    let name = call.form.name("queueName", 64)?.to_owned();
    match call.store().create_queue(name.clone(), value.clone(), Time::now()).await? {
        Ok(_) => Reply::done(),
        Err(refusal) => Err(refused(refusal, 0, &name, &value)),
    }
}

pub const UPDATE: Params = &[
    need("id", Int, "The id of the queue."),
    need("queue", Text(64), "The queue as YARN knows it."),
    need("queueName", Text(64), "The name that people see."),
];

/// `queue/update`
pub async fn update(call: Call) -> Outcome {
    let id = call.form.int("id")?;
    let value = call.form.name("queue", 64)?.to_owned();
    let name = call.form.name("queueName", 64)?.to_owned();
    match call.store().update_queue(id, name.clone(), value.clone(), Time::now()).await? {
        Ok(()) => Reply::done(),
        Err(refusal) => Err(refused(refusal, id, &name, &value)),
    }
}

/// `queue/verify-queue`
pub async fn verify(call: Call) -> Outcome {
    let value = call.form.name("queue", 64)?;
    let name = call.form.name("queueName", 64)?;
    match call.store().queue_taken(name, value).await? {
        None => Reply::done(),
        Some(refusal) => Err(refused(refusal, 0, name, value)),
    }
}

fn refused(refusal: QueueRefusal, id: i32, name: &str, value: &str) -> Failure {
    match refusal {
        QueueRefusal::Missing => Code::NO_SUCH_QUEUE.refuse(&[&id]),
        QueueRefusal::Same => Code::QUEUE_UNCHANGED.refuse(&[]),
        QueueRefusal::NameTaken => Code::QUEUE_NAME_EXISTS.refuse(&[&name]),
        QueueRefusal::ValueTaken => Code::QUEUE_VALUE_EXISTS.refuse(&[&value]),
    }
}
