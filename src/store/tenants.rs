//! Tenants (`t_escheduler_tenant`) and the queues of YARN that they use (`t_escheduler_queue`).

use super::entity::{queue, tenant};
use super::list::{contains, exactly, link, page};
use super::{Error, Page, Paged, Store, lock, utc};
use crate::model::Time;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect, Select};

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

/// A queue of YARN.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Queue {
    pub id: i32,
    pub queue_name: Option<String>,
    pub queue: Option<String>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
}

/// What another queue has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueTaken {
    Name,
    Value,
}

impl Store {
    /// Makes a tenant.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such queue, [`Error::Conflict`] if the code is taken.
    pub async fn create_tenant(&self, new: NewTenant) -> Result<i32, Error> {
        self.write(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                if queue::Entity::find_by_id(new.queue_id).one(tx).await?.is_none() {
                    return Err(Error::Missing(format!("queue {}", new.queue_id)));
                }
                let same = tenant::Entity::find().filter(exactly(tenant::Column::TenantCode, &new.code));
                if same.one(tx).await?.is_some() {
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

    /// Makes a queue, unless another one has its name or its value.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn create_queue(&self, name: String, value: String, at: Time) -> Result<Result<i32, QueueTaken>, Error> {
        self.write(move |tx| {
            let (name, value) = (name.clone(), value.clone());
            Box::pin(async move {
                lock::names(tx).await?;
                let other = |column, text: &str| queue::Entity::find().filter(exactly(column, text)).one(tx);
                if other(queue::Column::QueueName, &name).await?.is_some() {
                    return Ok(Err(QueueTaken::Name));
                }
                if other(queue::Column::Queue, &value).await?.is_some() {
                    return Ok(Err(QueueTaken::Value));
                }
                let row = queue::ActiveModel {
                    queue_name: Set(Some(name)),
                    queue: Set(Some(value)),
                    create_time: Set(Some(utc(at))),
                    update_time: Set(Some(utc(at))),
                    ..Default::default()
                };
                Ok(Ok(row.insert(tx).await?.id))
            })
        })
        .await
    }

    /// Queues whose name contains the text, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn queues(&self, search: &str, part: Page) -> Result<Paged<Queue>, Error> {
        let found = queue::Entity::find().select_only().filter(contains(queue::Column::QueueName, search));
        page(self.read(), found, newest_queues, part).await
    }

    /// All queues, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_queues(&self) -> Result<Vec<Queue>, Error> {
        Ok(newest_queues(queue::Entity::find().select_only()).into_model().all(self.read()).await?)
    }
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

fn newest_queues(queues: Select<queue::Entity>) -> Select<queue::Entity> {
    use queue::Column;
    queues
        .columns([Column::Id, Column::QueueName, Column::Queue, Column::CreateTime, Column::UpdateTime])
        .order_by_desc(Column::UpdateTime)
        .order_by_desc(Column::Id)
}
