//! Backfills: past dates for which a definition runs (`EasyScheduler 1.0.1: complement data`). A start asks for one;
//! the routes to see and steer it as a whole are beyond the original.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, PAGE_NO, PAGE_SIZE, Param, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Backfill as Shown, Listed};
use crate::calendar::{self, Calendar};
use crate::model::{
    Backfill, BackfillId, Command, DateOrder, DefinitionId, ExecuteType, Priority, RunMode, Schedule, Time,
};
use crate::store::Unsteered;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use std::sync::Arc;

pub const RANGE: Param = may(
    "scheduleTime",
    AnyText,
    "For COMPLEMENT_DATA: the first and the last business date, both included, as \
     `2019-06-01 00:00:00,2019-06-05 00:00:00`; a last date at midnight means its whole day.",
);
pub const MODE: Param = may(
    "runMode",
    OneOf(RunMode::NAMES),
    "For COMPLEMENT_DATA: one date after the other, which is the default, or several at once.",
);
pub const PARALLELISM: Param =
    may("expectedParallelismNumber", Int, "How many dates run at once with RUN_MODE_PARALLEL, 1 to 1000; 2 if empty.")
        .or(2);
pub const ORDER: Param = may("order", OneOf(DateOrder::NAMES), "In which order the dates run; empty means ascending.");

pub const PAGE: Params =
    &[PAGE_NO, PAGE_SIZE, may("processDefinitionId", Int, "The id of the definition; 0 or empty means all.").or(0)];
pub const STEER: Params = &[
    need("backfillId", Int, "The id of the backfill."),
    need("executeType", OneOf(&["PAUSE", "RECOVER_SUSPENDED_PROCESS", "STOP"]), "What is to happen to all of it."),
];

/// How many dates one backfill may have: those of every hour of a year, and some.
const MOST: usize = 10_000;
const PARALLELISMS: std::ops::RangeInclusive<i32> = 1..=1000;

/// `executors/start-process-instance` with `execType=COMPLEMENT_DATA`
pub(super) async fn start(call: &Call, template: Command, mails: [Option<String>; 2]) -> Outcome {
    let form = &call.form;
    let mode = form.any_of("runMode")?.unwrap_or(RunMode::Serial);
    let parallelism = match mode {
        RunMode::Serial => 1,
        RunMode::Parallel => form.int_or("expectedParallelismNumber", 2)?,
    };
    if !PARALLELISMS.contains(&parallelism) {
        return Err(Failure::invalid("expectedParallelismNumber", format!("{parallelism} is not between 1 and 1000")));
    }
    let range =
        range(form.filled("scheduleTime").unwrap_or_default()).map_err(|why| Failure::invalid("scheduleTime", why))?;
    let definition = template.definition;
    let schedule = call.store().schedule_of(definition).await?;
    let (calendar, zone) = calendar(schedule.as_ref(), call.zone()).map_err(Failure::because)?;
    let dates: Arc<[Time]> =
        calendar::business_dates(calendar.as_ref(), zone, range.0, range.1).take(MOST + 1).collect();
    if dates.is_empty() {
        return Err(Failure::invalid("scheduleTime", "the schedule has no fire time for these dates".to_owned()));
    }
    if dates.len() > MOST {
        return Err(Failure::invalid("scheduleTime", format!("these are more than {MOST} dates")));
    }
    let backfill = Backfill {
        template: Command { priority: behind_the_daily_work(template.priority), ..template },
        schedule: schedule.map(|schedule| schedule.id),
        zone,
        mode,
        parallelism,
        order: form.any_of("order")?.unwrap_or(DateOrder::Ascending),
    };
    match call.store().create_backfill(backfill, dates, mails, Time::now()).await? {
        Some(_) => {
            call.wake_masters();
            Reply::done()
        }
        None => Err(Code::NOT_ONLINE.refuse(&[&definition])),
    }
}

/// What is not asked for with emphasis waits for everything else: front-ends send MEDIUM where nobody has chosen.
fn behind_the_daily_work(priority: Priority) -> Priority {
    match priority {
        Priority::Highest | Priority::High => priority,
        Priority::Medium | Priority::Low | Priority::Lowest => Priority::Lowest,
    }
}

/// When the definition fires, if it has a schedule, and the zone that its dates are meant in.
fn calendar(schedule: Option<&Schedule>, server: Tz) -> Result<(Option<Calendar>, Tz), String> {
    match schedule {
        None => Ok((None, server)),
        Some(schedule) => {
            let calendar = Calendar::of(schedule, server)
                .map_err(|why| format!("the schedule of the definition cannot tell the dates: {why}"))?;
            let zone = calendar.zone;
            Ok((Some(calendar), zone))
        }
    }
}

fn range(text: &str) -> Result<(NaiveDateTime, NaiveDateTime), String> {
    let wrong =
        || format!("`{text}` is not two times with a comma between them, as 2019-06-01 00:00:00,2019-06-05 00:00:00");
    let (first, last) = text.split_once(',').ok_or_else(wrong)?;
    let wall = |text: &str| NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S").map_err(|_| wrong());
    let (first, last) = (wall(first)?, wall(last)?);
    if first > last {
        return Err(format!("it begins ({first}) after it ends ({last})"));
    }
    Ok((first, last))
}

/// `backfill/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Shown>> {
    let part = call.form.page()?;
    let definition = Some(call.form.int_or("processDefinitionId", 0)?).filter(|id| *id != 0).map(DefinitionId);
    let found = call.store().backfills(call.project()?, definition, part).await?;
    let now = Time::now();
    Reply::data(&Listed::of(found, part, |(row, progress)| Shown::of(row, progress, now)))
}

/// `backfill/execute`
pub async fn steer(call: Call) -> Outcome {
    let id = BackfillId(call.form.int("backfillId")?);
    let wish: ExecuteType = call.form.one_of("executeType")?;
    let told = call.store().order_backfill(call.project()?, id, wish, call.user()?, Time::now()).await?;
    match told.ok_or_else(|| Code::NO_SUCH_BACKFILL.refuse(&[&id]))? {
        Ok(()) => {
            call.wake_masters();
            Reply::done()
        }
        Err(Unsteered::State(state)) => Err(Code::BACKFILL_STATE.refuse(&[&id, &state, &wish])),
        Err(Unsteered::Pausing) => Err(Code::BACKFILL_PAUSING.refuse(&[&id])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_two_times_in_their_order() {
        assert!(range("2019-06-01 00:00:00,2019-06-05 00:00:00").is_ok());
        assert!(range("2019-06-01 00:00:00, 2019-06-01 00:00:00").is_ok());
        for wrong in ["", "2019-06-01 00:00:00", "2019-06-01,2019-06-05", "x,y"] {
            assert!(range(wrong).unwrap_err().contains("is not two times"), "{wrong}");
        }
        assert!(range("2019-06-05 00:00:00,2019-06-01 00:00:00").unwrap_err().contains("after it ends"));
    }

    #[test]
    fn only_who_says_so_gets_before_the_daily_work() {
        let all = Priority::ALL.iter().map(|priority| behind_the_daily_work(*priority)).collect::<Vec<_>>();
        assert_eq!(all, [Priority::Highest, Priority::High, Priority::Lowest, Priority::Lowest, Priority::Lowest]);
    }
}
