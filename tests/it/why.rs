//! Why something does not run, asked of the real program.

use crate::site::{Site, document, eventually, is_finished, retried, shell, sub_process};
use serde_json::{Value, json};
use std::path::Path;

fn site(settings: &[(&str, &str)]) -> Site {
    let site = Site::with(settings);
    site.project();
    site
}

fn why(site: &Site, instance: i64) -> Value {
    site.get(&format!("projects/p/instance/why?processInstanceId={instance}"))
}

fn pending(site: &Site, definition: i64) -> Vec<Value> {
    let answer = site.get(&format!("projects/p/instance/why?processDefinitionId={definition}"));
    answer["pending"].as_array().expect("a list").clone()
}

fn begin(site: &Site, definition: i64, more: &[(&str, &str)]) -> i64 {
    let known = site.instances(definition).len();
    site.start_instance(definition, more);
    eventually("the instance begins", || {
        let rows = site.instances(definition);
        (rows.len() > known).then(|| rows[0]["id"].as_i64().expect("an id"))
    })
}

/// Waits until a node has this reason, and returns the reason.
fn waits(site: &Site, instance: i64, node: &str, code: &str) -> Value {
    eventually(&format!("`{node}` waits with {code}"), || {
        let answer = why(site, instance);
        let node = answer["nodes"].as_array()?.iter().find(|it| it["name"] == node)?.clone();
        (node["reason"]["code"] == code).then(|| node["reason"].clone())
    })
}

fn ended(site: &Site, definition: i64) {
    let all = || site.instances(definition).iter().all(|row| is_finished(&row["state"])).then_some(());
    eventually("all have ended", all);
}

/// A script that goes on until a file is there.
fn until(file: &Path) -> String {
    format!("while [ ! -e '{}' ]; do sleep 0.05; done", file.display())
}

/// An hour: a task that does not hear TERM ends when it is let go, and not because it is killed.
const NO_KILL: (&str, &str) = ("ESCHEDULER_WORKER_KILL_GRACE", "1h");

/// A script that goes on until a file is there, whoever wants it to end.
fn deaf(file: &Path) -> String {
    format!("trap '' TERM; echo deaf; {}", until(file))
}

/// Waits until the node `deaf` has set its trap.
fn is_deaf(site: &Site, instance: i64) {
    eventually("it is deaf", || {
        let task = site.tasks(instance).into_iter().find(|task| task["name"] == "deaf")?;
        (task["state"] == "RUNNING_EXEUTION" && site.log(&task).contains("deaf")).then_some(())
    });
}

/// Waits until one of `a` and `b` runs, and returns the other one.
fn other_than_the_first(site: &Site, instance: i64) -> &'static str {
    let first = eventually("one runs", || {
        site.tasks(instance).into_iter().find(|task| task["state"] == "RUNNING_EXEUTION" && task["taskType"] == "SHELL")
    });
    if first["name"] == "a" { "b" } else { "a" }
}

#[test]
fn nodes_wait_for_each_other_for_a_slot_and_for_a_place() {
    let site = site(&[("ESCHEDULER_WORKER_EXEC_THREADS", "1"), ("ESCHEDULER_MASTER_EXEC_TASK_NUMBER", "2")]);
    let file = site.folder.path().join("go");
    let script = until(&file);
    let nodes =
        vec![shell("a", &script, &[]), shell("b", &script, &[]), shell("c", "true", &[]), shell("d", "true", &["a"])];
    let definition = site.define("crowd", &document(nodes));
    let instance = begin(&site, definition, &[]);
    let other = other_than_the_first(&site, instance);
    assert_eq!(waits(&site, instance, other, "SLOT")["text"], "the worker that may run it has no free slot");
    waits(&site, instance, "c", "PLACES");
    assert_eq!(waits(&site, instance, "d", "PREDECESSOR")["text"], "it waits for `a`");
    assert_eq!(why(&site, instance)["reason"], Value::Null, "something of it runs");
    std::fs::write(&file, "").expect("our own folder");
    ended(&site, definition);
    assert_eq!(why(&site, instance)["nodes"], json!([]));
}

