//! Which instances live, and who has them.

use super::Live;
use crate::model::{DefinitionId, InstanceId, State, Tag};
use crate::store::entity::{process_instance, task_instance};
use crate::store::runs::Standpoint;
use crate::store::{Error, Store};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

impl Store {
    /// Instances that have, or need, an owner, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn live_instances(&self) -> Result<Vec<Live>, Error> {
        use process_instance::Column;
        type Columns = (i32, Option<String>, i32, Option<i32>, i32);
        let rows: Vec<Columns> = process_instance::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Owner, Column::Epoch, Column::RootId, Column::Takeovers])
            .filter(Column::State.is_in(State::LIVE.map(State::code)))
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(self.read())
            .await?;
        let live = |(id, owner, epoch, root, takeovers): Columns| Live {
            id: InstanceId(id),
            owner,
            epoch,
            root: InstanceId(root.unwrap_or(id)),
            takeovers,
        };
        Ok(rows.into_iter().map(live).collect())
    }

    /// State and owner of an instance; `None` if it does not exist.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn standpoint(&self, id: InstanceId) -> Result<Option<Standpoint>, Error> {
        let row: Option<(Option<i32>, Option<String>)> = process_instance::Entity::find_by_id(id.0)
            .select_only()
            .columns([process_instance::Column::State, process_instance::Column::Owner])
            .into_tuple()
            .one(self.read())
            .await?;
        Ok(row.and_then(|(code, owner)| Some(Standpoint { state: State::from_code(code?)?, owner })))
    }

    /// Whether nobody waits for a report about this attempt any more: its end is recorded, or there is no
    /// such attempt.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn attempt_is_settled(&self, instance: InstanceId, tag: Tag) -> Result<bool, Error> {
        let code: Option<Option<i32>> = task_instance::Entity::find()
            .select_only()
            .column(task_instance::Column::State)
            .filter(task_instance::Column::ProcessInstanceId.eq(instance.0))
            .filter(task_instance::Column::Tag.eq(tag.to_column()))
            .into_tuple()
            .one(self.read())
            .await?;
        Ok(code.flatten().and_then(State::from_code).is_none_or(State::is_finished))
    }

    /// Takes an instance over from an owner that is gone, and its family if it is the first of one: commits the
    /// new epoch before anything of them is read. `false` if somebody else was faster.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn take_over(&self, id: InstanceId, from: Option<String>, owner: String) -> Result<bool, Error> {
        use process_instance::Column;
        self.write(move |tx| {
            let (from, owner) = (from.clone(), owner.clone());
            Box::pin(async move {
                let same_owner = match from {
                    Some(from) => Column::Owner.eq(from),
                    None => Column::Owner.is_null(),
                };
                let take = process_instance::Entity::update_many()
                    .col_expr(Column::Owner, Expr::value(owner))
                    .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
                    .col_expr(Column::Takeovers, Expr::col(Column::Takeovers).add(1))
                    .filter(same_owner)
                    .filter(Column::State.is_in(State::LIVE.map(State::code)));
                // Its row first: whoever passes it has the family.
                let taken = take.clone().filter(Column::Id.eq(id.0)).exec(tx).await?;
                if taken.rows_affected == 1 {
                    take.filter(Column::RootId.eq(id.0)).exec(tx).await?;
                }
                Ok(taken.rows_affected == 1)
            })
        })
        .await
    }

    /// The instance of a definition that was made last.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn newest_instance(&self, definition: DefinitionId) -> Result<Option<InstanceId>, Error> {
        use process_instance::Column;
        let id: Option<i32> = process_instance::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ProcessDefinitionId.eq(definition.0))
            .order_by_desc(Column::Id)
            .into_tuple()
            .one(self.read())
            .await?;
        Ok(id.map(InstanceId))
    }
}
