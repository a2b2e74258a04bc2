//! Who may call what: one check for all routes (`EasyScheduler 1.0.1: permission words`).

use super::code::Code;
use super::form::Form;
use super::reply::Failure;
use crate::model::{DefinitionId, ProjectId, TaskId, UserType};
use crate::store::{Access, Account, Belonging, Store};

/// The rule of a route. A word with a parameter's name derives the project from the object that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// No login is needed.
    Open,
    /// Any user.
    Login,
    /// Administrators.
    Admin,
    /// Administrators; others are told this code.
    AdminElse(Code),
    /// Whoever may work in the project named in the path.
    Project,
    /// Whoever may work in this project.
    ProjectId(&'static str),
    /// Whoever may work in the project of this definition; the path's is not looked at.
    Definition(&'static str),
    /// Whoever may work in the project of this task.
    Task(&'static str),
}

/// Lets the call pass, with the project that it is about, or says why not.
pub async fn check(
    permission: Permission,
    store: &Store,
    account: &Account,
    project_name: Option<&str>,
    form: &Form,
) -> Result<Option<Access>, Failure> {
    let belonging = match permission {
        Permission::Open | Permission::Login => return Ok(None),
        Permission::Admin | Permission::AdminElse(_) if account.kind == UserType::Admin => return Ok(None),
        Permission::AdminElse(code) => return Err(code.refuse(&[&account.name])),
        Permission::Admin => return Err(Code::NO_PRIVILEGE.refuse(&[&account.name])),
        Permission::Project => Belonging::Name(project_name.unwrap_or_default().to_owned()),
        Permission::ProjectId(name) => Belonging::Project(ProjectId(form.int(name)?)),
        Permission::Definition(name) => Belonging::Definition(DefinitionId(form.int(name)?)),
        Permission::Task(name) => Belonging::Task(TaskId(form.int(name)?)),
    };
    match store.access(&belonging, account).await? {
        Some(access) if access.allowed => Ok(Some(access)),
        Some(access) => Err(Code::NO_PROJECT_RIGHT.refuse(&[&account.name, &access.name])),
        None => Err(unknown(&belonging)),
    }
}

fn unknown(belonging: &Belonging) -> Failure {
    match belonging {
        Belonging::Name(name) => Code::NO_SUCH_PROJECT.refuse(&[name]),
        Belonging::Project(id) => Code::NO_SUCH_PROJECT.because(&[id]),
        Belonging::Definition(id) => Code::NO_SUCH_DEFINITION.refuse(&[id]),
        Belonging::Task(id) => Code::NO_SUCH_TASK.because(&[id]),
    }
}
