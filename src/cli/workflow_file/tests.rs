use super::*;

fn of(text: &str) -> Result<(String, Value), Vec<String>> {
    workflow(text, None, "file", &[])
}

fn document(text: &str) -> Value {
    of(text).unwrap().1
}

fn mistakes(text: &str) -> Vec<String> {
    of(text).unwrap_err()
}

#[test]
fn a_node_needs_a_name_and_a_script() {
    let written = of("tasks:\n- name: a\n  script: true\n").unwrap();
    let expected = json!({
        "tasks": [{
            "type": "SHELL", "id": "tasks-1", "name": "a",
            "params": {"rawScript": "true", "localParams": [], "resourceList": []},
            "desc": "", "runFlag": "NORMAL", "dependence": {}, "maxRetryTimes": 0, "retryInterval": 1,
            "timeout": {"strategy": "", "interval": null, "enable": false},
            "taskInstancePriority": "MEDIUM", "workerGroupId": -1, "preTasks": [],
        }],
        "tenantId": -1, "timeout": 0, "globalParams": [],
    });
    assert_eq!(written, ("file".to_owned(), expected));
}

#[test]
fn json_and_yaml_say_the_same() {
    let yaml = "
name: daily
params: {dt: 2024-01-01, n: 3}
tasks:
  - {name: a, script: echo, type: python, retries: 2, retryInterval: 5}
  - {name: b, script: echo, after: a}
  - {name: c, script: echo, after: [a, b], timeout: {strategy: WARN, interval: 3, enable: true}}
";
    let json = r#"{"name": "daily", "params": {"dt": "2024-01-01", "n": 3}, "tasks": [
        {"name": "a", "script": "echo", "type": "PYTHON", "retries": 2, "retryInterval": 5},
        {"name": "b", "script": "echo", "preTasks": ["a"]},
        {"name": "c", "script": "echo", "after": ["a", "b"],
         "timeout": {"strategy": "WARN", "interval": 3, "enable": true}}]}"#;
    let (name, written) = of(yaml).unwrap();
    assert_eq!((name.as_str(), &written), ("daily", &document(json)));
    let read = Document::from_value(&written).unwrap();
    assert_eq!((read.nodes[0].kind.name(), read.nodes[0].max_retries, read.nodes[0].retry_interval), ("PYTHON", 2, 5));
    assert_eq!(read.nodes[2].after, ["a", "b"]);
    assert!(read.nodes[2].timeout.is_some_and(|timeout| timeout.warn && timeout.minutes == 3));
    assert_eq!(read.global_params[1], serde_json::from_value(property("n", "3")).unwrap());
}

#[test]
fn the_document_of_the_api_is_taken_as_it_is() {
    let text = r#"{"globalParams":[{"prop":"dt","direct":"IN","type":"DATE","value":"${system.biz.date}"}],
        "futureKey":1,"timeout":"30",
        "tasks":[{"type":"SHELL","id":"tasks-4711","name":"prepare","futureKey":{"x":1},
        "params":{"resourceList":[{"res":"load.sh"}],"localParams":[],"rawScript":"sh load.sh ${dt}"},
        "desc":"fetch","runFlag":"FORBIDDEN","dependence":{},"maxRetryTimes":"0","retryInterval":"1",
        "timeout":{"strategy":"","interval":null,"enable":false},"taskInstancePriority":"MEDIUM","preTasks":[]}]}"#;
    assert_eq!(document(text), serde_json::from_str::<Value>(text).unwrap());
}

#[test]
fn missing_ids_are_made_up_and_none_is_used_twice() {
    let text = "
tasks:
  - {name: a, script: 'true'}
  - {name: b, script: 'true', id: tasks-1}
  - {name: c, params: {rawScript: 'true'}, type: SHELL}
";
    let written = document(text);
    let ids: Vec<_> = written["tasks"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["tasks-2", "tasks-1", "tasks-3"]);
}

