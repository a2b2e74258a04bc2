//! Schedules as users see and change them (`t_escheduler_schedules`). What a firing needs is in [`super::firings`].

use super::entity::{firing, process_definition, project, schedules, user};
use super::firings::{column, read};
use super::list::{kept, link, page};
use super::orders::remember;
use super::{Error, Page, Paged, Store, lock, utc};
use crate::model::{
    DefinitionId, DstGap, DstOverlap, FailureStrategy, MisfirePolicy, OverlapPolicy, Priority, ProjectId, ReleaseState,
    Schedule, ScheduleId, Time, UserId, WarningType,
};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, FromQueryResult, JoinType, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use std::sync::Arc;

/// A schedule with the names of what it belongs to.
#[derive(Clone, Debug, FromQueryResult)]
pub struct ScheduleRow {
    pub id: ScheduleId,
    pub process_definition_id: i32,
    pub process_definition_name: Option<String>,
    pub project_name: Option<String>,
    pub desc: Option<String>,
    pub start_time: Time,
    pub end_time: Time,
    pub crontab: String,
    pub failure_strategy: Option<FailureStrategy>,
    pub warning_type: Option<WarningType>,
    pub create_time: Time,
    pub update_time: Time,
    pub user_id: i32,
    pub user_name: Option<String>,
    pub release_state: Option<ReleaseState>,
    pub warning_group_id: Option<i32>,
    pub process_instance_priority: Option<Priority>,
    pub worker_group_id: Option<i32>,
    pub timezone_id: Option<String>,
    pub misfire_policy: Option<MisfirePolicy>,
    pub overlap_policy: Option<OverlapPolicy>,
    pub dst_gap: Option<DstGap>,
    pub dst_overlap: Option<DstOverlap>,
    pub jitter_ms: Option<i64>,
    pub next_fire_ms: Option<i64>,
}

/// What a user wishes of a schedule.
#[derive(Clone, Debug)]
pub struct Timing {
    pub crontab: String,
    pub zone: Option<String>,
    pub gap: Option<DstGap>,
    pub overlap: Option<DstOverlap>,
    pub start: Time,
    pub end: Time,
    pub misfire: Option<MisfirePolicy>,
    pub overlapping: Option<OverlapPolicy>,
    pub jitter_ms: Option<i64>,
    pub strategy: FailureStrategy,
    pub warning: WarningType,
    pub warning_group: i32,
    pub priority: Option<Priority>,
    pub worker_group: i32,
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
    pub at: Time,
}

/// Why a schedule was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmoved {
    Missing,
    /// It is on line, so it cannot be changed or deleted.
    Online,
    /// It is in that state already.
    Already,
    /// Its definition is off line or gone.
    Definition,
    /// Somebody else made it.
    Foreign,
    /// There is no instant at which it would fire.
    Never,
}

/// Computes when a schedule fires next.
pub type Next = Arc<dyn Fn(&Schedule) -> Option<Time> + Send + Sync>;

