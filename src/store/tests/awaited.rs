//! Which run counts for an interval, among many.

use super::place::store;
use crate::dependency::{FoundNode, Interval, Question};
use crate::model::{DefinitionId, InstanceId, State, Time};
use crate::store::entity::{process_definition, process_instance, task_instance};
use crate::store::{Store, utc};
use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn definition(store: &Store, name: &'static str) -> DefinitionId {
    store
        .write(move |tx| {
            Box::pin(async move {
                let new = process_definition::ActiveModel {
                    name: Set(Some(name.into())),
                    flag: Set(Some(1)),
                    tenant_id: Set(-1),
                    ..Default::default()
                };
                Ok(DefinitionId(new.insert(tx).await?.id))
            })
        })
        .await
        .unwrap()
}

/// A run as its row tells it. Times are hours.
#[derive(Clone, Copy)]
struct Told {
    state: State,
    scheduled: Option<i64>,
    started: i64,
    ended: Option<i64>,
    history: &'static str,
}

const ENDED: Told =
    Told { state: State::Success, scheduled: None, started: 0, ended: Some(1), history: "START_PROCESS" };

async fn run(store: &Store, definition: DefinitionId, told: Told) -> InstanceId {
    let hour = |hour: i64| utc(Time(hour * HOUR));
    store
        .write(move |tx| {
            Box::pin(async move {
                let new = process_instance::ActiveModel {
                    process_definition_id: Set(Some(definition.0)),
                    state: Set(Some(told.state.code())),
                    schedule_time: Set(told.scheduled.map(hour)),
                    start_time: Set(Some(hour(told.started))),
                    end_time: Set(told.ended.map(hour)),
                    history_cmd: Set(Some(told.history.into())),
                    executor_id: Set(1),
                    tenant_id: Set(-1),
                    epoch: Set(1),
                    revision: Set(1),
                    takeovers: Set(0),
                    alert_flag: Set(0),
                    ..Default::default()
                };
                Ok(InstanceId(new.insert(tx).await?.id))
            })
        })
        .await
        .unwrap()
}

