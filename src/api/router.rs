//! From a request to its row of the table and back. What is no row is 401 for strangers and 404 for users.

use super::call::{Call, Client};
use super::code::Code;
use super::document::{self, Beside};
use super::form::Form;
use super::language::{Language, Words};
use super::permission::{self, Permission};
use super::reply::{self, Content, Failure};
use super::table::{self, Route};
use super::upload::{self, Upload};
use super::{Shared, audit, bearer, health, origin, request_id, welcome};
use crate::model::Time;
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::middleware::from_fn;
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The largest body of somebody who has not logged in.
const STRANGERS_BODY: u64 = 64 * 1024;
/// How much of a body that is too large is read nevertheless.
const FORGOTTEN: u64 = 64 << 20;
/// Below the base path, the folder of the front-end.
const UI: &str = "/ui/";
/// How long a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(300);
/// How long an address may be: that of an IPv6 address with an IPv4 tail.
const LONGEST_IP: usize = 45;

/// The peer of a connection; the server adds it to each request.
#[derive(Clone, Copy)]
pub struct Peer(pub IpAddr);

/// All paths.
pub fn router(shared: Arc<Shared>) -> axum::Router {
    let base = shared.settings.context_path.clone();
    let mut paths: BTreeMap<&'static str, Vec<Route>> = BTreeMap::new();
    for route in table::routes() {
        paths.entry(route.path).or_default().push(route);
    }
    let mut router = axum::Router::new();
    for (path, rows) in paths {
        let (rows, shared): (Arc<[Route]>, _) = (rows.into(), shared.clone());
        let handler = any(move |request: Request| answer(shared, rows, request));
        router = router.route(&format!("{base}/{path}"), handler.clone());
        // The front-end leaves the base path out when a project's name contains `http`.
        if !base.is_empty() && path.starts_with("projects/{projectName}/") {
            router = router.route(&format!("/{path}"), handler);
        }
    }
    let mut pages = vec!["/".to_owned()];
    if !base.is_empty() {
        pages.extend([base.clone(), format!("{base}/")]);
    }
    for path in pages {
        router = router.route(&path, page(shared.clone()));
    }
    for beside in Beside::ALL {
        router = router.route(&format!("{base}/{}", beside.path()), outside(*beside, &shared));
    }
    let docs = format!("{base}/{}", Beside::Docs.path());
    router = router.route(&format!("{docs}{{*file}}"), get(document::file)).route(
        docs.trim_end_matches('/'),
        get(async || (StatusCode::PERMANENT_REDIRECT, [(LOCATION, HeaderValue::from_static("docs/"))])),
    );
    let router = router.method_not_allowed_fallback(no_such_method);
    router.fallback(move |request: Request| nothing(shared, request)).layer(from_fn(request_id::attach))
}

/// What answers without a login and without a row.
fn outside(which: Beside, shared: &Arc<Shared>) -> axum::routing::MethodRouter {
    let shared = shared.clone();
    match which {
        Beside::Health => get(health::live),
        Beside::Readiness => get(move || health::ready(shared)),
        Beside::Document => {
            let written = Arc::new(document::Written::default());
            get(async move || written.json(&shared.settings.context_path))
        }
        Beside::Docs => get(document::index),
    }
}

fn page(shared: Arc<Shared>) -> axum::routing::MethodRouter {
    get(move |request: Request| async move {
        let (parts, _) = request.into_parts();
        let front_end = match &shared.site {
            Some(site) => site.serve(&parts, "/").await,
            None => None,
        };
        let welcome = || welcome::page(&shared.settings, shared.address, parts.headers.get(HOST)).into_response();
        front_end.unwrap_or_else(welcome)
    })
}

/// A file of the front-end. Outside of the API's paths nobody needs to log in to hear that there is none.
async fn front_end(shared: &Shared, parts: &Parts) -> Option<Response<Body>> {
    let site = shared.site.as_ref()?;
    let path = parts.uri.path();
    let base = &shared.settings.context_path;
    let below = path.strip_prefix(base.as_str()).filter(|below| !base.is_empty() && below.starts_with('/'));
    match below {
        // Where the front-end of release 1.1.0 may have been built for.
        Some(below) if below.starts_with(UI) => site.serve(parts, &below[UI.len() - 1..]).await,
        Some(_) => None,
        None => {
            let found = site.serve(parts, path).await;
            let is_api = base.is_empty() || path.starts_with("/projects/");
            if found.is_some() || is_api { found } else { Some(no_such_address(parts)) }
        }
    }
}