impl Store {
    /// Makes a schedule, off line. `None` if its definition is off line or gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn create_schedule(
        &self,
        definition: DefinitionId,
        author: UserId,
        timing: Timing,
    ) -> Result<Option<ScheduleId>, Error> {
        self.change(move |tx| {
            let timing = timing.clone();
            Box::pin(async move {
                let mails = [timing.receivers.clone(), timing.receivers_cc.clone()];
                if !remember(tx, definition, mails).await? {
                    return Ok(None);
                }
                let row = schedules::ActiveModel {
                    process_definition_id: Set(definition.0),
                    user_id: Set(author.0),
                    release_state: Set(ReleaseState::Offline.code()),
                    create_time: Set(utc(timing.at)),
                    ..columns(timing)
                };
                Ok(Some(ScheduleId(row.insert(tx).await?.id)))
            })
        })
        .await
    }

    /// Changes a schedule that is off line.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn update_schedule(
        &self,
        project: ProjectId,
        id: ScheduleId,
        timing: Timing,
    ) -> Result<Result<(), Unmoved>, Error> {
        self.change(move |tx| {
            let timing = timing.clone();
            Box::pin(async move {
                let Some(row) = locked(tx, project, id).await? else { return Ok(Err(Unmoved::Missing)) };
                if row.release_state == ReleaseState::Online.code() {
                    return Ok(Err(Unmoved::Online));
                }
                let mails = [timing.receivers.clone(), timing.receivers_cc.clone()];
                if !remember(tx, DefinitionId(row.process_definition_id), mails).await? {
                    return Ok(Err(Unmoved::Definition));
                }
                schedules::ActiveModel { id: Set(id.0), ..columns(timing) }.update(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// Takes a schedule on line, to fire next when `next` says, or off line, never to fire again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn release_schedule(
        &self,
        project: ProjectId,
        id: ScheduleId,
        state: ReleaseState,
        next: Next,
        at: Time,
    ) -> Result<Result<(), Unmoved>, Error> {
        use schedules::Column;
        self.change(move |tx| {
            let next = next.clone();
            Box::pin(async move {
                let Some(row) = locked(tx, project, id).await? else { return Ok(Err(Unmoved::Missing)) };
                if row.release_state == state.code() {
                    return Ok(Err(Unmoved::Already));
                }
                let fires = match state {
                    ReleaseState::Offline => None,
                    ReleaseState::Online if !is_online(tx, row.process_definition_id).await? => {
                        return Ok(Err(Unmoved::Definition));
                    }
                    ReleaseState::Online => match next(&read(row)) {
                        None => return Ok(Err(Unmoved::Never)),
                        fires => Some(column(fires)),
                    },
                };
                schedules::Entity::update_many()
                    .col_expr(Column::ReleaseState, Expr::value(state.code()))
                    .col_expr(Column::NextFireMs, Expr::value(fires))
                    .col_expr(Column::UpdateTime, Expr::value(utc(at)))
                    .filter(Column::Id.eq(id.0))
                    .exec(tx)
                    .await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// Deletes a schedule of `user`'s that is off line, and what is known of its instants.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_schedule(
        &self,
        project: ProjectId,
        id: ScheduleId,
        user: UserId,
    ) -> Result<Result<(), Unmoved>, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                let Some(row) = locked(tx, project, id).await? else { return Ok(Err(Unmoved::Missing)) };
                if row.user_id != user.0 {
                    return Ok(Err(Unmoved::Foreign));
                }
                if row.release_state == ReleaseState::Online.code() {
                    return Ok(Err(Unmoved::Online));
                }
                schedules::Entity::delete_by_id(id.0).exec(tx).await?;
                firing::Entity::delete_many().filter(firing::Column::ScheduleId.eq(id.0)).exec(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// The schedules of a definition, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn schedules(
        &self,
        project: ProjectId,
        definition: DefinitionId,
        part: Page,
    ) -> Result<Paged<ScheduleRow>, Error> {
        use schedules::Column;
        let found = of_project(project).filter(Column::ProcessDefinitionId.eq(definition.0));
        let newest = |rows: Select<_>| shown(rows).order_by_desc(Column::UpdateTime).order_by_desc(Column::Id);
        page(self.read(), found, newest, part).await
    }

    /// All schedules of a project, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_schedules(&self, project: ProjectId) -> Result<Vec<ScheduleRow>, Error> {
        use schedules::Column;
        let newest = shown(of_project(project)).order_by_desc(Column::UpdateTime).order_by_desc(Column::Id);
        Ok(newest.into_model().all(self.read()).await?)
    }

    /// The schedule that tells when a definition runs: of several the newest that is on line, or else the newest.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn schedule_of(&self, definition: DefinitionId) -> Result<Option<Schedule>, Error> {
        use schedules::Column;
        let found = schedules::Entity::find().filter(Column::ProcessDefinitionId.eq(definition.0));
        let newest = found.order_by_desc(Column::ReleaseState).order_by_desc(Column::UpdateTime);
        Ok(newest.order_by_desc(Column::Id).one(self.read()).await?.map(read))
    }

    /// A schedule of a project.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn schedule(&self, project: ProjectId, id: ScheduleId) -> Result<Option<ScheduleRow>, Error> {
        let found = of_project(project).filter(schedules::Column::Id.eq(id.0));
        Ok(shown(found).into_model().one(self.read()).await?)
    }
}

fn columns(timing: Timing) -> schedules::ActiveModel {
    schedules::ActiveModel {
        start_time: Set(utc(timing.start)),
        end_time: Set(utc(timing.end)),
        crontab: Set(timing.crontab),
        failure_strategy: Set(timing.strategy.code()),
        warning_type: Set(timing.warning.code()),
        warning_group_id: Set(Some(timing.warning_group)),
        process_instance_priority: Set(timing.priority.map(Priority::code)),
        update_time: Set(utc(timing.at)),
        worker_group_id: Set(Some(timing.worker_group)),
        timezone_id: Set(timing.zone),
        misfire_policy: Set(timing.misfire.map(MisfirePolicy::code)),
        overlap_policy: Set(timing.overlapping.map(OverlapPolicy::code)),
        dst_gap: Set(timing.gap.map(DstGap::code)),
        dst_overlap: Set(timing.overlap.map(DstOverlap::code)),
        jitter_ms: Set(timing.jitter_ms),
        ..Default::default()
    }
}

/// The row of a schedule of a project, locked, whatever its definition's flag.
async fn locked(
    tx: &DatabaseTransaction,
    project: ProjectId,
    id: ScheduleId,
) -> Result<Option<schedules::Model>, Error> {
    lock::row::<schedules::Entity>(tx, id.0).await?;
    let Some(row) = schedules::Entity::find_by_id(id.0).one(tx).await? else { return Ok(None) };
    let definition: Option<i32> = process_definition::Entity::find_by_id(row.process_definition_id)
        .select_only()
        .column(process_definition::Column::Id)
        .filter(process_definition::Column::ProjectId.eq(project.0))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(definition.map(|_| row))
}

async fn is_online(tx: &DatabaseTransaction, definition: i32) -> Result<bool, Error> {
    use process_definition::Column;
    let found: Option<i32> = process_definition::Entity::find_by_id(definition)
        .select_only()
        .column(Column::Id)
        .filter(Column::ReleaseState.eq(ReleaseState::Online.code()))
        .filter(kept(Column::Flag))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(found.is_some())
}

fn of_project(project: ProjectId) -> Select<schedules::Entity> {
    let definition = link::<schedules::Entity, process_definition::Entity>(
        schedules::Column::ProcessDefinitionId,
        process_definition::Column::Id,
    );
    schedules::Entity::find()
        .select_only()
        .join(JoinType::InnerJoin, definition)
        .filter(process_definition::Column::ProjectId.eq(project.0))
        .filter(kept(process_definition::Column::Flag))
}

fn shown(found: Select<schedules::Entity>) -> Select<schedules::Entity> {
    use schedules::Column;
    let owner =
        link::<process_definition::Entity, project::Entity>(process_definition::Column::ProjectId, project::Column::Id);
    let author = link::<schedules::Entity, user::Entity>(Column::UserId, user::Column::Id);
    found
        .join(JoinType::LeftJoin, owner)
        .join(JoinType::LeftJoin, author)
        .columns([Column::Id, Column::ProcessDefinitionId, Column::StartTime, Column::EndTime, Column::Crontab])
        .columns([Column::FailureStrategy, Column::WarningType, Column::CreateTime, Column::UpdateTime])
        .columns([Column::UserId, Column::ReleaseState, Column::WarningGroupId, Column::ProcessInstancePriority])
        .columns([Column::WorkerGroupId, Column::TimezoneId, Column::MisfirePolicy, Column::OverlapPolicy])
        .columns([Column::DstGap, Column::DstOverlap, Column::JitterMs, Column::NextFireMs])
        .column_as(process_definition::Column::Name, "process_definition_name")
        .column_as(process_definition::Column::Desc, "desc")
        .column_as(project::Column::Name, "project_name")
        .column(user::Column::UserName)
}
