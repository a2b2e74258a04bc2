//! Schedules become due: one transaction locks the schedule, decides about the instant or compares what it was decided
//! by beforehand, keeps a row for the instant, makes the instance and moves the schedule on. Whoever crashes, crashes
//! before or after.
//!
//! A master that has no place for the instance, or cannot start it, leaves a command instead, as others who start
//! something do.

mod foresight;
mod forget;
mod standing;
mod waiting;
mod work;

pub use foresight::Foreseen;
pub(super) use standing::read;

use super::entity::schedules;
use super::{Backfills, Error, NewInstance, Store};
use crate::model::{Command, DefinitionId, InstanceId, ReleaseState, Schedule, ScheduleId, Time};
use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, Statement,
};
use standing::{locked, online, span};
use std::sync::Arc;
use std::time::Duration;
use work::Work;

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
    /// Why nobody can say when it fires: it is taken off line, for people to see.
    pub offline: Option<String>,
}

/// Decides about a schedule as its row stands; may be asked in vain.
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
    /// How many instants wait for a run to end, which may have done so meanwhile.
    pub waiting: usize,
    /// When they are due next; those that never are again, are not here.
    pub next: Vec<Near>,
}

impl Fired {
    /// The same, and what became of other schedules.
    pub fn add(&mut self, other: Fired) {
        self.begun.extend(other.begun);
        self.commands += other.commands;
        self.waiting += other.waiting;
        self.next.extend(other.next);
    }
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

    /// Works out what is going to be written about schedules, before they are due at `at`; nothing, if a timetable
    /// cannot do so.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn foresee(
        &self,
        schedules: Vec<ScheduleId>,
        _at: Time,
        _decide: Decide,
        _begin: Begin,
    ) -> Result<Foreseen, Error> {
        Ok(Foreseen::nothing(schedules))
    }

    /// Writes what was foreseen; `None` if a schedule does not stand as it did any more, and nothing was written.
    ///
    /// # Errors
    /// The database cannot be written.
    async fn fire_foreseen(&self, _foreseen: Arc<Foreseen>) -> Result<Option<Fired>, Error> {
        Ok(None)
    }

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

    async fn foresee(
        &self,
        schedules: Vec<ScheduleId>,
        at: Time,
        decide: Decide,
        begin: Begin,
    ) -> Result<Foreseen, Error> {
        Foreseen::of(self.read(), schedules, at, &decide, &begin).await
    }

    async fn fire_foreseen(&self, foreseen: Arc<Foreseen>) -> Result<Option<Fired>, Error> {
        if foreseen.writes_nothing() {
            return Ok(Some(foreseen.fired(vec![])));
        }
        let written = foreseen.clone();
        let ids = self.write(move |tx| {
            let foreseen = written.clone();
            Box::pin(async move { foreseen.carry_out(tx).await })
        });
        Ok(ids.await?.map(|ids| foreseen.fired(ids)))
    }

    async fn fire(&self, schedules: Vec<ScheduleId>, now: Time, decide: Decide, begin: Begin) -> Result<Fired, Error> {
        self.write(move |tx| {
            let (schedules, decide, begin) = (schedules.clone(), decide.clone(), begin.clone());
            Box::pin(async move {
                let (mut decided, mut offline) = (Vec::new(), Vec::new());
                let rows: Vec<Schedule> = locked(tx, schedules).await?.into_iter().map(read).collect();
                let online = online(tx, rows.iter().map(|schedule| schedule.definition)).await?;
                for schedule in rows {
                    let decision = online.contains_key(&schedule.definition).then(|| decide(&schedule));
                    match decision {
                        Some(decision @ Decision { offline: None, .. }) => decided.push((decision, schedule)),
                        decision => {
                            let why = decision.and_then(|decision| decision.offline);
                            let why = why.unwrap_or_else(|| "its definition is off line or gone".to_owned());
                            tracing::error!(schedule = %schedule.id, "the schedule is taken off line: {why}");
                            offline.push(schedule.id.0);
                        }
                    }
                }
                let mut work = Work::of(tx, decided, now).await?;
                work.offline = offline;
                let statements = work.written(&begin, tx.get_database_backend())?;
                Ok(statements.fired(statements.carry_out(tx).await?))
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
