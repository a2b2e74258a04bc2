//! What users wish of definitions and instances: rows of `t_escheduler_command`, each checked in the write that
//! inserts it, so that of two wishes that exclude each other one is refused.

use super::entity::{command, process_definition, process_instance};
use super::instances::of_project;
use super::list::kept;
use super::runs::command::insert;
use super::{Error, Store, lock};
use crate::model::{Command, CommandId, CommandType, DefinitionId, InstanceId, ProjectId, ReleaseState, State, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

/// What decides whether a wish about an instance makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub state: State,
    pub definition: DefinitionId,
    /// Whether the definition is on line; `None` if it is gone.
    pub release: Option<ReleaseState>,
    /// Wishes about this instance that nobody has taken yet.
    pub pending: Vec<CommandType>,
}

impl Store {
    /// Inserts a start, and keeps whom to write to on the definition. `None` if the definition is off line or gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn order_start(
        &self,
        command: Command,
        receivers: Option<String>,
        receivers_cc: Option<String>,
    ) -> Result<Option<CommandId>, Error> {
        self.change(move |tx| {
            let (command, mails) = (command.clone(), [receivers.clone(), receivers_cc.clone()]);
            Box::pin(async move {
                if !remember(tx, command.definition, mails).await? {
                    return Ok(None);
                }
                insert(tx, command).await.map(Some)
            })
        })
        .await
    }

    /// Inserts the wish about an instance of a project that `decide` makes of its present state; `Ok(None)` from
    /// it means that there is nothing left to wish. `None` if the project has no such instance.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn order_about<R: Send + 'static>(
        &self,
        project: ProjectId,
        instance: InstanceId,
        executor: UserId,
        decide: impl Fn(&Target) -> Result<Option<CommandType>, R> + Send + Sync + 'static,
    ) -> Result<Option<Result<(), R>>, Error> {
        let decide = std::sync::Arc::new(decide);
        self.change(move |tx| {
            let decide = decide.clone();
            Box::pin(async move {
                lock::row::<process_instance::Entity>(tx, instance.0).await?;
                let Some(target) = target(tx, project, instance).await? else { return Ok(None) };
                match decide(&target) {
                    Err(refusal) => Ok(Some(Err(refusal))),
                    Ok(None) => Ok(Some(Ok(()))),
                    Ok(Some(kind)) => {
                        insert(tx, Command::about(kind, instance, target.definition, executor)).await?;
                        Ok(Some(Ok(())))
                    }
                }
            })
        })
        .await
    }
}

async fn target(tx: &DatabaseTransaction, project: ProjectId, instance: InstanceId) -> Result<Option<Target>, Error> {
    use process_instance::Column;
    let found = of_project(project).columns([Column::State, Column::ProcessDefinitionId]);
    let found: Option<(Option<i32>, Option<i32>)> =
        found.filter(Column::Id.eq(instance.0)).into_tuple().one(tx).await?;
    let Some((state, definition)) = found else { return Ok(None) };
    let definition = DefinitionId(definition.unwrap_or_default());
    let release: Option<Option<i32>> = process_definition::Entity::find_by_id(definition.0)
        .select_only()
        .column(process_definition::Column::ReleaseState)
        .filter(kept(process_definition::Column::Flag))
        .into_tuple()
        .one(tx)
        .await?;
    let pending: Vec<Option<i32>> = command::Entity::find()
        .select_only()
        .column(command::Column::CommandType)
        .filter(command::Column::ProcessInstanceId.eq(instance.0))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(Some(Target {
        state: state.and_then(State::from_code).unwrap_or(State::Submitted),
        definition,
        release: release.map(|code| code.and_then(ReleaseState::from_code).unwrap_or(ReleaseState::Offline)),
        pending: pending.into_iter().flatten().filter_map(CommandType::from_code).collect(),
    }))
}

/// Whether the definition is on line. What is given of its receivers is written where it differs: the row holds
/// the whole drawing, and writing it costs accordingly.
pub(super) async fn remember(
    tx: &DatabaseTransaction,
    definition: DefinitionId,
    mails: [Option<String>; 2],
) -> Result<bool, Error> {
    use process_definition::Column;
    let columns = [Column::Receivers, Column::ReceiversCc];
    let known: Option<(Option<String>, Option<String>)> = process_definition::Entity::find_by_id(definition.0)
        .select_only()
        .columns(columns)
        .filter(kept(Column::Flag))
        .filter(Column::ReleaseState.eq(ReleaseState::Online.code()))
        .into_tuple()
        .one(tx)
        .await?;
    let Some((to, cc)) = known else { return Ok(false) };
    for ((column, known), given) in columns.into_iter().zip([to, cc]).zip(mails) {
        let Some(given) = given.filter(|given| *given != known.unwrap_or_default()) else { continue };
        process_definition::Entity::update_many()
            .col_expr(column, Expr::value(given))
            .filter(Column::Id.eq(definition.0))
            .exec(tx)
            .await?;
    }
    Ok(true)
}
