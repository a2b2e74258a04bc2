//! Schedules become due: each instant of a schedule is decided upon once, in one transaction that locks the schedule,
//! keeps a row for the instant, makes the instance and moves the schedule on. Whoever crashes, crashes before or after.
//!
//! A master that has no place for the instance, or cannot start it, leaves a command instead, as others who start
//! something do.

mod waiting;
mod work;

use super::entity::{firing, process_definition, schedules};
use super::list::kept;
use super::{Backfills, Error, NewInstance, Store, instant, lock};
use crate::model::{
    Command, DefinitionId, DstGap, DstOverlap, FailureStrategy, InstanceId, MisfirePolicy, Outcome, OverlapPolicy,
    Priority, ReleaseState, Schedule, ScheduleId, Time, UserId, WarningType,
};
use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseBackend, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, Select, Statement,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How many schedules that wait are looked at together.
const LOOKED_AT: u64 = 1000;

/// What stands in `next_fire_ms` of a schedule that will never fire again.
const NEVER: i64 = i64::MAX;

/// A schedule and when it fires next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near {
    pub schedule: ScheduleId,
    pub definition: DefinitionId,
    pub at: Time,
    pub jitter: Duration,
}

/// What is to become of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    pub at: Time,
    /// How many earlier instants it stands for.
    pub missed: i32,
    /// False: it is left out itself.
    pub runs: bool,
}

/// What is to become of a schedule that is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// In their order.
    pub firings: Vec<Firing>,
    /// `None`: never again.
    pub next: Option<Time>,
    /// Nobody can say when it fires: it is taken off line, for people to see.
    pub offline: bool,
}

/// Decides about a schedule as its row stands in the transaction.
pub type Decide = Arc<dyn Fn(&Schedule) -> Decision + Send + Sync>;

/// Makes the instance of a firing; `None` if it has to go by a command.
pub type Make = Arc<dyn Fn(&Command) -> Option<NewInstance> + Send + Sync>;

/// Which firings become instances in the transaction that decides about them.
#[derive(Clone)]
pub struct Begin {
    /// How many at most: for so many there is a place.
    pub most: usize,
    pub instance: Make,
}

impl Begin {
    /// All go by commands.
    pub fn nothing() -> Begin {
        Begin { most: 0, instance: Arc::new(|_| None) }
    }
}

/// What became of schedules that were due.
#[derive(Clone, Debug, Default)]
pub struct Fired {
    /// Instances that were made.
    pub begun: Vec<(InstanceId, NewInstance)>,
    /// How many commands were left for others to begin.
    pub commands: usize,
    /// When they are due next; those that never are again, are not here.
    pub next: Vec<Near>,
}

/// What the timer of a master needs of the store.
#[async_trait]
pub trait Timetable: Backfills {
    /// The schedules that fire up to an instant, the first ones first.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn near(&self, until: Time, limit: u64) -> Result<Vec<Near>, Error>;

    /// Some schedules that are on line, and nobody has said yet when they fire.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn unset(&self, limit: u64) -> Result<Vec<ScheduleId>, Error>;

    /// Does what `decide` says about each of these schedules that is still on line.
    ///
    /// # Errors
    /// The database cannot be written.
    async fn fire(&self, schedules: Vec<ScheduleId>, now: Time, decide: Decide, begin: Begin) -> Result<Fired, Error>;

    /// The time on the database server's clock; `None` if it has no other than ours.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn now(&self) -> Result<Option<Time>, Error>;

    /// Starts instants that waited for a run that has ended; how many.
    ///
    /// # Errors
    /// The database cannot be read or written.
    async fn start_waiting(&self, now: Time) -> Result<usize, Error>;
}

#[async_trait]
impl Timetable for Store {
    async fn near(&self, until: Time, limit: u64) -> Result<Vec<Near>, Error> {
        let rows: Vec<(i32, DefinitionId, i64, Option<i64>)> = due(until, limit).into_tuple().all(self.read()).await?;
        let near = |(id, definition, at, jitter)| Near {
            schedule: ScheduleId(id),
            definition,
            at: Time(at),
            jitter: span(jitter),
        };
        Ok(rows.into_iter().map(near).collect())
    }

    async fn unset(&self, limit: u64) -> Result<Vec<ScheduleId>, Error> {
        use schedules::Column;
        let unset = schedules::Entity::find().select_only().column(Column::Id).filter(Column::NextFireMs.is_null());
        let unset = unset.filter(Column::ReleaseState.eq(ReleaseState::Online.code())).limit(limit);
        Ok(unset.into_tuple().all(self.read()).await?)
    }

