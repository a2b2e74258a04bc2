//! The files of a front-end, served beside the API (`server.static.dir`), so that it needs no web server of its own.
//!
//! What is served are files in that folder and nothing else: no path leads out of it, neither by dots nor by symbolic
//! links; names that begin with a dot are not there; folders are not listed. Paths of the API win.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, LOCATION, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};
use std::path::{Component, Path, PathBuf};
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

const INDEX: &str = "index.html";
/// Asked for again each time, and sent only if it has changed: a new release of the front-end shows at once.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");
/// What has a name of its own for each content need not be asked for.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=86400");
const NO_GUESS: HeaderValue = HeaderValue::from_static("nosniff");

/// A folder of files.
pub struct Site {
    root: PathBuf,
}

/// What a path leads to.
enum Found {
    File(PathBuf),
    /// A folder, asked for without the slash at its end, without which relative links in its page would lead astray.
    Folder,
}

impl Site {
    pub fn new(root: PathBuf) -> Site {
        Site { root }
    }

    /// The file at this path of the site; `None` if there is none, or if it is not asked for by GET or HEAD.
    pub async fn serve(&self, parts: &Parts, path: &str) -> Option<Response<Body>> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return None;
        }
        match self.find(path).await? {
            Found::File(file) => send(parts, &file).await,
            Found::Folder => redirect(parts),
        }
    }

    async fn find(&self, path: &str) -> Option<Found> {
        let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
        let below = below(&path)?;
        let root = tokio::fs::canonicalize(&self.root).await.ok()?;
        let found = inside(&root, &root.join(below)).await?;
        if tokio::fs::metadata(&found).await.ok()?.is_dir() {
            if !path.ends_with('/') {
                return Some(Found::Folder);
            }
            let index = inside(&root, &found.join(INDEX)).await?;
            return is_file(&index).await.then_some(Found::File(index));
        }
        // A file is no folder, and a pipe is no file: whoever opened it would wait for a writer.
        (is_file(&found).await && !path.ends_with('/')).then_some(Found::File(found))
    }
}

/// A path of the site as one below its folder, if every part of it may be asked for.
fn below(path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix('/')?;
    if path.starts_with('/') || path.contains("//") || path.contains(['\\', '\0']) {
        return None;
    }
    let parts = Path::new(path).components();
    let is_plain = |part: Component<'_>| match part {
        Component::Normal(name) => name.to_str().is_some_and(|name| !name.starts_with('.')),
        _ => false,
    };
    // A dot in the middle is left out by `components`, so it is looked for in the text.
    let has_dots = path.split('/').any(|part| part.starts_with('.'));
    (!has_dots && parts.clone().all(is_plain)).then(|| parts.collect())
}

/// Where a path leads after all links, if that is inside the root.
async fn inside(root: &Path, path: &Path) -> Option<PathBuf> {
    let real = tokio::fs::canonicalize(path).await.ok()?;
    let hidden = |part: Component<'_>| part.as_os_str().to_str().is_none_or(|name| name.starts_with('.'));
    let below = real.strip_prefix(root).ok()?;
    (!below.components().any(hidden)).then(|| real.clone())
}

async fn is_file(path: &Path) -> bool {
    tokio::fs::metadata(path).await.is_ok_and(|file| file.is_file())
}

/// The file with its type; in part, or not at all, if that is what the headers ask for.
async fn send(parts: &Parts, file: &Path) -> Option<Response<Body>> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = parts.method.clone();
    *request.headers_mut() = parts.headers.clone();
    let answer = ServeFile::new(file).oneshot(request).await.ok()?;
    if answer.status() == StatusCode::NOT_FOUND {
        return None;
    }
    let mut answer = answer.map(Body::new);
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    answer.headers_mut().insert(CACHE_CONTROL, if is_named_by_content(name) { KEEP } else { ASK });
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NO_GUESS);
    Some(answer)
}

fn redirect(parts: &Parts) -> Option<Response<Body>> {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let place = HeaderValue::try_from(format!("{}/{query}", parts.uri.path())).ok()?;
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
    answer.headers_mut().insert(LOCATION, place);
    Some(answer)
}

/// Whether a part of the name is a hash, as in `app.3f9c2ab.js`.
fn is_named_by_content(name: &str) -> bool {
    let is_hash = |part: &str| {
        part.len() >= 7
            && part.bytes().all(|byte| byte.is_ascii_hexdigit())
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    !name.ends_with(".html") && name.split(['.', '-', '_']).any(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        for path in [
            "/../x",
            "/a/../../x",
            "/a/..",
            "/./x",
            "/a/./x",
            "/.git/config",
            "/a/.env",
            "//etc/passwd",
            "/a//b",
            "/a\\b",
            "/\0",
            "x",
            "",
        ] {
            assert_eq!(below(path), None, "{path}");
        }
        for (path, found) in
            [("/", ""), ("/index.html", "index.html"), ("/view/login/", "view/login"), ("/a..b", "a..b")]
        {
            assert_eq!(below(path), Some(PathBuf::from(found)));
        }
    }

    #[test]
    fn names_with_a_hash_are_kept_and_others_asked_for() {
        for name in ["app.3f9c2ab.js", "home-0123456789abcdef.css", "chunk_1a2b3c4d.js"] {
            assert!(is_named_by_content(name), "{name}");
        }
        for name in ["index.html", "app.js", "jquery-3.3.1.min.js", "page.3f9c2ab.html", "2019123456.js", "deadbeef.js"]
        {
            assert!(!is_named_by_content(name), "{name}");
        }
    }
}
