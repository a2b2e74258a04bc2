//! Projects and all that is in them, but for schedules.

use super::super::stage;
use super::case::{Form, Row, form, row};
use super::scene::Scene;
use super::shape::{self, DEFINITION, FULL_DEFINITION, FULL_INSTANCE, INSTANCE, PROJECT, Shape, TASK};
use escheduler::model::State;
use serde_json::{Value, json};

pub fn rows() -> Vec<Row> {
    [projects(), definitions(), instances(), executors(), tasks()].into_iter().flatten().collect()
}

fn first_page() -> Form {
    form(&[("pageNo", &1), ("pageSize", &10), ("searchVal", &"")])
}

/// A project of alice's in which grace may work too.
fn spare(scene: &Scene, number: usize) -> i32 {
    let name = format!("spare{number}");
    scene.alice.post("projects/create", &[("projectName", &name), ("desc", "")]).data();
    let id = stage::id(&scene.alice, "projects/list-paging", &name);
    scene.wait(scene.grant(id));
    id
}

fn projects() -> Vec<Row> {
    vec![
        row("POST projects/create", Shape::Null, |_, n| form(&[("projectName", &format!("new{n}")), ("desc", &"")]))
            .code(10001, |_, _| form(&[("desc", &"x".repeat(201))]))
            .code(10019, |_, _| form(&[("projectName", &"billing")])),
        row("POST projects/update", Shape::Null, |scene, _| {
            form(&[("projectId", &scene.project), ("projectName", &"billing"), ("desc", &"monthly")])
        })
        .code(10019, |scene, n| {
            form(&[("projectName", &{
                spare(scene, n);
                format!("spare{n}")
            })])
        })
        .code(10046, |_, _| form(&[("projectId", &999)])),
        row("GET projects/list-paging", Shape::Page(PROJECT), |_, _| first_page()),
        row("GET projects/delete", Shape::Null, |scene, n| form(&[("projectId", &spare(scene, n))]))
            .code(10050, |_, _| form(&[("projectId", &999)]))
            .code(10137, |scene, _| form(&[("projectId", &scene.project)])),
    ]
}

fn document(tasks: &Value) -> String {
    json!({"globalParams": [], "tasks": tasks}).to_string()
}

fn node(name: &str, after: &[&str]) -> Value {
    json!({"id": name, "name": name, "type": "SHELL", "params": {"rawScript": "true"}, "preTasks": after})
}

/// The calls that a document of this row can be refused with.
fn with_bad_documents(row: Row) -> Row {
    let bad = |json: String| move |_: &Scene, _: usize| form(&[("processDefinitionJson", &json)]);
    row.code(10001, bad(document(&json!([node("a", &["gone"])]))))
        .code(50017, bad("{".to_owned()))
        .code(50018, bad(document(&json!([]))))
        .code(50019, bad(document(&json!([node("a", &["b"]), node("b", &["a"])]))))
        .code(50020, bad(document(&json!([{"name": "a", "type": "SHELL", "params": {}}]))))
}

