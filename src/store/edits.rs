//! Editing an instance that has ended, before it is run again. While an instance lives, only its master writes it.

use super::entity::{command, process_definition, process_instance};
use super::instances::of_project;
use super::{Error, Store, lock, utc};
use crate::model::{DefinitionId, Flag, InstanceId, ProjectId, State, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

/// What is to be different. `None` leaves it as it is.
#[derive(Clone, Debug)]
pub struct InstanceEdit {
    pub document: Option<Redrawn>,
    pub locations: Option<String>,
    pub connects: Option<String>,
    pub schedule_time: Option<Time>,
    pub flag: Option<Flag>,
    /// Whether the definition becomes the same.
    pub sync_definition: bool,
    pub at: Time,
}

/// Another document, and what follows from it.
#[derive(Clone, Debug)]
pub struct Redrawn {
    pub json: String,
    /// The document's global parameters, as JSON.
    pub globals: String,
    /// The same with their values computed.
    pub cured: String,
    pub timeout_minutes: i32,
    pub tenant_id: i32,
}

/// Why an instance was not edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unedited {
    Missing,
    Live(State),
    /// The instance that it is a part of has not ended.
    FamilyLives(InstanceId),
    /// Somebody has asked to run it again.
    Pending,
}

impl Store {
    /// Edits an instance that has ended and that nobody is about to run again. The write is guarded by the state: a
    /// master that revives the instance does so before or after it, never meanwhile.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn edit_instance(
        &self,
        project: ProjectId,
        id: InstanceId,
        edit: InstanceEdit,
    ) -> Result<Result<(), Unedited>, Error> {
        self.change(move |tx| {
            let edit = edit.clone();
            Box::pin(async move {
                let definition = match editable(tx, project, id).await? {
                    Ok(definition) => definition,
                    Err(reason) => return Ok(Err(reason)),
                };
                if let Some(now) = overwrite(tx, id, &edit).await? {
                    return Ok(Err(Unedited::Live(now)));
                }
                if edit.sync_definition {
                    sync(tx, definition, &edit).await?;
                }
                Ok(Ok(()))
            })
        })
        .await
    }
}

/// The definition of an instance that may be edited.
async fn editable(
    tx: &DatabaseTransaction,
    project: ProjectId,
    id: InstanceId,
) -> Result<Result<DefinitionId, Unedited>, Error> {
    use process_instance::Column;
    lock::row::<process_instance::Entity>(tx, id.0).await?;
    let found: Option<(Option<i32>, Option<i32>, Option<i32>)> = of_project(project)
        .columns([Column::State, Column::ProcessDefinitionId, Column::RootId])
        .filter(Column::Id.eq(id.0))
        .into_tuple()
        .one(tx)
        .await?;
    let Some((state, definition, root)) = found else { return Ok(Err(Unedited::Missing)) };
    let state = state.and_then(State::from_code).unwrap_or(State::Submitted);
    if !state.is_finished() {
        return Ok(Err(Unedited::Live(state)));
    }
    if let Some(root) = root.filter(|root| *root != id.0) {
        let state = state_of(tx, root).await?;
        if state.is_some_and(|state| !state.is_finished()) {
            return Ok(Err(Unedited::FamilyLives(InstanceId(root))));
        }
    }
    let pending: Option<i32> = command::Entity::find()
        .select_only()
        .column(command::Column::Id)
        .filter(command::Column::ProcessInstanceId.eq(id.0))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(match pending {
        Some(_) => Err(Unedited::Pending),
        None => Ok(DefinitionId(definition.unwrap_or_default())),
    })
}

async fn state_of(tx: &DatabaseTransaction, id: i32) -> Result<Option<State>, Error> {
    let found = process_instance::Entity::find_by_id(id).select_only().column(process_instance::Column::State);
    let state: Option<Option<i32>> = found.into_tuple().one(tx).await?;
    Ok(state.map(|code| code.and_then(State::from_code).unwrap_or(State::Submitted)))
}

/// Writes the instance if it is still ended; else the state that it is in.
async fn overwrite(tx: &DatabaseTransaction, id: InstanceId, edit: &InstanceEdit) -> Result<Option<State>, Error> {
    use process_instance::Column;
    let mut update = process_instance::Entity::update_many().col_expr(Column::UpdateTime, Expr::value(utc(edit.at)));
    if let Some(document) = &edit.document {
        update = update
            .col_expr(Column::ProcessInstanceJson, Expr::value(document.json.clone()))
            .col_expr(Column::GlobalParams, Expr::value(document.cured.clone()))
            .col_expr(Column::Timeout, Expr::value(document.timeout_minutes))
            .col_expr(Column::TenantId, Expr::value(document.tenant_id));
    }
    for (column, text) in [(Column::Locations, &edit.locations), (Column::Connects, &edit.connects)] {
        if let Some(text) = text {
            update = update.col_expr(column, Expr::value(text.clone()));
        }
    }
    if let Some(time) = edit.schedule_time {
        update = update.col_expr(Column::ScheduleTime, Expr::value(utc(time)));
    }
    if let Some(flag) = edit.flag {
        update = update.col_expr(Column::Flag, Expr::value(flag.code()));
    }
    let ended = State::ALL.iter().filter(|state| state.is_finished()).map(|state| state.code());
    let updated = update.filter(Column::Id.eq(id.0)).filter(Column::State.is_in(ended)).exec(tx).await?;
    if updated.rows_affected == 1 {
        return Ok(None);
    }
    Ok(Some(state_of(tx, id.0).await?.unwrap_or(State::Submitted)))
}

/// Draws the definition as the instance now is, even if it is on line: who asks for it knows.
async fn sync(tx: &DatabaseTransaction, id: DefinitionId, edit: &InstanceEdit) -> Result<(), Error> {
    use process_definition::Column;
    let Some(document) = &edit.document else { return Ok(()) };
    let mut update = process_definition::Entity::update_many()
        .col_expr(Column::ProcessDefinitionJson, Expr::value(document.json.clone()))
        .col_expr(Column::GlobalParams, Expr::value(document.globals.clone()))
        .col_expr(Column::Timeout, Expr::value(document.timeout_minutes))
        .col_expr(Column::TenantId, Expr::value(document.tenant_id))
        .col_expr(Column::UpdateTime, Expr::value(utc(edit.at)));
    for (column, text) in [(Column::Locations, &edit.locations), (Column::Connects, &edit.connects)] {
        if let Some(text) = text {
            update = update.col_expr(column, Expr::value(text.clone()));
        }
    }
    update.filter(Column::Id.eq(id.0)).exec(tx).await?;
    Ok(())
}
