//! DEPENDENT nodes of the real program: met before, met later, never; and whatever happens while they wait.

use crate::site::{Site, document, eventually, is_finished, retried, shell, where_it_is_noon};
use serde_json::{Value, json};
use std::path::Path;

fn site() -> Site {
    let site = Site::with(&[("ESCHEDULER_SERVER_TIMEZONE", &where_it_is_noon())]);
    site.project();
    site
}

/// A run of a definition, or of one of its nodes, today.
fn today(definition: i64, node: &str) -> Value {
    json!({"projectId": 1, "definitionId": definition, "depTasks": node, "cycle": "day", "dateValue": "today"})
}

fn group(relation: &str, items: Vec<Value>) -> Value {
    json!({"relation": relation, "dependItemList": items})
}

fn waits(relation: &str, groups: Vec<Value>) -> Value {
    let mut node = shell("waits", "", &[]);
    node["type"] = json!("DEPENDENT");
    node["params"] = json!({});
    node["dependence"] = json!({"relation": relation, "dependTaskList": groups});
    node
}

fn waits_for(item: Value) -> Value {
    waits("AND", vec![group("AND", vec![item])])
}

/// A definition that waits, and says so when it is over.
fn define(site: &Site, node: Value) -> i64 {
    site.define("downstream", &document(vec![node, shell("after", "echo after", &["waits"])]))
}

fn begin(site: &Site, definition: i64) -> i64 {
    let known = site.instances(definition).len();
    site.start_instance(definition, &[]);
    eventually("the instance begins", || {
        let rows = site.instances(definition);
        (rows.len() > known).then(|| rows[0]["id"].as_i64().expect("an id"))
    })
}

fn row(site: &Site, definition: i64, instance: i64) -> Value {
    site.instances(definition).into_iter().find(|row| row["id"] == instance).expect("the instance")
}

fn end(site: &Site, definition: i64, instance: i64) -> Value {
    eventually("the instance ends", || {
        let row = row(site, definition, instance);
        is_finished(&row["state"]).then(|| row["state"].clone())
    })
}

fn task(site: &Site, instance: i64) -> Value {
    let tasks = site.tasks(instance);
    tasks.into_iter().find(|task| task["name"] == "waits").unwrap_or_default()
}

/// The results of the items, once there are some.
fn results(task: &Value) -> Option<Value> {
    serde_json::from_str(task["dependentResult"].as_str()?).ok()
}

/// Waits until the node has looked and found nothing that decides.
fn is_waiting(site: &Site, instance: i64) -> Value {
    eventually("the node waits", || {
        let task = task(site, instance);
        let results = results(&task)?;
        let open = results.as_object()?.values().any(|result| result == "WAITING");
        (open && task["state"] == "RUNNING_EXEUTION").then_some(task)
    })
}

/// All attempts of the node, those included that others have followed.
fn attempts(site: &Site, instance: i64) -> usize {
    let path = format!(
        "projects/p/task-instance/list-paging?processInstanceId={instance}&taskName=waits&pageNo=1&pageSize=10"
    );
    site.get(&path)["totalList"].as_array().expect("a list").len()
}

/// A script that goes on until a file is there.
fn until(file: &Path) -> String {
    format!("while [ ! -e '{}' ]; do sleep 0.05; done", file.display())
}

#[test]
fn a_run_that_succeeded_before_meets_it_at_once() {
    let site = site();
    let upstream = site.define("upstream", &document(vec![shell("load", "true", &[])]));
    assert_eq!(site.run(upstream)["state"], "SUCCESS");
    let downstream = define(&site, waits_for(today(upstream, "ALL")));
    let row = site.run(downstream);
    let task = task(&site, row["id"].as_i64().expect("an id"));
    let key = format!("{upstream}-ALL-day-today");
    assert_eq!((&row["state"], &task["state"]), (&json!("SUCCESS"), &json!("SUCCESS")), "{row} {task}");
    assert_eq!(results(&task), Some(json!({ key.as_str(): "SUCCESS" })));
    assert!(!task["host"].as_str().unwrap_or_default().is_empty() && !task["startTime"].is_null(), "{task}");
    let log = site.log(&task);
    assert!(log.contains(&format!("dependent item complete :|| {key},SUCCESS")), "{log}");
    let dependence: Value = serde_json::from_str(task["dependency"].as_str().expect("a text")).expect("JSON");
    assert_eq!(dependence["dependTaskList"][0]["dependItemList"][0]["definitionId"], upstream, "{dependence}");
}

