//! The operations of the document, and what each of their fields is meant to hold.

use super::values::Kind;
use crate::dice::Dice;
use serde_json::Value;
use std::collections::BTreeSet;

/// One call.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub fields: Vec<Field>,
    pub is_upload: bool,
    /// The HTTP statuses that it is documented with.
    pub statuses: BTreeSet<u16>,
    /// The codes that a client can be told.
    pub codes: BTreeSet<i64>,
    /// The one of what nobody foresaw.
    pub generic: i64,
    /// Whether that number is the one of a refusal as well.
    pub is_shared: bool,
    pub needs_login: bool,
}

pub struct Field {
    pub name: String,
    pub place: Place,
    schema: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Body,
    File,
}

impl Operation {
    /// All of a document, in its order.
    pub fn all(document: &Value) -> Vec<Operation> {
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().expect("it has paths") {
            for (method, operation) in item.as_object().expect("a path has operations") {
                all.push(Operation::of(path, method, operation));
            }
        }
        all
    }

    fn of(path: &str, method: &str, operation: &Value) -> Operation {
        let listed = operation["parameters"].as_array().into_iter().flatten();
        let mut fields: Vec<Field> = listed
            .map(|parameter| Field {
                name: parameter["name"].as_str().expect("a name").to_owned(),
                place: if parameter["in"] == "path" { Place::Path } else { Place::Query },
                schema: parameter["schema"].clone(),
            })
            .collect();
        let content = operation["requestBody"]["content"].as_object();
        let (kind, form) =
            content.and_then(|content| content.iter().next()).map_or(("", &Value::Null), |(kind, form)| (kind, form));
        for (name, schema) in form["schema"]["properties"].as_object().into_iter().flatten() {
            let is_file = schema["contentMediaType"] == "application/octet-stream";
            let place = if is_file { Place::File } else { Place::Body };
            fields.push(Field { name: name.clone(), place, schema: schema.clone() });
        }
        let codes = operation["x-codes"].as_array().into_iter().flatten();
        Operation {
            method: method.to_uppercase(),
            path: path.to_owned(),
            fields,
            is_upload: kind == "multipart/form-data",
            statuses: operation["responses"]
                .as_object()
                .expect("responses")
                .keys()
                .map(|status| status.parse().expect("a status"))
                .collect(),
            codes: codes.map(|code| code["code"].as_i64().expect("a code")).collect(),
            generic: operation["x-generic-code"].as_i64().unwrap_or_default(),
            is_shared: is_shared(operation),
            needs_login: operation["responses"].get("401").is_some(),
        }
    }
}

/// The generic code means what begins with one text, and a refusal of that number something else.
fn is_shared(operation: &Value) -> bool {
    let mut codes = operation["x-codes"].as_array().into_iter().flatten();
    let generic = codes.find(|code| code["code"] == operation["x-generic-code"]);
    let meanings: Vec<&str> =
        generic.and_then(|code| code["meanings"].as_array()).into_iter().flatten().filter_map(Value::as_str).collect();
    let text = meanings.last().and_then(|last| last.split(',').next()).unwrap_or_default();
    meanings.iter().any(|meaning| !meaning.starts_with(text))
}

impl Field {
    pub fn kind(&self) -> Kind {
        let pattern = self.schema["pattern"].as_str().unwrap_or_default();
        match self.schema["type"].as_str() {
            Some("integer") => Kind::Integer,
            Some("boolean") => Kind::Flag,
            _ if pattern.starts_with(r"^\d{4}") => Kind::Date,
            _ if pattern.starts_with(r"^[\d") => Kind::List,
            _ if self.schema["contentMediaType"] == "application/json" => Kind::Json,
            _ => Kind::Text,
        }
    }

    /// What a front-end could send, so that the hostile fields beside it are looked at as well.
    pub fn plain(&self, dice: &mut Dice, number: u64) -> String {
        if let Some(names) = self.schema["enum"].as_array() {
            return names[dice.below(names.len() as u64) as usize].as_str().expect("a name").to_owned();
        }
        match (self.kind(), self.name.as_str()) {
            // Never 1, which is the id of what belongs to somebody else.
            (Kind::Integer, _) => (2 + dice.below(8)).to_string(),
            (Kind::Flag, _) => ["true", "false"][dice.below(2) as usize].to_owned(),
            (Kind::Date, _) => "2026-03-01 08:00:00".to_owned(),
            (Kind::List, _) => format!("{},{}", 2 + dice.below(4), 6 + dice.below(4)),
            (Kind::Json, "schedule") => {
                r#"{"startTime":"2026-01-01 00:00:00","endTime":"2099-01-01 00:00:00","crontab":"0 0 2 1 1 ? *"}"#
                    .to_owned()
            }
            (Kind::Json, name) if name.starts_with("process") => super::grounds::workflow(),
            (Kind::Json, "connects") => "[]".to_owned(),
            (Kind::Json, _) => "{}".to_owned(),
            (Kind::Text, "projectName") if self.place == Place::Path => "sandbox".to_owned(),
            (Kind::Text, "host") => "127.0.0.1".to_owned(),
            (Kind::Text, "suffix") => "sh".to_owned(),
            (Kind::Text, "email") => format!("n{number}@example.org"),
            (Kind::Text, "startNodeList") => "one".to_owned(),
            (Kind::Text, "name")
                if self.schema["description"].as_str().is_some_and(|about| about.contains("tasks use")) =>
            {
                format!("n{number}.sh")
            }
            (Kind::Text, "token") => format!("token-of-hostile-{number:08}"),
            (Kind::Text, "searchVal" | "taskName") => String::new(),
            (Kind::Text, _) => format!("n{number}"),
        }
    }
}
