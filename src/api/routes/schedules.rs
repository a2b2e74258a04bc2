//! Schedules: when a definition runs by itself (`EasyScheduler 1.0.1: schedule`).

use crate::admission;
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::form::Form;
use crate::api::language::Words;
use crate::api::param::{Kind::*, PAGE_NO, PAGE_SIZE, Param, Params, SEARCH, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::routes::executors::refused;
use crate::api::routes::timing::{self, Wrong};
use crate::api::shapes::{Listed, Schedule};
use crate::calendar::{self, Calendar};
use crate::model::{DefinitionId, FailureStrategy, ReleaseState, ScheduleId, TaskDependType, Time, WarningType};
use crate::store::{Timing, Unmoved};
use std::sync::Arc;

const ID: Param = need("id", Int, "The id of the schedule.");
const DEFINITION: Param = need("processDefinitionId", Int, "The id of the definition.");
const SCHEDULE: Param = need(
    "schedule",
    Json,
    "When it fires: `startTime`, `endTime` and `crontab` (a Quartz expression); if wanted `timezoneId` (an IANA zone), \
     `misfirePolicy` (fire once, fire all, skip), `overlapPolicy` (parallel, wait, skip, replace), `gap` (shift, skip), \
     `overlap` (first, second, both), `jitter` (seconds).",
);
const STRATEGY: Param = may("failureStrategy", OneOf(&["END", "CONTINUE"]), "What a failed node means for the others.");
const WARNING: Param =
    may("warningType", OneOf(&["NONE", "SUCCESS", "FAILURE", "ALL"]), "Which ends of a run are worth an alert.");
const GROUP: Param = may("warningGroupId", Int, "The alert group; 1 if it is not given.").or(1);
const RECEIVERS: Param = may("receivers", AnyText, "Mail addresses with commas between them, kept on the definition.");
const RECEIVERS_CC: Param = may("receiversCc", AnyText, "The same for copies.");
const PRIORITY: Param =
    may("processInstancePriority", OneOf(&["HIGHEST", "HIGH", "MEDIUM", "LOW", "LOWEST"]), "How urgent its runs are.");
const WORKERS: Param = may("workerGroupId", Int, "The worker group; -1 stands for every worker.").or(-1);
pub const CREATE: Params =
    &[DEFINITION, SCHEDULE, STRATEGY, WARNING, GROUP, RECEIVERS, RECEIVERS_CC, PRIORITY, WORKERS];
pub const UPDATE: Params = &[ID, SCHEDULE, STRATEGY, WARNING, GROUP, RECEIVERS, RECEIVERS_CC, PRIORITY, WORKERS];
pub const ONE: Params = &[ID];
pub const PAGE: Params = &[DEFINITION, PAGE_NO, PAGE_SIZE, SEARCH];
pub const DELETE: Params = &[need("scheduleId", Int, "The id of the schedule.")];
pub const PREVIEW: Params = &[SCHEDULE];

/// How many instants a preview shows.
const SHOWN: usize = 5;

/// `schedule/create`
pub async fn create(call: Call) -> Outcome {
    let definition = DefinitionId(call.form.int("processDefinitionId")?);
    match call.store().release_state(call.project()?, definition).await? {
        None => return Err(Code::NO_SUCH_DEFINITION.refuse(&[&definition])),
        Some(ReleaseState::Offline) => return Err(Code::NOT_ONLINE.refuse(&[&definition])),
        Some(ReleaseState::Online) => {}
    }
    let timing = wished(&call, FailureStrategy::Continue, |why| Failure::invalid("schedule", why))?;
    match call.store().create_schedule(definition, call.user()?, timing).await? {
        Some(_) => Reply::done(),
        None => Err(Code::NOT_ONLINE.refuse(&[&definition])),
    }
}

/// `schedule/update`
pub async fn update(call: Call) -> Outcome {
    let id = ScheduleId(call.form.int("id")?);
    let found = call.store().schedule(call.project()?, id).await?.ok_or_else(|| unknown(id))?;
    let timing = wished(&call, FailureStrategy::End, |why| Code::CRON.refuse(&[&why]))?;
    match call.store().update_schedule(call.project()?, id, timing).await? {
        Ok(()) => Reply::done(),
        Err(Unmoved::Definition) => Err(Code::NO_SUCH_DEFINITION.refuse(&[&found.process_definition_id])),
        Err(Unmoved::Online) => Err(Code::SCHEDULE_IS_ONLINE.refuse(&[&id])),
        Err(_) => Err(unknown(id)),
    }
}

/// `schedule/online`
pub async fn online(call: Call) -> Outcome {
    let id = ScheduleId(call.form.int("id")?);
    let row = call.store().schedule(call.project()?, id).await?.ok_or_else(|| unknown(id))?;
    let definition = DefinitionId(row.process_definition_id);
    if let Some(why) = calendar::problem(&row.crontab, row.timezone_id.as_deref()) {
        return Err(Failure::because(why));
    }
    admission::check(call.store(), definition, "", TaskDependType::Post).await.map_err(refused)?;
    release(&call, id, ReleaseState::Online).await?;
    call.wake_masters();
    Reply::done()
}

/// `schedule/offline`
pub async fn offline(call: Call) -> Outcome {
    release(&call, ScheduleId(call.form.int("id")?), ReleaseState::Offline).await?;
    Reply::done()
}

async fn release(call: &Call, id: ScheduleId, state: ReleaseState) -> Result<(), Failure> {
    let (now, zone) = (Time::now(), call.zone());
    let next = Arc::new(move |schedule: &crate::model::Schedule| {
        let calendar = Calendar::of(schedule, zone).ok()?;
        calendar.between(schedule.start.max(now), schedule.end).next()
    });
    match call.store().release_schedule(call.project()?, id, state, next, now).await? {
        Ok(()) => Ok(()),
        Err(Unmoved::Already) => Err(Code::SCHEDULE_ALREADY.refuse(&[&state])),
        Err(Unmoved::Definition) => Err(Code::NOT_ONLINE.refuse(&[&id])),
        Err(Unmoved::Never) => {
            let english = "between now and its end there is no time at which it would fire";
            Err(Failure::because(Words::new(english, "从现在到结束时间之间没有触发时间")))
        }
        Err(_) => Err(unknown(id)),
    }
}

/// `schedule/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Schedule>> {
    let part = call.form.lenient_page()?;
    let definition = DefinitionId(call.form.int("processDefinitionId")?);
    if call.store().release_state(call.project()?, definition).await?.is_none() {
        return Err(Code::NO_SUCH_DEFINITION.refuse(&[&definition]));
    }
    let found = call.store().schedules(call.project()?, definition, part).await?;
    Reply::data(&Listed::of(found, part, Schedule::from))
}