fn no_such_address(parts: &Parts) -> Response<Body> {
    let code = Code::NO_SUCH_ADDRESS;
    let arguments = [parts.method.to_string(), parts.uri.path().to_owned()];
    reply::error(StatusCode::NOT_FOUND, code.number, &code.text(Language::of(&parts.headers), &arguments))
}

/// What stands beside the table, called as nobody can.
async fn no_such_method(request: Request) -> Response<Body> {
    let arguments = [request.uri().path().to_owned(), request.method().to_string()];
    let code = Code::NO_SUCH_METHOD;
    let text = code.text(Language::of(request.headers()), &arguments);
    reply::error(StatusCode::METHOD_NOT_ALLOWED, code.number, &text)
}

/// A path without a row.
async fn nothing(shared: Arc<Shared>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    if let Some(file) = front_end(&shared, &parts).await {
        return file;
    }
    let arguments = [parts.method.to_string(), parts.uri.path().to_owned()];
    refuse_unless_stranger(&shared, &parts, StatusCode::NOT_FOUND, Code::NO_SUCH_ADDRESS, &arguments).await
}

async fn refuse_unless_stranger(
    shared: &Shared,
    parts: &Parts,
    status: StatusCode,
    code: Code,
    arguments: &[String],
) -> Response<Body> {
    match who(shared, parts).await {
        Err(Failure::Unauthorized) => reply::unauthorized(),
        _ => reply::error(status, code.number, &code.text(Language::of(&parts.headers), arguments)),
    }
}

/// A path with rows.
async fn answer(shared: Arc<Shared>, rows: Arc<[Route]>, request: Request) -> Response<Body> {
    let begun = Instant::now();
    let (mut parts, body) = request.into_parts();
    let Some(route) = rows.iter().find(|route| route.method == parts.method) else {
        let arguments = [parts.uri.path().to_owned(), parts.method.to_string()];
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return refuse_unless_stranger(&shared, &parts, status, Code::NO_SUCH_METHOD, &arguments).await;
    };
    // A panic is a mistake in this program; the caller still gets an answer with a code.
    let served = async {
        let outcome = serve(shared, route, &mut parts, body).await;
        if let Err(failure) = &outcome {
            debug_assert!(
                route.foresees(failure),
                "{} does not say in its row that it fails so: {failure:?}",
                route.path
            );
        }
        outcome
    };
    let outcome = AssertUnwindSafe(served).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(Failure::Generic("see the log of the server".into())));
    let answer = reply::render(route, outcome, Language::of(&parts.headers));
    // The query may hold what is nobody's business.
    tracing::debug!(method = %parts.method, path = parts.uri.path(), status = %answer.status(), took = ?begun.elapsed());
    answer
}

async fn serve(shared: Arc<Shared>, route: &Route, parts: &mut Parts, body: Body) -> Result<Content, Failure> {
    let account = match route.permission {
        Permission::Open => None,
        _ => Some(who(&shared, parts).await?),
    };
    let limit = if account.is_some() { shared.settings.max_post } else { STRANGERS_BODY.min(shared.settings.max_post) };
    if !route.by_link && parts.headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(Code::FOREIGN_LINK.refuse(&[]));
    }
    let (form, upload) = match upload_of(route, parts) {
        Some(boundary) => uploaded(&shared, route, parts, body, boundary).await?,
        None => (form(route, parts, body, limit).await?, None),
    };
    let project = project_name(parts).await?;
    let access = match &account {
        Some(account) => {
            let compat = shared.settings.compat;
            permission::check(route.permission, &shared.store, account, project.as_deref(), &form, compat).await?
        }
        None => None,
    };
    let client = client(&shared, parts);
    let store = match &account {
        Some(account) if route.changes => {
            shared.store.by(audit::author(account, &client, route, project.as_deref(), &form))
        }
        _ => shared.store.clone(),
    };
    (route.handler)(Call { shared, store, form, upload, client, account, access }).await
}

fn client(shared: &Shared, parts: &Parts) -> Client {
    Client {
        session: session_id(&parts.headers),
        ip: ip(parts),
        address: origin::address(parts, &shared.settings.proxies).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        request: request_id::of(parts),
    }
}

async fn who(shared: &Shared, parts: &Parts) -> Result<crate::store::Account, Failure> {
    if let Some(token) = bearer::shown(&parts.headers) {
        return shared.store.bearer(bearer::kept(token), Time::now()).await?.ok_or(Failure::Unauthorized);
    }
    let id = session_id(&parts.headers).ok_or(Failure::Unauthorized)?;
    shared.sessions.who(&id).await?.ok_or(Failure::Unauthorized)
}

