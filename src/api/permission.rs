//! Who may call what: one check for all routes (`EasyScheduler 1.0.1: permission words`).

use super::Compat;
use super::code::Code;
use super::form::Form;
use super::reply::Failure;
use crate::model::{DataSourceId, DefinitionId, InstanceId, ProjectId, ResourceId, TaskId, UdfId, UserType};
use crate::store::{Access, Account, Belonging, DataSourceRight, Store};

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
    ProjectId(&'static str, Unknown),
    /// Whoever may work in this project; 0 and nothing mean all that the user sees.
    ProjectOrAll(&'static str),
    /// Whoever may work in the project of this definition; the path's is not looked at.
    Definition(&'static str, Unknown),
    /// Whoever may work in the projects of these definitions. Unknown ones do not count, unless there is no other.
    Definitions(&'static str),
    /// Whoever may work in the project of this instance.
    Instance(&'static str),
    /// Whoever may work in the project of this definition or, if none is named, of this instance.
    DefinitionOrInstance(&'static str, &'static str),
    /// Whoever may work in the project of this task.
    Task(&'static str),
    /// Whoever owns this data source, was granted it, or is an administrator.
    DataSource(&'static str),
    /// Whoever owns this data source; with release 1.1.0 administrators too.
    OwnDataSource(&'static str),
    /// Whoever may use this resource: administrators, its owner, and those it was granted to.
    Resource(&'static str),
    /// The owner of this resource.
    OwnResource(&'static str),
    /// The owner of this resource; with release 1.1.0 administrators too.
    KeptResource(&'static str),
    /// Whoever may use this function.
    Udf(&'static str),
    /// The same, where an unknown one has the code of a resource.
    ShownUdf(&'static str),
}

impl Permission {
    /// The codes of its refusals.
    pub fn refuses(self) -> Vec<Code> {
        use Permission::*;
        match self {
            Open | Login => vec![],
            Admin => vec![Code::NO_PRIVILEGE],
            AdminElse(code) => vec![code],
            Project | ProjectId(_, Unknown::Told) | ProjectOrAll(_) => {
                vec![Code::NO_PROJECT_RIGHT, Code::NO_SUCH_PROJECT]
            }
            Definition(_, Unknown::Told) | Definitions(_) => vec![Code::NO_PROJECT_RIGHT, Code::NO_SUCH_DEFINITION],
            ProjectId(_, Unknown::Generic)
            | Definition(_, Unknown::Generic)
            | Instance(_)
            | DefinitionOrInstance(..)
            | Task(_) => vec![Code::NO_PROJECT_RIGHT],
            DataSource(_) | OwnDataSource(_) => vec![Code::NO_PRIVILEGE, Code::NO_SUCH_DATA_SOURCE],
            Resource(_) | OwnResource(_) | KeptResource(_) => vec![Code::NO_PRIVILEGE, Code::NO_SUCH_RESOURCE],
            Udf(_) => vec![Code::NO_PRIVILEGE, Code::NO_SUCH_UDF],
            ShownUdf(_) => vec![Code::NO_PRIVILEGE, Code::NO_SUCH_UDF_TO_SHOW],
        }
    }

    /// What the generic code of the route means where the permission is the reason.
    pub fn because(self) -> Vec<Code> {
        use Permission::*;
        match self {
            ProjectId(_, Unknown::Generic) => vec![Code::NO_SUCH_PROJECT],
            Definition(_, Unknown::Generic) => vec![Code::NO_SUCH_DEFINITION],
            Instance(_) => vec![Code::NO_SUCH_INSTANCE],
            DefinitionOrInstance(..) => vec![Code::NO_SUCH_DEFINITION, Code::NO_SUCH_INSTANCE],
            Task(_) => vec![Code::NO_SUCH_TASK],
            _ => vec![],
        }
    }
}

/// What the answer is where there is no such object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The code that says so.
    Told,
    /// The generic code of the route.
    Generic,
}

/// Lets the call pass, with the project that it is about, or says why not.
pub async fn check(
    permission: Permission,
    store: &Store,
    account: &Account,
    project_name: Option<&str>,
    form: &Form,
    compat: Compat,
) -> Result<Option<Access>, Failure> {
    let belonging = match permission {
        Permission::Open | Permission::Login => return Ok(None),
        Permission::Admin | Permission::AdminElse(_) if account.kind == UserType::Admin => return Ok(None),
        Permission::AdminElse(code) => return Err(code.refuse(&[&account.name])),
        Permission::Admin => return Err(Code::NO_PRIVILEGE.refuse(&[&account.name])),
        Permission::Project => Belonging::Name(project_name.unwrap_or_default().to_owned()),
        Permission::ProjectId(name, _) => Belonging::Project(ProjectId(form.int(name)?)),
        Permission::ProjectOrAll(name) => match form.int_or(name, 0)? {
            0 => return Ok(None),
            id => Belonging::Project(ProjectId(id)),
        },
        Permission::Definition(name, _) => Belonging::Definition(DefinitionId(form.int(name)?)),
        Permission::Definitions(name) => return check_all(store, account, &form.ids(name)?).await,
        Permission::Instance(name) => Belonging::Instance(InstanceId(form.int(name)?)),
        Permission::DefinitionOrInstance(definition, instance) => match form.int_or(definition, 0)? {
            0 if form.filled(instance).is_some() => Belonging::Instance(InstanceId(form.int_or(instance, 0)?)),
            id => Belonging::Definition(DefinitionId(id)),
        },
        Permission::Task(name) => Belonging::Task(TaskId(form.int(name)?)),
        Permission::DataSource(name) => return data_source(store, account, form, name, DataSourceRight::Use).await,
        Permission::OwnDataSource(name) => {
            return data_source(store, account, form, name, DataSourceRight::to_delete(compat)).await;
        }
        Permission::Resource(name) | Permission::OwnResource(name) | Permission::KeptResource(name) => {
            let id = ResourceId(form.int(name)?);
            return resource(permission, store, account, id, compat).await.map(|()| None);
        }
        Permission::Udf(name) => {
            return udf(store, account, UdfId(form.int(name)?), Code::NO_SUCH_UDF).await.map(|()| None);
        }
        Permission::ShownUdf(name) => {
            return udf(store, account, UdfId(form.int(name)?), Code::NO_SUCH_UDF_TO_SHOW).await.map(|()| None);
        }
    };
    match allowed(store, account, &belonging).await? {
        Some(access) => Ok(Some(access)),
        None => Err(unknown(permission, &belonging)),
    }
}

async fn data_source(
    store: &Store,
    account: &Account,
    form: &Form,
    name: &str,
    needed: DataSourceRight,
) -> Result<Option<Access>, Failure> {
    let id = DataSourceId(form.int(name)?);
    match store.datasource_right(id, account).await? {
        Some(right) if right >= needed => Ok(None),
        Some(_) => Err(Code::NO_PRIVILEGE.refuse(&[&account.name])),
        None => Err(Code::NO_SUCH_DATA_SOURCE.refuse(&[&id])),
    }
}

impl DataSourceRight {
    fn to_delete(compat: Compat) -> DataSourceRight {
        match compat {
            Compat::V1_0 => DataSourceRight::Own,
            Compat::V1_1 => DataSourceRight::Administer,
        }
    }
}

async fn resource(
    permission: Permission,
    store: &Store,
    account: &Account,
    id: ResourceId,
    compat: Compat,
) -> Result<(), Failure> {
    let found = store.resource(id).await?.ok_or_else(|| Code::NO_SUCH_RESOURCE.refuse(&[&id]))?;
    let is_owner = found.owner == account.id;
    let allowed = match permission {
        Permission::OwnResource(_) => is_owner,
        Permission::KeptResource(_) => is_owner || compat == Compat::V1_1 && account.kind == UserType::Admin,
        _ => store.may_use_resource(account, &found).await?,
    };
    if allowed { Ok(()) } else { Err(Code::NO_PRIVILEGE.refuse(&[&account.name])) }
}

async fn udf(store: &Store, account: &Account, id: UdfId, unknown: Code) -> Result<(), Failure> {
    let found = store.udf(id).await?.ok_or_else(|| unknown.refuse(&[&id]))?;
    let allowed = store.may_use_udf(account, &found).await?;
    if allowed { Ok(()) } else { Err(Code::NO_PRIVILEGE.refuse(&[&account.name])) }
}

/// What the user may do there; `None` if there is no such thing.
async fn allowed(store: &Store, account: &Account, belonging: &Belonging) -> Result<Option<Access>, Failure> {
    match store.access(belonging, account).await? {
        Some(access) if !access.allowed => Err(Code::NO_PROJECT_RIGHT.refuse(&[&account.name, &access.name])),
        found => Ok(found),
    }
}

async fn check_all(store: &Store, account: &Account, ids: &[i32]) -> Result<Option<Access>, Failure> {
    let mut first = None;
    for id in ids {
        let access = allowed(store, account, &Belonging::Definition(DefinitionId(*id))).await?;
        first = first.or(access);
    }
    let ids = || ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    first.map(Some).ok_or_else(|| Code::NO_SUCH_DEFINITION.refuse(&[&ids()]))
}

fn unknown(permission: Permission, belonging: &Belonging) -> Failure {
    use Permission::{Definition, ProjectId, ProjectOrAll};
    let (code, id): (Code, &dyn std::fmt::Display) = match belonging {
        Belonging::Name(name) => (Code::NO_SUCH_PROJECT, name),
        Belonging::Project(id) => (Code::NO_SUCH_PROJECT, id),
        Belonging::Definition(id) => (Code::NO_SUCH_DEFINITION, id),
        Belonging::Instance(id) => (Code::NO_SUCH_INSTANCE, id),
        Belonging::Task(id) => (Code::NO_SUCH_TASK, id),
    };
    match permission {
        Permission::Project | ProjectOrAll(_) | ProjectId(_, Unknown::Told) | Definition(_, Unknown::Told) => {
            code.refuse(&[id])
        }
        _ => code.because(&[id]),
    }
}