#[test]
fn a_run_that_is_not_there_yet_is_waited_for_and_no_slot_is_taken_meanwhile() {
    let mut site = site();
    site.stop();
    site.settings.push(("ESCHEDULER_WORKER_EXEC_THREADS".into(), "1".into()));
    site.up();
    let upstream = site.define("upstream", &document(vec![shell("load", "true", &[])]));
    let downstream = define(&site, waits_for(today(upstream, "ALL")));
    let instance = begin(&site, downstream);
    let waiting = is_waiting(&site, instance);
    assert!(site.log(&waiting).contains(": there is no run yet"), "{}", site.log(&waiting));
    assert_eq!(site.run(upstream)["state"], "SUCCESS");
    assert_eq!(end(&site, downstream, instance), "SUCCESS");
    assert_eq!(attempts(&site, instance), 1);
}

#[test]
fn a_run_that_fails_fails_it_and_it_is_tried_again_as_other_nodes_are() {
    let site = site();
    let flag = site.folder.path().join("mended");
    let script = format!("test -e '{}'", flag.display());
    let upstream = site.define("upstream", &document(vec![shell("load", &script, &[])]));
    assert_eq!(site.run(upstream)["state"], "FAILURE");
    let downstream = define(&site, retried(waits_for(today(upstream, "ALL")), 1));
    let failed = site.run(downstream);
    let id = failed["id"].as_i64().expect("an id");
    assert_eq!((&failed["state"], attempts(&site, id)), (&json!("FAILURE"), 2));
    assert_eq!(results(&task(&site, id)), Some(json!({format!("{upstream}-ALL-day-today"): "FAILED"})));
    // Mended and run again, it meets who is recovered.
    std::fs::write(&flag, "").expect("our own folder");
    assert_eq!(site.run(upstream)["state"], "SUCCESS");
    assert_eq!(site.execute(id, "START_FAILURE_TASK_PROCESS")["code"], 0);
    eventually("it is recovered", || (row(&site, downstream, id)["state"] == "SUCCESS").then_some(()));
}

#[test]
fn one_node_of_a_run_that_goes_on_is_enough() {
    let site = site();
    let file = site.folder.path().join("go");
    let nodes = vec![shell("load", "true", &[]), shell("slow", &until(&file), &["load"])];
    let upstream = site.define("upstream", &document(nodes));
    let running = begin(&site, upstream);
    let downstream = define(&site, waits_for(today(upstream, "load")));
    assert_eq!(site.run(downstream)["state"], "SUCCESS");
    assert_eq!(row(&site, upstream, running)["state"], "RUNNING_EXEUTION");
    let other = site.define("other", &document(vec![waits_for(today(upstream, "slow"))]));
    let instance = begin(&site, other);
    is_waiting(&site, instance);
    std::fs::write(&file, "").expect("our own folder");
    assert_eq!(end(&site, other, instance), "SUCCESS");
    assert_eq!(end(&site, upstream, running), "SUCCESS");
}

#[test]
fn groups_and_items_are_joined_as_drawn() {
    let site = site();
    let good = site.define("good", &document(vec![shell("a", "true", &[])]));
    let bad = site.define("bad", &document(vec![shell("a", "false", &[])]));
    let absent = site.define("absent", &document(vec![shell("a", "true", &[])]));
    assert_eq!((&site.run(good)["state"], &site.run(bad)["state"]), (&json!("SUCCESS"), &json!("FAILURE")));
    let all = |ids: &[i64]| ids.iter().map(|id| today(*id, "ALL")).collect::<Vec<_>>();
    let either = group("OR", all(&[bad, absent, good]));
    let both = group("AND", all(&[good, absent]));
    let neither = group("OR", all(&[bad]));
    for (name, node, state) in [
        ("one is enough", waits("OR", vec![neither.clone(), both.clone(), either.clone()]), "SUCCESS"),
        ("one is too little", waits("AND", vec![either.clone(), both.clone(), neither]), "FAILURE"),
    ] {
        let definition = site.define(name, &document(vec![node]));
        assert_eq!(site.run(definition)["state"], state, "{name}");
    }
    let open = site.define("open", &document(vec![waits("AND", vec![either, both])]));
    let instance = begin(&site, open);
    is_waiting(&site, instance);
    site.run(absent);
    assert_eq!(end(&site, open, instance), "SUCCESS");
}