    async fn fire(&self, schedules: Vec<ScheduleId>, now: Time, decide: Decide, begin: Begin) -> Result<Fired, Error> {
        self.write(move |tx| {
            let (schedules, decide, begin) = (schedules.clone(), decide.clone(), begin.clone());
            Box::pin(async move {
                let mut work = work::Work::default();
                let rows = locked(tx, schedules).await?;
                let online = online(tx, &rows).await?;
                let (on, off): (Vec<_>, Vec<_>) =
                    rows.into_iter().map(read).partition(|it| online.contains(&it.definition));
                work.offline.extend(off.into_iter().map(|schedule| schedule.id.0));
                let (lost, decided): (Vec<_>, Vec<_>) = on
                    .into_iter()
                    .map(|schedule| (decide(&schedule), schedule))
                    .partition(|(decision, _)| decision.offline);
                work.offline.extend(lost.into_iter().map(|(_, schedule)| schedule.id.0));
                let known = known(tx, &decided).await?;
                for (mut decision, schedule) in decided {
                    decision.firings.retain(|firing| !known.contains(&(schedule.id.0, firing.at.0)));
                    work.add(tx, &schedule, decision, now).await?;
                }
                work.write(tx, &begin).await
            })
        })
        .await
    }

    async fn now(&self) -> Result<Option<Time>, Error> {
        let text = match self.read().get_database_backend() {
            DatabaseBackend::MySql => "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS now",
            DatabaseBackend::Postgres => "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now",
            _ => return Ok(None),
        };
        let statement = Statement::from_string(self.read().get_database_backend(), text);
        let row = self.read().query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get("", "now")).transpose()?.map(Time))
    }

    async fn start_waiting(&self, now: Time) -> Result<usize, Error> {
        let (mut started, mut last) = (0, i32::MIN);
        loop {
            let waiting = waiting::some(self.read(), last, LOOKED_AT).await?;
            let Some(beyond) = waiting.last().copied() else { return Ok(started) };
            last = beyond;
            // Most wait for a run that lives, and a transaction is dear.
            for schedule in waiting::ready(self.read(), waiting).await? {
                match self.write(move |tx| Box::pin(waiting::start_next(tx, schedule, now))).await {
                    Ok(has_started) => started += usize::from(has_started),
                    Err(error @ Error::Unavailable(_)) => return Err(error),
                    // It is not to keep the others from going on.
                    Err(error) => tracing::error!(%schedule, "what waits for a run of it cannot start: {error}"),
                }
            }
        }
    }
}

/// Schedules that are on line and fire up to an instant.
fn due(until: Time, limit: u64) -> Select<schedules::Entity> {
    use schedules::Column;
    schedules::Entity::find()
        .select_only()
        .columns([Column::Id, Column::ProcessDefinitionId, Column::NextFireMs, Column::JitterMs])
        .filter(Column::NextFireMs.lte(until.0))
        .filter(Column::ReleaseState.eq(ReleaseState::Online.code()))
        .order_by_asc(Column::NextFireMs)
        .limit(limit)
}

/// The rows of schedules that are on line, locked in the order of their ids, so that two who lock some do not wait for
/// each other.
async fn locked(tx: &DatabaseTransaction, ids: Vec<ScheduleId>) -> Result<Vec<schedules::Model>, Error> {
    let ids = ids.into_iter().map(|id| id.0).collect::<BTreeSet<_>>();
    let mut rows = schedules::Entity::find().filter(schedules::Column::Id.is_in(ids));
    rows = rows.order_by_asc(schedules::Column::Id);
    if !lock::has_one_writer(tx) {
        rows = rows.lock_exclusive();
    }
    let mut rows = rows.all(tx).await?;
    rows.retain(|row| row.release_state == ReleaseState::Online.code());
    Ok(rows)
}

/// Those of their definitions that are on line.
async fn online(tx: &DatabaseTransaction, rows: &[schedules::Model]) -> Result<HashSet<DefinitionId>, Error> {
    use process_definition::Column;
    let ids = rows.iter().map(|row| row.process_definition_id).collect::<BTreeSet<_>>();
    let online = process_definition::Entity::find().select_only().column(Column::Id).filter(Column::Id.is_in(ids));
    let online = online.filter(Column::ReleaseState.eq(ReleaseState::Online.code())).filter(kept(Column::Flag));
    let online: Vec<DefinitionId> = online.into_tuple().all(tx).await?;
    Ok(online.into_iter().collect())
}

