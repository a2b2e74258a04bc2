//! The file that `exec` is given: a workflow document, or the short form that people write by hand.
//!
//! A document is what the API takes (`EasyScheduler 1.0.1: rest api 4.1`), as JSON or as YAML, and may hold unknown
//! keys just as there. The short form is the same with less to write:
//!
//! ```yaml
//! name: daily                 # else the name of the file
//! params: {dt: "2024-01-01"}  # globalParams
//! tasks:
//!   - name: extract
//!     script: fetch ${dt}     # a SHELL node with this params.rawScript; or with `type: PYTHON`
//!   - name: load
//!     script: load ${dt}
//!     after: [extract]        # preTasks
//!     retries: 2              # maxRetryTimes, retryInterval minutes apart
//! ```
//!
//! In a file that uses any of it a key that nobody knows is a mistake.

mod short;
#[cfg(test)]
mod tests;

use crate::dag::Dag;
use crate::model::{Document, Problem};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest file, in bytes.
const LARGEST: u64 = 16 << 20;

/// Reads a workflow file, `-` being the standard input, and answers the name of the workflow and its document.
/// `params` override its global parameters, or add to them.
///
/// # Errors
/// Every mistake that was found, one sentence each, with its place.
pub fn read(path: &Path, params: &[(String, String)]) -> Result<(String, Value), Vec<String>> {
    let stdin = path == Path::new("-");
    let text = if stdin { text_of(std::io::stdin()) } else { File::open(path).and_then(text_of) };
    let text = text.map_err(|error| vec![format!("the file cannot be read: {error}")])?;
    let format = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => Some(Format::Json),
        Some("yaml" | "yml") => Some(Format::Yaml),
        Some(_) | None => None,
    };
    let name = if stdin { None } else { path.file_stem() };
    workflow(&text, format, &name.map_or("stdin".into(), |name| name.to_string_lossy()), params)
}

fn text_of(file: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(std::io::Error::other(format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    Ok(text)
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Yaml,
}

fn workflow(
    text: &str,
    format: Option<Format>,
    name: &str,
    params: &[(String, String)],
) -> Result<(String, Value), Vec<String>> {
    let file = parse(text.trim_start_matches('\u{feff}'), format).map_err(|mistake| vec![mistake])?;
    let Value::Object(mut file) = file else {
        return Err(vec!["a workflow is an object with `tasks`".to_owned()]);
    };
    let mut problems = Vec::new();
    let name = match file.remove("name").map(scalar) {
        None => name.to_owned(),
        Some(Some(name)) if !name.trim().is_empty() => name,
        Some(_) => {
            problems.push("name: is not a text".to_owned());
            name.to_owned()
        }
    };
    let short = short::lengthen(&mut file, &mut problems);
    set_ids(&mut file);
    set_params(&mut file, params);
    let document = Value::Object(file);
    problems.extend(check(&document).iter().map(|problem| sentence(problem, short)));
    if problems.is_empty() { Ok((name, document)) } else { Err(problems) }
}

fn check(document: &Value) -> Vec<Problem> {
    match Document::from_value(document) {
        Ok(document) => Dag::of(&document).err().into_iter().collect(),
        Err(problems) => problems,
    }
}

/// What is wrong, in the words of the file.
fn sentence(problem: &Problem, short: bool) -> String {
    let sentence = problem.to_string();
    if short { short::WORDS.iter().fold(sentence, |text, (short, long)| text.replace(long, short)) } else { sentence }
}

/// Without a telling file name, what looks like JSON is JSON if it can be.
fn parse(text: &str, format: Option<Format>) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Err("the file is empty".to_owned());
    }
    match format {
        Some(Format::Json) => json(text),
        Some(Format::Yaml) => yaml(text),
        None if text.trim_start().starts_with(['{', '[']) => json(text).or_else(|why| yaml(text).map_err(|_| why)),
        None => yaml(text),
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| mistake(error.line(), error.column(), "JSON", &error.to_string()))
}

fn yaml(text: &str) -> Result<Value, String> {
    let wrong = |error: serde_yaml_ng::Error| {
        let (line, column) = error.location().map_or((0, 0), |place| (place.line(), place.column()));
        mistake(line, column, "YAML", &error.to_string())
    };
    let mut value: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).map_err(wrong)?;
    value.apply_merge().map_err(wrong)?;
    let mut value = serde_json::to_value(value).map_err(|error| format!("not a YAML document: {error}"))?;
    keep_texts(&mut value, text);
    Ok(value)
}

/// Puts the libraries' sentences, which end in the place, into our order.
fn mistake(line: usize, column: usize, format: &str, why: &str) -> String {
    let why = why.split_once(" at line ").map_or(why, |(why, _)| why);
    if line == 0 {
        format!("not a {format} document: {why}")
    } else {
        format!("line {line}, column {column}: not a {format} document: {why}")
    }
}

/// Parameters are texts, also those that YAML takes for numbers: `1.10` shall not become `1.1`.
fn keep_texts(value: &mut Value, text: &str) {
    #[derive(Deserialize)]
    struct Texts {
        params: std::collections::HashMap<String, Option<String>>,
    }
    // A file that does not read like this has no such parameters, or other mistakes that are told elsewhere.
    let Ok(texts) = serde_yaml_ng::from_str::<Texts>(text) else { return };
    let Some(Value::Object(params)) = value.get_mut("params") else { return };
    for (name, value) in params {
        if let Some(Some(text)) = texts.params.get(name) {
            *value = Value::String(text.clone());
        }
    }
}

/// The text of a scalar that people write without quotes; `None` for anything else.
fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn nodes(file: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let tasks = file.get_mut("tasks").and_then(Value::as_array_mut);
    tasks.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Gives every node an id that has none.
fn set_ids(file: &mut Map<String, Value>) {
    let id = |node: &Map<String, Value>| {
        node.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
    };
    let taken: HashSet<String> = nodes(file).filter_map(|node| id(node)).collect();
    let mut free = (1..).map(|number| format!("tasks-{number}")).filter(|id| !taken.contains(id));
    for node in nodes(file).filter(|node| id(node).is_none()) {
        node.insert("id".to_owned(), free.next().into());
    }
}

fn set_params(file: &mut Map<String, Value>, params: &[(String, String)]) {
    let globals = file.entry("globalParams").or_insert_with(|| json!([]));
    if globals.is_null() {
        *globals = json!([]);
    }
    if let Some(list) = globals.as_str().and_then(|text| serde_json::from_str(text).ok()) {
        *globals = list;
    }
    // If it is anything else the check says so.
    let Some(globals) = globals.as_array_mut() else { return };
    for (name, value) in params {
        match globals
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .find(|global| global.get("prop") == Some(&json!(name)))
        {
            Some(global) => drop(global.insert("value".to_owned(), json!(value))),
            None => globals.push(property(name, value)),
        }
    }
}

fn property(name: &str, value: &str) -> Value {
    json!({"prop": name, "direct": "IN", "type": "VARCHAR", "value": value})
}
