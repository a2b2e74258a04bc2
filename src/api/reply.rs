//! Answers: the envelope `{code, msg, data}`, files, and failures. Every failure has a code that is not zero and a
//! text (`EasyScheduler 1.0.1: envelope and HTTP status`).

use super::code::Code;
use super::table::{Kind, Route};
use crate::store;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures::stream::BoxStream;
use serde::Serialize;
use std::fmt::Display;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain;charset=UTF-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const FRESH: HeaderValue = HeaderValue::from_static("no-store");

/// What a route answers.
pub type Outcome = Result<Reply, Failure>;

/// An answer with code 0, or a file.
pub enum Reply {
    Json {
        body: Vec<u8>,
        /// A session id to be kept by the browser.
        session: Option<String>,
    },
    File {
        name: String,
        bytes: BoxStream<'static, std::io::Result<Bytes>>,
    },
}

/// Why there is no such answer.
#[derive(Debug)]
pub enum Failure {
    /// Nobody is logged in: HTTP 401, the only sign that makes the front-end ask for a login.
    Unauthorized,
    /// A parameter is missing or cannot be read: HTTP 400.
    Parameter(String),
    /// The body is larger than the operator allows: HTTP 413.
    TooLarge(u64),
    /// A rule forbids it.
    Refused(Code, String),
    /// The generic code of the route, and why.
    Generic(String),
    /// The generic code of the route, because of the database.
    Store(store::Error),
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    code: i32,
    msg: &'a str,
    data: T,
}

impl Reply {
    /// An answer that carries nothing.
    pub fn done() -> Outcome {
        Reply::data(&())
    }

    /// An answer that carries data.
    pub fn data(data: &impl Serialize) -> Outcome {
        let body = envelope(0, "success", data).map_err(|error| Failure::Generic(error.to_string()))?;
        Ok(Reply::Json { body, session: None })
    }

    /// The answer to a login.
    pub fn session(id: String) -> Outcome {
        let body = envelope(0, "login success", &id).map_err(|error| Failure::Generic(error.to_string()))?;
        Ok(Reply::Json { body, session: Some(id) })
    }
}

fn envelope(code: i32, msg: &str, data: impl Serialize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Envelope { code, msg, data })
}

impl Failure {
    /// A parameter that cannot be read.
    pub fn parameter(name: &str, why: impl Display) -> Failure {
        Failure::Parameter(format!("{}: {why}", Code::PARAMETER.text(&[&name])))
    }

    /// A parameter that can be read, but not be used.
    pub fn invalid(name: &str, why: impl Display) -> Failure {
        Failure::Refused(Code::PARAMETER, format!("{}: {why}", Code::PARAMETER.text(&[&name])))
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Failure::Store(error)
    }
}

impl Code {
    /// The refusal with this code.
    pub fn refuse(self, arguments: &[&dyn Display]) -> Failure {
        Failure::Refused(self, self.text(arguments))
    }
}

/// The answer of a route as bytes.
pub fn render(route: &Route, outcome: Outcome) -> Response<Body> {
    let mut answer = match outcome {
        Ok(Reply::Json { body, session }) => {
            let mut answer = response(route.status, JSON, Body::from(body));
            let cookie =
                session.map(|id| HeaderValue::try_from(format!("sessionId={id}; Path=/; HttpOnly; SameSite=Lax")));
            if let Some(Ok(cookie)) = cookie {
                answer.headers_mut().insert(SET_COOKIE, cookie);
            }
            answer
        }
        Ok(Reply::File { name, bytes }) => {
            let mut answer = response(route.status, BYTES, Body::from_stream(bytes));
            answer.headers_mut().insert(CONTENT_DISPOSITION, attachment(&name));
            answer
        }
        Err(Failure::Unauthorized) => return unauthorized(),
        Err(failure) => {
            let (status, code, text) = explain(route, failure);
            match route.kind {
                Kind::Json => return error(status, code, &text),
                Kind::File => response(StatusCode::BAD_REQUEST, TEXT, Body::from(text)),
            }
        }
    };
    answer.headers_mut().insert(CACHE_CONTROL, FRESH);
    answer
}

fn explain(route: &Route, failure: Failure) -> (StatusCode, i32, String) {
    let generic =
        |why: &dyn Display| (route.status, route.generic.number, format!("{}: {why}", route.generic.text(&[])));
    match failure {
        Failure::Unauthorized => (StatusCode::UNAUTHORIZED, Code::LOGIN.number, Code::LOGIN.text(&[])),
        Failure::Parameter(text) => (StatusCode::BAD_REQUEST, Code::PARAMETER.number, text),
        Failure::TooLarge(limit) => {
            let text = format!("the request is larger than {limit} bytes (server.max-http-post-size)");
            (StatusCode::PAYLOAD_TOO_LARGE, Code::PARAMETER.number, text)
        }
        Failure::Refused(code, text) => (route.status, code.number, text),
        Failure::Generic(why) => generic(&why),
        Failure::Store(error) => {
            tracing::error!(path = route.path, "a request failed: {error}");
            match error {
                store::Error::TooLong(_) => {
                    (route.status, Code::PARAMETER.number, format!("a request parameter is not valid: {error}"))
                }
                store::Error::Unavailable(_) => generic(&"the database cannot be used at present"),
                store::Error::Missing(_) | store::Error::Conflict(_) => generic(&error),
                store::Error::Broken(_) | store::Error::Older { .. } | store::Error::Newer { .. } => {
                    generic(&"see the log of the server")
                }
            }
        }
    }
}

/// HTTP 401 with an empty body.
pub fn unauthorized() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    answer.headers_mut().insert(CACHE_CONTROL, FRESH);
    answer
}

/// An envelope with an error.
pub fn error(status: StatusCode, code: i32, text: &str) -> Response<Body> {
    // Numbers and texts always become JSON.
    let body = envelope(code, text, ()).unwrap_or_default();
    let mut answer = response(status, JSON, Body::from(body));
    answer.headers_mut().insert(CACHE_CONTROL, FRESH);
    answer
}

fn response(status: StatusCode, kind: HeaderValue, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// `attachment`, with the name in both forms of RFC 6266 if it is not plain.
fn attachment(name: &str) -> HeaderValue {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ';
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        value += &format!("; filename*=UTF-8''{encoded}");
    }
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_quoted_and_odd_letters_are_given_twice() {
        assert_eq!(attachment("7.queryLog"), "attachment; filename=\"7.queryLog\"");
        assert_eq!(
            attachment("a\"b 数.txt\r\n"),
            "attachment; filename=\"a_b _.txt__\"; filename*=UTF-8''a%22b%20%E6%95%B0%2Etxt%0D%0A"
        );
    }
}
