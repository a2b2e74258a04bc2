//! The document and its page as answers. The page is Swagger UI, which lies in this program: nothing comes from
//! elsewhere, so it works where there is no Internet.

use crate::api::code::Code;
use crate::api::language::Language;
use crate::api::reply;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use utoipa_swagger_ui::Config;

/// The page runs its own scripts only, and talks to this server only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document as it is sent, written when it is first asked for.
#[derive(Default)]
pub struct Written(OnceLock<Bytes>);

impl Written {
    /// `openapi.json`
    pub fn json(&self, base: &str) -> Response<Body> {
        // Nothing in it can fail to become JSON.
        let json = self.0.get_or_init(|| serde_json::to_vec(&super::of(base)).unwrap_or_default().into());
        answer("application/json", json.clone())
    }
}

/// `docs/`
pub async fn index(headers: HeaderMap) -> Response<Body> {
    part("index.html", &headers)
}

/// A file that the page needs.
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response<Body> {
    part(&name, &headers)
}

fn part(name: &str, headers: &HeaderMap) -> Response<Body> {
    // The way to the document does not name the base path, so that it is right behind every proxy.
    let config = Config::from("../openapi.json")
        .doc_expansion("none")
        .filter(true)
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .default_models_expand_depth(0)
        .validator_url("none")
        .use_base_layout();
    match utoipa_swagger_ui::serve(name, Arc::new(config)) {
        Ok(Some(file)) => match file.bytes {
            Cow::Borrowed(bytes) => answer(&file.content_type, bytes),
            Cow::Owned(bytes) => answer(&file.content_type, bytes),
        },
        Ok(None) => nothing(name, headers),
        Err(error) => {
            tracing::error!("the page of the API could not be written: {error}");
            nothing(name, headers)
        }
    }
}

fn nothing(name: &str, headers: &HeaderMap) -> Response<Body> {
    let text = Code::NO_SUCH_ADDRESS.text(Language::of(headers), &["GET".to_owned(), name.to_owned()]);
    reply::error(StatusCode::NOT_FOUND, Code::NO_SUCH_ADDRESS.number, &text)
}

fn answer(kind: &str, bytes: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(bytes.into());
    let headers = answer.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A new release has a new page.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}
