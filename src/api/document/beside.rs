//! What is served beside the table, without a login.

use super::answer::Shapes;
use super::operation::{envelope, refusal};
use super::rooms;
use crate::api::code::Code;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, ResponseBuilder};

/// The paths, all of them for GET and all beyond the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    Health,
    Readiness,
    Document,
    Docs,
}

/// That the process answers.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `up`
    pub status: &'static str,
}

/// That the process can do its part.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// `ready`
    pub status: &'static str,
    /// `up`
    pub database: &'static str,
    /// Each role of the process, and that it is up.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub roles: serde_json::Map<String, serde_json::Value>,
}

impl Beside {
    pub const ALL: &[Beside] = &[Beside::Health, Beside::Readiness, Beside::Document, Beside::Docs];

    /// Below the base path.
    pub fn path(self) -> &'static str {
        match self {
            Beside::Health => "healthz",
            Beside::Readiness => "readyz",
            Beside::Document => "openapi.json",
            Beside::Docs => "docs/",
        }
    }

    pub fn operation(self, shapes: &mut Shapes) -> Operation {
        let (id, about) = match self {
            Beside::Health => ("healthz", "Tells that this process answers."),
            Beside::Readiness => ("readyz", "Tells whether the roles of this process are up and the database answers."),
            Beside::Document => ("openapi", "This document."),
            Beside::Docs => ("docs", "The page that shows this document and calls what it describes."),
        };
        let operation = OperationBuilder::new()
            .tag(rooms::of(self.path()))
            .operation_id(Some(id))
            .summary(Some(about))
            .description(Some("Who may call: everybody, without a login. Beyond EasyScheduler 1.x."))
            .securities(Some([]));
        let json = |schema| ContentBuilder::new().schema(Some(schema)).build();
        let good = ResponseBuilder::new();
        match self {
            Beside::Health => {
                let shape = envelope(shapes.named::<Health>());
                operation.response("200", good.description("It does.").content("application/json", json(shape)))
            }
            Beside::Readiness => {
                let shape = envelope(shapes.named::<Readiness>());
                let bad = refusal(shapes, &[Code::NOT_READY.number]);
                operation
                    .response("200", good.description("It is ready.").content("application/json", json(shape)))
                    .response(
                        "503",
                        ResponseBuilder::new()
                            .description("It is not; `msg` says what is missing.")
                            .content("application/json", json(bad)),
                    )
            }
            Beside::Document => {
                let object = ObjectBuilder::new().schema_type(Type::Object).into();
                operation.response("200", good.description("OpenAPI 3.1.").content("application/json", json(object)))
            }
            Beside::Docs => {
                let text = ObjectBuilder::new().schema_type(Type::String).into();
                operation.response("200", good.description("A page.").content("text/html", json(text)))
            }
        }
        .build()
    }
}
