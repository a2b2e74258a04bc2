//! Permissions in words.

use crate::api::permission::Permission;

/// Who may call a row.
pub fn who(permission: Permission) -> String {
    let of = |what: &str, name: &str| format!("administrators and whoever may work in the project of {what} `{name}`");
    match permission {
        Permission::Open => "everybody, without a login".to_owned(),
        Permission::Login => "every user".to_owned(),
        Permission::Admin | Permission::AdminElse(_) => "administrators".to_owned(),
        Permission::Project => "administrators, the owner of the project, and those it is granted to".to_owned(),
        Permission::ProjectId(name, _) => {
            format!("administrators, the owner of the project `{name}`, and those it is granted to")
        }
        Permission::ProjectOrAll(name) => {
            format!("every user; with `{name}` those who may work in that project")
        }
        Permission::Definition(name, _) => of("the process definition", name),
        Permission::Definitions(name) => of("each process definition of", name),
        Permission::Instance(name) => of("the process instance", name),
        Permission::DefinitionOrInstance(definition, instance) => {
            format!("{}, or else of the process instance `{instance}`", of("the process definition", definition))
        }
        Permission::Task(name) => of("the task instance", name),
        Permission::DataSource(_) => {
            "administrators, the owner of the data source, and those it is granted to".to_owned()
        }
        Permission::OwnDataSource(_) => {
            "the owner of the data source; with `api.compat = \"1.1\"` administrators too".to_owned()
        }
        Permission::Resource(_) => "administrators, the owner of the resource, and those it is granted to".to_owned(),
        Permission::OwnResource(_) => "the owner of the resource".to_owned(),
        Permission::KeptResource(_) => {
            "the owner of the resource; with `api.compat = \"1.1\"` administrators too".to_owned()
        }
        Permission::Udf(_) | Permission::ShownUdf(_) => {
            "administrators, the owner of the UDF, and those it is granted to".to_owned()
        }
    }
}
