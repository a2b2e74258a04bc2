//! The queues of YARN that tenants use (`t_escheduler_queue`).

use super::entity::queue::{ActiveModel, Column, Entity};
use super::list::{contains, exactly, page};
use super::{Error, Page, Paged, Store, lock, utc};
use crate::model::Time;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    Select,
};

/// A queue of YARN.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Queue {
    pub id: i32,
    pub queue_name: Option<String>,
    pub queue: Option<String>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
}

/// Why a queue is not made, or stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueRefusal {
    Missing,
    /// It is so already.
    Same,
    /// Another queue has this name.
    NameTaken,
    /// Another queue has this value.
    ValueTaken,
}

impl Store {
    /// Makes a queue, unless another one has its name or its value.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn create_queue(
        &self,
        name: String,
        value: String,
        at: Time,
    ) -> Result<Result<i32, QueueRefusal>, Error> {
        self.change(move |tx| {
            let (name, value) = (name.clone(), value.clone());
            Box::pin(async move {
                lock::names(tx).await?;
                if let Some(refusal) = taken(tx, &name, &value, None).await? {
                    return Ok(Err(refusal));
                }
                let row = ActiveModel {
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

    /// Changes a queue.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn update_queue(
        &self,
        id: i32,
        name: String,
        value: String,
        at: Time,
    ) -> Result<Result<(), QueueRefusal>, Error> {
        self.change(move |tx| {
            let (name, value) = (name.clone(), value.clone());
            Box::pin(async move {
                lock::names(tx).await?;
                let Some(row) = Entity::find_by_id(id).one(tx).await? else { return Ok(Err(QueueRefusal::Missing)) };
                if row.queue_name.as_deref() == Some(&name) && row.queue.as_deref() == Some(&value) {
                    return Ok(Err(QueueRefusal::Same));
                }
                if let Some(refusal) = taken(tx, &name, &value, Some(id)).await? {
                    return Ok(Err(refusal));
                }
                Entity::update_many()
                    .col_expr(Column::QueueName, Expr::value(name))
                    .col_expr(Column::Queue, Expr::value(value))
                    .col_expr(Column::UpdateTime, Expr::value(utc(at)))
                    .filter(Column::Id.eq(id))
                    .exec(tx)
                    .await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// What another queue has already, if any has.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn queue_taken(&self, name: &str, value: &str) -> Result<Option<QueueRefusal>, Error> {
        taken(self.read(), name, value, None).await
    }

    /// Queues whose name contains the text, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn queues(&self, search: &str, part: Page) -> Result<Paged<Queue>, Error> {
        let found = Entity::find().select_only().filter(contains(Column::QueueName, search));
        page(self.read(), found, newest, part).await
    }

    /// All queues, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_queues(&self) -> Result<Vec<Queue>, Error> {
        Ok(newest(Entity::find().select_only()).into_model().all(self.read()).await?)
    }
}

async fn taken(
    db: &impl ConnectionTrait,
    name: &str,
    value: &str,
    except: Option<i32>,
) -> Result<Option<QueueRefusal>, Error> {
    for (column, text, refusal) in
        [(Column::QueueName, name, QueueRefusal::NameTaken), (Column::Queue, value, QueueRefusal::ValueTaken)]
    {
        let mut other = Entity::find().filter(exactly(column, text));
        if let Some(id) = except {
            other = other.filter(Column::Id.ne(id));
        }
        if other.one(db).await?.is_some() {
            return Ok(Some(refusal));
        }
    }
    Ok(None)
}

fn newest(queues: Select<Entity>) -> Select<Entity> {
    queues
        .columns([Column::Id, Column::QueueName, Column::Queue, Column::CreateTime, Column::UpdateTime])
        .order_by_desc(Column::UpdateTime)
        .order_by_desc(Column::Id)
}