#[test]
fn parameters_given_with_the_command_win() {
    let params = [("b", "1=2"), ("c", ""), ("c", "new")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let text = "globalParams: [{prop: a, value: x}, {prop: b, type: INTEGER, value: 7}]\ntasks: [{name: n, script: x}]";
    let (_, written) = workflow(text, None, "file", &params).unwrap();
    let expected = json!([{"prop": "a", "value": "x"}, {"prop": "b", "type": "INTEGER", "value": "1=2"}]);
    assert_eq!(written["globalParams"].as_array().unwrap()[..2], expected.as_array().unwrap()[..]);
    assert_eq!(written["globalParams"][2], property("c", "new"));
}

#[test]
fn parameters_stay_the_texts_that_they_were_written_as() {
    let text = "params: {a: 1.10, b: 007, c: 1e3, d: true, e: , f: 'x', g: 0x10}\ntasks: [{name: n, script: x}]";
    let read = Document::from_value(&document(text)).unwrap();
    let values: Vec<_> = read.global_params.iter().map(|param| param.value.as_str()).collect();
    assert_eq!(values, ["1.10", "007", "1e3", "true", "", "x", "0x10"]);
}

#[test]
fn what_cannot_be_parsed_names_its_line_and_column() {
    assert_eq!(mistakes("{\"tasks\": [}"), ["line 1, column 12: not a JSON document: expected value"]);
    let yaml = mistakes("tasks:\n  - name: a\n   script: b\n");
    assert!(yaml[0].starts_with("line 3, column 4: not a YAML document: "), "{yaml:?}");
    let twice = mistakes("tasks: []\ntasks: []\n");
    assert!(twice[0].contains("not a YAML document: duplicate entry with key \"tasks\""), "{twice:?}");
    assert_eq!(mistakes(" \n"), ["the file is empty"]);
    assert_eq!(mistakes("just a text"), ["a workflow is an object with `tasks`"]);
    assert_eq!(mistakes("{}"), ["tasks: the workflow has no nodes"]);
    assert!(of("{tasks: [{name: a, script: b}]}").is_ok(), "YAML that begins like JSON");
}

#[test]
fn all_mistakes_of_a_short_file_are_told_in_its_own_words() {
    let text = "
parms: {a: 1}
params: {b: [1], c: 2}
globalParams: [{prop: c, value: 1}]
tasks:
  - {name: a, scirpt: echo}
  - {name: b, script: echo, after: [x], preTasks: [a], retries: many}
  - {name: c, script: [echo], timeout: 10, params: {dt: 1}}
  - {name: d, script: echo, type: SQL}
  - {name: e, script: echo, params: {rawScript: echo}}
  - {script: echo}
  - echo
";
    let expected = [
        "there is no key `parms`; the nearest is `params`",
        "params: the value of `b` is not a text",
        "params: `c` is in globalParams, too",
        "node `a`: there is no key `scirpt`; the nearest is `script`",
        "node `b`: give `after` or `preTasks`, not both",
        "node `c`: params: there is no key `dt`; the nearest is `rawScript`",
        "node `c`: script: is not a text",
        "node `c`: timeout: write what happens after how many minutes, as in \
         `timeout: {strategy: FAILED, interval: 30, enable: true}`",
        "node `d`: a SQL node has no `script`",
        "node `e`: give `script` or `params.rawScript`, not both",
        "node `a`: a SHELL node needs `script`",
        "node `b`, retries: \"many\" is not a whole number",
    ];
    let found = mistakes(text);
    assert_eq!(found[..expected.len()], expected, "{found:#?}");
    assert!(
        found.contains(&"node `b`: after names `x`, which is not a node of this workflow".to_owned()),
        "{found:#?}"
    );
}

#[test]
fn a_circle_is_told() {
    let text = "tasks: [{name: a, script: x, after: b}, {name: b, script: x, after: a}]";
    assert!(mistakes(text)[0].starts_with("tasks: the nodes wait for each other in a circle: "));
}

#[test]
fn a_file_that_is_not_there_or_no_text_is_told() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("binary.json");
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(read(&path, &[]).unwrap_err()[0].starts_with("the file cannot be read: "));
    assert!(
        read(Path::new("/nonexistent.yaml"), &[]).unwrap_err()[0].starts_with("the file cannot be read: No such file")
    );
    assert!(read(Path::new("/dev/zero"), &[]).unwrap_err()[0].ends_with("larger than 16 MiB"));
}

#[test]
fn the_examples_can_be_read() {
    let example = |name: &str| read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), &[]).unwrap();
    let (name, hello) = example("hello.yaml");
    let read = Document::from_value(&hello).unwrap();
    let picture: Vec<_> =
        read.nodes.iter().map(|node| format!("{} after {}", node.name, node.after.join(", "))).collect();
    assert_eq!(
        (name.as_str(), picture.join("; ").as_str()),
        ("hello", "greet after ; count after greet; leave after count")
    );
    let (name, fan) = example("fan.json");
    let read = Document::from_value(&fan).unwrap();
    assert_eq!((name.as_str(), read.nodes.len(), read.nodes[9].after.len()), ("fan", 10, 8));
}
