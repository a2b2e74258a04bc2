//! A row of the table as an operation of the document.

use super::answer::Shapes;
use super::{callers, parameter, rooms};
use crate::api::code::Code;
use crate::api::language::Language;
use crate::api::param::{Kind as ParamKind, Param, need};
use crate::api::permission::Permission;
use crate::api::table::{Kind, Route};
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Content, ContentBuilder, RefOr, Required, Response, ResponseBuilder, Schema};

const PROJECT_NAME: Param = need("projectName", ParamKind::Text(100), "The name of the project.");

/// An answer that refuses.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described; answers are written by hand")]
struct Refusal {
    /// Not 0.
    code: i32,
    /// What went wrong, in words.
    msg: String,
    data: crate::api::shapes::Nothing,
}

pub fn of(route: &Route, shapes: &mut Shapes) -> Operation {
    let codes = codes(route);
    let extensions = ExtensionsBuilder::new()
        .add("x-permission", callers::who(route.permission))
        .add("x-codes", listed(&codes))
        .add("x-generic-code", route.generic.number)
        .build();
    let mut operation = OperationBuilder::new()
        .tag(rooms::of(route.path))
        .operation_id(Some(id(route)))
        .summary(Some(route.about))
        .description(Some(description(route, &codes)))
        .extensions(Some(extensions));
    if route.permission == Permission::Open {
        operation = operation.securities(Some([]));
    }
    if route.path.contains("{projectName}") {
        operation = operation.parameter(parameter::of(&PROJECT_NAME, ParameterIn::Path));
    }
    if route.method == Method::POST {
        operation = operation.request_body(body(route));
    } else {
        for param in route.params {
            operation = operation.parameter(parameter::of(param, ParameterIn::Query));
        }
    }
    let good = route.status.as_str().to_owned();
    operation = operation.response(good, answered(route, &codes, shapes));
    if route.kind == Kind::File || !route.params.is_empty() || route.path.contains('{') {
        operation = operation.response("400", unreadable(route, shapes));
    }
    if route.permission != Permission::Open {
        operation =
            operation.response("401", ResponseBuilder::new().description("Nobody is logged in; nothing follows."));
    }
    if route.method == Method::POST {
        let too_large = envelope_content(refusal(shapes, &[Code::PARAMETER.number]));
        operation = operation.response("413", response("The request is larger than the operator allows.", too_large));
    }
    if route.permission == Permission::Open {
        let wait = envelope_content(refusal(shapes, &[Code::TOO_MANY_LOGINS.number]));
        operation = operation.response("429", response("Too many log-ins have failed.", wait));
    }
    operation.build()
}

/// The path in one word, without the project in front.
fn id(route: &Route) -> String {
    let mut id = String::new();
    let words = route.path.split(['/', '-']).filter(|word| !word.is_empty() && !word.starts_with('{'));
    for word in words {
        let (first, rest) = word.split_at(usize::from(word.is_char_boundary(1)));
        id += &if id.is_empty() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() };
        id += rest;
    }
    id
}

/// What a client can be told, each number once with all its meanings.
fn codes(route: &Route) -> BTreeMap<i32, Vec<String>> {
    let mut codes: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    let mut add = |number: i32, text: String| {
        let texts = codes.entry(number).or_default();
        if !texts.contains(&text) {
            texts.push(text);
        }
    };
    let text = |code: Code| code.text(Language::English, &vec!["…".to_owned(); code.arguments()]);
    if !route.params.is_empty() || route.path.contains('{') {
        add(Code::PARAMETER.number, text(Code::PARAMETER));
    }
    for code in route.permission.refuses().into_iter().chain(route.refuses.iter().copied()) {
        add(code.number, text(code));
    }
    if !route.by_link {
        add(Code::FOREIGN_LINK.number, text(Code::FOREIGN_LINK));
    }
    for code in route.permission.because().into_iter().chain(route.because.iter().copied()) {
        add(route.generic.number, format!("{}: {}", text(route.generic), text(code)));
    }
    add(route.generic.number, format!("{}, for the reason that `msg` gives", text(route.generic)));
    codes
}

fn listed(codes: &BTreeMap<i32, Vec<String>>) -> Value {
    codes.iter().map(|(code, texts)| json!({"code": code, "meanings": texts})).collect()
}

fn description(route: &Route, codes: &BTreeMap<i32, Vec<String>>) -> String {
    let beyond = if route.beyond { " Beyond EasyScheduler 1.x." } else { "" };
    let noted = if route.changes { " It leaves an audit row." } else { "" };
    let mut text = format!("Who may call: {}.{beyond}{noted}\n\n", callers::who(route.permission));
    if route.kind == Kind::File {
        return text + "A refusal is HTTP 400 with a text.\n";
    }
    text += "| code | meaning |\n|---|---|\n";
    for (code, texts) in codes {
        text += &format!("| {code} | {} |\n", texts.join("; "));
    }
    text
}

/// A form, of the type that files need where there is one.
fn body(route: &Route) -> Option<RequestBody> {
    if route.params.is_empty() {
        return None;
    }
    let mut object = ObjectBuilder::new().schema_type(Type::Object);
    for param in route.params {
        object = object.property(param.name, Schema::Object(parameter::schema(param)));
        if param.required {
            object = object.required(param.name);
        }
    }
    let kind = if route.takes_file() { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
    let required = route.params.iter().any(|param| param.required);
    let content = ContentBuilder::new().schema(Some(object)).build();
    let required = if required { Required::True } else { Required::False };
    Some(RequestBodyBuilder::new().content(kind, content).required(Some(required)).build())
}

fn answered(route: &Route, codes: &BTreeMap<i32, Vec<String>>, shapes: &mut Shapes) -> Response {
    let shape = (route.shape)(shapes);
    if route.kind == Kind::File {
        let file = ContentBuilder::new().schema(Some(shape)).build();
        return ResponseBuilder::new().description("The file.").content("application/octet-stream", file).build();
    }
    let numbers: Vec<i32> = codes.keys().copied().collect();
    let either = OneOfBuilder::new().item(envelope(shape)).item(refusal(shapes, &numbers));
    response("The data, or why there is none.", envelope_content(either.into()))
}

fn unreadable(route: &Route, shapes: &mut Shapes) -> Response {
    match route.kind {
        Kind::File => {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let content = ContentBuilder::new().schema(Some(text)).build();
            ResponseBuilder::new().description("Why there is no file.").content("text/plain", content).build()
        }
        Kind::Json => {
            let content = envelope_content(refusal(shapes, &[Code::PARAMETER.number]));
            response("A parameter is missing or cannot be read.", content)
        }
    }
}

fn response(about: &str, content: Content) -> Response {
    ResponseBuilder::new().description(about).content("application/json", content).build()
}

fn envelope_content(schema: RefOr<Schema>) -> Content {
    ContentBuilder::new().schema(Some(schema)).build()
}

/// The envelope around data of that shape.
pub fn envelope(data: RefOr<Schema>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("code", ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([0])))
        .property("msg", ObjectBuilder::new().schema_type(Type::String))
        .property("data", data)
        .required("code")
        .required("msg")
        .required("data")
        .into()
}

/// The envelope of a refusal with one of these codes.
pub fn refusal(shapes: &mut Shapes, codes: &[i32]) -> RefOr<Schema> {
    let code = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some(codes.iter().copied()));
    let these = ObjectBuilder::new().schema_type(Type::Object).property("code", code);
    AllOfBuilder::new().item(shapes.named::<Refusal>()).item(these).into()
}
