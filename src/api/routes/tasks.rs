//! Task instances.

use crate::api::call::Call;
use crate::api::reply::{Outcome, Reply};
use crate::api::shapes::{Listed, Task};
use crate::model::InstanceId;
use crate::store::TaskFilter;

/// `task-instance/list-paging`
pub async fn page(call: Call) -> Outcome {
    let form = &call.form;
    let part = form.lenient_page()?;
    let zone = call.shared.settings.zone;
    let text = |name| form.given(name).unwrap_or_default().to_owned();
    let after = form.instant("startDate", zone);
    let filter = TaskFilter {
        instance: Some(form.int_or("processInstanceId", 0)?).filter(|id| *id != 0).map(InstanceId),
        search: text("searchVal"),
        name: text("taskName"),
        host: text("host"),
        state: form.any_of("stateType")?,
        after,
        until: after.and(form.instant("endDate", zone)),
    };
    let found = call.store().tasks(call.project()?, &filter, part).await?;
    Reply::data(&Listed::of(found, part, Task::from))
}
