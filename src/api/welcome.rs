//! The page at `/`, for whoever opens the address in a browser.

use super::Settings;
use axum::http::HeaderValue;
use axum::response::Html;
use std::net::SocketAddr;

/// What this is, and where to go on.
pub fn page(settings: &Settings, address: SocketAddr, host: Option<&HeaderValue>) -> Html<String> {
    let host = host.and_then(|host| host.to_str().ok()).map_or_else(|| address.to_string(), escaped);
    let base = escaped(&settings.context_path);
    let version = env!("CARGO_PKG_VERSION");
    Html(format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>escheduler</title>\n\
         <h1>escheduler {version}</h1>\n\
         <p>A distributed workflow scheduler. This is <code>http://{host}/</code>; the HTTP API of EasyScheduler 1.x \
         is at <code>http://{host}{base}/</code>.</p>\n\
         <p>The first login of a new database is <code>admin</code> with the password <code>escheduler123</code>:</p>\n\
         <pre>curl -c cookies -d userName=admin -d userPassword=escheduler123 http://{host}{base}/login\n\
         curl -b cookies http://{host}{base}/users/get-user-info</pre>\n\
         <p>Every call is described at <a href=\"{base}/docs/\"><code>http://{host}{base}/docs/</code></a>, where it can be \
         tried out as well.</p>\n</html>\n"
    ))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '&' => safe += "&amp;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            letter => safe.push(letter),
        }
    }
    safe
}
