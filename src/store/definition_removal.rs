//! Deleting definitions. The instances stay: without a definition nobody sees them, and they go when their time has
//! come.

use super::entity::{command, process_definition, process_instance, project, schedules};
use super::list::kept;
use super::{Account, Error, Store, lock};
use crate::model::{DefinitionId, Document, InstanceId, ProjectId, ReleaseState, State, TaskType, UserType};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

/// Why a definition was not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unremoved {
    Missing,
    /// Only the author and administrators delete a definition.
    Foreign,
    Online,
    /// This schedule of it is on line.
    Scheduled(i32),
    /// It has several schedules, which are to be deleted one by one.
    Schedules,
    /// This instance of it, or of the family that the instance is in, is not over.
    Live(InstanceId),
    /// Somebody has asked to run it, and nobody has taken that up yet.
    Pending,
}

impl Store {
    /// Deletes a definition that is off line and at rest, with its schedule.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_definition(
        &self,
        project: ProjectId,
        id: DefinitionId,
        by: &Account,
    ) -> Result<Result<(), Unremoved>, Error> {
        let (user, is_admin) = (by.id, by.kind == UserType::Admin);
        self.change(move |tx| {
            Box::pin(async move {
                use process_definition::Column;
                lock::row::<project::Entity>(tx, project.0).await?;
                lock::row::<process_definition::Entity>(tx, id.0).await?;
                let found: Option<(Option<i32>, Option<i32>)> = process_definition::Entity::find_by_id(id.0)
                    .select_only()
                    .columns([Column::UserId, Column::ReleaseState])
                    .filter(Column::ProjectId.eq(project.0))
                    .filter(kept(Column::Flag))
                    .into_tuple()
                    .one(tx)
                    .await?;
                let Some((author, release)) = found else { return Ok(Err(Unremoved::Missing)) };
                if !is_admin && author != Some(user.0) {
                    return Ok(Err(Unremoved::Foreign));
                }
                if release == Some(ReleaseState::Online.code()) {
                    return Ok(Err(Unremoved::Online));
                }
                if let Some(reason) = unrest(tx, id).await? {
                    return Ok(Err(reason));
                }
                schedules::Entity::delete_many()
                    .filter(schedules::Column::ProcessDefinitionId.eq(id.0))
                    .exec(tx)
                    .await?;
                process_definition::Entity::delete_by_id(id.0).exec(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// The names of the definitions that run this one as a sub-process, itself left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn parents_of_definition(&self, id: DefinitionId) -> Result<Vec<String>, Error> {
        use process_definition::Column;
        // The texts narrow it down in the database; what they mean is read here.
        let json = Column::ProcessDefinitionJson;
        let candidates: Vec<(Option<String>, Option<String>)> = process_definition::Entity::find()
            .select_only()
            .columns([Column::Name, json])
            .filter(kept(Column::Flag))
            .filter(Column::Id.ne(id.0))
            .filter(json.contains("SUB_PROCESS"))
            .filter(json.contains(id.0.to_string()))
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(self.read())
            .await?;
        let runs_it = |json: &str| {
            let document = Document::parse(json).ok();
            document.is_some_and(|document| {
                document
                    .nodes
                    .iter()
                    .any(|node| node.kind == TaskType::SubProcess && node.sub_definition() == Some(id.0))
            })
        };
        let parents = candidates.into_iter().filter(|(_, json)| runs_it(json.as_deref().unwrap_or_default()));
        Ok(parents.map(|(name, _)| name.unwrap_or_default()).collect())
    }
}

/// What is still going on with a definition.
async fn unrest(tx: &DatabaseTransaction, id: DefinitionId) -> Result<Option<Unremoved>, Error> {
    use schedules::Column;
    let schedules: Vec<(i32, Option<i32>)> = schedules::Entity::find()
        .select_only()
        .columns([Column::Id, Column::ReleaseState])
        .filter(Column::ProcessDefinitionId.eq(id.0))
        .into_tuple()
        .all(tx)
        .await?;
    if let Some((online, _)) = schedules.iter().find(|(_, state)| *state == Some(ReleaseState::Online.code())) {
        return Ok(Some(Unremoved::Scheduled(*online)));
    }
    if schedules.len() > 1 {
        return Ok(Some(Unremoved::Schedules));
    }
    if let Some(live) = live(tx, id).await? {
        return Ok(Some(Unremoved::Live(live)));
    }
    let pending: Option<i32> = command::Entity::find()
        .select_only()
        .column(command::Column::Id)
        .filter(command::Column::ProcessDefinitionId.eq(id.0))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(pending.map(|_| Unremoved::Pending))
}

/// An instance of the definition that is not over, or that belongs to a family that is not.
async fn live(tx: &DatabaseTransaction, id: DefinitionId) -> Result<Option<InstanceId>, Error> {
    use process_instance::Column;
    let unfinished = || Column::State.is_in(State::ALL.iter().filter(|s| !s.is_finished()).map(|s| s.code()));
    let roots = process_instance::Entity::find().select_only().column(Column::Id).filter(unfinished()).into_query();
    let live: Option<i32> = process_instance::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::ProcessDefinitionId.eq(id.0))
        .filter(Condition::any().add(unfinished()).add(Column::RootId.in_subquery(roots)))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(live.map(InstanceId))
}
