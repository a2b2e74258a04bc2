//! The document of the API, OpenAPI 3.1, and the page on which people read it and try things out.
//!
//! Nothing in it is written twice: paths, permissions, parameters and codes come from the rows of
//! [`table`](super::table), what data looks like from the types that its functions answer with, and what stands beside
//! the table from [`Beside`], which the router takes its paths from as well.

mod answer;
mod beside;
mod callers;
mod operation;
mod page;
mod parameter;
mod rooms;
mod words;

pub use answer::{Answer, Shapes};
pub use beside::{Beside, Health, Readiness};
pub use page::{Written, file, index};

use super::table::{self, Route};
use axum::http::Method;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Paths, Server,
};

/// What strangers need to know before the first call.
const ABOUT: &str = "\
The HTTP API of EasyScheduler 1.x, for its web front-end and for programs.

Every answer is an envelope `{code, msg, data}`: `code` is 0 or says what went wrong, `msg` says it in words (English or \
Chinese, by the cookie `language` or `Accept-Language`), and `data` is null unless the code is 0. The HTTP status of a \
refusal is mostly that of a success; 400 means that a parameter is missing or unreadable, and 401, with nothing in it, \
that nobody is logged in.

`POST login` sets the cookie `sessionId`. Programs send an access token in the header `token` instead. Parameters of a \
POST may stand in the query as well. Dates in parameters are `yyyy-MM-dd HH:mm:ss` in the zone of the server, dates in \
answers are milliseconds since 1970. No key is ever left out of an answer. Each answer has a header `x-request-id`, \
which the log and the audit rows of the request have too.";

/// The names of the two ways to say who one is.
const SESSION: &str = "session";
const TOKEN: &str = "token";

/// The document of everything that is served below a base path.
pub fn of(base: &str) -> OpenApi {
    let mut shapes = Shapes::default();
    let mut paths = Paths::new();
    for route in table::routes() {
        let operation = operation::of(&route, &mut shapes);
        let path = format!("/{}", route.path);
        let item = PathItem::new(method(&route), operation);
        match paths.paths.get_mut(&path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(path, item)),
        }
    }
    for beside in Beside::ALL {
        let item = PathItem::new(HttpMethod::Get, beside.operation(&mut shapes));
        paths.paths.insert(format!("/{}", beside.path()), item);
    }
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0"));
    let info = InfoBuilder::new()
        .title("escheduler")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license.build()));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new(if base.is_empty() { "/" } else { base })]))
        .tags(Some(rooms::tags()))
        .security(Some(ways_in()))
        .paths(paths)
        .components(Some(components(shapes)))
        .build()
}

fn method(route: &Route) -> HttpMethod {
    if route.method == Method::POST { HttpMethod::Post } else { HttpMethod::Get }
}

/// Either is enough.
fn ways_in() -> [SecurityRequirement; 2] {
    [SESSION, TOKEN].map(|name| SecurityRequirement::new::<_, [&str; 0], _>(name, []))
}

fn components(shapes: Shapes) -> utoipa::openapi::Components {
    let key = |name, about| ApiKeyValue::with_description(name, about);
    let session = ApiKey::Cookie(key("sessionId", "What `POST login` sets; the header `sessionId` does as well."));
    let token = ApiKey::Header(key("token", "An access token, from `access-token/create`."));
    ComponentsBuilder::new()
        .schemas_from_iter(shapes.all())
        .security_scheme(SESSION, SecurityScheme::ApiKey(session))
        .security_scheme(TOKEN, SecurityScheme::ApiKey(token))
        .build()
}

#[cfg(test)]
mod tests;
