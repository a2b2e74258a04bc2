//! Projects and all that is in them, but for schedules.

use super::super::stage;
use super::case::{Form, Row, form, row};
use super::scene::{Scene, Who};
use super::shape::{self, DEFINITION, FULL_DEFINITION, FULL_INSTANCE, INSTANCE, NODE, PROJECT, Shape, TASK};
use escheduler::model::State;
use serde_json::{Value, json};

pub fn rows() -> Vec<Row> {
    let definitions: Vec<Row> =
        [definitions(), views_of_definitions(), deleted_definitions()].into_iter().flatten().collect();
    [projects(), counts(), definitions, instances(), executors(), tasks()].into_iter().flatten().collect()
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
        row("GET projects/query-by-id", Shape::Object(PROJECT), |scene, _| form(&[("projectId", &scene.project)]))
            .sees(|_, data| assert_eq!(data["userName"], "alice"))
            .code(10018, |_, _| form(&[("projectId", &999)])),
        row("GET projects/unauth-project", Shape::List(PROJECT), |_, _| form(&[("userId", &3)]))
            .sees(|_, data| assert!(data.as_array().unwrap().iter().any(|row| row["name"] == "billing"))),
        row("GET projects/authed-project", Shape::List(PROJECT), |_, _| form(&[("userId", &4)]))
            .sees(|_, data| assert!(data.as_array().unwrap().iter().any(|row| row["name"] == "billing"))),
        row("GET projects/delete", Shape::Null, |scene, n| form(&[("projectId", &spare(scene, n))]))
            .code(10050, |_, _| form(&[("projectId", &999)]))
            .code(10137, |scene, _| form(&[("projectId", &scene.project)])),
    ]
}

fn states(data: &Value) -> Result<(), String> {
    shape::object("totalCount int, taskCountDtos list", data)?;
    let states = data["taskCountDtos"].as_array().into_iter().flatten();
    let names: Vec<_> = states.map(|count| count["taskStateType"].as_str().unwrap_or_default()).collect();
    if names != State::NAMES {
        return Err(format!("not every state in its order: {names:?}"));
    }
    Shape::List("count int, taskStateType str").check(&data["taskCountDtos"], true)
}

fn authors(data: &Value) -> Result<(), String> {
    shape::object("count int, userList list", data)?;
    Shape::List("userName str, userId int, count int").check(&data["userList"], false)
}

fn commands(data: &Value) -> Result<(), String> {
    let counts = data.as_array().filter(|counts| counts.len() == State::ALL.len()).ok_or("not twelve")?;
    let keys = |count: &Value| count.as_object().map(|count| count.keys().cloned().collect::<Vec<_>>());
    let ordered = vec!["errorCount".to_owned(), "normalCount".to_owned(), "commandState".to_owned()];
    if counts.iter().any(|count| keys(count) != Some(ordered.clone())) {
        return Err(format!("the keys are not in their order: {data}"));
    }
    Shape::List("errorCount int, normalCount int, commandState str").check(data, true)
}

