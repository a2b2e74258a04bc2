//! A front-end's files beside the API.

use super::{Answer, BASE, World};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

/// A folder like the original's build, and beside it what must not be served.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("secret", "secret");
    write("dist/index.html", "<h1>home</h1>");
    write("dist/view/login/index.html", "<h1>login</h1>");
    write("dist/js/home.3f9c2ab.js", "let home");
    write("dist/js/plain.js", "let plain");
    write("dist/css/a.css", "a{}");
    write("dist/images/x y.svg", "<svg/>");
    write("dist/font/数.woff2", "font");
    write("dist/.htpasswd", "secret");
    write("dist/.git/config", "secret");
    write("dist/empty/x", "x");
    write("dist/projects/x.html", "a file");
    symlink("../secret", folder.path().join("dist/link")).unwrap();
    symlink(".htpasswd", folder.path().join("dist/innocent")).unwrap();
    symlink("..", folder.path().join("dist/up")).unwrap();
    symlink("js", folder.path().join("dist/scripts")).unwrap();
    fs::create_dir(folder.path().join("dist/odd")).unwrap();
    symlink("../../secret", folder.path().join("dist/odd/index.html")).unwrap();
    nix::unistd::mkfifo(&folder.path().join("dist/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    folder
}

async fn world(folder: &Path) -> Option<World> {
    World::with(|settings| settings.site = Some(folder.join("dist"))).await
}

fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    world.stranger().raw("GET", path, &[], headers)
}

/// The first line and the rest of what comes back for a path that no proper client would send.
async fn told(world: &World, line: &str) -> String {
    let (address, line) = (world.address, line.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    asked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_have_their_types_and_strangers_may_have_them() {
    let folder = folder();
    let Some(world) = world(folder.path()).await else { return };
    for (path, kind, text) in [
        ("/", "text/html", "<h1>home</h1>"),
        ("/index.html", "text/html", "<h1>home</h1>"),
        ("/view/login/index.html", "text/html", "<h1>login</h1>"),
        ("/view/login/", "text/html", "<h1>login</h1>"),
        ("/js/plain.js", "text/javascript", "let plain"),
        ("/scripts/plain.js", "text/javascript", "let plain"),
        ("/css/a.css", "text/css", "a{}"),
        ("/images/x%20y.svg", "image/svg+xml", "<svg/>"),
        ("/font/%E6%95%B0.woff2", "font/woff2", "font"),
        ("/projects/x.html", "text/html", "a file"),
        ("/escheduler/ui/js/plain.js", "text/javascript", "let plain"),
        ("/escheduler/ui/", "text/html", "<h1>home</h1>"),
        ("/escheduler/", "text/html", "<h1>home</h1>"),
        ("/?from=login", "text/html", "<h1>home</h1>"),
    ] {
        let answer = get(&world, path, &[]);
        assert_eq!((answer.status, answer.text().as_str()), (200, text), "{path}");
        assert!(answer.header("content-type").starts_with(kind), "{path}: {}", answer.header("content-type"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_served() {
    let folder = folder();
    let Some(world) = world(folder.path()).await else { return };
    for path in [
        "/../secret",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "/%2e%2e%2fsecret",
        "/js/../../secret",
        "/js/..%5c..%5csecret",
        "/.htpasswd",
        "/%2ehtpasswd",
        "/.git/config",
        "/link",
        "/innocent",
        "/up/secret",
        "/odd/",
        "/pipe",
        "/empty/",
        "/js/",
        "/no.html",
        "/index.html/",
        "//etc/passwd",
        "/%00",
        "/js//plain.js",
        "/%ff",
        "/etc/passwd",
        "/escheduler/ui/../../secret",
        "/escheduler/ui/%2e%2e/%2e%2e/secret",
        "/escheduler/ui//etc/passwd",
    ] {
        let text = told(&world, &format!("GET {path}")).await;
        assert!(!text.contains("secret") || !text.starts_with("HTTP/1.1 200"), "{path}: {text}");
        let status = text.get(9..12).unwrap_or_default();
        assert!(["404", "401", "400"].contains(&status), "{path}: {text}");
        assert!(!text.contains("\r\n\r\nsecret"), "{path}: {text}");
    }
    let post = told(&world, "POST /index.html").await;
    assert!(post.starts_with("HTTP/1.1 404") && !post.contains("home"), "{post}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_of_the_api_win() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("dist/escheduler/users")).unwrap();
    fs::write(folder.path().join("dist/escheduler/users/get-user-info"), "a trap").unwrap();
    fs::write(folder.path().join("dist/escheduler/trap.js"), "a trap").unwrap();
    let Some(world) = world(folder.path()).await else { return };
    assert_eq!(get(&world, &format!("{BASE}/users/get-user-info"), &[]).status, 401);
    assert_eq!(get(&world, &format!("{BASE}/trap.js"), &[]).status, 401);
    assert_eq!(world.admin.get("users/get-user-info", &[]).data()["userName"], "admin");
    assert_eq!(world.admin.raw("GET", "/projects/x/process/list", &[], &[]).code(), 10018);
    assert_eq!(get(&world, "/projects/x/process/list", &[]).status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_asks_again_and_hears_that_nothing_has_changed() {
    let folder = folder();
    let Some(world) = world(folder.path()).await else { return };
    for (path, keep) in
        [("/", "no-cache"), ("/js/plain.js", "no-cache"), ("/js/home.3f9c2ab.js", "public, max-age=86400")]
    {
        let answer = get(&world, path, &[]);
        assert_eq!(answer.header("cache-control"), keep, "{path}");
        let since = answer.header("last-modified").to_owned();
        let again = get(&world, path, &[("If-Modified-Since", &since)]);
        assert_eq!((again.status, again.bytes.len()), (304, 0), "{path}");
    }
    let part = get(&world, "/js/plain.js", &[("Range", "bytes=4-")]);
    assert_eq!((part.status, part.text().as_str()), (206, "plain"));
    let head = told(&world, "HEAD /js/plain.js").await.to_lowercase();
    assert!(
        head.starts_with("http/1.1 200") && head.contains("content-length: 9") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let moved = told(&world, "GET /view/login?x=1").await.to_lowercase();
    assert!(moved.starts_with("http/1.1 308") && moved.contains("location: /view/login/?x=1\r\n"), "{moved}");
}
