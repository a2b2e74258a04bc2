use super::*;

fn problems(text: &str) -> Vec<String> {
    Document::parse(text).expect_err("is wrong").iter().map(Problem::to_string).collect()
}

#[test]
fn numbers_may_be_text_and_nested_objects_may_be_json_text() {
    let text = r#"{"tasks":[{"name":"a","type":"SHELL","params":"{\"rawScript\":\"true\"}","maxRetryTimes":"3",
        "retryInterval":2,"timeout":"{\"enable\":true,\"strategy\":\"WARN,FAILED\",\"interval\":\"5\"}","preTasks":"[]"}]}"#;
    let document = Document::parse(text).unwrap();
    let node = &document.nodes[0];
    assert_eq!((node.max_retries, node.retry_interval), (3, 2));
    assert_eq!(node.timeout, Some(Timeout { minutes: 5, warn: true, fail: true }));
    assert_eq!(node.param("rawScript"), "true");
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let text = r#"{"tasks":[
        {"name":"a","type":"SHELL","params":{},"maxRetryTimes":"x"},
        {"name":"a","type":"NOSUCH","preTasks":["gone"]},
        {"type":"SHELL","params":{"rawScript":"true"}}, 7]}"#;
    assert_eq!(
        problems(text),
        [
            "node `a`: a SHELL node needs `params.rawScript`",
            "node `a`, maxRetryTimes: \"x\" is not a whole number",
            "node `a`: unknown type `NOSUCH`; there are SHELL, SQL, SUB_PROCESS, PROCEDURE, MR, SPARK, PYTHON, DEPENDENT",
            "tasks[2]: the node has no name",
            "tasks[3]: is not an object",
            "node `a`: the name is used twice",
            "node `a`: preTasks names `gone`, which is not a node of this workflow",
        ]
    );
}

#[test]
fn what_is_no_json_names_line_and_column() {
    assert!(problems("{\"tasks\": [}")[0].starts_with("line 1, column 12: not a JSON document"));
    assert_eq!(problems("[]"), ["a workflow document is a JSON object with `tasks`"]);
    assert_eq!(problems("{}"), ["tasks: the workflow has no nodes"]);
}

#[test]
fn names_take_quotes_commas_and_unicode_but_no_line_breaks() {
    let named = |name: &str| {
        let task = serde_json::json!({"name": name, "type": "SHELL", "params": {"rawScript": "true"}});
        Document::from_value(&serde_json::json!({"tasks": [task]}))
    };
    assert!(named(r#"it's "quoted", 数据 🚀"#).is_ok());
    assert!(named("two\nlines").is_err());
    assert!(named(&"x".repeat(255)).is_ok());
    assert!(named(&"x".repeat(256)).is_err());
}

#[test]
fn a_parameter_without_value_is_empty_and_of_two_the_first_counts() {
    let text = r#"{"tasks":[{"name":"a","type":"SHELL","params":{"rawScript":"true"}}],
        "globalParams":[{"prop":"x","value":null},{"prop":"y","value":7},{"prop":"y","value":"8"}]}"#;
    let params = Document::parse(text).unwrap().global_params;
    let pairs: Vec<_> = params.iter().map(|p| (p.prop.as_str(), p.value.as_str())).collect();
    assert_eq!(pairs, [("x", ""), ("y", "7")]);
}
