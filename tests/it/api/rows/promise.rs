//! What the document of the API promises about the answers of a row.

use super::super::client::Answer;
use super::super::world::{BASE, World};
use super::specification::{FILE, Spec};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The document as it is served.
pub struct Document(Value);

/// What is promised about one row.
pub struct Promise {
    /// `None` where the answer is no JSON.
    answers: Option<Validator>,
}

impl Document {
    pub fn of(world: &World) -> Document {
        Document(world.stranger().raw("GET", &format!("{BASE}/openapi.json"), &[], &[]).json())
    }

    pub fn promise(&self, spec: &Spec) -> Promise {
        if spec.generic == FILE {
            return Promise { answers: None };
        }
        let operation = &self.0["paths"][format!("/{}", spec.path)][spec.method.to_lowercase()];
        let content = &operation["responses"][spec.status.to_string()]["content"]["application/json"];
        let schema = json!({"allOf": [content["schema"]], "components": self.0["components"]});
        let validator = jsonschema::draft202012::new(&schema);
        Promise { answers: Some(validator.unwrap_or_else(|error| panic!("{}: {error}", spec.name()))) }
    }
}

impl Promise {
    /// Whether an answer with the status of the row is as it was promised.
    pub fn kept(&self, spec: &Spec, answer: &Answer) -> Result<(), String> {
        let Some(validator) = self.answers.as_ref().filter(|_| answer.status == spec.status) else { return Ok(()) };
        let errors: Vec<String> = validator
            .iter_errors(&answer.json())
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        match errors.is_empty() {
            true => Ok(()),
            false => Err(format!("not as the document says: {}: {}", errors.join("; "), answer.text())),
        }
    }
}
