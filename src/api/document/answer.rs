//! What the data of an answer looks like.

use crate::api::shapes::*;
use crate::api::table::Kind;
use std::collections::BTreeMap;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A type that a row can answer with.
pub trait Answer {
    const KIND: Kind = Kind::Json;

    /// Its schema; those that it needs are added to the shapes.
    fn shape(shapes: &mut Shapes) -> RefOr<Schema>;
}

/// The schemas that have a name.
#[derive(Default)]
pub struct Shapes(BTreeMap<String, RefOr<Schema>>);

impl Shapes {
    /// A reference to the schema of a type.
    pub fn named<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        if !self.0.contains_key(&name) {
            let mut found = vec![(name.clone(), T::schema())];
            T::schemas(&mut found);
            self.0.extend(found.into_iter().map(|(name, schema)| (name, complete(schema))));
        }
        Ref::from_schema_name(name).into()
    }

    pub fn all(self) -> BTreeMap<String, RefOr<Schema>> {
        self.0
    }
}

/// No key of an answer is ever left out, not even one that is null.
fn complete(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.required = object.properties.keys().cloned().collect();
            object.into()
        }
        RefOr::T(Schema::AllOf(mut all)) => {
            all.items = all.items.into_iter().map(complete).collect();
            Schema::AllOf(all).into()
        }
        other => other,
    }
}

macro_rules! named {
    ($($shape:ident)*) => {$(
        impl Answer for $shape {
            fn shape(shapes: &mut Shapes) -> RefOr<Schema> {
                shapes.named::<$shape>()
            }
        }
    )*};
}

named! {
    AccessToken AlertGroup Audited Authors Backfill ChildInstance CommandCount Content DataSource DataSourceForm DatabaseState
    Definition FullInstance FullTask Gantt GrantedResource Instance InstanceTasks Node ParentInstance Project Queue
    QueueCount Receivers Resource Schedule Server StateCounts Task Tenant Tree Udf User Variables Why WorkerGroup
    ZookeeperState
}

macro_rules! plain {
    ($($kind:ident)*) => {$(
        impl Answer for $kind {
            fn shape(_: &mut Shapes) -> RefOr<Schema> {
                $kind::schema()
            }
        }
    )*};
}

plain! { Nothing String bool }

impl Answer for File {
    const KIND: Kind = Kind::File;

    fn shape(_: &mut Shapes) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).content_media_type("application/octet-stream").into()
    }
}

impl<T: Answer> Answer for Vec<T> {
    fn shape(shapes: &mut Shapes) -> RefOr<Schema> {
        ArrayBuilder::new().items(T::shape(shapes)).into()
    }
}

impl<T: Answer> Answer for Option<T> {
    fn shape(shapes: &mut Shapes) -> RefOr<Schema> {
        OneOfBuilder::new().item(Nothing::schema()).item(T::shape(shapes)).into()
    }
}

/// Keys are ids, as texts.
impl<T: Answer> Answer for BTreeMap<String, T> {
    fn shape(shapes: &mut Shapes) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(T::shape(shapes))).into()
    }
}

impl<T: Answer> Answer for Listed<T> {
    fn shape(shapes: &mut Shapes) -> RefOr<Schema> {
        let number = |about: &str| ObjectBuilder::new().schema_type(Type::Integer).description(Some(about)).build();
        let page = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("totalList", Vec::<T>::shape(shapes))
            .property("total", number("How many rows all pages have."))
            .property("currentPage", number("The number of this page, from 1."))
            .property("totalPage", number("How many pages there are."));
        complete(page.into())
    }
}