fn definitions() -> Vec<Row> {
    let drawing = |name: &dyn std::fmt::Display| {
        let document = document(&json!([node("prepare", &[])]));
        form(&[
            ("name", name),
            ("processDefinitionJson", &document),
            ("locations", &"{}"),
            ("connects", &"[]"),
            ("desc", &""),
        ])
    };
    let save = row("POST projects/{projectName}/process/save", Shape::Null, move |_, n| drawing(&format!("new{n}")))
        .code(50002, |_, _| form(&[("name", &"daily")]));
    let update = row("POST projects/{projectName}/process/update", Shape::Null, move |scene, _| {
        drawing(&"draft").changed(form(&[("id", &scene.draft)]))
    })
    .code(50002, |_, _| form(&[("name", &"daily")]))
    .code(50003, |_, _| form(&[("id", &999)]))
    .code(50008, |scene, _| form(&[("id", &scene.daily)]));
    vec![
        with_bad_documents(save),
        row("GET projects/{projectName}/process/verify-name", Shape::Null, |_, n| form(&[("name", &n)]))
            .code(50002, |_, _| form(&[("name", &"daily")])),
        with_bad_documents(update),
        row("POST projects/{projectName}/process/release", Shape::Null, |scene, n| {
            form(&[("processId", &stage::save(&scene.alice, "billing", &format!("release{n}"))), ("releaseState", &1)])
        })
        .code(10108, |_, _| form(&[("releaseState", &2)])),
        row("GET projects/{projectName}/process/select-by-id", Shape::Object(FULL_DEFINITION), |scene, _| {
            form(&[("processId", &scene.daily)])
        })
        .code(50001, |_, _| form(&[("processId", &999)])),
        row("GET projects/{projectName}/process/list", Shape::List(DEFINITION), |_, _| form(&[])),
        row("GET projects/{projectName}/process/list-paging", Shape::Page(DEFINITION), |_, _| {
            first_page().changed(form(&[("userId", &"")]))
        }),
    ]
}

fn tasks_of_instance(data: &Value) -> Result<(), String> {
    shape::object("processInstanceState SUCCESS, taskList list", data)?;
    Shape::List(shape::FULL_TASK).check(&data["taskList"], true)
}

/// An instance that has ended.
fn ended(scene: &Scene, number: usize) -> i32 {
    scene.wait(scene.instance(&format!("ended{number}"), State::Success, |_| ()))
}

fn one(scene: &Scene, _: usize) -> Form {
    form(&[("processInstanceId", &scene.ended)])
}

fn instances() -> Vec<Row> {
    vec![
        row("GET projects/{projectName}/instance/list-paging", Shape::Page(INSTANCE), |_, _| {
            first_page().changed(form(&[
                ("processDefinitionId", &""),
                ("stateType", &""),
                ("host", &""),
                ("startDate", &""),
                ("endDate", &""),
            ]))
        }),
        row("GET projects/{projectName}/instance/task-list-by-process-id", Shape::Like(tasks_of_instance), one)
            .code(10114, |_, _| form(&[("processInstanceId", &999)])),
        row("GET projects/{projectName}/instance/select-by-id", Shape::Object(FULL_INSTANCE), one)
            .code(50001, |_, _| form(&[("processInstanceId", &999)])),
        row("GET projects/{projectName}/instance/delete", Shape::Null, |scene, n| {
            form(&[("processInstanceId", &ended(scene, n))])
        })
        .code(10117, |scene, _| form(&[("processInstanceId", &scene.running)]))
        .code(50001, |_, _| form(&[("processInstanceId", &999)])),
        row(
            "GET projects/{projectName}/instance/select-sub-process",
            Shape::Object("subProcessInstanceId int"),
            |scene, _| form(&[("taskId", &scene.sub_task)]),
        )
        .sees(|scene, data| assert_eq!(data["subProcessInstanceId"], scene.child))
        .code(10020, |_, _| form(&[("taskId", &999)]))
        .code(10021, |scene, _| form(&[("taskId", &scene.task)]))
        .code(50007, |scene, _| {
            let sub_process = |row: &mut escheduler::store::entity::task_instance::ActiveModel| {
                row.task_type = sea_orm::ActiveValue::Set(Some("SUB_PROCESS".to_owned()));
            };
            form(&[("taskId", &scene.wait(scene.task(scene.running, "later", State::Submitted, sub_process)))])
        }),
    ]
}

