//! Everything that can be called, one row each, in the order of the specification.

use super::call::Call;
use super::code::Code;
use super::permission::Permission::{self, Admin, Definition, Login, Open, Project, ProjectId, Task};
use super::reply::Outcome;
use super::routes::{definitions, executors, instances, login, logs, projects, queues, tasks, tenants, users};
use axum::http::{Method, StatusCode};
use futures::future::BoxFuture;
use std::sync::Arc;

/// One row.
#[derive(Clone)]
pub struct Route {
    pub method: Method,
    /// Below the context path; `{projectName}` stands for one segment.
    pub path: &'static str,
    /// The HTTP status of every answer in an envelope, errors included.
    pub status: StatusCode,
    pub permission: Permission,
    /// The code of what nobody foresaw.
    pub generic: Code,
    pub kind: Kind,
    /// Whether a link on another site may lead here. Browsers send the session along with it.
    pub by_link: bool,
    pub handler: Handler,
}

/// What a route answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Json,
    /// A file, or HTTP 400 with a text.
    File,
}

type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Outcome> + Send + Sync>;

impl Route {
    fn new<F: Future<Output = Outcome> + Send + 'static>(
        method: Method,
        path: &'static str,
        permission: Permission,
        generic: Code,
        handler: fn(Call) -> F,
    ) -> Route {
        let handler: Handler = Arc::new(move |call| Box::pin(handler(call)));
        Route { method, path, status: StatusCode::OK, permission, generic, kind: Kind::Json, by_link: true, handler }
    }

    /// Answers 201 instead of 200.
    fn created(self) -> Route {
        Route { status: StatusCode::CREATED, ..self }
    }

    /// Changes something although it is a GET.
    fn changing(self) -> Route {
        Route { by_link: false, ..self }
    }

    fn file(self) -> Route {
        Route { kind: Kind::File, ..self }
    }
}

fn get<F>(path: &'static str, permission: Permission, generic: Code, handler: fn(Call) -> F) -> Route
where
    F: Future<Output = Outcome> + Send + 'static,
{
    Route::new(Method::GET, path, permission, generic, handler)
}

fn post<F>(path: &'static str, permission: Permission, generic: Code, handler: fn(Call) -> F) -> Route
where
    F: Future<Output = Outcome> + Send + 'static,
{
    Route::new(Method::POST, path, permission, generic, handler)
}

/// The table.
#[rustfmt::skip]
pub fn routes() -> Vec<Route> {
    vec![
        post("login", Open, Code::LOGIN, login::login),
        post("signOut", Login, Code::SIGN_OUT, login::sign_out),

        post("users/create", Admin, Code::CREATE_USER, users::create).created(),
        get("users/list-paging", Admin, Code::LIST_USERS, users::page),
        get("users/get-user-info", Login, Code::USER_INFO, users::info),

        post("tenant/create", Admin, Code::CREATE_TENANT, tenants::create).created(),
        get("tenant/list-paging", Admin, Code::PAGE_TENANTS, tenants::page),
        get("tenant/list", Login, Code::LIST_TENANTS, tenants::list),

        get("queue/list", Admin, Code::LIST_QUEUES, queues::list),
        get("queue/list-paging", Admin, Code::LIST_QUEUES, queues::page),
        post("queue/create", Admin, Code::CREATE_QUEUE, queues::create).created(),

        post("projects/create", Login, Code::CREATE_PROJECT, projects::create).created(),
        post("projects/update", ProjectId("projectId"), Code::UPDATE_PROJECT, projects::update),
        get("projects/list-paging", Login, Code::LIST_PROJECTS, projects::page),
        get("projects/delete", ProjectId("projectId"), Code::DELETE_PROJECT, projects::delete).changing(),

        post("projects/{projectName}/process/save", Project, Code::CREATE_DEFINITION, definitions::save).created(),
        get("projects/{projectName}/process/verify-name", Project, Code::VERIFY_DEFINITION, definitions::verify_name),
        post("projects/{projectName}/process/update", Project, Code::UPDATE_DEFINITION, definitions::update),
        post("projects/{projectName}/process/release", Project, Code::RELEASE_DEFINITION, definitions::release),
        get("projects/{projectName}/process/select-by-id", Project, Code::QUERY_DEFINITION, definitions::select),
        get("projects/{projectName}/process/list", Project, Code::LIST_DEFINITIONS, definitions::list),
        get("projects/{projectName}/process/list-paging", Project, Code::PAGE_DEFINITIONS, definitions::page),

        get("projects/{projectName}/instance/list-paging", Project, Code::LIST_INSTANCES, instances::page),
        get("projects/{projectName}/instance/task-list-by-process-id", Project, Code::TASKS_OF_INSTANCE, instances::tasks),
        get("projects/{projectName}/instance/select-by-id", Project, Code::QUERY_INSTANCE, instances::select),
        get("projects/{projectName}/instance/delete", Project, Code::DELETE_INSTANCE, instances::delete).changing(),
        get("projects/{projectName}/instance/select-sub-process", Project, Code::QUERY_SUB_PROCESS, instances::sub_process),

        post("projects/{projectName}/executors/start-process-instance", Project, Code::START, executors::start),
        post("projects/{projectName}/executors/execute", Project, Code::EXECUTE, executors::execute),
        post("projects/{projectName}/executors/start-check", Definition("processDefinitionId"), Code::START_CHECK, executors::check),

        get("projects/{projectName}/task-instance/list-paging", Project, Code::LIST_TASKS, tasks::page),

        get("log/detail", Task("taskInstId"), Code::VIEW_LOG, logs::detail),
        get("log/download-log", Task("taskInstId"), Code::DOWNLOAD_LOG, logs::download).file(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_are_the_same_call() {
        let routes = routes();
        let calls: std::collections::HashSet<_> = routes.iter().map(|route| (&route.method, route.path)).collect();
        assert_eq!(calls.len(), routes.len());
    }

    #[test]
    fn no_link_deletes_anything() {
        for route in routes() {
            let deletes = route.method == Method::GET && route.path.contains("delete");
            assert_eq!(route.by_link, !deletes, "{}", route.path);
        }
    }

    #[test]
    fn only_the_login_needs_none_and_a_named_project_is_checked() {
        for route in routes() {
            assert_eq!(route.permission == Open, route.path == "login", "{}", route.path);
            let by_object = matches!(route.permission, Definition(_));
            assert_eq!(
                route.path.contains("{projectName}"),
                route.permission == Project || by_object,
                "{}",
                route.path
            );
        }
    }
}
