//! Editing an instance that has ended, before it is run again.

use super::definitions::checked;
use super::variables::moment;
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::language::{Language, Words};
use crate::api::param::{Kind::*, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::model::{Flag, InstanceId, Time};
use crate::params::{Moment, cure};
use crate::store::{InstanceEdit, Redrawn, Unedited};

pub const EDIT: Params = &[
    need("processInstanceId", Int, "The id of the process instance."),
    may("processInstanceJson", Json, "The workflow: its tasks and global parameters."),
    may("locations", Json, "Where the nodes are drawn."),
    may("connects", Json, "The lines between the nodes."),
    may("scheduleTime", Date, "The time that the dates of the run are computed from."),
    may("flag", OneOf(Flag::NAMES), "Whether the instance counts."),
    need("syncDefine", Bool, "Whether the process definition becomes the same."),
];

/// `instance/update`
pub async fn edit(call: Call) -> Outcome {
    let form = &call.form;
    let id = InstanceId(form.int("processInstanceId")?);
    form.text("syncDefine")?;
    let Some(instance) = call.store().full_instance(call.project()?, id).await? else {
        return Err(Code::NO_SUCH_INSTANCE.refuse(&[&id]));
    };
    let zone = call.shared.settings.zone;
    let schedule_time = form.instant("scheduleTime", zone);
    if schedule_time.is_none() && form.filled("scheduleTime").is_some() {
        let words = Words::new("it is no date such as 2026-01-31 08:00:00", "不是 2026-01-31 08:00:00 格式的日期");
        return Err(Failure::invalid("scheduleTime", words));
    }
    let mut head = instance.head;
    head.schedule_time = schedule_time.or(head.schedule_time);
    let document = match form.filled("processInstanceJson") {
        Some(json) => Some(redrawn(json, &moment(&head, zone)).await?),
        None => None,
    };
    let drawn = |name| form.filled(name).map(str::to_owned);
    let edit = InstanceEdit {
        document,
        locations: drawn("locations"),
        connects: drawn("connects"),
        schedule_time,
        flag: form.any_of("flag")?,
        sync_definition: form.flag("syncDefine")?.unwrap_or(false),
        at: Time::now(),
    };
    match call.store().edit_instance(call.project()?, id, edit).await? {
        Ok(()) => Reply::done(),
        Err(Unedited::Missing) => Err(Code::NO_SUCH_INSTANCE.refuse(&[&id])),
        Err(Unedited::Live(state)) => Err(Code::NOT_FINISHED.refuse(&[&id, &state])),
        Err(Unedited::FamilyLives(root)) => Err(Code::STILL_RUNNING.because(&[&root])),
        Err(Unedited::Pending) => Err(Code::PENDING.because(&[&id])),
    }
}

/// A document that can be run, with what follows from it.
async fn redrawn(json: &str, moment: &Moment) -> Result<Redrawn, Failure> {
    let document = checked(json.to_owned()).await.map_err(generic)?;
    let cured = cure(&document.global_params, moment).map_err(|error| Failure::because(error.to_string()))?;
    let text = |globals| serde_json::to_string(globals).map_err(|error| Failure::Generic(error.to_string()));
    Ok(Redrawn {
        json: json.to_owned(),
        globals: text(&document.global_params)?,
        cured: text(&cured)?,
        timeout_minutes: i32::try_from(document.timeout_minutes).unwrap_or(i32::MAX),
        tenant_id: document.tenant_id,
    })
}

/// This route has no codes of its own for what is wrong with a document.
fn generic(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(code, arguments) => Failure::Because(code, arguments),
        Failure::Invalid(name, why) => Failure::because(format!("{name}: {}", why.text(Language::English))),
        other => other,
    }
}
