//! Task instances.

use crate::api::call::Call;
use crate::api::param::{Kind::*, LONGEST_SEARCH, PAGE_NO, PAGE_SIZE, Params, SEARCH, may};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Listed, Task};
use crate::model::{InstanceId, State};
use crate::store::TaskFilter;

pub const PAGE: Params = &[
    may("processInstanceId", Int, "Only those of this process instance; empty or 0 means every one.").or(0),
    SEARCH,
    may("taskName", Text(LONGEST_SEARCH), "Only those of exactly this name."),
    may("stateType", OneOf(State::NAMES), "Only those in this state."),
    may("host", Text(LONGEST_SEARCH), "What the name of the worker's host must contain."),
    may("startDate", Date, "Only those that started after this."),
    may("endDate", Date, "Only those that started by then; counts if there is a startDate."),
    PAGE_NO,
    PAGE_SIZE,
];

/// `task-instance/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Task>> {
    let form = &call.form;
    let part = form.lenient_page()?;
    let zone = call.shared.settings.zone;
    let text = |name| Ok::<_, Failure>(form.short(name, LONGEST_SEARCH)?.unwrap_or_default().to_owned());
    let after = form.instant("startDate", zone);
    let filter = TaskFilter {
        instance: Some(form.int_or("processInstanceId", 0)?).filter(|id| *id != 0).map(InstanceId),
        search: text("searchVal")?,
        name: text("taskName")?,
        host: text("host")?,
        state: form.any_of("stateType")?,
        after,
        until: after.and(form.instant("endDate", zone)),
    };
    let found = call.store().tasks(call.project()?, &filter, part).await?;
    Reply::data(&Listed::of(found, part, Task::from))
}
