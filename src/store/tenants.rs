//! Tenants (`t_escheduler_tenant`).

use super::entity::{queue, tenant};
use super::list::{contains, exactly, link, page};
use super::{Error, Page, Paged, Store, lock, utc};
use crate::model::Time;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect, Select,
};

/// An account that tasks run under.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Tenant {
    pub id: i32,
    pub tenant_code: Option<String>,
    pub tenant_name: Option<String>,
    pub desc: Option<String>,
    pub queue_id: Option<i32>,
    pub queue_name: Option<String>,
    /// The value of the queue.
    pub queue: Option<String>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
}

/// A tenant to be.
#[derive(Clone, Debug)]
pub struct NewTenant {
    pub code: String,
    pub name: String,
    pub desc: Option<String>,
    pub queue_id: i32,
    pub at: Time,
}

/// What a tenant is to become.
#[derive(Clone, Debug)]
pub struct TenantDraft {
    pub code: String,
    pub name: String,
    /// Without one the old one stays.
    pub desc: Option<String>,
    /// Without one the old one stays.
    pub queue_id: Option<i32>,
    pub at: Time,
}

/// Why a tenant stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantRefusal {
    Missing,
    CodeTaken,
    NoQueue,
}

impl Store {
    /// Makes a tenant.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such queue, [`Error::Conflict`] if the code is taken.
    pub async fn create_tenant(&self, new: NewTenant) -> Result<i32, Error> {
        self.change(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                if queue::Entity::find_by_id(new.queue_id).one(tx).await?.is_none() {
                    return Err(Error::Missing(format!("queue {}", new.queue_id)));
                }
                if coded(&new.code).one(tx).await?.is_some() {
                    return Err(Error::Conflict(format!("tenant {} exists", new.code)));
                }
                let row = tenant::ActiveModel {
                    tenant_code: Set(Some(new.code)),
                    tenant_name: Set(Some(new.name)),
                    desc: Set(new.desc),
                    queue_id: Set(Some(new.queue_id)),
                    create_time: Set(Some(utc(new.at))),
                    update_time: Set(Some(utc(new.at))),
                    ..Default::default()
                };
                Ok(row.insert(tx).await?.id)
            })
        })
        .await
    }

    /// Tenants whose name contains the text, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tenants(&self, search: &str, part: Page) -> Result<Paged<Tenant>, Error> {
        let found = with_queue(tenant::Entity::find()).filter(contains(tenant::Column::TenantName, search));
        let newest = |rows: Select<_>| rows.order_by_desc(tenant::Column::UpdateTime).order_by_desc(tenant::Column::Id);
        page(self.read(), found, |rows| newest(shown(rows)), part).await
    }

    /// All tenants, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_tenants(&self) -> Result<Vec<Tenant>, Error> {
        let rows = shown(with_queue(tenant::Entity::find())).order_by_asc(tenant::Column::Id);
        Ok(rows.into_model().all(self.read()).await?)
    }

    /// Whether a tenant has this code.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_tenant(&self, code: &str) -> Result<bool, Error> {
        Ok(coded(code).one(self.read()).await?.is_some())
    }

    /// Changes a tenant. Files that were uploaded before stay where they are; new ones go into the folder of the new
    /// code, which the storage makes with the first of them.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn update_tenant(&self, id: i32, draft: TenantDraft) -> Result<Result<(), TenantRefusal>, Error> {
        use tenant::Column;
        self.change(move |tx| {
            let draft = draft.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                if tenant::Entity::find_by_id(id).one(tx).await?.is_none() {
                    return Ok(Err(TenantRefusal::Missing));
                }
                if coded(&draft.code).filter(Column::Id.ne(id)).one(tx).await?.is_some() {
                    return Ok(Err(TenantRefusal::CodeTaken));
                }
                let mut update = tenant::Entity::update_many()
                    .col_expr(Column::TenantCode, Expr::value(draft.code))
                    .col_expr(Column::TenantName, Expr::value(draft.name))
                    .col_expr(Column::UpdateTime, Expr::value(utc(draft.at)));
                if let Some(queue) = draft.queue_id {
                    if queue::Entity::find_by_id(queue).one(tx).await?.is_none() {
                        return Ok(Err(TenantRefusal::NoQueue));
                    }
                    update = update.col_expr(Column::QueueId, Expr::value(queue));
                }
                if let Some(desc) = draft.desc {
                    update = update.col_expr(Column::Desc, Expr::value(desc));
                }
                update.filter(Column::Id.eq(id)).exec(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }
}

fn coded(code: &str) -> Select<tenant::Entity> {
    tenant::Entity::find().filter(exactly(tenant::Column::TenantCode, code))
}

fn with_queue(tenants: Select<tenant::Entity>) -> Select<tenant::Entity> {
    let queue = link::<tenant::Entity, queue::Entity>(tenant::Column::QueueId, queue::Column::Id);
    tenants.join(JoinType::LeftJoin, queue).select_only()
}

fn shown(tenants: Select<tenant::Entity>) -> Select<tenant::Entity> {
    use tenant::Column;
    tenants
        .columns([Column::Id, Column::TenantCode, Column::TenantName, Column::Desc, Column::QueueId])
        .columns([Column::CreateTime, Column::UpdateTime])
        .columns([queue::Column::QueueName, queue::Column::Queue])
}