/// The header `sessionId`, else the cookie of that name in any case.
fn session_id(headers: &HeaderMap) -> Option<String> {
    let header = headers.get("sessionId").and_then(|value| value.to_str().ok());
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    header
        .filter(|id| !id.trim().is_empty())
        .or_else(|| pairs.find(|(name, _)| name.eq_ignore_ascii_case("sessionId")).map(|(_, id)| id))
        .map(str::to_owned)
}

/// What parts the fields of a form with a file, if the route takes one and this is one.
fn upload_of(route: &Route, parts: &Parts) -> Option<String> {
    let kind = parts.headers.get(CONTENT_TYPE).filter(|_| route.takes_file())?;
    upload::boundary(kind.to_str().ok()?)
}

async fn uploaded(
    shared: &Shared,
    route: &Route,
    parts: &Parts,
    body: Body,
    boundary: String,
) -> Result<(Form, Option<Upload>), Failure> {
    if !shared.resources.are_kept() {
        return Err(Code::NO_STORAGE.refuse(&[]));
    }
    let upload::Parts { fields, upload } =
        upload::receive(body, boundary, shared.resources.staging(), shared.settings.max_upload).await?;
    Ok((Form::of_fields(parts.uri.query().unwrap_or_default(), fields).of(route.params)?, upload))
}

async fn form(route: &Route, parts: &Parts, body: Body, limit: u64) -> Result<Form, Failure> {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let body = if is_form { read(body, limit).await? } else { Bytes::new() };
    Form::parse(parts.uri.query().unwrap_or_default(), &body).of(route.params)
}

/// The whole body. What is too much is read and forgotten, within reason: whoever is still sending would not see the
/// answer.
async fn read(mut body: Body, limit: u64) -> Result<Bytes, Failure> {
    let all = async {
        let (mut kept, mut total) = (BytesMut::new(), 0);
        while let Some(frame) = body.frame().await {
            let unread = |error| {
                let english = format!("the request could not be read: {error}");
                Failure::because(Words::new(english, format!("无法读取请求：{error}")))
            };
            let Ok(data) = frame.map_err(unread)?.into_data() else { continue };
            total += data.len() as u64;
            if total <= limit {
                kept.extend_from_slice(&data);
            } else if total > limit.saturating_add(FORGOTTEN) {
                break;
            }
        }
        if total > limit { Err(Failure::TooLarge(limit)) } else { Ok(kept.freeze()) }
    };
    let late = |_| Failure::because(Words::new("the request took too long to arrive", "请求传输时间过长"));
    tokio::time::timeout(BODY_PATIENCE, all).await.map_err(late)?
}

/// `{projectName}` of the path, percent-decoded as UTF-8.
async fn project_name(parts: &mut Parts) -> Result<Option<String>, Failure> {
    match RawPathParams::from_request_parts(parts, &()).await {
        Ok(params) => match params.iter().next() {
            // No database keeps it in a text.
            Some((_, value)) if value.contains('\0') => Err(Failure::parameter("projectName", Words::nul())),
            first => Ok(first.map(|(_, value)| value.to_owned())),
        },
        Err(error) => Err(Failure::parameter("projectName", error.to_string())),
    }
}

/// Who sends it, as far as proxies tell; only noted, never believed.
fn ip(parts: &Parts) -> String {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let first = |list: &str| list.split(',').next().unwrap_or_default().trim().to_owned();
    let told = |ip: &String| !ip.is_empty() && !ip.eq_ignore_ascii_case("unknown") && ip.len() <= LONGEST_IP;
    let peer = || parts.extensions.get::<Peer>().map(|Peer(ip)| ip.to_string()).unwrap_or_default();
    let forwarded = header("X-Forwarded-For").map(first).filter(told);
    forwarded.or_else(|| header("X-Real-IP").map(first).filter(told)).unwrap_or_else(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_header_beats_the_cookie_whose_name_may_be_in_any_case() {
        let id = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            session_id(&headers)
        };
        assert_eq!(id(&[("cookie", "language=en_US; SESSIONID=a")]).as_deref(), Some("a"));
        assert_eq!(id(&[("cookie", "x=1"), ("cookie", "sessionId=b"), ("sessionid", " ")]).as_deref(), Some("b"));
        assert_eq!(id(&[("cookie", "sessionId=b"), ("sessionid", "c")]).as_deref(), Some("c"));
        assert_eq!(id(&[("cookie", "other")]), None);
    }
}
