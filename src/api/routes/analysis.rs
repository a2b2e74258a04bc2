//! The charts of the home page and of projects.

use crate::api::Compat;
use crate::api::call::Call;
use crate::api::form::Form;
use crate::api::language::Words;
use crate::api::param::{Kind::*, Param, Params, may};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Authors, CommandCount, QueueCount, StateCounts};
use crate::model::UserType;
use crate::store::{Scope, Span};
use chrono_tz::Tz;

const PROJECT: Param = may("projectId", Int, "The id of the project; empty or 0 means all that the user sees.").or(0);
pub const SCOPE: Params = &[PROJECT];
pub const SPAN: Params = &[
    may("startDate", Date, "Only what started after this."),
    may("endDate", Date, "Only what started by then."),
    PROJECT,
];

/// `projects/analysis/task-state-count`
pub async fn tasks(call: Call) -> Outcome<StateCounts> {
    let found = match span(&call)? {
        Some(span) => call.store().task_states(scope(&call)?, span).await?,
        None => Vec::new(),
    };
    Reply::data(&StateCounts::of(&found))
}

/// `projects/analysis/process-state-count`
pub async fn instances(call: Call) -> Outcome<StateCounts> {
    let found = match span(&call)? {
        Some(span) => call.store().instance_states(scope(&call)?, span).await?,
        None => Vec::new(),
    };
    Reply::data(&StateCounts::of(&found))
}

/// `projects/analysis/define-user-count`
pub async fn definitions(call: Call) -> Outcome<Authors> {
    Reply::data(&Authors::of(call.store().definitions_by_author(scope(&call)?).await?))
}

/// `projects/analysis/command-state-count`: a page of the front-end gives no dates and wants zeros.
pub async fn commands(call: Call) -> Outcome<Vec<CommandCount>> {
    let scope = scope(&call)?;
    match given_span(&call.form, call.shared.settings.zone)? {
        None => Reply::data(&CommandCount::all(&[], &[])),
        Some(span) => {
            let waiting = call.store().waiting_commands(scope, span).await?;
            let refused = call.store().refused_commands(scope, span).await?;
            Reply::data(&CommandCount::all(&waiting, &refused))
        }
    }
}

/// `projects/analysis/queue-count`
pub async fn queue(call: Call) -> Outcome<QueueCount> {
    Reply::data(&QueueCount::from(call.store().backlog(scope(&call)?).await?))
}

/// What the caller may see, or the project that was asked for.
fn scope(call: &Call) -> Result<Scope, Failure> {
    let account = call.account()?;
    Ok(match (&call.access, account.kind) {
        (Some(access), _) => Scope::Project(access.project),
        (None, UserType::Admin) => Scope::Everything,
        (None, UserType::General) => Scope::Of(account.id),
    })
}

/// The dates. Release 1.0.1 refuses to count without them, 1.1.0 counts nothing.
fn span(call: &Call) -> Result<Option<Span>, Failure> {
    let given = given_span(&call.form, call.shared.settings.zone)?;
    if given.is_none() && call.compat() == Compat::V1_0 {
        let name = if call.form.filled("startDate").is_none() { "startDate" } else { "endDate" };
        return Err(Failure::invalid(name, Words::new("it is missing", "缺少该参数")));
    }
    Ok(given)
}

/// The dates, if both are given.
fn given_span(form: &Form, zone: Tz) -> Result<Option<Span>, Failure> {
    let date = |name: &str| match (form.filled(name), form.instant(name, zone)) {
        (Some(_), None) => {
            let words = Words::new("it is no date such as 2026-01-31 08:00:00", "不是 2026-01-31 08:00:00 格式的日期");
            Err(Failure::invalid(name, words))
        }
        (_, date) => Ok(date),
    };
    Ok(date("startDate")?.zip(date("endDate")?).map(|(after, until)| Span { after, until }))
}