async fn node(store: &Store, instance: InstanceId, name: &'static str, state: State, flag: i32, retries: (i32, i32)) {
    store
        .write(move |tx| {
            Box::pin(async move {
                let new = task_instance::ActiveModel {
                    name: Set(Some(name.into())),
                    task_type: Set(Some("SHELL".into())),
                    process_instance_id: Set(Some(instance.0)),
                    state: Set(Some(state.code())),
                    flag: Set(Some(flag)),
                    retry_times: Set(Some(retries.0)),
                    max_retry_times: Set(Some(retries.1)),
                    attempt: Set(1),
                    ..Default::default()
                };
                new.insert(tx).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}

/// The question about the day of so many days after the beginning.
fn day(definition: DefinitionId, day: i64, node: Option<&str>) -> Question {
    let interval = |day: i64| Interval { from: Time(day * DAY), until: Time((day + 1) * DAY) };
    Question { definition, node: node.map(str::to_owned), interval: interval(day), business: interval(day - 1) }
}

async fn found(store: &Store, question: Question) -> Option<(InstanceId, State)> {
    let answers = store.awaited(vec![question.clone()]).await.unwrap();
    assert_eq!(answers.asked, std::slice::from_ref(&question));
    answers.runs.get(&question).map(|found| (found.instance, found.state))
}

#[tokio::test]
async fn a_run_belongs_to_the_day_of_its_schedule_time_else_of_its_start() {
    let store = store!();
    let (ours, others) = (definition(&store, "ours").await, definition(&store, "others").await);
    let by_hand = run(&store, ours, Told { started: 25, ended: Some(26), ..ENDED }).await;
    // Fired for the third day, but begun on the second, and the other way round.
    let early = run(&store, ours, Told { scheduled: Some(48), started: 30, ended: Some(31), ..ENDED }).await;
    run(&store, ours, Told { scheduled: Some(23), started: 47, ended: Some(47), ..ENDED }).await;
    run(&store, others, Told { started: 40, ended: Some(41), ..ENDED }).await;
    assert_eq!(found(&store, day(ours, 1, None)).await, Some((by_hand, State::Success)));
    assert_eq!(
        found(&store, day(ours, 2, None)).await,
        Some((early, State::Success)),
        "its beginning belongs to a day"
    );
    assert_eq!(found(&store, day(ours, 3, None)).await, None);
    assert_eq!(found(&store, day(DefinitionId(99_999), 1, None)).await, None);
}

#[tokio::test]
async fn what_lives_comes_first_and_of_the_rest_what_has_ended_last() {
    let store = store!();
    let ours = definition(&store, "ours").await;
    let failed = Told { state: State::Failure, ..ENDED };
    run(&store, ours, Told { scheduled: Some(30), started: 30, ended: Some(33), ..ENDED }).await;
    let last = run(&store, ours, Told { started: 26, ended: Some(40), ..failed }).await;
    run(&store, ours, Told { scheduled: Some(40), started: 32, ended: Some(35), ..ENDED }).await;
    assert_eq!(found(&store, day(ours, 1, None)).await, Some((last, State::Failure)));
    for state in [State::Running, State::ReadyPause, State::ReadyStop] {
        let living = Told { state, ended: None, ..ENDED };
        let older = run(&store, ours, Told { started: 25, ..living }).await;
        let newer = run(&store, ours, Told { scheduled: Some(24), started: 29, ..living }).await;
        assert!(older < newer);
        assert_eq!(found(&store, day(ours, 1, None)).await, Some((newer, state)));
    }
}

#[tokio::test]
async fn d11_what_runs_of_another_definition_or_another_day_does_not_count() {
    let store = store!();
    let (ours, others) = (definition(&store, "ours").await, definition(&store, "others").await);
    let done = run(&store, ours, Told { scheduled: Some(24), started: 24, ended: Some(25), ..ENDED }).await;
    let living = Told { state: State::Running, started: 30, ended: None, ..ENDED };
    run(&store, others, living).await;
    // A backfill of long ago that happens to run today.
    run(&store, ours, Told { scheduled: Some(-900), history: "COMPLEMENT_DATA", ..living }).await;
    assert_eq!(found(&store, day(ours, 1, None)).await, Some((done, State::Success)));
}

#[tokio::test]
async fn the_schedule_time_of_a_backfill_is_a_business_date() {
    let store = store!();
    let ours = definition(&store, "ours").await;
    let backfill =
        Told { scheduled: Some(26), started: 500, ended: Some(501), history: "COMPLEMENT_DATA,PAUSE", ..ENDED };
    let backfill = run(&store, ours, backfill).await;
    assert_eq!(found(&store, day(ours, 1, None)).await, None);
    assert_eq!(found(&store, day(ours, 2, None)).await, Some((backfill, State::Success)));
}

#[tokio::test]
async fn of_a_node_the_newest_attempt_counts() {
    let store = store!();
    let ours = definition(&store, "ours").await;
    let id = run(&store, ours, Told { state: State::Running, started: 24, ended: None, ..ENDED }).await;
    node(&store, id, "load", State::Failure, 0, (0, 2)).await;
    node(&store, id, "load", State::Failure, 1, (1, 2)).await;
    node(&store, id, "LOAD", State::Success, 1, (0, 0)).await;
    let questions = vec![day(ours, 1, Some("load")), day(ours, 1, Some("LOAD")), day(ours, 1, Some("none"))];
    let answers = store.awaited(questions.clone()).await.unwrap();
    let nodes: Vec<_> = questions.iter().map(|question| answers.runs[question].node).collect();
    assert_eq!(
        nodes,
        [
            Some(FoundNode { state: State::Failure, may_retry: true }),
            Some(FoundNode { state: State::Success, may_retry: false }),
            None
        ]
    );
    assert_eq!(answers.definitions.into_iter().collect::<Vec<_>>(), [(ours, "ours".to_owned())]);
}

#[tokio::test]
async fn many_questions_are_answered_each_by_its_own_run() {
    let store = store!();
    let ours = definition(&store, "ours").await;
    let mut runs = Vec::new();
    for day in 0..130 {
        let at = day * 24 + 5;
        runs.push(run(&store, ours, Told { scheduled: Some(at), started: at, ended: Some(at + 1), ..ENDED }).await);
    }
    let questions: Vec<Question> = (0..131).map(|at| day(ours, at, None)).collect();
    let answers = store.awaited(questions.clone()).await.unwrap();
    let found = |question| answers.runs.get(question).map(|found| found.instance);
    assert_eq!(questions.iter().filter_map(found).collect::<Vec<_>>(), runs);
    assert_eq!(found(&questions[130]), None);
}