/// `schedule/list`
pub async fn list(call: Call) -> Outcome<Vec<Schedule>> {
    let all = call.store().all_schedules(call.project()?).await?;
    Reply::data(&all.into_iter().map(Schedule::from).collect::<Vec<_>>())
}

/// `schedule/delete`
pub async fn delete(call: Call) -> Outcome {
    let id = ScheduleId(call.form.int("scheduleId")?);
    match call.store().delete_schedule(call.project()?, id, call.user()?).await? {
        Ok(()) => Reply::done(),
        Err(Unmoved::Foreign) => Err(Code::NO_PRIVILEGE.refuse(&[&call.account()?.name])),
        Err(Unmoved::Online) => Err(Code::SCHEDULE_ONLINE_UNDELETED.refuse(&[&id])),
        Err(_) => Err(unknown(id)),
    }
}

/// `schedule/preview`
pub async fn preview(call: Call) -> Outcome<Vec<String>> {
    let document = timing::read(call.form.text("schedule")?, call.zone()).map_err(|wrong| match wrong {
        Wrong::Crontab(why) => Code::CRON_UNREADABLE.refuse(&[&why]),
        Wrong::Document(why) => Failure::invalid("schedule", why),
        Wrong::Empty => Code::SCHEDULE_ENDS_AT_START.refuse(&[]),
    })?;
    let zone = document.zone();
    let shown = document.fires_from(document.start.max(Time::now())).take(SHOWN);
    Reply::data(&shown.map(|at| at.on_the_clock_of(zone)).collect::<Vec<_>>())
}

/// The timing that a request describes; `cron` makes the refusal of an expression.
fn wished(call: &Call, strategy: FailureStrategy, cron: impl Fn(String) -> Failure) -> Result<Timing, Failure> {
    let form: &Form = &call.form;
    let document = timing::read(form.text("schedule")?, call.zone()).map_err(|wrong| match wrong {
        Wrong::Crontab(why) => cron(why),
        Wrong::Document(why) => Failure::invalid("schedule", why),
        Wrong::Empty => Code::SCHEDULE_ENDS_AT_START.refuse(&[]),
    })?;
    Ok(Timing {
        strategy: form.any_of("failureStrategy")?.unwrap_or(strategy),
        warning: form.any_of("warningType")?.unwrap_or(WarningType::None),
        warning_group: form.int_or("warningGroupId", 1)?,
        priority: form.any_of("processInstancePriority")?,
        worker_group: form.int_or("workerGroupId", -1)?,
        receivers: form.given("receivers").map(str::to_owned),
        receivers_cc: form.given("receiversCc").map(str::to_owned),
        at: Time::now(),
        crontab: document.crontab,
        zone: document.timezone_id,
        gap: document.gap,
        overlap: document.overlap,
        start: document.start,
        end: document.end,
        misfire: document.misfire,
        overlapping: document.overlapping,
        jitter_ms: document.jitter_ms,
    })
}

fn unknown(id: ScheduleId) -> Failure {
    Code::NO_SUCH_SCHEDULE.refuse(&[&id])
}