fn executors() -> Vec<Row> {
    let wish = |wish: &'static str, state: State| {
        move |scene: &Scene, n: usize| {
            let id = scene.wait(scene.instance(&format!("wish{n}"), state, |_| ()));
            form(&[("processInstanceId", &id), ("executeType", &wish)])
        }
    };
    let check = |scene: &Scene, _| form(&[("processDefinitionId", &scene.daily)]);
    vec![
        row("POST projects/{projectName}/executors/start-process-instance", Shape::Null, |scene, _| {
            form(&[
                ("processDefinitionId", &scene.daily),
                ("scheduleTime", &""),
                ("failureStrategy", &"CONTINUE"),
                ("warningType", &"NONE"),
                ("warningGroupId", &0),
                ("execType", &""),
                ("startNodeList", &""),
                ("taskDependType", &"TASK_POST"),
                ("runMode", &"RUN_MODE_SERIAL"),
                ("processInstancePriority", &"MEDIUM"),
                ("receivers", &""),
                ("receiversCc", &""),
            ])
        })
        .code(10002, |_, _| form(&[("timeout", &0)]))
        .code(50003, |_, _| form(&[("processDefinitionId", &999)]))
        .code(50004, |scene, _| form(&[("processDefinitionId", &scene.draft)]))
        .code(50014, |_, _| form(&[("startNodeList", &"gone")])),
        row("POST projects/{projectName}/executors/execute", Shape::Null, wish("STOP", State::Running))
            .code(50001, |_, _| form(&[("processInstanceId", &999)]))
            .code(50004, |scene, n| {
                let definition = stage::save(&scene.alice, "billing", &format!("off line {n}"));
                let change = |row: &mut escheduler::store::entity::process_instance::ActiveModel| {
                    row.process_definition_id = sea_orm::ActiveValue::Set(Some(definition));
                };
                let id = scene.wait(scene.instance(&format!("off line {n}"), State::Success, change));
                form(&[("processInstanceId", &id), ("executeType", &"REPEAT_RUNNING")])
            })
            .code(50005, wish("PAUSE", State::ReadyPause))
            .code(50006, wish("PAUSE", State::Success))
            .code(50009, |scene, n| {
                let id = ended(scene, n);
                let again = [("processInstanceId", &*id.to_string()), ("executeType", "REPEAT_RUNNING")];
                scene.alice.post("projects/billing/executors/execute", &again).data();
                form(&[("processInstanceId", &id), ("executeType", &"REPEAT_RUNNING")])
            }),
        row("POST projects/{projectName}/executors/start-check", Shape::Null, check)
            .code(50003, |_, _| form(&[("processDefinitionId", &999)]))
            .code(50004, |scene, n| form(&[("processDefinitionId", &nested(scene, n, scene.draft))]))
            .code(50016, |scene, n| {
                // Two that are each other's sub-process.
                let first = stage::save(&scene.alice, "billing", &format!("circle {n}"));
                let second = nested(scene, n, first);
                let tasks = json!([{"name": "up", "type": "SUB_PROCESS", "params": {"processDefinitionId": second}, "preTasks": []}]);
                let name = format!("circle {n}");
                let drawing = [("id", &*first.to_string()), ("name", &name), ("processDefinitionJson", &document(&tasks))];
                scene.alice.post("projects/billing/process/update", &drawing).data();
                stage::release(&scene.alice, "billing", first, "1");
                form(&[("processDefinitionId", &second)])
            }),
    ]
}

/// A definition on line whose one task runs another definition.
fn nested(scene: &Scene, number: usize, child: i32) -> i32 {
    let tasks =
        json!([{"name": "child", "type": "SUB_PROCESS", "params": {"processDefinitionId": child}, "preTasks": []}]);
    let name = format!("nested {number}");
    let drawing = [("name", &*name), ("processDefinitionJson", &document(&tasks))];
    scene.alice.post("projects/billing/process/save", &drawing).data();
    let id = stage::id(&scene.alice, "projects/billing/process/list-paging", &name);
    stage::release(&scene.alice, "billing", id, "1");
    id
}

fn tasks() -> Vec<Row> {
    vec![row("GET projects/{projectName}/task-instance/list-paging", Shape::Page(TASK), |_, _| {
        first_page().changed(form(&[
            ("processInstanceId", &""),
            ("taskName", &""),
            ("stateType", &""),
            ("host", &""),
            ("startDate", &""),
            ("endDate", &""),
        ]))
    })]
}