/// Instants that were decided upon before: the schedule was off line since, or the clock was set back.
async fn known(tx: &DatabaseTransaction, decided: &[(Decision, Schedule)]) -> Result<HashSet<(i32, i64)>, Error> {
    use firing::Column;
    // Each from its own first instant on: one that is far behind must not make the history of the others be read.
    let firsts = decided.iter().filter_map(|(decision, schedule)| Some((schedule.id, decision.firings.first()?.at)));
    let known = firsts.fold(Condition::any(), |any, (id, first)| {
        any.add(Condition::all().add(Column::ScheduleId.eq(id.0)).add(Column::FireMs.gte(first.0)))
    });
    if known.is_empty() {
        return Ok(HashSet::new());
    }
    let known = firing::Entity::find().select_only().columns([Column::ScheduleId, Column::FireMs]).filter(known);
    Ok(known.into_tuple().all(tx).await?.into_iter().collect())
}

fn span(ms: Option<i64>) -> Duration {
    Duration::from_millis(ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default())
}

/// A row as a schedule; NULLs mean what they did before the columns were there.
pub(super) fn read(row: schedules::Model) -> Schedule {
    Schedule {
        id: ScheduleId(row.id),
        definition: DefinitionId(row.process_definition_id),
        crontab: row.crontab,
        zone: row.timezone_id,
        gap: row.dst_gap.and_then(DstGap::from_code).unwrap_or(DstGap::Shift),
        overlap: row.dst_overlap.and_then(DstOverlap::from_code).unwrap_or(DstOverlap::First),
        start: instant(row.start_time),
        end: instant(row.end_time),
        misfire: row.misfire_policy.and_then(MisfirePolicy::from_code).unwrap_or(MisfirePolicy::FireOnce),
        overlapping: row.overlap_policy.and_then(OverlapPolicy::from_code).unwrap_or(OverlapPolicy::Parallel),
        jitter: span(row.jitter_ms),
        next: row.next_fire_ms.filter(|next| *next != NEVER).map(Time),
        user: UserId(row.user_id),
        strategy: FailureStrategy::from_code(row.failure_strategy).unwrap_or(FailureStrategy::Continue),
        warning: WarningType::from_code(row.warning_type).unwrap_or(WarningType::None),
        warning_group: row.warning_group_id.unwrap_or_default(),
        priority: row.process_instance_priority.and_then(Priority::from_code).unwrap_or(Priority::Medium),
        worker_group: row.worker_group_id.unwrap_or(-1),
    }
}

impl Store {
    /// Forgets what became of instants long ago; of at most so many. Instants that wait stay.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn forget_firings(&self, before: Time, limit: u64) -> Result<u64, Error> {
        use firing::Column;
        let old = firing::Entity::find().select_only().columns([Column::ScheduleId, Column::FireMs]);
        let old = old.filter(Column::Outcome.ne(Outcome::Waiting.code())).filter(Column::FiredMs.lt(before.0));
        let old: Vec<(i32, i64)> = old.limit(limit).into_tuple().all(self.read()).await?;
        let mut by_schedule: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for (schedule, at) in old {
            by_schedule.entry(schedule).or_default().push(at);
        }
        self.write(move |tx| {
            let by_schedule = by_schedule.clone();
            Box::pin(async move {
                let mut forgotten = 0;
                for (schedule, instants) in by_schedule {
                    let gone = firing::Entity::delete_many().filter(Column::ScheduleId.eq(schedule));
                    forgotten += gone.filter(Column::FireMs.is_in(instants)).exec(tx).await?.rows_affected;
                }
                Ok(forgotten)
            })
        })
        .await
    }
}

/// The instant of a column, for those who write schedules.
pub(super) fn column(next: Option<Time>) -> i64 {
    next.map_or(NEVER, |next| next.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::QueryTrait;

    #[tokio::test]
    async fn what_is_due_is_found_by_its_time_however_many_schedules_there_are() {
        let store = Store::memory().await.unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", due(Time(1), 10).build(DatabaseBackend::Sqlite));
        let rows = store.read().query_all_raw(Statement::from_string(DatabaseBackend::Sqlite, sql)).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        // Neither all rows are read, nor are they sorted.
        assert!(plan.len() == 1 && plan[0].starts_with("SEARCH") && plan[0].contains("next_fire_ms<?"), "{plan:?}");
    }
}
