//! How the nouns of the field look on the wire, for the document. The nouns themselves know nothing of it.

use crate::api::shapes::Nothing;
use crate::model::*;
use std::borrow::Cow;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// One of these names.
macro_rules! enumerations {
    ($($noun:ident)*) => {$(
        impl PartialSchema for $noun {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some($noun::NAMES.iter().copied())).into()
            }
        }

        impl ToSchema for $noun {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($noun))
            }
        }
    )*};
}

/// Numbers of 32 bits.
macro_rules! ids {
    ($($noun:ident)*) => {$(
        impl PartialSchema for $noun {
            fn schema() -> RefOr<Schema> {
                i32::schema()
            }
        }

        impl ToSchema for $noun {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($noun))
            }
        }
    )*};
}

enumerations! {
    AlertType BackfillState CommandType DateOrder DataType DbType Direct DstGap DstOverlap FailureStrategy Flag MisfirePolicy OverlapPolicy
    Priority ReleaseState ResourceType RunMode State TaskDependType UdfType UserType WarningType
}

ids! { DataSourceId DefinitionId InstanceId ProjectId ResourceId ScheduleId TaskId UdfId UserId }

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("Milliseconds since 1970-01-01T00:00:00Z."))
            .into()
    }
}

impl ToSchema for Time {}

impl PartialSchema for Nothing {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Null).into()
    }
}

impl ToSchema for Nothing {}

impl PartialSchema for Property {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("A global or local parameter."))
            .property("prop", String::schema())
            .property("direct", Direct::schema())
            .property("type", DataType::schema())
            .property("value", String::schema())
            .into()
    }
}

impl ToSchema for Property {}