#[test]
fn a_node_that_failed_says_when_it_is_tried_again_and_the_instance_with_it() {
    let site = site(&[]);
    let mut node = retried(shell("a", "false", &[]), 1);
    node["retryInterval"] = json!("60");
    let definition = site.define("patient", &document(vec![node]));
    let instance = begin(&site, definition, &[]);
    let reason = waits(&site, instance, "a", "RETRY");
    let task = site.tasks(instance).remove(0);
    assert_eq!(reason["until"].as_i64(), task["endTime"].as_i64().map(|end| end + 3_600_000));
    assert_eq!(why(&site, instance)["reason"]["code"], "RETRY");
    assert_eq!(site.execute(instance, "PAUSE")["code"], 0);
    eventually("it is paused", || (why(&site, instance)["reason"]["code"] == "PAUSED").then_some(()));
}

#[test]
fn a_start_waits_for_a_master_with_room() {
    let site = site(&[("ESCHEDULER_MASTER_EXEC_THREADS", "1")]);
    let file = site.folder.path().join("go");
    let definition = site.define("long", &document(vec![shell("a", &until(&file), &[])]));
    begin(&site, definition, &[]);
    site.start_instance(definition, &[]);
    let waiting = pending(&site, definition);
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (&waiting[0]["commandType"], &waiting[0]["reason"]["code"]),
        (&json!("START_PROCESS"), &json!("INSTANCES"))
    );
    std::fs::write(&file, "").expect("our own folder");
    eventually("both have ended", || {
        let rows = site.instances(definition);
        (rows.len() == 2 && rows.iter().all(|row| is_finished(&row["state"]))).then_some(())
    });
    assert_eq!(pending(&site, definition), Vec::<Value>::new());
}

#[test]
fn a_firing_that_must_not_overlap_names_the_run_that_it_waits_for() {
    let site = site(&[]);
    let file = site.folder.path().join("go");
    let definition = site.define("long", &document(vec![shell("a", &until(&file), &[])]));
    let timing = json!({"startTime": "2026-01-01 00:00:00", "endTime": "2090-01-01 00:00:00",
        "crontab": "* * * * * ?", "overlapPolicy": "wait"})
    .to_string();
    let id = definition.to_string();
    let form = [("processDefinitionId", id.as_str()), ("schedule", &timing), ("warningGroupId", "0")];
    site.post("projects/p/schedule/create", &form);
    let schedule = site.post("projects/p/schedule/list", &[]).as_array().expect("a list")[0]["id"].to_string();
    site.post("projects/p/schedule/online", &[("id", &schedule)]);
    let reason = eventually("a firing waits", || {
        let first = pending(&site, definition).into_iter().find(|it| it["commandType"].is_null())?;
        (first["reason"]["text"] != "").then(|| first["reason"].clone())
    });
    site.post("projects/p/schedule/offline", &[("id", &schedule)]);
    assert_eq!(reason["code"], "OVERLAP", "{reason}");
    std::fs::write(&file, "").expect("our own folder");
    ended(&site, definition);
}

#[test]
fn what_comes_after_a_failure_and_what_was_not_chosen_will_not_run() {
    let site = site(&[]);
    let file = site.folder.path().join("go");
    let nodes = vec![
        shell("fails", "false", &[]),
        shell("goes_on", &until(&file), &[]),
        shell("after", "true", &["fails"]),
        shell("beside", "true", &[]),
    ];
    let definition = site.define("partly", &document(nodes));
    let chosen = [("startNodeList", "fails,goes_on,after"), ("taskDependType", "TASK_ONLY")];
    let instance = begin(&site, definition, &chosen);
    assert!(waits(&site, instance, "after", "PREDECESSOR_FAILED")["text"].as_str().expect("a text").contains("fails"));
    waits(&site, instance, "beside", "NOT_CHOSEN");
    std::fs::write(&file, "").expect("our own folder");
    ended(&site, definition);
}

