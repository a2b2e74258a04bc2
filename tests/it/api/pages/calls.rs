//! The calls of a page as a table: each is sent as the front-end sends it, must not fail, and must answer with every
//! key that the page reads.

use super::super::client::{Answer, Client};
use serde_json::Value;
use std::collections::HashMap;

/// One call. In its texts `{x}` stands for what was kept or told as `x`.
pub struct Call {
    is_post: bool,
    path: &'static str,
    /// As in a query, but nothing is encoded.
    form: &'static str,
    reads: Reads,
    keep: Option<Keep>,
}

/// What the page takes out of an answer: keys, separated by blanks.
enum Reads {
    /// Whether it was a success.
    Nothing,
    Text,
    Object(&'static str),
    /// A list of objects; an empty one would prove nothing.
    List(&'static str),
    /// The same of the list under a key of the answer.
    Under(&'static str, &'static str),
    /// The same of one page of a list.
    Rows(&'static str),
    /// A file of this content.
    File(&'static str),
}

/// The row whose key has this value; its id is kept under the name.
struct Keep {
    name: &'static str,
    key: &'static str,
    value: &'static str,
}

pub const fn get(path: &'static str, form: &'static str) -> Call {
    Call { is_post: false, path, form, reads: Reads::Nothing, keep: None }
}

pub const fn post(path: &'static str, form: &'static str) -> Call {
    Call { is_post: true, ..get(path, form) }
}

impl Call {
    pub const fn text(self) -> Call {
        Call { reads: Reads::Text, ..self }
    }

    pub const fn object(self, keys: &'static str) -> Call {
        Call { reads: Reads::Object(keys), ..self }
    }

    pub const fn list(self, keys: &'static str) -> Call {
        Call { reads: Reads::List(keys), ..self }
    }

    pub const fn under(self, key: &'static str, keys: &'static str) -> Call {
        Call { reads: Reads::Under(key, keys), ..self }
    }

    pub const fn rows(self, keys: &'static str) -> Call {
        Call { reads: Reads::Rows(keys), ..self }
    }

    pub const fn file(self, content: &'static str) -> Call {
        Call { reads: Reads::File(content), ..self }
    }

    /// Keeps the id of the row whose `key` is `value`.
    pub const fn keep(self, name: &'static str, key: &'static str, value: &'static str) -> Call {
        Call { keep: Some(Keep { name, key, value }), ..self }
    }
}

/// One page in somebody's browser.
pub struct Page<'a> {
    pub name: &'static str,
    pub who: &'a Client,
    known: HashMap<&'static str, String>,
}

impl Page<'_> {
    pub fn new<'a>(name: &'static str, who: &'a Client, told: &[(&'static str, &str)]) -> Page<'a> {
        Page { name, who, known: told.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }
    }

    /// Makes the calls, in order.
    pub fn load(&mut self, calls: &[Call]) {
        for call in calls {
            self.make(call);
        }
    }

    fn make(&mut self, call: &Call) {
        let (path, form) = (self.filled(call.path), self.filled(call.form));
        let pairs = form.split('&').filter(|pair| !pair.is_empty());
        let pairs: Vec<(&str, &str)> = pairs.map(|pair| pair.split_once('=').unwrap()).collect();
        if let Reads::File(content) = call.reads {
            let file = self.who.get(&path, &pairs);
            assert_eq!((file.status, file.text().as_str()), (200, content), "{}: {path}", self.name);
            assert!(file.header("content-disposition").starts_with("attachment; filename="), "{path}");
            return;
        }
        let answer = if call.is_post { self.post(&path, &pairs) } else { self.get(&path, &pairs) };
        let data = answer.data();
        self.read(&path, &call.reads, &data);
        if let Some(keep) = &call.keep {
            let (value, rows) = (self.filled(keep.value), rows(&data));
            let row = rows.iter().find(|row| row[keep.key] == *value);
            let row = row.unwrap_or_else(|| panic!("{}: {path}: no {value} in {data}", self.name));
            self.known.insert(keep.name, row["id"].to_string());
        }
    }

    fn read(&self, path: &str, reads: &Reads, data: &Value) {
        let (objects, keys) = match reads {
            Reads::Nothing | Reads::File(_) => return,
            Reads::Text => return assert!(data.is_string(), "{}: {path}: {data}", self.name),
            Reads::Object(keys) => (std::slice::from_ref(data), keys),
            Reads::Under(key, keys) => (rows(&data[*key]), keys),
            Reads::List(keys) | Reads::Rows(keys) => (rows(data), keys),
        };
        assert!(!objects.is_empty(), "{}: {path} shows nothing: {data}", self.name);
        if let Reads::Rows(_) = reads {
            assert!(data["total"].as_u64() >= Some(objects.len() as u64), "{}: {path}: {data}", self.name);
        }
        for object in objects {
            let missing = keys.split(' ').map(|key| self.filled(key)).find(|key| object.get(key).is_none());
            assert_eq!(missing, None, "{}: {path}: {object}", self.name);
        }
    }

    /// What the front-end does with a GET: null is left out, and `_t` keeps caches away.
    pub fn get(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let form: Vec<_> = form.iter().copied().chain([("_t", "0.8146")]).collect();
        self.succeeded(path, self.who.get(path, &form))
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.succeeded(path, self.who.post(path, form))
    }

    /// The dialog that uploads a file; keeps its id.
    pub fn upload(&mut self, keep: &'static str, kind: &str, name: &str, content: &str) {
        let form = [("type", kind), ("name", name), ("desc", "")];
        let path = format!("{}/resources/create", super::super::BASE);
        let made = self.succeeded(&path, self.who.upload(&path, &form, name, content.as_bytes(), &[])).data();
        self.known.insert(keep, made["id"].to_string());
    }

    fn succeeded(&self, path: &str, answer: Answer) -> Answer {
        assert!(matches!(answer.status, 200 | 201), "{}: {path}: HTTP {}", self.name, answer.status);
        assert_eq!(answer.code(), 0, "{}: {path}: {}", self.name, answer.text());
        assert!(!answer.msg().is_empty(), "{}: {path}: the front-end shows the text", self.name);
        answer
    }

    fn filled(&self, text: &str) -> String {
        let known = |text: String, (name, value): (&&str, &String)| text.replace(&format!("{{{name}}}"), value);
        self.known.iter().fold(text.to_owned(), known)
    }
}

fn rows(data: &Value) -> &[Value] {
    data.as_array().or_else(|| data["totalList"].as_array()).map_or(&[], Vec::as_slice)
}
