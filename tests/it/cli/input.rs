//! Documents that are wrong, and documents that are merely strange.

use super::Place;
use serde_json::json;

/// The complaints about a file.
fn refused(name: &str, text: &str, complaints: &[&str]) {
    let place = Place::new();
    let file = place.write(name, text);
    let ended = place.exec(&file);
    let complaints: Vec<String> = complaints.iter().map(|text| format!("{}: {text}", file.display())).collect();
    ended.fails(2, &complaints.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ended.out, "");
    place.assert_clean();
}

#[test]
fn malformed_documents_are_refused_with_their_place() {
    refused("f.json", "{\"tasks\": [\n  {\"name\": }\n]}", &["line 2, column 12: not a JSON document: expected value"]);
    refused("f.yaml", "tasks:\n- name: a\n  script: [\n", &["line 4, column 1: not a YAML document: "]);
    refused("f.yaml", "", &["the file is empty"]);
    refused("f.yaml", "hello", &["a workflow is an object with `tasks`"]);
    refused("f.json", "[]", &["a workflow is an object with `tasks`"]);
    refused("f.json", "{}", &["tasks: the workflow has no nodes"]);
    refused("f.json", "{\"tasks\": 7}", &["tasks: is not a list of nodes"]);
    refused("f.json", "{\"tasks\": [7]}", &["tasks[0]: "]);
}

#[test]
fn every_mistake_is_told_at_once_with_its_node() {
    let text = "
tasks:
- {name: a, script: echo, after: nobody}
- {name: a, script: echo}
- {script: echo}
- {name: b, script: echo, type: SHELLL}
- {name: c, script: echo, retries: x}
- {name: d, scrip: echo}
- {name: e}
";
    let complaints = [
        "node `d`: there is no key `scrip`; the nearest is `script`",
        "tasks[2]: the node has no name",
        "node `b`: unknown type `SHELLL`",
        "node `c`, retries: \"x\" is not a whole number",
        "node `e`: a SHELL node needs `script`",
        "node `a`: the name is used twice",
        "node `a`: after names `nobody`, which is not a node of this workflow",
    ];
    refused("f.yaml", text, &complaints);
}

#[test]
fn a_cycle_is_refused_and_its_nodes_are_named() {
    let text = "tasks:\n- {name: a, script: echo, after: c}\n- {name: b, script: echo, after: a}\n- {name: c, script: echo, after: b}\n- {name: d, script: echo}\n";
    let place = Place::new();
    let file = place.write("f.yaml", text);
    let ended = place.exec(&file);
    ended.fails(2, &["`a`", "`b`", "`c`"]);
    assert!(!ended.err.contains("`d`"), "{}", ended.err);
    refused("f.yaml", "tasks:\n- {name: self, script: echo, after: self}\n", &[""]);
}

#[test]
fn a_number_may_be_written_as_text() {
    let place = Place::new();
    let file = place.write("f.yaml", "tasks:\n- {name: a, script: echo, retries: '3', retryInterval: '1'}\n");
    place.exec(&file).succeeds();
}

#[test]
fn kinds_of_nodes_that_cannot_run_yet_are_refused_before_anything_starts() {
    let sql = json!({"id": "tasks-1", "name": "q", "type": "SQL", "params": {"type": "MYSQL", "datasource": 1, "sql": "select 1",
        "sqlType": 0, "udfs": "", "showType": "TABLE", "localParams": [], "title": "", "receivers": "", "receiversCc": ""}});
    let shell = json!({"name": "a", "script": "echo"});
    refused(
        "f.json",
        &json!({"tasks": [shell, sql]}).to_string(),
        &["this release cannot run every node yet: `q` (SQL)"],
    );
}

#[test]
fn a_file_that_is_not_there_or_no_text_is_named() {
    let place = Place::new();
    place
        .run(&["exec", "nowhere.yaml"])
        .fails(2, &["nowhere.yaml: the file cannot be read: No such file or directory"]);
    place.run(&["exec", "/"]).fails(2, &["/: the file cannot be read: Is a directory"]);
    std::fs::write(place.path("f.json"), b"\xff\xfe{").expect("our own file");
    place.exec(&place.path("f.json")).fails(2, &["f.json: the file cannot be read: "]);
    place.run(&["exec", "f.json", "-p", "novalue"]).fails(2, &["give a name and a value: -p date=2024-01-31"]);
    place.run(&["exec"]).fails(2, &["<FILE>"]);
    place.run(&["execute"]).fails(2, &["exec"]);
}

#[test]
fn a_script_of_five_megabytes_runs() {
    let place = Place::new();
    let line = "# a comment that is as long as comments are in scripts that somebody has generated\n";
    let mut script = line.repeat(5_000_000 / line.len() + 1);
    script += "wc -c < $0 > @/size\n";
    let file = place.script(&script);
    let ended = place.exec(&file);
    ended.succeeds();
    assert!(place.note("size").parse::<usize>().is_ok_and(|size| size > 5_000_000));
    place.assert_clean();
}

#[test]
fn strange_names_work_or_are_refused() {
    let names = [
        "it's",
        "say \"hi\"",
        "a,b",
        "数据 🚚",
        "../../etc/passwd",
        "-rf",
        "$HOME",
        "`id`",
        "a\\b",
        "%s",
        "null",
        "1",
        " x ",
        "a\nb",
        "",
        "a\tb",
        "a\u{7}b",
        "\u{202e}abc",
    ];
    for name in names {
        let place = Place::new();
        let first = json!({"name": name, "script": "echo one"});
        let second = json!({"name": "second", "script": "echo two > @/two", "after": [name]});
        let text = json!({"tasks": [first, second]}).to_string();
        let file = place.write("f.json", &text.replace('@', &place.folder.path().to_string_lossy()));
        let ended = place.exec(&file);
        match ended.code {
            Some(0) => {
                assert_eq!(place.note("two"), "two", "{name:?}");
                assert!(!ended.out.contains(['\x07', '\x1b']), "{name:?}: {ended:?}");
            }
            Some(2) => assert!(ended.err.contains("tasks[0]") || ended.err.contains("name"), "{name:?}: {ended:?}"),
            _ => panic!("{name:?}: {ended:?}"),
        }
        place.assert_clean();
    }
}

#[test]
fn strange_values_of_parameters_reach_the_script_as_they_are() {
    let place = Place::new();
    for value in ["two words", "a=b", "", "数据", "$[x", "${nobody}", "100%"] {
        let file = place.write(
            "f.yaml",
            &format!(
                "tasks:\n- name: a\n  script: |\n    cat > {}/value <<'END'\n    ${{v}}\n    END\n",
                place.folder.path().display()
            ),
        );
        place.run(&["exec", &file.to_string_lossy(), "-p", &format!("v={value}")]).succeeds();
        assert_eq!(place.note("value"), value.trim());
    }
}