#[test]
fn logic_nodes_say_what_they_wait_for() {
    let site = site(&[]);
    let file = site.folder.path().join("go");
    let inner = site.define("inner", &document(vec![shell("a", &until(&file), &[])]));
    let absent = site.define("absent", &document(vec![shell("a", "true", &[])]));
    let item =
        json!({"projectId": 1, "definitionId": absent, "depTasks": "ALL", "cycle": "day", "dateValue": "last7Days"});
    let mut waiting = shell("waiting", "", &[]);
    waiting["type"] = json!("DEPENDENT");
    waiting["params"] = json!({});
    waiting["dependence"] =
        json!({"relation": "AND", "dependTaskList": [{"relation": "AND", "dependItemList": [item]}]});
    let outer = site.define("outer", &document(vec![sub_process("inner", inner, &[]), waiting]));
    let instance = begin(&site, outer, &[]);
    waits(&site, instance, "inner", "SUB_PROCESS");
    assert!(waits(&site, instance, "waiting", "DEPENDENCY")["text"].as_str().expect("a text").contains("absent"));
    site.execute(instance, "STOP");
    std::fs::write(&file, "").expect("our own folder");
    ended(&site, outer);
}

#[test]
fn a_machine_that_is_too_busy_is_named() {
    // As if more memory were to be kept free than there is. A worker without any task takes one all the same.
    let site = site(&[("ESCHEDULER_WORKER_RESERVED_MEMORY", "1000000")]);
    let file = site.folder.path().join("go");
    let script = until(&file);
    let definition = site.define("patient", &document(vec![shell("a", &script, &[]), shell("b", &script, &[])]));
    let instance = begin(&site, definition, &[]);
    waits(&site, instance, other_than_the_first(&site, instance), "OVERLOAD");
    std::fs::write(&file, "").expect("our own folder");
    ended(&site, definition);
}

#[test]
fn what_failed_is_not_tried_again_in_an_instance_that_is_being_stopped() {
    let site = site(&[NO_KILL]);
    let file = site.folder.path().join("go");
    let mut fails = retried(shell("fails", "false", &[]), 1);
    fails["retryInterval"] = json!("60");
    let definition = site.define("stopped", &document(vec![shell("deaf", &deaf(&file), &[]), fails]));
    let instance = begin(&site, definition, &[]);
    is_deaf(&site, instance);
    waits(&site, instance, "fails", "RETRY");
    // What only waited for a place would be put away by the order at once; what rests stays as it is.
    assert_eq!(site.execute(instance, "STOP")["code"], 0);
    assert_eq!(waits(&site, instance, "fails", "STOPPING")["text"], "the instance is being stopped");
    assert_eq!(site.instances(definition)[0]["state"], "READY_STOP");
    std::fs::write(&file, "").expect("our own folder");
    ended(&site, definition);
    assert_eq!(site.instances(definition)[0]["state"], "STOP");
    assert_eq!(why(&site, instance)["nodes"], json!([]));
}

#[test]
fn nothing_new_begins_once_a_failure_ends_the_whole() {
    let site = site(&[NO_KILL, ("ESCHEDULER_MASTER_EXEC_TASK_NUMBER", "2")]);
    let (file, fail) = (site.folder.path().join("go"), site.folder.path().join("fail"));
    let fails = format!("{}; false", until(&fail));
    let nodes = vec![shell("deaf", &deaf(&file), &[]), shell("fails", &fails, &[]), shell("next", "true", &[])];
    let definition = site.define("failing", &document(nodes));
    let instance = begin(&site, definition, &[("failureStrategy", "END")]);
    is_deaf(&site, instance);
    waits(&site, instance, "next", "PLACES");
    std::fs::write(&fail, "").expect("our own folder");
    let text = waits(&site, instance, "next", "STOPPING")["text"].clone();
    assert_eq!(text, "a node failed, and the failure strategy ends the whole");
    std::fs::write(&file, "").expect("our own folder");
    ended(&site, definition);
    assert_eq!(site.instances(definition)[0]["state"], "FAILURE");
    assert!(site.tasks(instance).iter().all(|task| task["name"] != "next"), "it has never begun");
}
