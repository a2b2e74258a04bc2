//! One step of an instance, recorded once.

use super::place::store;
use super::stage::run_of;
use crate::model::{Command, DefinitionId, InstanceId, State, Tag, TaskId, Time, UserId};
use crate::store::{Error, NewTask, Step, Store};
use std::sync::Arc;

async fn instance(store: &Store) -> InstanceId {
    let command = Command::start(DefinitionId(1), UserId(1));
    let id = store.insert_command(command.clone()).await.unwrap();
    store.claim_starts([run_of(Command { id, ..command })].into()).await.unwrap()[0].unwrap()
}

fn step(instance: InstanceId, epoch: i32, revision: i64, tags: std::ops::Range<u64>) -> Arc<Step> {
    let insert = |tag| NewTask {
        name: format!("n{tag}"),
        kind: "SHELL",
        definition: 1,
        json: "{}".into(),
        state: State::Submitted,
        tag: Tag(tag),
        attempt: 1,
        retries: 0,
        max_retries: 0,
        retry_interval: 0,
        priority: 2,
        worker_group: -1,
        holder: None,
        child: None,
    };
    Arc::new(Step {
        instance,
        epoch,
        revision,
        at: Time(1),
        state: None,
        warned: false,
        orders: vec![],
        inserts: tags.map(insert).collect(),
        changes: vec![],
        superseded: vec![],
        alerts: vec![],
    })
}

#[tokio::test]
async fn a_step_whose_answer_was_lost_is_recorded_once_and_answers_the_same() {
    let store = store!();
    let id = instance(&store).await;
    for (revision, tags) in [(1, 0..1), (2, 1..1200)] {
        let step = step(id, 1, revision, tags.clone());
        let first = store.record(step.clone()).await.unwrap();
        assert_eq!(first.tasks.len() as u64, tags.end - tags.start);
        assert_eq!(store.record(step).await.unwrap().tasks, first.tasks);
    }
    let tasks = store.load(id).await.unwrap().tasks;
    assert_eq!(tasks.len(), 1200);
    let third = store.record(step(id, 1, 3, 5000..5003)).await.unwrap();
    for task in store.load(id).await.unwrap().tasks.iter().filter(|task| task.tag >= Some(Tag(5000))) {
        assert_eq!(third.tasks[&task.tag.unwrap()], TaskId(task.id.0), "every tag has the id of its own row");
    }
}

#[tokio::test]
async fn a_step_of_a_former_owner_changes_nothing() {
    let store = store!();
    let id = instance(&store).await;
    assert!(store.take_over(id, Some("me".into()), "you".into()).await.unwrap());
    let late = store.record(step(id, 1, 1, 0..3)).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    assert!(store.load(id).await.unwrap().tasks.is_empty());
    assert!(!store.take_over(id, Some("me".into()), "him".into()).await.unwrap(), "a takeover names the owner it saw");
}
