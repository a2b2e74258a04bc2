//! Changes of uploaded files, each in two writes with the work on the file between them.
//!
//! The first write notes what is about to happen and keeps others from the names and from the resource; the second one
//! makes it true and removes the note. Whoever finds a note whose maker is gone puts the file where the row says,
//! and removes what no row names: so row and file agree again, whoever died between.

use super::{Resource, named};
use crate::model::{ResourceId, ResourceType, Time, UserId};
use crate::store::entity::{relation_resources_user, resource_change, resources, udfs};
use crate::store::list::exactly;
use crate::store::{Error, Store, lock, utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

/// A note about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeId(i32);

impl std::fmt::Display for ChangeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What is about to happen to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ResourceType,
    pub tenant: String,
    /// `None` if the resource is new.
    pub resource: Option<ResourceId>,
    /// The name that the file has; `None` if it is new.
    pub from: Option<String>,
    /// The name that the file will have; `None` if it is to go.
    pub to: Option<String>,
    pub at: Time,
}

/// A change that was noted and not ended.
#[derive(Clone, Debug)]
pub struct Begun {
    pub id: ChangeId,
    pub change: Change,
}

/// Why a change cannot begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unchangeable {
    /// The name belongs to another resource of that kind, or is about to.
    NameTaken,
    /// The resource is not there any more, or has another name by now.
    Gone,
    /// Somebody else is changing it.
    Busy,
    /// Functions of these names need it.
    UsedBy(Vec<String>),
}

/// A resource to be.
#[derive(Clone, Debug)]
pub struct NewResource {
    pub alias: String,
    pub file_name: String,
    pub desc: Option<String>,
    pub owner: UserId,
    pub kind: ResourceType,
    pub size: u64,
    pub tenant: String,
    pub at: Time,
}

/// What becomes of a resource that is there; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub alias: Option<String>,
    pub desc: Option<String>,
    pub size: Option<u64>,
}

