//! Answers: the envelope `{code, msg, data}`, files, and failures. Every failure has a code that is not zero and a
//! text (`EasyScheduler 1.0.1: envelope and HTTP status`).

use super::code::{self, Code};
use super::language::{Language, Words};
use super::shapes::{File, Nothing};
use super::table::{Kind, Route};
use crate::store;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures::stream::BoxStream;
use serde::Serialize;
use std::fmt::Display;
use std::marker::PhantomData;
use std::time::Duration;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain;charset=UTF-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const FRESH: HeaderValue = HeaderValue::from_static("no-store");

/// What a route answers. The type says what the data is; the document of the API is made from it.
pub type Outcome<T = Nothing> = Result<Reply<T>, Failure>;

/// An answer with code 0 whose data is a `T`.
pub struct Reply<T = Nothing> {
    pub content: Content,
    shape: PhantomData<fn() -> T>,
}

/// What is sent, once nobody asks any more of which type it is.
pub enum Content {
    Json {
        /// The data, as JSON.
        data: Vec<u8>,
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
    Parameter(String, Words),
    /// A parameter can be read, but not be used.
    Invalid(String, Words),
    /// The body is larger than the operator allows: HTTP 413.
    TooLarge(u64),
    /// Too many log-ins have failed: HTTP 429, and how long to wait.
    TooOften(Duration),
    /// A rule forbids it.
    Refused(Code, Vec<String>),
    /// The generic code of the route, with the text of another one as the reason.
    Because(Code, Vec<String>),
    /// This code, or else the generic one of the route, with what a person is told about the reason.
    Told(Option<Code>, Words),
    /// The generic code of the route, because of something that nobody foresaw: the log has it too.
    Generic(String),
    /// The generic code of the route, because of the database.
    Store(store::Error),
}

impl<T> Reply<T> {
    fn of(content: Content) -> Outcome<T> {
        Ok(Reply { content, shape: PhantomData })
    }

    /// An answer that carries data which has been written already.
    pub fn written(data: Vec<u8>) -> Outcome<T> {
        Reply::of(Content::Json { data, session: None })
    }
}

impl<T: Serialize> Reply<T> {
    /// An answer that carries data.
    pub fn data(data: &T) -> Outcome<T> {
        Reply::written(serde_json::to_vec(data).map_err(|error| Failure::Generic(error.to_string()))?)
    }
}

impl Reply {
    /// An answer that carries nothing.
    pub fn done() -> Outcome {
        Reply::data(&Nothing)
    }
}

impl Reply<String> {
    /// The answer to a login.
    pub fn session(id: String) -> Outcome<String> {
        let data = serde_json::to_vec(&id).map_err(|error| Failure::Generic(error.to_string()))?;
        Reply::of(Content::Json { data, session: Some(id) })
    }
}

impl Reply<File> {
    /// A file of that name.
    pub fn file(name: String, bytes: BoxStream<'static, std::io::Result<Bytes>>) -> Outcome<File> {
        Reply::of(Content::File { name, bytes })
    }
}

/// How many letters of a text are sent: it may quote what was sent, whatever that was.
const LONGEST_TEXT: usize = 8192;

/// The envelope around data that is JSON already.
fn envelope(code: i32, msg: &str, data: &[u8]) -> Vec<u8> {
    let msg = serde_json::Value::from(match msg.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &msg[..end]),
        None => msg.to_owned(),
    });
    let mut body = format!("{{\"code\":{code},\"msg\":{msg},\"data\":").into_bytes();
    body.reserve_exact(data.len() + 1);
    body.extend_from_slice(data);
    body.push(b'}');
    body
}

impl Failure {
    /// A parameter that cannot be read.
    pub fn parameter(name: &str, why: impl Into<Words>) -> Failure {
        Failure::Parameter(name.to_owned(), why.into())
    }

    /// The generic code of the route, and why.
    pub fn because(why: impl Into<Words>) -> Failure {
        Failure::Told(None, why.into())
    }

    /// A parameter that can be read, but not be used.
    pub fn invalid(name: &str, why: impl Into<Words>) -> Failure {
        Failure::Invalid(name.to_owned(), why.into())
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
        Failure::Refused(self, code::texts(arguments))
    }

    /// The refusal with this code, whose text says why.
    pub fn told(self, why: impl Into<Words>) -> Failure {
        Failure::Told(Some(self), why.into())
    }

    /// The generic code of the route, because of what this code means.
    pub fn because(self, arguments: &[&dyn Display]) -> Failure {
        Failure::Because(self, code::texts(arguments))
    }
}

/// The answer of a route as bytes.
pub fn render(route: &Route, outcome: Result<Content, Failure>, language: Language) -> Response<Body> {
    let mut answer = match outcome {
        Ok(Content::Json { data, session }) => {
            let msg = match session {
                Some(_) => Code::LOGGED_IN.text(language, &[]),
                None => language.choose("success", "成功").to_owned(),
            };
            let mut answer = response(route.status, JSON, Body::from(envelope(0, &msg, &data)));
            let cookie =
                session.map(|id| HeaderValue::try_from(format!("sessionId={id}; Path=/; HttpOnly; SameSite=Lax")));
            if let Some(Ok(cookie)) = cookie {
                answer.headers_mut().insert(SET_COOKIE, cookie);
            }
            answer
        }
        Ok(Content::File { name, bytes }) => {
            let mut answer = response(route.status, BYTES, Body::from_stream(bytes));
            answer.headers_mut().insert(CONTENT_DISPOSITION, attachment(&name));
            answer
        }
        Err(Failure::Unauthorized) => return unauthorized(),
        Err(Failure::TooOften(wait)) => return too_often(wait, language),
        Err(failure) => {
            let (status, code, text) = explain(route, failure, language);
            match route.kind {
                Kind::Json => return error(status, code, &text),
                Kind::File => response(StatusCode::BAD_REQUEST, TEXT, Body::from(text)),
            }
        }
    };
    answer.headers_mut().insert(CACHE_CONTROL, FRESH);
    answer
}

