//! Backfills and how far they are.

use crate::model::{BackfillState, DateOrder, RunMode, Time};
use crate::store::{BackfillRow, Progress};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backfill {
    id: i32,
    process_definition_id: i32,
    process_definition_name: Option<String>,
    /// The schedule whose fire times its dates are; none: every day.
    schedule_id: Option<i32>,
    timezone_id: String,
    state: BackfillState,
    /// Why it is paused, if nobody has paused it.
    reason: Option<String>,
    run_mode: RunMode,
    expected_parallelism_number: i32,
    order: DateOrder,
    first_date: Time,
    last_date: Time,
    total: i32,
    waiting: i64,
    running: i64,
    succeeded: i64,
    failed: i64,
    executor_id: i32,
    create_time: Time,
    end_time: Option<Time>,
    /// When it will have ended, judged by what has ended so far.
    estimated_end_time: Option<Time>,
}

impl Backfill {
    pub fn of(row: BackfillRow, progress: Progress, now: Time) -> Backfill {
        Backfill {
            id: row.id.0,
            process_definition_id: row.process_definition_id,
            process_definition_name: row.process_definition_name,
            schedule_id: row.schedule_id.map(|id| id.0),
            timezone_id: row.timezone_id,
            state: row.state,
            reason: row.note,
            run_mode: row.run_mode,
            expected_parallelism_number: row.parallelism,
            order: row.date_order,
            first_date: Time(row.first_ms),
            last_date: Time(row.last_ms),
            total: row.total,
            waiting: progress.waiting,
            running: progress.running,
            succeeded: progress.succeeded,
            failed: progress.failed,
            executor_id: row.executor_id,
            create_time: Time(row.create_ms),
            end_time: row.end_ms.map(Time),
            estimated_end_time: progress.remaining.map(|span| now + span),
        }
    }
}