impl Store {
    /// Notes a change of a file that goes on being there, or comes to be.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin_change(&self, change: Change) -> Result<Result<ChangeId, Unchangeable>, Error> {
        self.write(move |tx| {
            let change = change.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                if let Some(why) = hindrance(tx, &change).await? {
                    return Ok(Err(why));
                }
                note(tx, change).await.map(Ok)
            })
        })
        .await
    }

    /// Deletes the row of a resource and its grants, and notes that the file is to go.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin_removal(&self, resource: Resource, at: Time) -> Result<Result<ChangeId, Unchangeable>, Error> {
        self.change(move |tx| {
            let Resource { id, alias, kind, tenant, .. } = resource.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                lock::row::<resources::Entity>(tx, id.0).await?;
                let change = Change { kind, tenant, resource: Some(id), from: Some(alias), to: None, at };
                if let Some(why) = hindrance(tx, &change).await? {
                    return Ok(Err(why));
                }
                let users = functions_of(tx, id).await?;
                if !users.is_empty() {
                    return Ok(Err(Unchangeable::UsedBy(users)));
                }
                let grants = relation_resources_user::Column::ResourcesId.eq(id.0);
                relation_resources_user::Entity::delete_many().filter(grants).exec(tx).await?;
                resources::Entity::delete_by_id(id.0).exec(tx).await?;
                note(tx, change).await.map(Ok)
            })
        })
        .await
    }

    /// Makes the row of a resource whose file is in its place.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the change was given up for lost meanwhile.
    pub async fn end_creation(&self, id: ChangeId, new: NewResource) -> Result<Resource, Error> {
        self.change(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                end(tx, id).await?;
                let row = resources::ActiveModel {
                    alias: Set(Some(new.alias)),
                    file_name: Set(Some(new.file_name)),
                    desc: Set(new.desc),
                    user_id: Set(Some(new.owner.0)),
                    kind: Set(Some(new.kind.code())),
                    size: Set(Some(column(new.size))),
                    create_time: Set(Some(utc(new.at))),
                    update_time: Set(Some(utc(new.at))),
                    tenant_code: Set(Some(new.tenant)),
                    ..Default::default()
                };
                Ok(row.insert(tx).await?.into())
            })
        })
        .await
    }

    /// Writes down what was done to a file that was there.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the change was given up for lost meanwhile, [`Error::Missing`] if the resource is gone.
    pub async fn end_edit(&self, id: ChangeId, resource: ResourceId, edit: Edit, at: Time) -> Result<Resource, Error> {
        self.change(move |tx| {
            let edit = edit.clone();
            Box::pin(async move {
                end(tx, id).await?;
                apply(tx, resource, edit, at).await
            })
        })
        .await
    }

    /// Describes a resource anew, without any work on its file.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such resource.
    pub async fn describe_resource(&self, id: ResourceId, desc: String, at: Time) -> Result<Resource, Error> {
        self.change(move |tx| {
            let edit = Edit { desc: Some(desc.clone()), ..Edit::default() };
            Box::pin(async move { apply(tx, id, edit, at).await })
        })
        .await
    }

    /// Says that a change is still under way.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it was given up for lost meanwhile.
    pub async fn renew_change(&self, id: ChangeId, at: Time) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let renew = resource_change::Entity::update_many()
                    .col_expr(resource_change::Column::BegunMs, Expr::value(at.0))
                    .filter(resource_change::Column::Id.eq(id.0));
                match renew.exec(tx).await?.rows_affected {
                    0 => Err(lost()),
                    _ => Ok(()),
                }
            })
        })
        .await
    }

    /// A change that has not ended; `None` if it has.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open_change(&self, id: ChangeId) -> Result<Option<Change>, Error> {
        let row = resource_change::Entity::find_by_id(id.0).one(self.read()).await?;
        Ok(row.map(|row| Begun::from(row).change))
    }

    /// Ends a change, and writes down how large the files of these resources are.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn settle_change(&self, id: ChangeId, files: Vec<(ResourceId, u64)>) -> Result<(), Error> {
        self.write(move |tx| {
            let files = files.clone();
            Box::pin(async move {
                for (resource, size) in files {
                    resources::Entity::update_many()
                        .col_expr(resources::Column::Size, Expr::value(column(size)))
                        .filter(resources::Column::Id.eq(resource.0))
                        .exec(tx)
                        .await?;
                }
                resource_change::Entity::delete_by_id(id.0).exec(tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// Changes that began before, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open_changes(&self, before: Time) -> Result<Vec<Begun>, Error> {
        use resource_change::Column;
        let open = resource_change::Entity::find().filter(Column::BegunMs.lt(before.0)).order_by_asc(Column::Id);
        Ok(open.all(self.read()).await?.into_iter().map(Begun::from).collect())
    }
}

impl From<resource_change::Model> for Begun {
    fn from(row: resource_change::Model) -> Begun {
        Begun {
            id: ChangeId(row.id),
            change: Change {
                kind: ResourceType::from_code(row.kind).unwrap_or(ResourceType::File),
                tenant: row.tenant_code,
                resource: row.resource_id.map(ResourceId),
                from: row.from_alias,
                to: row.to_alias,
                at: Time(row.begun_ms),
            },
        }
    }
}

/// Whether a change that is under way is about this name.
pub(super) async fn claims(db: &impl ConnectionTrait, kind: ResourceType, name: &str) -> Result<bool, Error> {
    use resource_change::Column;
    let about = Condition::any().add(exactly(Column::FromAlias, name)).add(exactly(Column::ToAlias, name));
    let open = resource_change::Entity::find().filter(Column::Kind.eq(kind.code())).filter(about);
    Ok(open.one(db).await?.is_some())
}

async fn hindrance(tx: &DatabaseTransaction, change: &Change) -> Result<Option<Unchangeable>, Error> {
    if let Some(id) = change.resource {
        let busy = resource_change::Entity::find().filter(resource_change::Column::ResourceId.eq(id.0));
        if busy.one(tx).await?.is_some() {
            return Ok(Some(Unchangeable::Busy));
        }
        let row = resources::Entity::find_by_id(id.0).one(tx).await?;
        if row.is_none_or(|row| row.alias != change.from) {
            return Ok(Some(Unchangeable::Gone));
        }
    }
    let Some(to) = change.to.as_ref().filter(|to| Some(*to) != change.from.as_ref()) else { return Ok(None) };
    let taken = named(tx, change.kind, to).await?.is_some() || claims(tx, change.kind, to).await?;
    Ok(taken.then_some(Unchangeable::NameTaken))
}

async fn note(tx: &DatabaseTransaction, change: Change) -> Result<ChangeId, Error> {
    let row = resource_change::ActiveModel {
        kind: Set(change.kind.code()),
        tenant_code: Set(change.tenant),
        resource_id: Set(change.resource.map(|id| id.0)),
        from_alias: Set(change.from),
        to_alias: Set(change.to),
        begun_ms: Set(change.at.0),
        ..Default::default()
    };
    Ok(ChangeId(row.insert(tx).await?.id))
}

/// Only whoever removes the note may make its change true.
async fn end(tx: &DatabaseTransaction, id: ChangeId) -> Result<(), Error> {
    match resource_change::Entity::delete_by_id(id.0).exec(tx).await?.rows_affected {
        0 => Err(lost()),
        _ => Ok(()),
    }
}

fn lost() -> Error {
    Error::Conflict("the change took too long and was given up for lost; try again".to_owned())
}

async fn apply(tx: &DatabaseTransaction, id: ResourceId, edit: Edit, at: Time) -> Result<Resource, Error> {
    use resources::Column;
    let mut update = resources::Entity::update_many().col_expr(Column::UpdateTime, Expr::value(utc(at)));
    if let Some(alias) = edit.alias {
        update = update.col_expr(Column::Alias, Expr::value(alias.clone()));
        udfs::Entity::update_many()
            .col_expr(udfs::Column::ResourceName, Expr::value(alias))
            .filter(udfs::Column::ResourceId.eq(id.0))
            .exec(tx)
            .await?;
    }
    if let Some(desc) = edit.desc {
        update = update.col_expr(Column::Desc, Expr::value(desc));
    }
    if let Some(size) = edit.size {
        update = update.col_expr(Column::Size, Expr::value(column(size)));
    }
    update.filter(Column::Id.eq(id.0)).exec(tx).await?;
    let row = resources::Entity::find_by_id(id.0).one(tx).await?;
    row.map(Resource::from).ok_or_else(|| Error::Missing(format!("resource {id}")))
}

async fn functions_of(tx: &DatabaseTransaction, id: ResourceId) -> Result<Vec<String>, Error> {
    let names = udfs::Entity::find().select_only().column(udfs::Column::FuncName);
    let of_it = names.filter(udfs::Column::ResourceId.eq(id.0)).order_by_asc(udfs::Column::Id);
    Ok(of_it.into_tuple().all(tx).await?)
}

fn column(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
