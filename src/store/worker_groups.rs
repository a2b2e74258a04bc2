//! Worker groups (`t_escheduler_worker_group`): the addresses that tasks of a group may run at.

use super::entity::{command, process_definition, process_instance, schedules, worker_group};
use super::list::{contains, exactly, kept, page};
use super::{Error, Page, Paged, Store, lock, utc};
use crate::model::{Document, State, Time};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};
use worker_group::Column;

/// A group of workers.
#[derive(Clone, Debug, FromQueryResult)]
pub struct WorkerGroup {
    pub id: i64,
    pub name: Option<String>,
    /// Separated by commas.
    pub ip_list: Option<String>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
}

/// Why a group was not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaved {
    NameTaken,
    /// There is no group with that id.
    Gone,
}

/// Why a group was not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InUse {
    /// There is none.
    Gone,
    /// Who would run anywhere without it, in words.
    By(String),
}

impl Store {
    /// Makes a group, or changes the one with that id.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn save_worker_group(
        &self,
        id: Option<i64>,
        name: String,
        ip_list: String,
        at: Time,
    ) -> Result<Result<(), Unsaved>, Error> {
        self.change(move |tx| {
            let (name, ip_list) = (name.clone(), ip_list.clone());
            Box::pin(async move {
                lock::names(tx).await?;
                let same = worker_group::Entity::find()
                    .filter(exactly(Column::Name, &name))
                    .filter(Column::Id.ne(id.unwrap_or_default()));
                if same.one(tx).await?.is_some() {
                    return Ok(Err(Unsaved::NameTaken));
                }
                let Some(id) = id else {
                    let row = worker_group::ActiveModel {
                        name: Set(Some(name)),
                        ip_list: Set(Some(ip_list)),
                        create_time: Set(Some(utc(at))),
                        update_time: Set(Some(utc(at))),
                        ..Default::default()
                    };
                    row.insert(tx).await?;
                    return Ok(Ok(()));
                };
                let updated = worker_group::Entity::update_many()
                    .col_expr(Column::Name, Expr::value(name))
                    .col_expr(Column::IpList, Expr::value(ip_list))
                    .col_expr(Column::UpdateTime, Expr::value(utc(at)))
                    .filter(Column::Id.eq(id))
                    .exec(tx)
                    .await?;
                Ok(if updated.rows_affected == 0 { Err(Unsaved::Gone) } else { Ok(()) })
            })
        })
        .await
    }

    /// Groups whose name contains the text, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn worker_group_page(&self, search: &str, part: Page) -> Result<Paged<WorkerGroup>, Error> {
        let found = worker_group::Entity::find().select_only().filter(contains(Column::Name, search));
        let newest = |rows: Select<_>| rows.order_by_desc(Column::UpdateTime).order_by_desc(Column::Id);
        page(self.read(), found, |rows| newest(shown(rows)), part).await
    }

    /// All groups, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_worker_groups(&self) -> Result<Vec<WorkerGroup>, Error> {
        let rows = shown(worker_group::Entity::find().select_only()).order_by_asc(Column::Id);
        Ok(rows.into_model().all(self.read()).await?)
    }

    /// Deletes a group that nothing waits for. Tasks of a group that is gone may run at every worker, which is not
    /// what those who chose the group wanted.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_worker_group(&self, id: i64) -> Result<Result<(), InUse>, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                lock::names(tx).await?;
                if let Some(user) = user_of(tx, id).await? {
                    return Ok(Err(InUse::By(user)));
                }
                let deleted = worker_group::Entity::delete_by_id(id).exec(tx).await?;
                Ok(if deleted.rows_affected == 0 { Err(InUse::Gone) } else { Ok(()) })
            })
        })
        .await
    }
}

/// Whoever has chosen the group, in words.
async fn user_of(tx: &DatabaseTransaction, id: i64) -> Result<Option<String>, Error> {
    let counts = [
        (schedules::Entity::find().filter(schedules::Column::WorkerGroupId.eq(id)).count(tx).await?, "schedules"),
        (command::Entity::find().filter(command::Column::WorkerGroupId.eq(id)).count(tx).await?, "waiting commands"),
        (running(id).count(tx).await?, "process instances that have not ended"),
    ];
    if let Some((count, what)) = counts.into_iter().find(|(count, _)| *count > 0) {
        return Ok(Some(format!("{count} {what}")));
    }
    Ok(definition_with(tx, id).await?.map(|name| format!("a node of the process definition {name}")))
}

fn running(id: i64) -> Select<process_instance::Entity> {
    use process_instance::Column;
    let ended = State::ALL.iter().filter(|state| state.is_finished()).map(|state| state.code());
    process_instance::Entity::find().filter(Column::WorkerGroupId.eq(id)).filter(Column::State.is_not_in(ended))
}

/// The name of a definition with a node that has chosen the group. Only those whose text may say so are read.
async fn definition_with(tx: &DatabaseTransaction, id: i64) -> Result<Option<String>, Error> {
    use process_definition::Column;
    let written = ["", " ", "\"", " \""].map(|between| format!("\"workerGroupId\":{between}{id}"));
    let any = written.iter().fold(Condition::any(), |any, text| any.add(contains(Column::ProcessDefinitionJson, text)));
    let rows: Vec<(Option<String>, Option<String>)> = process_definition::Entity::find()
        .select_only()
        .columns([Column::Name, Column::ProcessDefinitionJson])
        .filter(any)
        .filter(kept(Column::Flag))
        .into_tuple()
        .all(tx)
        .await?;
    let chosen = |text: &str| {
        Document::parse(text).is_ok_and(|document| document.nodes.iter().any(|node| i64::from(node.worker_group) == id))
    };
    let found = rows.into_iter().find(|(_, text)| text.as_deref().is_some_and(chosen));
    Ok(found.map(|(name, _)| name.unwrap_or_default()))
}

fn shown(rows: Select<worker_group::Entity>) -> Select<worker_group::Entity> {
    rows.columns([Column::Id, Column::Name, Column::IpList, Column::CreateTime, Column::UpdateTime])
}
