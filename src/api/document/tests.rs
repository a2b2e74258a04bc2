//! The document against the table, and against the rules of OpenAPI 3.1.

use super::*;
use crate::api::param::{Kind, Param};
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::to_value(of("/escheduler")).unwrap()
}

/// Every operation as `METHOD path` with what is said of it.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let of_path = |(path, item): (&String, &'_ Value)| {
        let path = path.clone();
        item.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone())).collect::<Vec<_>>()
    };
    let all = paths.flat_map(of_path);
    all.map(|(method, path)| {
        let operation = &document["paths"][&path][&method];
        (format!("{} {path}", method.to_uppercase()), operation)
    })
    .collect()
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    let document = document();
    let documented: BTreeSet<String> = operations(&document).into_iter().map(|(name, _)| name).collect();
    let rows = table::routes().into_iter().map(|route| format!("{} /{}", route.method, route.path));
    let beside = Beside::ALL.iter().map(|beside| format!("GET /{}", beside.path()));
    assert_eq!(documented, rows.chain(beside).collect());
    assert!(documented.len() > 133);
}

#[test]
fn every_parameter_of_a_route_is_in_its_operation_and_nothing_else() {
    let document = document();
    for route in table::routes() {
        let method = route.method.as_str().to_lowercase();
        let operation = &document["paths"][format!("/{}", route.path)][method];
        let described: BTreeSet<String> = parameters(operation).collect();
        let path = route.path.contains("{projectName}").then(|| "path projectName true".to_owned());
        let place = if route.method == Method::POST { "body" } else { "query" };
        let declared = route.params.iter().map(|param| format!("{place} {} {}", param.name, param.required));
        assert_eq!(described, declared.chain(path).collect(), "{}", route.path);
        for param in route.params {
            assert_eq!(schema_of(operation, param)["description"], param.about);
            limits(schema_of(operation, param), param);
        }
    }
}

fn parameters(operation: &Value) -> impl Iterator<Item = String> {
    let listed = operation["parameters"].as_array().into_iter().flatten();
    let listed = listed.map(|parameter| {
        let text = |key: &str| parameter[key].as_str().unwrap();
        format!("{} {} {}", text("in"), text("name"), parameter["required"])
    });
    let form = form(operation);
    let is_required =
        |name: &String| form["required"].as_array().into_iter().flatten().any(|required| required == name);
    let fields = form["properties"].as_object().into_iter().flatten();
    listed.chain(fields.map(move |(name, _)| format!("body {name} {}", is_required(name))))
}

fn form(operation: &Value) -> &Value {
    let content = operation["requestBody"]["content"].as_object();
    content.and_then(|content| content.values().next()).map_or(&Value::Null, |content| &content["schema"])
}

fn schema_of<'a>(operation: &'a Value, param: &Param) -> &'a Value {
    let mut listed = operation["parameters"].as_array().into_iter().flatten();
    match listed.find(|parameter| parameter["name"] == param.name) {
        Some(parameter) => &parameter["schema"],
        None => &form(operation)["properties"][param.name],
    }
}

fn limits(schema: &Value, param: &Param) {
    match param.kind {
        Kind::Text(most) | Kind::Secret(most) => assert_eq!(schema["maxLength"], most),
        Kind::OneOf(names) => assert_eq!(schema["enum"], serde_json::json!(names)),
        Kind::Int => {
            assert_eq!(schema["default"].as_i64(), param.default.map(i64::from));
            assert_eq!(schema["minimum"].as_i64(), param.least.map(i64::from));
        }
        Kind::Bool | Kind::AnyText | Kind::Date | Kind::Json | Kind::Ids | Kind::File => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let document = document();
    let mut wanted = BTreeSet::new();
    collect(&document, &mut wanted);
    let prefix = "#/components/schemas/";
    let known = document["components"]["schemas"].as_object().unwrap().keys().map(|name| format!("{prefix}{name}"));
    assert_eq!(known.collect::<BTreeSet<_>>(), wanted);
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            references.extend(object.get("$ref").map(|reference| reference.as_str().unwrap().to_owned()));
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[test]
fn the_document_keeps_the_rules_of_openapi() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "/escheduler");
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut used = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id) && id.chars().all(char::is_alphanumeric), "{name}: {id}");
        assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{name}");
        let of = operation["tags"].as_array().unwrap();
        used.extend(of.iter().map(|tag| tag.as_str().unwrap()));
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("200") || responses.contains_key("201"), "{name}");
        for (status, response) in responses {
            assert!(status.parse::<u16>().is_ok() && !response["description"].as_str().unwrap().is_empty(), "{name}");
        }
        let open = operation["security"] == serde_json::json!([]);
        assert_eq!(open, name.ends_with("/login") || responses.get("401").is_none(), "{name}");
        let in_path = name.matches('{').count();
        let listed = operation["parameters"].as_array().into_iter().flatten();
        assert_eq!(listed.filter(|parameter| parameter["in"] == "path").count(), in_path, "{name}");
    }
    assert_eq!(used, tags);
}

#[test]
fn every_schema_is_one_by_the_rules_of_json_schema() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let checked = jsonschema::draft202012::meta::validate(schema);
        checked.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let mut checked = 0;
    schemas(&document["paths"], &mut |schema| {
        let valid = jsonschema::draft202012::meta::validate(schema);
        valid.unwrap_or_else(|error| panic!("{schema}: {error}"));
        checked += 1;
    });
    assert!(checked > 133);
}

fn schemas(value: &Value, check: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(object) => {
            object.get("schema").into_iter().for_each(&mut *check);
            object.values().for_each(|value| schemas(value, check));
        }
        Value::Array(list) => list.iter().for_each(|value| schemas(value, check)),
        _ => {}
    }
}

#[test]
fn an_operation_says_who_may_call_it_and_what_can_go_wrong() {
    let document = document();
    let create = &document["paths"]["/users/create"]["post"];
    assert_eq!(create["x-permission"], "administrators");
    let codes: Vec<i64> =
        create["x-codes"].as_array().unwrap().iter().map(|code| code["code"].as_i64().unwrap()).collect();
    assert_eq!(codes, [10001, 10003, 10017, 10090, 30001]);
    let upload = &document["paths"]["/resources/create"]["post"]["requestBody"]["content"];
    assert!(upload.get("multipart/form-data").is_some() && upload.as_object().unwrap().len() == 1);
    let data = &create["responses"]["201"]["content"]["application/json"]["schema"]["oneOf"][0]["properties"]["data"];
    assert_eq!(data["type"], "null");
}

#[test]
fn a_site_without_a_base_path_is_its_own_server() {
    assert_eq!(serde_json::to_value(of("")).unwrap()["servers"][0]["url"], "/");
}
