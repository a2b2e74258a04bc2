//! Worker groups.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::form::Form;
use crate::api::language::Words;
use crate::api::param::{Kind::*, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Listed, WorkerGroup};
use crate::model::Time;
use crate::store::{InUse, Unsaved};

/// How long names and lists may be, as the columns have it.
const LONGEST: usize = 256;

pub const SAVE: Params = &[
    may("id", Int, "The id of the group to change; 0 or none makes a new one.").or(0),
    need("name", Text(LONGEST), "The name of the group."),
    need("ipList", Text(LONGEST), "The hosts of its workers, with commas between them."),
];

pub const DELETE: Params = &[need("id", Int, "The id of the group.")];

/// `worker-group/save`: without an id, or with 0, a new one.
pub async fn save(call: Call) -> Outcome {
    let id = call.form.int_or("id", 0)?;
    let name = call.form.text("name").and(call.form.short("name", LONGEST))?.unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return Err(Code::WORKER_GROUP_NAME_EMPTY.refuse(&[]));
    }
    let addresses = addresses(&call.form)?;
    let id = (id != 0).then_some(i64::from(id));
    match call.store().save_worker_group(id, name.clone(), addresses, Time::now()).await? {
        Ok(()) => Reply::done(),
        Err(Unsaved::NameTaken) => Err(Code::WORKER_GROUP_EXISTS.refuse(&[&name])),
        Err(Unsaved::Gone) => Err(gone(id.unwrap_or_default())),
    }
}

/// The addresses of the workers, each once. A group of none would stand for all workers, which nobody means.
fn addresses(form: &Form) -> Result<String, Failure> {
    let list = form.text("ipList").and(form.short("ipList", LONGEST))?.unwrap_or_default();
    let mut addresses: Vec<&str> = Vec::new();
    for address in list.split(',').map(str::trim).filter(|address| !address.is_empty()) {
        if !address.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')) {
            let english = format!("`{address}` is no address of a worker");
            return Err(Failure::invalid("ipList", Words::new(english, format!("`{address}` 不是 Worker 的地址"))));
        }
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match addresses.is_empty() {
        true => Err(Failure::invalid("ipList", Words::new("it names no worker", "没有指定任何 Worker"))),
        false => Ok(addresses.join(",")),
    }
}

/// `worker-group/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<WorkerGroup>> {
    let part = call.form.lenient_page()?;
    let search = call.form.search()?;
    Reply::data(&Listed::of(call.store().worker_group_page(search, part).await?, part, WorkerGroup::from))
}

/// `worker-group/all-groups`
pub async fn all(call: Call) -> Outcome<Vec<WorkerGroup>> {
    let groups: Vec<WorkerGroup> = call.store().all_worker_groups().await?.into_iter().map(WorkerGroup::from).collect();
    Reply::data(&groups)
}

/// `worker-group/delete-by-id`
pub async fn delete(call: Call) -> Outcome {
    let id = i64::from(call.form.int("id")?);
    match call.store().delete_worker_group(id).await? {
        Ok(()) => Reply::done(),
        Err(InUse::Gone) => Err(gone(id)),
        Err(InUse::By(user)) => {
            let english = format!("worker group {id} is in use by {user}");
            Err(Failure::because(Words::new(english, format!("Worker 分组 {id} 正在使用中：{user}"))))
        }
    }
}

fn gone(id: i64) -> Failure {
    Failure::because(Words::new(format!("worker group {id} does not exist"), format!("Worker 分组 {id} 不存在")))
}
