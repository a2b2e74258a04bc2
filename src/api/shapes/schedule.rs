//! Schedules.

use crate::calendar;
use crate::model::{
    DstGap, DstOverlap, FailureStrategy, MisfirePolicy, OverlapPolicy, Priority, ReleaseState, ScheduleId, Time,
    WarningType,
};
use crate::store::ScheduleRow;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    id: ScheduleId,
    process_definition_id: i32,
    process_definition_name: Option<String>,
    project_name: Option<String>,
    desc: Option<String>,
    start_time: Time,
    end_time: Time,
    crontab: String,
    failure_strategy: FailureStrategy,
    warning_type: WarningType,
    create_time: Time,
    update_time: Time,
    user_id: i32,
    user_name: Option<String>,
    release_state: ReleaseState,
    warning_group_id: i32,
    process_instance_priority: Option<Priority>,
    worker_group_id: i32,
    /// An IANA zone; null: the server's.
    timezone_id: Option<String>,
    misfire_policy: MisfirePolicy,
    overlap_policy: OverlapPolicy,
    gap: DstGap,
    overlap: DstOverlap,
    /// Milliseconds.
    jitter: i64,
    /// When it fires next; null while it is off line, and after its last time.
    next_fire_time: Option<Time>,
    /// Why it cannot fire: what cannot be read of its expression or its zone, in words; else null. Such schedules come
    /// from EasyScheduler.
    problem: Option<String>,
}

impl From<ScheduleRow> for Schedule {
    fn from(row: ScheduleRow) -> Schedule {
        Schedule {
            problem: calendar::problem(&row.crontab, row.timezone_id.as_deref()),
            id: row.id,
            process_definition_id: row.process_definition_id,
            process_definition_name: row.process_definition_name,
            project_name: row.project_name,
            desc: row.desc,
            start_time: row.start_time,
            end_time: row.end_time,
            crontab: row.crontab,
            failure_strategy: row.failure_strategy.unwrap_or(FailureStrategy::Continue),
            warning_type: row.warning_type.unwrap_or(WarningType::None),
            create_time: row.create_time,
            update_time: row.update_time,
            user_id: row.user_id,
            user_name: row.user_name,
            release_state: row.release_state.unwrap_or(ReleaseState::Offline),
            warning_group_id: row.warning_group_id.unwrap_or_default(),
            process_instance_priority: row.process_instance_priority,
            worker_group_id: row.worker_group_id.unwrap_or(-1),
            timezone_id: row.timezone_id,
            misfire_policy: row.misfire_policy.unwrap_or(MisfirePolicy::FireOnce),
            overlap_policy: row.overlap_policy.unwrap_or(OverlapPolicy::Parallel),
            gap: row.dst_gap.unwrap_or(DstGap::Shift),
            overlap: row.dst_overlap.unwrap_or(DstOverlap::First),
            jitter: row.jitter_ms.unwrap_or_default(),
            // What never fires again has an instant beyond the calendar.
            next_fire_time: row.next_fire_ms.filter(|next| *next < i64::MAX).map(Time),
        }
    }
}
