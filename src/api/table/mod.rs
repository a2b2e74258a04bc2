//! Everything that can be called, one row each, in the order of the specification: one file for every few of its
//! groups.

mod operations;
mod people;
mod projects;
mod resources;

use super::call::Call;
use super::code::Code;
use super::document::{Answer, Shapes};
use super::param::{self, Params};
use super::permission::Permission;
use super::reply::{Content, Failure, Outcome};
use axum::http::{Method, StatusCode};
use futures::future::BoxFuture;
use std::sync::Arc;
use utoipa::openapi::{RefOr, Schema};

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
    /// Whether it changes something, so that it leaves an audit row.
    pub changes: bool,
    /// Nothing else is handed to the function.
    pub params: Params,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// The codes of its refusals, besides those of the permission.
    pub refuses: Vec<Code>,
    /// What its generic code can mean that is no surprise.
    pub because: Vec<Code>,
    /// Whether the original has no such row.
    pub beyond: bool,
    /// What its data looks like.
    pub shape: fn(&mut Shapes) -> RefOr<Schema>,
    pub handler: Handler,
}

/// What a route answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Json,
    /// A file, or HTTP 400 with a text.
    File,
}

type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Content, Failure>> + Send + Sync>;

impl Route {
    fn new<T, F>(
        method: Method,
        path: &'static str,
        permission: Permission,
        generic: Code,
        handler: fn(Call) -> F,
    ) -> Route
    where
        T: Answer + 'static,
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |call| {
            let outcome = handler(call);
            Box::pin(async move { Ok(outcome.await?.content) })
        });
        Route {
            changes: method == Method::POST,
            method,
            path,
            status: StatusCode::OK,
            permission,
            generic,
            kind: T::KIND,
            by_link: true,
            params: &[],
            about: "",
            refuses: Vec::new(),
            because: Vec::new(),
            beyond: false,
            shape: T::shape,
            handler,
        }
    }

    /// Whether a file may come along, in a form of its own type.
    pub fn takes_file(&self) -> bool {
        self.params.iter().any(|param| param.kind == param::Kind::File)
    }

    /// Takes these parameters.
    fn takes(self, params: Params) -> Route {
        Route { params, ..self }
    }

    /// Answers 201 instead of 200.
    fn created(self) -> Route {
        Route { status: StatusCode::CREATED, ..self }
    }

    /// Changes something although it is a GET.
    fn changing(self) -> Route {
        Route { by_link: false, changes: true, ..self }
    }

    /// Changes nothing although it is a POST.
    fn reading(self) -> Route {
        Route { changes: false, ..self }
    }

    /// Does this, in one sentence.
    fn about(self, about: &'static str) -> Route {
        Route { about, ..self }
    }

    /// Refuses with these codes too.
    fn refuses(mut self, codes: &[Code]) -> Route {
        self.refuses.extend(codes);
        self
    }

    /// Fails with its generic code because of these too.
    fn because(mut self, codes: &[Code]) -> Route {
        self.because.extend(codes);
        self
    }

    /// The original has no such row.
    fn beyond(self) -> Route {
        Route { beyond: true, ..self }
    }

    /// Whether the documentation names this failure, so that nobody is told a code that is written nowhere.
    pub fn foresees(&self, failure: &Failure) -> bool {
        match failure {
            Failure::Refused(code, _) | Failure::Told(Some(code), _) => {
                self.refuses.contains(code)
                    || self.permission.refuses().contains(code)
                    || *code == Code::FOREIGN_LINK && !self.by_link
                    || *code == Code::NO_STORAGE && self.takes_file()
            }
            Failure::Because(code, _) => self.because.contains(code) || self.permission.because().contains(code),
            _ => true,
        }
    }
}

fn get<T, F>(path: &'static str, permission: Permission, generic: Code, handler: fn(Call) -> F) -> Route
where
    T: Answer + 'static,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    Route::new(Method::GET, path, permission, generic, handler)
}

fn post<T, F>(path: &'static str, permission: Permission, generic: Code, handler: fn(Call) -> F) -> Route
where
    T: Answer + 'static,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    Route::new(Method::POST, path, permission, generic, handler)
}

/// The table.
pub fn routes() -> Vec<Route> {
    [people::rows(), projects::rows(), resources::rows(), operations::rows()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Permission::{Definition, DefinitionOrInstance, Definitions, Instance, Open, Project};

    #[test]
    fn no_two_rows_are_the_same_call() {
        let routes = routes();
        let calls: std::collections::HashSet<_> = routes.iter().map(|route| (&route.method, route.path)).collect();
        assert_eq!(calls.len(), routes.len());
    }

    #[test]
    fn every_parameter_is_declared_once_with_a_sentence() {
        for route in routes() {
            let mut names: Vec<_> = route.params.iter().map(|param| param.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), route.params.len(), "{}", route.path);
            for param in route.params {
                assert!(param.about.ends_with('.') && param.about.contains(' '), "{}: {param:?}", route.path);
            }
        }
    }

    #[test]
    fn every_row_says_in_a_sentence_what_it_does() {
        for route in routes() {
            assert!(route.about.ends_with('.') && route.about.contains(' '), "{}: {}", route.path, route.about);
        }
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
            let by_object =
                matches!(route.permission, Definition(..) | Definitions(_) | Instance(_) | DefinitionOrInstance(..));
            // It is about nothing but the expression that comes with it.
            let about_no_project = route.path.ends_with("schedule/preview");
            assert_eq!(
                route.path.contains("{projectName}"),
                route.permission == Project || by_object || about_no_project,
                "{}",
                route.path
            );
        }
    }
}
