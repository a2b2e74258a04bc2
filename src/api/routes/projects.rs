//! Projects.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::form::Form;
use crate::api::param::{Kind::*, Param, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Listed, Project};
use crate::model::{Time, UserId};
use crate::store::{self, Error, NewProject};

const NAME: Param = need("projectName", Text(100), "The name, which is part of addresses.");
const DESC: Param = may("desc", Text(200), "What the project is for.");
const ID: Param = need("projectId", Int, "The id of the project.");
pub const CREATE: Params = &[NAME, DESC];
pub const UPDATE: Params = &[ID, NAME, DESC];
pub const ONE: Params = &[ID];
pub const OF_USER: Params = &[need("userId", Int, "The id of the user.")];

/// `projects/create`
pub async fn create(call: Call) -> Outcome {
    let (name, desc) = described(&call.form)?;
    let new = NewProject { name: name.clone(), desc, owner: call.user()?, at: Time::now() };
    match call.store().create_project(new).await {
        Ok(_) => Reply::done(),
        Err(Error::Conflict(_)) => Err(Code::PROJECT_EXISTS.refuse(&[&name])),
        Err(error) => Err(error.into()),
    }
}

/// `projects/update`
pub async fn update(call: Call) -> Outcome {
    let (name, desc) = described(&call.form)?;
    match call.store().update_project(call.project()?, name.clone(), desc, Time::now()).await {
        Ok(()) => Reply::done(),
        Err(Error::Conflict(_)) => Err(Code::PROJECT_EXISTS.refuse(&[&name])),
        Err(error) => Err(error.into()),
    }
}

/// `projects/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Project>> {
    let part = call.form.lenient_page()?;
    let account = call.account()?;
    let found = call.store().projects(account, call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, |project| Project::of(project, account.kind)))
}

/// `projects/query-by-id`
pub async fn one(call: Call) -> Outcome<Project> {
    let (access, account) = (call.access()?, call.account()?);
    match call.store().project(access.project).await? {
        Some(project) => Reply::data(&Project::of(project, account.kind)),
        None => Err(Code::NO_SUCH_PROJECT.refuse(&[&access.name])),
    }
}

/// `projects/unauth-project`
pub async fn ungranted(call: Call) -> Outcome<Vec<Project>> {
    listed(&call, call.store().ungranted_projects(UserId(call.form.int("userId")?)).await?)
}

/// `projects/authed-project`
pub async fn granted(call: Call) -> Outcome<Vec<Project>> {
    listed(&call, call.store().granted_projects(UserId(call.form.int("userId")?)).await?)
}

fn listed(call: &Call, projects: Vec<store::Project>) -> Outcome<Vec<Project>> {
    let kind = call.account()?.kind;
    Reply::data(&projects.into_iter().map(|project| Project::of(project, kind)).collect::<Vec<_>>())
}

/// `projects/delete`
pub async fn delete(call: Call) -> Outcome {
    let access = call.access()?;
    match call.store().delete_project(access.project).await {
        Ok(()) => Reply::done(),
        Err(Error::Conflict(_)) => Err(Code::PROJECT_HAS_DEFINITIONS.refuse(&[&access.name])),
        Err(error) => Err(error.into()),
    }
}

/// The name and the description of a request.
fn described(form: &Form) -> Result<(String, Option<String>), Failure> {
    let name = form.name("projectName", 100)?;
    if !fits_a_path(name) {
        let why = "a project's name is part of addresses, so it cannot be `.` or `..`, nor hold `/`, `\\`, `?`, `#`, `%` or control characters";
        return Err(Failure::invalid("projectName", why));
    }
    Ok((name.to_owned(), form.short("desc", 200)?.map(str::to_owned)))
}

fn fits_a_path(name: &str) -> bool {
    let fits = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | '?' | '#' | '%');
    name.chars().all(fits) && !matches!(name, "." | "..")
}
