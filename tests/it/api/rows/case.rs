//! What is to be shown of a row: its right call, and one call for each code.

use super::scene::{Scene, Who};
use super::shape::Shape;
use serde_json::Value;
use std::fmt::Display;

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pub pairs: Vec<(String, String)>,
    /// The name and the content of an uploaded file.
    pub file: Option<(String, Vec<u8>)>,
    pub headers: Vec<(String, String)>,
}

/// Parameters; `{projectName}` is the one of the path, which is `billing` if it is not there.
pub fn form(pairs: &[(&str, &dyn Display)]) -> Form {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
    Form { pairs, ..Form::default() }
}

impl Form {
    /// With a file in the part called `file`.
    pub fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Form {
        self.file = Some((name.to_owned(), content.into()));
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Form {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this parameter, or without the file.
    pub fn without(mut self, name: &str) -> Form {
        self.pairs.retain(|(known, _)| known != name);
        if name == "file" {
            self.file = None;
        }
        self
    }

    /// With these instead.
    pub fn changed(mut self, by: Form) -> Form {
        for (name, value) in by.pairs {
            self.pairs.retain(|(known, _)| *known != name);
            self.pairs.push((name, value));
        }
        self.headers.extend(by.headers);
        self.file = by.file.or(self.file);
        self
    }
}

pub type Make = Box<dyn Fn(&Scene, usize) -> Form + Send + Sync>;

/// A call that is refused with a code.
pub struct Refusal {
    pub code: i64,
    /// Who calls; the one who may, if it does not matter.
    pub who: Option<Who>,
    /// What differs from the right call.
    pub change: Make,
}

/// What is to be shown of a row.
pub struct Row {
    pub name: &'static str,
    pub shape: Shape,
    pub right: Make,
    pub refusals: Vec<Refusal>,
    pub sees: Option<fn(&Scene, &Value)>,
    pub may_be_empty: bool,
    pub without_store: bool,
    pub changes_login: bool,
}

/// A row by its name, `METHOD path` as in the specification, with the shape of its data and the parameters of a right
/// call. These are made anew for each call, with a number that no other call of the scene gets, so that each caller
/// creates, renames or deletes something of its own. What is to be deleted is created first, by its owner alice.
pub fn row(name: &'static str, shape: Shape, right: impl Fn(&Scene, usize) -> Form + Send + Sync + 'static) -> Row {
    Row {
        name,
        shape,
        right: Box::new(right),
        refusals: Vec::new(),
        sees: None,
        may_be_empty: false,
        without_store: false,
        changes_login: false,
    }
}

impl Row {
    /// This code is the answer when the right call is changed so, whoever may call it.
    pub fn code(self, code: i64, change: impl Fn(&Scene, usize) -> Form + Send + Sync + 'static) -> Row {
        self.refused(code, None, change)
    }

    /// The same for a caller of whom it depends.
    pub fn code_for(self, who: Who, code: i64, change: impl Fn(&Scene, usize) -> Form + Send + Sync + 'static) -> Row {
        self.refused(code, Some(who), change)
    }

    fn refused(
        mut self,
        code: i64,
        who: Option<Who>,
        change: impl Fn(&Scene, usize) -> Form + Send + Sync + 'static,
    ) -> Row {
        self.refusals.push(Refusal { code, who, change: Box::new(change) });
        self
    }

    /// What the one who may call it sees: looks at `data` and panics if it is wrong.
    pub fn sees(self, check: fn(&Scene, &Value)) -> Row {
        Row { sees: Some(check), ..self }
    }

    /// A list that is rightly empty.
    pub fn may_be_empty(self) -> Row {
        Row { may_be_empty: true, ..self }
    }

    /// It does its work without the store, so that only the check of the login can fail.
    pub fn without_store(self) -> Row {
        Row { without_store: true, ..self }
    }

    /// Whoever has called it must log in again.
    pub fn changes_login(self) -> Row {
        Row { changes_login: true, ..self }
    }
}
