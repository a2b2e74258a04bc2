//! How schedules stand when it is decided about them.

use super::{Decision, NEVER};
use crate::model::{
    DefinitionId, DstGap, DstOverlap, FailureStrategy, MisfirePolicy, OverlapPolicy, Priority, ReleaseState, Schedule,
    ScheduleId, Time, UserId, WarningType,
};
use crate::store::entity::{firing, process_definition, schedules};
use crate::store::list::kept;
use crate::store::{Error, instant, lock};
use chrono::NaiveDateTime;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

/// The rows of schedules that are on line, locked in the order of their ids, so that two who lock some do not wait for
/// each other.
pub(super) async fn locked(tx: &DatabaseTransaction, ids: Vec<ScheduleId>) -> Result<Vec<schedules::Model>, Error> {
    Ok(online_only(locking(tx, chosen(ids.into_iter().map(|id| id.0))).all(tx).await?))
}

/// The rows of schedules that are on line, in the order of their ids.
pub(super) async fn seen(db: &impl ConnectionTrait, ids: Vec<ScheduleId>) -> Result<Vec<schedules::Model>, Error> {
    Ok(online_only(chosen(ids.into_iter().map(|id| id.0)).all(db).await?))
}

/// Who a schedule is, whether it is on line, when it fires next, and when it was changed last.
pub(super) type Stamp = (i32, i32, Option<i64>, NaiveDateTime);

/// So it was seen.
pub(super) fn stamp(row: &schedules::Model) -> Stamp {
    (row.id, row.release_state, row.next_fire_ms, row.update_time)
}

/// So they stand, in the order of their ids, and locked as above. To read their whole rows takes five times as long.
pub(super) async fn stamps(tx: &DatabaseTransaction, ids: impl Iterator<Item = i32>) -> Result<Vec<Stamp>, Error> {
    use schedules::Column;
    let columns = [Column::Id, Column::ReleaseState, Column::NextFireMs, Column::UpdateTime];
    Ok(locking(tx, chosen(ids).select_only().columns(columns)).into_tuple().all(tx).await?)
}

fn chosen(ids: impl Iterator<Item = i32>) -> Select<schedules::Entity> {
    use schedules::Column;
    schedules::Entity::find().filter(Column::Id.is_in(ids.collect::<BTreeSet<_>>())).order_by_asc(Column::Id)
}

fn locking(tx: &DatabaseTransaction, found: Select<schedules::Entity>) -> Select<schedules::Entity> {
    if lock::has_one_writer(tx) { found } else { found.lock_exclusive() }
}

/// Here, and not by the database, which would find them by another index, and lock them in another order.
fn online_only(mut rows: Vec<schedules::Model>) -> Vec<schedules::Model> {
    rows.retain(|row| row.release_state == ReleaseState::Online.code());
    rows
}

/// Definitions that are on line, and when each was changed last.
pub(super) type Drawn = BTreeMap<DefinitionId, Option<Time>>;

/// Those of these definitions that are on line.
pub(super) async fn online(
    db: &impl ConnectionTrait,
    definitions: impl Iterator<Item = DefinitionId>,
) -> Result<Drawn, Error> {
    use process_definition::Column;
    let ids = definitions.map(|id| id.0).collect::<BTreeSet<_>>();
    let online = process_definition::Entity::find().select_only().columns([Column::Id, Column::UpdateTime]);
    let online = online.filter(Column::Id.is_in(ids)).filter(kept(Column::Flag));
    let online = online.filter(Column::ReleaseState.eq(ReleaseState::Online.code()));
    let online: Vec<(DefinitionId, Option<NaiveDateTime>)> = online.into_tuple().all(db).await?;
    Ok(online.into_iter().map(|(id, at)| (id, at.map(instant))).collect())
}

/// Instants that were decided upon before: the schedule was off line since, or the clock was set back.
pub(super) async fn known(
    db: &impl ConnectionTrait,
    decided: &[(Decision, Schedule)],
) -> Result<HashSet<(i32, i64)>, Error> {
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
    Ok(known.into_tuple().all(db).await?.into_iter().collect())
}

pub(super) fn span(ms: Option<i64>) -> Duration {
    Duration::from_millis(ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default())
}

/// A row as a schedule; NULLs mean what they did before the columns were there.
pub(in crate::store) fn read(row: schedules::Model) -> Schedule {
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