fn too_often(wait: Duration, language: Language) -> Response<Body> {
    let (status, seconds) = (StatusCode::TOO_MANY_REQUESTS, wait.as_secs().saturating_add(1));
    let text = Code::TOO_MANY_LOGINS.text(language, &[seconds.to_string()]);
    let mut answer = error(status, Code::TOO_MANY_LOGINS.number, &text);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// Status, code and text of a failure.
fn explain(route: &Route, failure: Failure, language: Language) -> (StatusCode, i32, String) {
    let parameter = |status, name: String, why: Words| {
        let text = format!("{}: {}", Code::PARAMETER.text(language, &[name]), why.text(language));
        (status, Code::PARAMETER.number, text)
    };
    let generic = |why: &dyn Display| {
        (route.status, route.generic.number, format!("{}: {why}", route.generic.text(language, &[])))
    };
    match failure {
        Failure::Unauthorized => (StatusCode::UNAUTHORIZED, Code::LOGIN.number, Code::LOGIN.text(language, &[])),
        Failure::Parameter(name, why) => parameter(StatusCode::BAD_REQUEST, name, why),
        Failure::Invalid(name, why) => parameter(route.status, name, why),
        Failure::TooLarge(limit) => {
            let words = Words::new(
                format!("the request is larger than {limit} bytes (server.max-http-post-size)"),
                format!("请求超过 {limit} 字节（server.max-http-post-size）"),
            );
            (StatusCode::PAYLOAD_TOO_LARGE, Code::PARAMETER.number, words.text(language).to_owned())
        }
        Failure::TooOften(wait) => {
            let (status, code) = (StatusCode::TOO_MANY_REQUESTS, Code::TOO_MANY_LOGINS);
            (status, code.number, code.text(language, &[wait.as_secs().to_string()]))
        }
        Failure::Refused(code, arguments) => (route.status, code.number, code.text(language, &arguments)),
        Failure::Told(Some(code), why) => {
            (route.status, code.number, code.text(language, &[why.text(language).to_owned()]))
        }
        Failure::Told(None, why) => generic(&why.text(language)),
        Failure::Because(code, arguments) => generic(&code.text(language, &arguments)),
        Failure::Generic(why) => {
            tracing::error!(path = route.path, "a request failed: {why}");
            generic(&why)
        }
        Failure::Store(error) => {
            if !matches!(error, store::Error::TooLong(_)) {
                tracing::error!(path = route.path, "a request failed: {error}");
            }
            match error {
                store::Error::TooLong(_) => {
                    let words = Words::new(
                        format!("a request parameter is not valid: {error}"),
                        format!("请求参数无效：{error}"),
                    );
                    (route.status, Code::PARAMETER.number, words.text(language).to_owned())
                }
                store::Error::Unavailable(_) => {
                    generic(&language.choose("the database cannot be used at present", "数据库暂时不可用"))
                }
                store::Error::Missing(_) | store::Error::Conflict(_) => generic(&error),
                store::Error::Broken(_) | store::Error::Older { .. } | store::Error::Newer { .. } => {
                    generic(&language.choose("see the log of the server", "请查看服务器日志"))
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

/// An envelope with data, outside the table.
pub fn success(data: &impl Serialize) -> Response<Body> {
    // What is told there always becomes JSON.
    let data = serde_json::to_vec(data).unwrap_or_default();
    let mut answer = response(StatusCode::OK, JSON, Body::from(envelope(0, "success", &data)));
    answer.headers_mut().insert(CACHE_CONTROL, FRESH);
    answer
}

/// An envelope with an error.
pub fn error(status: StatusCode, code: i32, text: &str) -> Response<Body> {
    let mut answer = response(status, JSON, Body::from(envelope(code, text, b"null")));
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
    fn a_text_that_quotes_a_lot_is_cut() {
        let sent = |length| {
            let body = envelope(10001, &"数".repeat(length), b"null");
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            body["msg"].as_str().unwrap().chars().count()
        };
        assert_eq!((sent(3), sent(LONGEST_TEXT), sent(1_000_000)), (3, LONGEST_TEXT, LONGEST_TEXT + 1));
    }

    #[test]
    fn a_file_name_is_quoted_and_odd_letters_are_given_twice() {
        assert_eq!(attachment("7.queryLog"), "attachment; filename=\"7.queryLog\"");
        assert_eq!(
            attachment("a\"b 数.txt\r\n"),
            "attachment; filename=\"a_b _.txt__\"; filename*=UTF-8''a%22b%20%E6%95%B0%2Etxt%0D%0A"
        );
    }
}
