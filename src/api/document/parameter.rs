//! A declared parameter as the document shows it.

use crate::api::param::{Kind, Param};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Required, Schema};

/// In the query, or in the path.
pub fn of(param: &Param, place: ParameterIn) -> Parameter {
    ParameterBuilder::new()
        .name(param.name)
        .parameter_in(place)
        .required(if param.required { Required::True } else { Required::False })
        .description(Some(param.about))
        .schema(Some(Schema::Object(schema(param))))
        .build()
}

/// What the text of it may be.
pub fn schema(param: &Param) -> Object {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let format = |format| Some(SchemaFormat::KnownFormat(format));
    let schema = match param.kind {
        Kind::Int => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(format(KnownFormat::Int32))
            .minimum(param.least)
            .default(param.default.map(Into::into)),
        Kind::Bool => ObjectBuilder::new().schema_type(Type::Boolean),
        Kind::Text(most) => text().max_length(Some(most)),
        Kind::AnyText => text(),
        Kind::Secret(most) => text().max_length(Some(most)).format(format(KnownFormat::Password)),
        Kind::OneOf(names) => text().enum_values(Some(names.iter().copied())),
        Kind::Date => text().pattern(Some(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$")).examples(["2026-01-31 08:00:00"]),
        Kind::Json => text().content_media_type("application/json"),
        Kind::Ids => text().pattern(Some(r"^[\d ,]*$")).examples(["1,2,3"]),
        Kind::File => text().content_media_type("application/octet-stream"),
    };
    schema.description(Some(param.about)).build()
}
