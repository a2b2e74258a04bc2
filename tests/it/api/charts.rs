//! The charts: who sees which numbers.

use super::{Stage, pick};
use escheduler::model::{Command, CommandType, DefinitionId, State, Time, UserId};
use escheduler::store::utc;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

const DAY: [(&str, &str); 2] = [("startDate", "2026-03-01 07:59:59"), ("endDate", "2026-03-01 08:00:00")];

/// The states that are there, with their numbers, and the total.
fn picture(data: &Value) -> String {
    let counts = data["taskCountDtos"].as_array().unwrap();
    let some = counts.iter().filter(|count| count["count"] != 0);
    let some: Vec<String> =
        some.map(|count| format!("{} {}", count["taskStateType"].as_str().unwrap(), count["count"])).collect();
    format!("{}: {}", data["totalCount"], some.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_state_is_counted_where_it_belongs_and_old_attempts_are_not() {
    let Some(stage) = Stage::new().await else { return };
    stage.task(stage.ended, "lost", State::NeedFaultTolerance, |_| ()).await;
    stage.task(stage.ended, "waits", State::WaitingDepend, |_| ()).await;
    stage.task(stage.ended, "former", State::Failure, |row| row.flag = Set(Some(0))).await;
    stage
        .task(stage.ended, "later", State::Kill, |row| {
            row.start_time = Set(Some(utc(Time(super::stage::START.0 + 1000))))
        })
        .await;
    let tasks = stage.alice.get("projects/analysis/task-state-count", &DAY).data();
    assert_eq!(picture(&tasks), "4: SUCCESS 2, NEED_FAULT_TOLERANCE 1, WAITTING_DEPEND 1");
    let instances = |form: &[(&str, &str)]| stage.alice.get("projects/analysis/process-state-count", form).data();
    assert_eq!(picture(&instances(&DAY)), "1: SUCCESS 1", "a sub-process is no process, and the start is excluded");
    let later = [("startDate", "2026-03-01 08:00:00"), ("endDate", "2026-03-01 08:01:00")];
    assert_eq!(picture(&instances(&later)), "1: RUNNING_EXEUTION 1", "the end is included");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_what_is_theirs_and_administrators_see_all() {
    let Some(stage) = Stage::new().await else { return };
    let hers = stage.bobs_project();
    let of_bob = |row: &mut escheduler::store::entity::process_instance::ActiveModel| {
        row.process_definition_id = Set(Some(hers));
    };
    stage.instance("hers", State::Failure, of_bob).await;
    let (alice, bob, admin) = (&stage.alice, &stage.bob, &stage.world.admin);
    let counted = |client: &super::Client| {
        let states = picture(&client.get("projects/analysis/process-state-count", &DAY).data());
        let drawn = client.get("projects/analysis/define-user-count", &[]).data();
        let users = drawn["userList"].as_array().unwrap().iter().map(|user| pick(user, "userName count")).collect();
        (states, drawn["count"].clone(), Value::Array(users))
    };
    assert_eq!(counted(alice), ("1: SUCCESS 1".into(), json!(2), json!([["alice", 2]])));
    assert_eq!(counted(bob), ("1: FAILURE 1".into(), json!(1), json!([["bob", 1]])));
    assert_eq!(counted(admin), ("2: FAILURE 1, SUCCESS 1".into(), json!(3), json!([["alice", 2], ["bob", 1]])));
    let project = stage.project.to_string();
    let foreign = bob.get("projects/analysis/define-user-count", &[("projectId", &project)]);
    assert_eq!(foreign.code(), 30002);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_counted_under_the_states_that_have_their_numbers() {
    let Some(stage) = Stage::new().await else { return };
    let id = DefinitionId(stage.daily);
    let repeat = Command { kind: CommandType::Repeat, ..Command::start(id, UserId(2)) };
    for command in [Command::start(id, UserId(2)), repeat] {
        stage.world.store.order_start(command, None, None).await.unwrap().unwrap();
    }
    let count = |form: &[(&str, &str)]| {
        let counts = stage.alice.get("projects/analysis/command-state-count", form).data();
        let some =
            counts.as_array().unwrap().iter().filter(|count| count["normalCount"] != 0 || count["errorCount"] != 0);
        Value::Array(some.map(|count| pick(count, "commandState normalCount errorCount")).collect())
    };
    let always = [("startDate", "2026-01-01 00:00:00"), ("endDate", "2099-01-01 00:00:00")];
    assert_eq!(count(&always), json!([["SUBMITTED_SUCCESS", 1, 0], ["SUCCESS", 1, 0]]));
    assert_eq!(count(&[]), json!([]), "without dates nothing is counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_under_way_waits_for_workers() {
    let Some(stage) = Stage::new().await else { return };
    let stopping = stage.instance("stops", State::ReadyStop, |_| ()).await;
    for (instance, state) in [
        (stage.running, State::Submitted),
        (stage.running, State::Running),
        (stage.ended, State::Submitted),
        (stopping, State::Running),
    ] {
        stage.task(instance, "some", state, |_| ()).await;
    }
    let count = |client: &super::Client| client.get("projects/analysis/queue-count", &[]).data();
    assert_eq!(count(&stage.alice), json!({"taskQueue": 1, "taskKill": 1}));
    assert_eq!(count(&stage.bob), json!({"taskQueue": 0, "taskKill": 0}));
}
