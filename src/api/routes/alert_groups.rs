//! Alert groups.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::form::Form;
use crate::api::param::{Kind::*, Param, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{AlertGroup, Listed};
use crate::model::Time;
use crate::store::{GroupDraft, GroupRefusal, Kept};

const ID: Param = need("id", Int, "The id of the alert group.");
const NAME: Param = need("groupName", Text(255), "The name of the alert group.");
const KIND: Param = need("groupType", OneOf(&["EMAIL", "SMS"]), "How the members are told.");
const DESC: Param = may("desc", Text(255), "What the alert group is for.");

pub const CREATE: Params = &[NAME, KIND, DESC];
pub const UPDATE: Params =
    &[ID, need("groupName", Text(255), "The name of the alert group; empty keeps the old one."), KIND, DESC];
pub const DELETE: Params = &[ID];
pub const VERIFY: Params = &[NAME];
pub const GRANT: Params = &[
    need("alertgroupId", Int, "The id of the alert group."),
    need("userIds", Ids, "The ids of all members; whoever is not among them is one no longer."),
];

/// `alert-group/create`
pub async fn create(call: Call) -> Outcome {
    let name = call.form.name("groupName", 255)?.to_owned();
    let draft = draft(&call.form, name.clone())?;
    match call.store().create_group(draft).await? {
        Ok(_) => Reply::done(),
        Err(refusal) => Err(refused(refusal, 0, &name)),
    }
}

/// `alert-group/update`
pub async fn update(call: Call) -> Outcome {
    let id = call.form.int("id")?;
    let name = call.form.text("groupName")?.trim();
    let name = if name.is_empty() { String::new() } else { call.form.name("groupName", 255)?.to_owned() };
    let draft = draft(&call.form, name.clone())?;
    match call.store().update_group(id, draft).await? {
        Ok(()) => Reply::done(),
        Err(refusal) => Err(refused(refusal, id, &name)),
    }
}

fn draft(form: &Form, name: String) -> Result<GroupDraft, Failure> {
    let desc = form.short("desc", 255)?.map(str::to_owned);
    Ok(GroupDraft { name, kind: form.one_of("groupType")?, desc, at: Time::now() })
}

fn refused(refusal: GroupRefusal, id: i32, name: &str) -> Failure {
    match refusal {
        GroupRefusal::Missing => Code::NO_SUCH_ALERT_GROUP.refuse(&[&id]),
        GroupRefusal::NameTaken => Code::ALERT_GROUP_EXISTS.refuse(&[&name]),
        GroupRefusal::NoUser(user) => Code::NO_SUCH_USER.refuse(&[&user]),
    }
}

/// `alert-group/delete`
pub async fn delete(call: Call) -> Outcome {
    let id = call.form.int("id")?;
    match call.store().delete_group(id).await? {
        Ok(()) => Reply::done(),
        Err(Kept::Used(using)) => Err(Code::STILL_USED.because(&[&using])),
        Err(Kept::BuiltIn) => Err(Code::SERVERS_GROUP.because(&[])),
        Err(Kept::Missing | Kept::Files | Kept::Archives) => Err(Code::NO_SUCH_ALERT_GROUP.because(&[&id])),
    }
}

/// `alert-group/list`
pub async fn list(call: Call) -> Outcome<Vec<AlertGroup>> {
    let groups: Vec<AlertGroup> = call.store().all_groups().await?.into_iter().map(AlertGroup::from).collect();
    Reply::data(&groups)
}

/// `alert-group/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<AlertGroup>> {
    let part = call.form.page()?;
    let found = call.store().groups(call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, AlertGroup::from))
}

/// `alert-group/verify-group-name`
pub async fn verify(call: Call) -> Outcome {
    let name = call.form.text("groupName")?;
    match call.store().has_group(name).await? {
        true => Err(Code::ALERT_GROUP_EXISTS.refuse(&[&name])),
        false => Reply::done(),
    }
}

/// `alert-group/grant-user`
pub async fn grant(call: Call) -> Outcome {
    let group = call.form.int("alertgroupId")?;
    let users = call.form.ids("userIds")?;
    match call.store().set_members(group, users, Time::now()).await? {
        Ok(()) => Reply::done(),
        Err(refusal) => Err(refused(refusal, group, "")),
    }
}
