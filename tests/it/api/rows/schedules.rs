//! Schedules.

use super::super::stage::START;
use super::case::{Row, form, row};
use super::scene::{Scene, Who};
use super::shape::{SCHEDULE, Shape};
use serde_json::{Value, json};

pub fn rows() -> Vec<Row> {
    let wish = |name: &'static str| {
        move |scene: &Scene, n: usize| {
            let id = if name == "id" { made(scene, n) } else { scene.daily };
            form(&[
                (name, &id),
                ("schedule", &timing("0 0 2 * * ? *")),
                ("failureStrategy", &"CONTINUE"),
                ("warningType", &"NONE"),
                ("warningGroupId", &0),
                ("processInstancePriority", &"MEDIUM"),
                ("receivers", &""),
                ("receiversCc", &""),
            ])
        }
    };
    vec![
        row("POST projects/{projectName}/schedule/create", Shape::Null, wish("processDefinitionId"))
            .code(10001, |_, _| form(&[("schedule", &timing("0 0 25 * * ?"))]))
            .code(10141, |_, _| form(&[("schedule", &nothing_between())]))
            .code(50003, |_, _| form(&[("processDefinitionId", &999)]))
            .code(50004, |scene, _| form(&[("processDefinitionId", &scene.draft)])),
        row("POST projects/{projectName}/schedule/update", Shape::Null, wish("id"))
            .code(10022, |_, _| form(&[("id", &999)]))
            .code(10023, |scene, n| form(&[("id", &online(scene, n))]))
            .code(10024, |_, _| form(&[("schedule", &timing("every day"))]))
            .code(10141, |_, _| form(&[("schedule", &nothing_between())])),
        row("POST projects/{projectName}/schedule/online", Shape::Null, |scene, n| form(&[("id", &made(scene, n))]))
            .code(10022, |_, _| form(&[("id", &999)]))
            .code(10126, |scene, n| form(&[("id", &online(scene, n))]))
            .code(50004, |scene, n| form(&[("id", &orphaned(scene, n))])),
        row("POST projects/{projectName}/schedule/offline", Shape::Null, |scene, n| form(&[("id", &online(scene, n))]))
            .code(10022, |_, _| form(&[("id", &999)]))
            .code(10126, |scene, n| form(&[("id", &made(scene, n))])),
        row("GET projects/{projectName}/schedule/list-paging", Shape::Page(SCHEDULE), |scene, n| {
            made(scene, n);
            form(&[("processDefinitionId", &scene.daily), ("searchVal", &""), ("pageNo", &1), ("pageSize", &10)])
        })
        .code(50003, |_, _| form(&[("processDefinitionId", &999)])),
        row("POST projects/{projectName}/schedule/list", Shape::List(SCHEDULE), |scene, n| {
            made(scene, n);
            unreadable(scene, n);
            form(&[])
        })
        .sees(|scene, data| {
            for row in data.as_array().expect("a list") {
                let problem = row["problem"].as_str().unwrap_or_default();
                assert_eq!(problem.contains("25"), row["crontab"] == UNREADABLE, "{row}");
                if row["crontab"] == UNREADABLE {
                    let id = row["id"].to_string();
                    let answer = scene.alice.post("projects/billing/schedule/online", &[("id", &id)]).json();
                    let why = answer["msg"].as_str().unwrap_or_default();
                    assert!(why.contains(problem), "it does not go on line, and says why: {answer}");
                }
            }
        }),
        // Whoever has not made it may not delete it, not even the administrator.
        row("GET projects/{projectName}/schedule/delete", Shape::Null, |scene, n| {
            form(&[("scheduleId", &made(scene, n))])
        })
        .code(10022, |_, _| form(&[("scheduleId", &999)]))
        .code_for(Who::Granted, 30001, |_, _| form(&[]))
        .code(50023, |scene, n| form(&[("scheduleId", &online(scene, n))])),
        row("POST projects/{projectName}/schedule/preview", Shape::Texts, |_, _| {
            form(&[("schedule", &timing("0 0 2 29 2 ?"))])
        })
        .code(10140, |_, _| form(&[("schedule", &timing("0 0 2 * *"))]))
        .sees(|_, data| {
            let days = ["2028-02-29", "2032-02-29", "2036-02-29", "2040-02-29", "2044-02-29"];
            assert_eq!(*data, Value::from(days.map(|day| format!("{day} 02:00:00")).to_vec()));
        })
        .without_store(),
    ]
}

const UNREADABLE: &str = "0 0 25 * * ?";

fn timing(crontab: &str) -> String {
    json!({"startTime": "2026-01-01 00:00:00", "endTime": "2090-01-01 00:00:00", "crontab": crontab}).to_string()
}

fn nothing_between() -> String {
    let day = "2026-01-01 00:00:00";
    json!({"startTime": day, "endTime": day, "crontab": "0 0 2 * * ? *"}).to_string()
}

/// A schedule of alice's that is off line; it would fire in many years.
fn made(scene: &Scene, _: usize) -> i32 {
    made_of(scene, scene.daily)
}

fn made_of(scene: &Scene, definition: i32) -> i32 {
    let definition = definition.to_string();
    let schedule = timing("0 0 2 29 2 ? 2088");
    let pairs = [("processDefinitionId", definition.as_str()), ("schedule", &schedule), ("warningGroupId", "0")];
    scene.alice.post("projects/billing/schedule/create", &pairs).data();
    let all = scene.alice.post("projects/billing/schedule/list", &[]).data();
    let ids = all.as_array().into_iter().flatten().filter_map(|schedule| schedule["id"].as_i64());
    ids.max().expect("it was made") as i32
}

/// The same on line.
fn online(scene: &Scene, n: usize) -> i32 {
    let id = made(scene, n);
    scene.alice.post("projects/billing/schedule/online", &[("id", &id.to_string())]).data();
    id
}

/// A schedule that EasyScheduler took for one.
fn unreadable(scene: &Scene, _: usize) -> i32 {
    use sea_orm::ActiveValue::Set;
    let schedule = escheduler::store::entity::schedules::ActiveModel {
        process_definition_id: Set(scene.daily),
        start_time: Set(escheduler::store::utc(START)),
        end_time: Set(escheduler::store::utc(START)),
        crontab: Set(UNREADABLE.to_owned()),
        failure_strategy: Set(1),
        user_id: Set(2),
        release_state: Set(0),
        warning_type: Set(0),
        create_time: Set(escheduler::store::utc(START)),
        update_time: Set(escheduler::store::utc(START)),
        ..Default::default()
    };
    scene.wait(scene.insert(schedule)).id
}

/// A schedule whose definition is off line.
fn orphaned(scene: &Scene, n: usize) -> i32 {
    let definition = super::super::stage::save(&scene.alice, "billing", &format!("scheduled{n}"));
    let release = |state: &str| {
        let pairs = [("processId", definition.to_string()), ("releaseState", state.to_owned())];
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        scene.alice.post("projects/billing/process/release", &pairs).data();
    };
    release("1");
    let id = made_of(scene, definition);
    release("0");
    id
}
