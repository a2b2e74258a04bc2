//! Deleting users, tenants and alert groups. What is still used stays: a run whose author or tenant is gone would run
//! under another account, or not at all.

use super::entity::{
    access_token, alertgroup, datasource, process_definition, process_instance, project, relation_user_alertgroup,
    resources, schedules, session, tenant, udfs, user,
};
use super::list::{exactly, kept};
use super::{Error, Store, grants, lock};
use crate::model::{State, UserId};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, Select};
use std::fmt;

/// `ResourceType` of a file, and of the archive of a function.
const FILE: i32 = 0;
const ARCHIVE: i32 = 1;

/// Alerts about servers go to this group.
const SERVERS: i32 = 1;

/// Why something is not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Missing,
    /// It belongs to the program.
    BuiltIn,
    /// Files were uploaded for it.
    Files,
    /// Archives of functions were uploaded for it.
    Archives,
    Used(Using),
}

/// What uses something, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Using(Vec<(&'static str, u64)>);

impl Using {
    async fn add<E: EntityTrait>(
        &mut self,
        tx: &DatabaseTransaction,
        what: &'static str,
        found: Select<E>,
    ) -> Result<(), Error>
    where
        E::Model: Send + Sync,
    {
        let count = found.count(tx).await?;
        if count > 0 {
            self.0.push((what, count));
        }
        Ok(())
    }

    fn refuse(self) -> Option<Kept> {
        (!self.0.is_empty()).then_some(Kept::Used(self))
    }
}

impl fmt::Display for Using {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (what, count)) in self.0.iter().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(f, "{comma}{what}: {count}")?;
        }
        Ok(())
    }
}

impl Store {
    /// Deletes a user with the logins, tokens, grants and memberships, unless something still belongs to the user or
    /// runs in the user's name.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_user(&self, id: UserId) -> Result<Result<(), Kept>, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                lock::row::<user::Entity>(tx, id.0).await?;
                if let Some(kept) = used_user(tx, id).await? {
                    return Ok(Err(kept));
                }
                session::Entity::delete_many().filter(session::Column::UserId.eq(id.0)).exec(tx).await?;
                access_token::Entity::delete_many().filter(access_token::Column::UserId.eq(id.0)).exec(tx).await?;
                grants::revoke_all(tx, id).await?;
                let memberships = relation_user_alertgroup::Entity::delete_many();
                memberships.filter(relation_user_alertgroup::Column::UserId.eq(id.0)).exec(tx).await?;
                let deleted = user::Entity::delete_by_id(id.0).exec(tx).await?;
                Ok(if deleted.rows_affected == 0 { Err(Kept::Missing) } else { Ok(()) })
            })
        })
        .await
    }

    /// Deletes a tenant, unless somebody belongs to it, or something runs or lies under its name.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_tenant(&self, id: i32) -> Result<Result<(), Kept>, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                lock::row::<tenant::Entity>(tx, id).await?;
                if let Some(kept) = used_tenant(tx, id).await? {
                    return Ok(Err(kept));
                }
                let deleted = tenant::Entity::delete_by_id(id).exec(tx).await?;
                Ok(if deleted.rows_affected == 0 { Err(Kept::Missing) } else { Ok(()) })
            })
        })
        .await
    }

    /// Deletes an alert group with its memberships, unless schedules alert it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_group(&self, id: i32) -> Result<Result<(), Kept>, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                if id == SERVERS {
                    return Ok(Err(Kept::BuiltIn));
                }
                lock::row::<alertgroup::Entity>(tx, id).await?;
                let mut using = Using::default();
                let alerting = schedules::Entity::find().filter(schedules::Column::WarningGroupId.eq(id));
                using.add(tx, "schedules", alerting).await?;
                if let Some(kept) = using.refuse() {
                    return Ok(Err(kept));
                }
                let members = relation_user_alertgroup::Entity::delete_many();
                members.filter(relation_user_alertgroup::Column::AlertgroupId.eq(id)).exec(tx).await?;
                let deleted = alertgroup::Entity::delete_by_id(id).exec(tx).await?;
                Ok(if deleted.rows_affected == 0 { Err(Kept::Missing) } else { Ok(()) })
            })
        })
        .await
    }
}

async fn used_user(tx: &DatabaseTransaction, id: UserId) -> Result<Option<Kept>, Error> {
    let mut using = Using::default();
    let projects = project::Entity::find().filter(kept(project::Column::Flag));
    using.add(tx, "projects", projects.filter(project::Column::UserId.eq(id.0))).await?;
    // They run under their author's tenant.
    let definitions = process_definition::Entity::find()
        .filter(kept(process_definition::Column::Flag))
        .filter(process_definition::Column::TenantId.lt(0))
        .filter(process_definition::Column::UserId.eq(id.0));
    using.add(tx, "process definitions", definitions).await?;
    let schedules = schedules::Entity::find().filter(schedules::Column::UserId.eq(id.0));
    using.add(tx, "schedules", schedules).await?;
    let unfinished = unfinished().filter(process_instance::Column::ExecutorId.eq(id.0));
    using.add(tx, "running process instances", unfinished).await?;
    let resources = resources::Entity::find().filter(resources::Column::UserId.eq(id.0));
    using.add(tx, "resources", resources).await?;
    using.add(tx, "functions", udfs::Entity::find().filter(udfs::Column::UserId.eq(id.0))).await?;
    let sources = datasource::Entity::find().filter(datasource::Column::UserId.eq(id.0));
    using.add(tx, "data sources", sources).await?;
    Ok(using.refuse())
}

async fn used_tenant(tx: &DatabaseTransaction, id: i32) -> Result<Option<Kept>, Error> {
    let Some(tenant) = tenant::Entity::find_by_id(id).one(tx).await? else { return Ok(Some(Kept::Missing)) };
    let code = tenant.tenant_code.unwrap_or_default();
    for (kind, refusal) in [(FILE, Kept::Files), (ARCHIVE, Kept::Archives)] {
        if uploaded(&code, kind).count(tx).await? > 0 {
            return Ok(Some(refusal));
        }
    }
    let mut using = Using::default();
    using.add(tx, "users", user::Entity::find().filter(user::Column::TenantId.eq(id))).await?;
    let definitions = process_definition::Entity::find()
        .filter(kept(process_definition::Column::Flag))
        .filter(process_definition::Column::TenantId.eq(id));
    using.add(tx, "process definitions", definitions).await?;
    let unfinished = unfinished().filter(process_instance::Column::TenantId.eq(id));
    using.add(tx, "running process instances", unfinished).await?;
    Ok(using.refuse())
}

/// What lies in the folder of a tenant.
fn uploaded(code: &str, kind: i32) -> Select<resources::Entity> {
    resources::Entity::find()
        .filter(resources::Column::Kind.eq(kind))
        .filter(exactly(resources::Column::TenantCode, code))
}

fn unfinished() -> Select<process_instance::Entity> {
    let states = State::ALL.iter().filter(|state| !state.is_finished()).map(|state| state.code());
    process_instance::Entity::find().filter(process_instance::Column::State.is_in(states))
}