#[test]
fn it_goes_on_waiting_after_a_crash_and_nothing_is_there_twice() {
    let mut site = site();
    let upstream = site.define("upstream", &document(vec![shell("load", "true", &[])]));
    let downstream = define(&site, waits_for(today(upstream, "ALL")));
    let instance = begin(&site, downstream);
    let before = is_waiting(&site, instance);
    for _ in 0..3 {
        site.crash();
        site.up();
    }
    assert_eq!(site.run(upstream)["state"], "SUCCESS");
    assert_eq!(end(&site, downstream, instance), "SUCCESS");
    let after = task(&site, instance);
    assert_eq!((&after["id"], &after["startTime"]), (&before["id"], &before["startTime"]));
    assert_eq!(attempts(&site, instance), 1);
}

#[test]
fn stop_and_pause_do_not_wait_for_it() {
    let site = site();
    let upstream = site.define("upstream", &document(vec![shell("load", "true", &[])]));
    let downstream = define(&site, waits_for(today(upstream, "ALL")));
    let stopped = begin(&site, downstream);
    is_waiting(&site, stopped);
    assert_eq!(site.execute(stopped, "STOP")["code"], 0);
    assert_eq!(end(&site, downstream, stopped), "STOP");
    assert_eq!(task(&site, stopped)["state"], "KILL");
    let paused = begin(&site, downstream);
    is_waiting(&site, paused);
    assert_eq!(site.execute(paused, "PAUSE")["code"], 0);
    assert_eq!(end(&site, downstream, paused), "PAUSE");
    assert_eq!(task(&site, paused)["state"], "PAUSE");
    assert_eq!(site.execute(paused, "RECOVER_SUSPENDED_PROCESS")["code"], 0);
    is_waiting(&site, paused);
    assert_eq!(site.run(upstream)["state"], "SUCCESS");
    eventually("it ends", || (row(&site, downstream, paused)["state"] == "SUCCESS").then_some(()));
}

#[test]
fn d14_it_waits_no_longer_than_its_time_out() {
    let site = site();
    let upstream = site.define("upstream", &document(vec![shell("load", "true", &[])]));
    let mut node = waits_for(today(upstream, "ALL"));
    node["timeout"] = json!({"strategy": "FAILED", "interval": 1, "enable": true});
    let downstream = define(&site, node);
    let instance = begin(&site, downstream);
    assert_eq!(end(&site, downstream, instance), "FAILURE");
    assert_eq!(results(&task(&site, instance)), Some(json!({format!("{upstream}-ALL-day-today"): "WAITING"})));
}

#[test]
fn what_can_never_come_is_an_error_and_no_hang() {
    let site = site();
    let lost = define(&site, waits_for(today(99_999, "ALL")));
    let row = site.run(lost);
    assert_eq!(row["state"], "FAILURE");
    let log = site.log(&task(&site, row["id"].as_i64().expect("an id")));
    assert!(log.contains("this process definition does not exist"), "{log}");
    // On the very run that it is a node of.
    let id = lost.to_string();
    let text = document(vec![waits_for(today(lost, "ALL"))]).to_string();
    site.post("projects/p/process/release", &[("processId", &id), ("releaseState", "0")]);
    let form = [("id", id.as_str()), ("name", "downstream"), ("processDefinitionJson", &text), ("locations", "{}")];
    site.post("projects/p/process/update", &[form.as_slice(), &[("connects", "[]")]].concat());
    site.post("projects/p/process/release", &[("processId", &id), ("releaseState", "1")]);
    let row = site.run(lost);
    assert_eq!(row["state"], "FAILURE");
    let log = site.log(&task(&site, row["id"].as_i64().expect("an id")));
    assert!(log.contains("which waits for this node itself"), "{log}");
}