fn counts() -> Vec<Row> {
    let range = |_: &Scene, _: usize| {
        form(&[("startDate", &"2026-03-01 00:00:00"), ("endDate", &"2026-03-01 23:59:59"), ("projectId", &0)])
    };
    let scope = |_: &Scene, _: usize| form(&[("projectId", &0)]);
    let undated = |_: &Scene, _: usize| form(&[("startDate", &"")]);
    let of_all = |row: Row| {
        row.code(10018, |_, _| form(&[("projectId", &999)]))
            .code_for(Who::Stranger, 30002, |scene, _| form(&[("projectId", &scene.project)]))
    };
    vec![
        of_all(row("GET projects/analysis/task-state-count", Shape::Like(states), range)).code(10001, undated),
        of_all(row("GET projects/analysis/process-state-count", Shape::Like(states), range)).code(10001, undated),
        of_all(row("GET projects/analysis/define-user-count", Shape::Like(authors), scope)),
        of_all(row("GET projects/analysis/command-state-count", Shape::Like(commands), range)),
        of_all(row("GET projects/analysis/queue-count", Shape::Object("taskQueue int, taskKill int"), scope)),
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

/// A definition that is off line, and for whom it can be deleted.
fn unwanted(scene: &Scene, number: usize) -> i32 {
    stage::save(&scene.alice, "billing", &format!("unwanted {number}"))
}

/// The same with a schedule in this state.
fn scheduled(scene: &Scene, number: usize, state: i32) -> i32 {
    use sea_orm::ActiveValue::Set;
    let id = unwanted(scene, number);
    let schedule = escheduler::store::entity::schedules::ActiveModel {
        process_definition_id: Set(id),
        start_time: Set(escheduler::store::utc(stage::START)),
        end_time: Set(escheduler::store::utc(stage::START)),
        crontab: Set("0 0 2 * * ? *".to_owned()),
        failure_strategy: Set(1),
        user_id: Set(2),
        release_state: Set(state),
        warning_type: Set(0),
        create_time: Set(escheduler::store::utc(stage::START)),
        update_time: Set(escheduler::store::utc(stage::START)),
        ..Default::default()
    };
    scene.wait(scene.insert(schedule));
    id
}

fn tree(data: &Value) -> Result<(), String> {
    shape::object("name str, type str, instances list, children list", data)?;
    let square = "id int, name str, type str, state str?, startTime date?, endTime date?, host str?, duration str?,
        subflowId int";
    Shape::List(square).check(&data["instances"], false)?;
    data["children"].as_array().ok_or("no children")?.iter().try_for_each(tree)
}

fn nodes_by_definition(data: &Value) -> Result<(), String> {
    let lists = data.as_object().filter(|lists| !lists.is_empty()).ok_or("no lists")?;
    lists.values().try_for_each(|nodes| Shape::List(NODE).check(nodes, true))
}

fn views_of_definitions() -> Vec<Row> {
    let gone = |name: &'static str| move |_: &Scene, _: usize| form(&[(name, &999)]);
    vec![
        row("GET projects/{projectName}/process/view-tree", Shape::Like(tree), |scene, _| {
            form(&[("processId", &scene.daily), ("limit", &25)])
        })
        .sees(|scene, data| {
            assert_eq!((&data["name"], &data["type"]), (&json!("DAG"), &json!("")));
            let square = &data["children"][0]["instances"];
            assert!(square.as_array().unwrap().iter().any(|square| square["id"] == scene.task), "{data}");
        })
        .code(10111, gone("processId")),
        row("GET projects/{projectName}/process/gen-task-list", Shape::List(NODE), |scene, _| {
            form(&[("processDefinitionId", &scene.daily)])
        })
        .code(10112, gone("processDefinitionId")),
        row("GET projects/{projectName}/process/get-task-list", Shape::Like(nodes_by_definition), |scene, _| {
            let ids = format!("{},999,{}", scene.daily, scene.draft);
            form(&[("processDefinitionIdList", &ids), ("{projectName}", &"{projectName}")])
        })
        .code(50003, gone("processDefinitionIdList")),
    ]
}

fn deleted_definitions() -> Vec<Row> {
    let one = |id: i32| form(&[("processDefinitionId", &id)]);
    vec![
        row("GET projects/{projectName}/process/delete", Shape::Null, move |scene, n| one(scheduled(scene, n, 0)))
            .code_for(Who::Granted, 30001, move |scene, n| one(unwanted(scene, n + 1_000_000)))
            .code(50003, move |_, _| one(999))
            .code(50021, move |scene, _| one(scene.daily))
            .code(50023, move |scene, n| one(scheduled(scene, n + 1_000_000, 1))),
        row("GET projects/{projectName}/process/batch-delete", Shape::Null, |scene, n| {
            form(&[("processDefinitionIds", &unwanted(scene, n))])
        })
        .code(50026, |scene, n| {
            form(&[("processDefinitionIds", &format!("{},{}", unwanted(scene, n + 1_000_000), scene.daily))])
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
        row(
            "GET projects/{projectName}/instance/select-parent-process",
            Shape::Object("parentWorkflowInstance int"),
            |scene, _| form(&[("subId", &scene.child)]),
        )
        .sees(|scene, data| assert_eq!(data["parentWorkflowInstance"], scene.ended))
        .code(50001, |_, _| form(&[("subId", &999)]))
        .code(50007, |scene, n| {
            let orphan = |row: &mut escheduler::store::entity::process_instance::ActiveModel| {
                row.is_sub_process = sea_orm::ActiveValue::Set(Some(1));
            };
            form(&[("subId", &scene.wait(scene.instance(&format!("orphan{n}"), State::Success, orphan)))])
        })
        .code(50010, |scene, _| form(&[("subId", &scene.ended)])),
        row(
            "GET projects/{projectName}/instance/view-variables",
            Shape::Object("globalParams list, localParams object"),
            one,
        )
        .code(10120, |_, _| form(&[("processInstanceId", &999)])),
        row("GET projects/{projectName}/instance/view-gantt", Shape::Like(gantt), one)
            .code(10121, |_, _| form(&[("processInstanceId", &999)])),
        row("GET projects/{projectName}/instance/batch-delete", Shape::Null, |scene, n| {
            form(&[("processInstanceIds", &format!("{},999", ended(scene, n)))])
        })
        .code(10117, |scene, _| form(&[("processInstanceIds", &scene.running)])),
        row("POST projects/{projectName}/instance/update", Shape::Null, |scene, n| {
            form(&[
                ("processInstanceId", &ended(scene, n)),
                ("processInstanceJson", &document(&json!([node("other", &[])]))),
                ("locations", &"{}"),
                ("connects", &"[]"),
                ("syncDefine", &false),
            ])
        })
        .code(10115, |_, _| form(&[("processInstanceJson", &document(&json!([])))]))
        .code(50001, |_, _| form(&[("processInstanceId", &999)]))
        .code(50006, |scene, _| form(&[("processInstanceId", &scene.running)])),
    ]
}

fn gantt(data: &Value) -> Result<(), String> {
    shape::object("height int, taskNames list, tasks list, taskStatus object", data)?;
    let bar = "taskName str, startDate list, endDate list, executionDate date?, isoStart date, isoEnd date, status str,
        duration str";
    Shape::List(bar).check(&data["tasks"], false)?;
    if data["taskNames"] == json!(["prepare"]) { Ok(()) } else { Err(format!("not its nodes: {data}")) }
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
        receivers(),
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

/// Whose project is not looked at, as the front-end calls it.
fn receivers() -> Row {
    row(
        "GET projects/{projectName}/executors/get-receiver-cc",
        Shape::Object("receivers str?, receiversCc str?"),
        |scene, _| form(&[("processDefinitionId", &scene.daily), ("{projectName}", &"{projectName}")]),
    )
    .code(50017, |_, _| form(&[("processDefinitionId", &999)]))
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
