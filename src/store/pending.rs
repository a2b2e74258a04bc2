//! What has been asked for and has not begun: for people who want to know why.

use super::entity::{command, firing, process_instance, schedules};
use super::list::link;
use super::runs::command::read as command_read;
use super::{Error, Store};
use crate::model::{Command, DefinitionId, InstanceId, Outcome, OverlapPolicy, ScheduleId, State, Time};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, Condition, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// How many of each are told.
const MOST: u64 = 100;

/// An instant of a schedule whose run must not overlap with the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingFiring {
    pub schedule: ScheduleId,
    pub at: Time,
    pub policy: OverlapPolicy,
    /// The run that it waits for.
    pub last: Option<InstanceId>,
}

impl Store {
    /// Commands that would start a definition, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn commands_for(&self, definition: DefinitionId) -> Result<Vec<Command>, Error> {
        let rows = command::Entity::find()
            .filter(command::Column::ProcessDefinitionId.eq(definition.0))
            .filter(command::Column::ProcessInstanceId.is_null())
            .order_by_asc(command::Column::Id)
            .limit(MOST)
            .all(self.read())
            .await?;
        Ok(rows.into_iter().map(command_read).collect())
    }

    /// Commands about an instance, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn commands_about(&self, instance: InstanceId) -> Result<Vec<Command>, Error> {
        let rows = command::Entity::find()
            .filter(command::Column::ProcessInstanceId.eq(instance.0))
            .order_by_asc(command::Column::Id)
            .limit(MOST)
            .all(self.read())
            .await?;
        Ok(rows.into_iter().map(command_read).collect())
    }

    /// The instants of a definition's schedules that wait for an earlier run to end, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting_firings(&self, definition: DefinitionId) -> Result<Vec<WaitingFiring>, Error> {
        let rows: Vec<(i32, i64, Option<i32>)> = firing::Entity::find()
            .select_only()
            .columns([firing::Column::ScheduleId, firing::Column::FireMs])
            .column(schedules::Column::OverlapPolicy)
            .join(
                JoinType::InnerJoin,
                link::<firing::Entity, schedules::Entity>(firing::Column::ScheduleId, schedules::Column::Id),
            )
            .filter(schedules::Column::ProcessDefinitionId.eq(definition.0))
            .filter(firing::Column::Outcome.eq(Outcome::Waiting.code()))
            .order_by_asc(firing::Column::FireMs)
            .limit(MOST)
            .into_tuple()
            .all(self.read())
            .await?;
        let mut living: BTreeMap<i32, Option<InstanceId>> = BTreeMap::new();
        for (schedule, ..) in &rows {
            if !living.contains_key(schedule) {
                living.insert(*schedule, self.living_run(*schedule).await?);
            }
        }
        let waiting = rows.into_iter().map(|(schedule, at, policy)| WaitingFiring {
            schedule: ScheduleId(schedule),
            at: Time(at),
            policy: policy.and_then(OverlapPolicy::from_code).unwrap_or(OverlapPolicy::Parallel),
            last: living.get(&schedule).copied().flatten(),
        });
        Ok(waiting.collect())
    }

    async fn living_run(&self, schedule: i32) -> Result<Option<InstanceId>, Error> {
        use process_instance::Column;
        let id: Option<i32> = process_instance::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ScheduleId.eq(schedule))
            .filter(Column::State.is_in(State::LIVE.map(State::code)))
            .order_by_desc(Column::Id)
            .into_tuple()
            .one(self.read())
            .await?;
        Ok(id.map(InstanceId))
    }

    /// How many instances are being driven, those not counted that others have begun as their sub-processes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn in_hand(&self) -> Result<u64, Error> {
        use process_instance::Column;
        let own_head =
            Condition::any().add(Column::RootId.is_null()).add(Expr::col(Column::RootId).eq(Expr::col(Column::Id)));
        let live =
            process_instance::Entity::find().filter(Column::State.is_in(State::LIVE.map(State::code))).filter(own_head);
        Ok(live.count(self.read()).await?)
    }
}
