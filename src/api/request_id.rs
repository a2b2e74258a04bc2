//! A name for each request: in its answer, in the log lines that it causes, and in the audit rows.

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// What fits into an audit row.
const LONGEST: usize = 64;

#[derive(Clone)]
struct RequestId(String);

/// Takes the id that a proxy has given, or draws one, and tells it with the answer.
pub async fn attach(mut request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(draw);
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", id);
    let mut answer = next.run(request).instrument(span).await;
    if let Ok(id) = HeaderValue::try_from(id) {
        answer.headers_mut().insert(HEADER, id);
    }
    answer
}

/// The id of a request.
pub fn of(parts: &Parts) -> String {
    parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default()
}

/// One that cannot be mistaken for anything else in a log.
fn given(headers: &HeaderMap) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let id = headers.get(HEADER)?.to_str().ok()?;
    (!id.is_empty() && id.len() <= LONGEST && id.chars().all(fits)).then(|| id.to_owned())
}

fn draw() -> String {
    format!("{:016x}", rand::random::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_id_is_taken_over() {
        let given = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, text.parse().unwrap());
            given(&headers)
        };
        assert_eq!(given("a-1_b.C").as_deref(), Some("a-1_b.C"));
        for odd in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert_eq!(given(odd), None, "{odd}");
        }
        assert_eq!(draw().len(), 16);
    }
}
