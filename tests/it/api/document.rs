//! The document of the API and its page, as they are served.

use super::rows::specification::ROWS;
use super::{BASE, World};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_specification_is_in_the_document_with_its_codes() {
    let Some(world) = World::new().await else { return };
    let document = fetch(&world);
    for row in ROWS {
        let operation = &document["paths"][format!("/{}", row.path)][row.method.to_lowercase()];
        assert!(operation.is_object(), "{}", row.name());
        let codes: Vec<i64> =
            operation["x-codes"].as_array().unwrap().iter().map(|code| code["code"].as_i64().unwrap()).collect();
        for code in row.codes {
            assert!(codes.contains(code), "{}: {code} is not among {codes:?}", row.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_document_can_be_called_with_that_method_only() {
    let Some(world) = World::new().await else { return };
    let document = fetch(&world);
    for (path, item) in document["paths"].as_object().unwrap() {
        let address = format!("{BASE}{}", path.replace("{projectName}", "none"));
        for method in ["GET", "POST"] {
            let known = item.get(method.to_lowercase()).is_some();
            let status = world.admin.raw(method, &address, &[], &[]).status;
            assert_eq!(known, status != 404 && status != 405, "{method} {path} is {status}");
        }
        // It may have been the end of the session.
        world.admin.log_in("admin", "escheduler123").data();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_needs_nothing_from_elsewhere() {
    let Some(world) = World::new().await else { return };
    let stranger = world.stranger();
    let page = stranger.raw("GET", &format!("{BASE}/docs/"), &[], &[]);
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let text = page.text();
    let parts: Vec<&str> =
        text.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css")).collect();
    assert!(parts.len() >= 3, "{text}");
    for part in parts {
        assert!(!part.contains("//"), "{part} is elsewhere");
        let file = stranger.raw("GET", &format!("{BASE}/docs/{}", part.trim_start_matches("./")), &[], &[]);
        assert!(file.status == 200 && !file.bytes.is_empty(), "{part}");
    }
    let start = stranger.raw("GET", &format!("{BASE}/docs/swagger-initializer.js"), &[], &[]).text();
    assert!(start.contains("../openapi.json") && !start.contains("http"), "{start}");
    let missing = stranger.raw("GET", &format!("{BASE}/docs/..%2f..%2fetc/passwd"), &[], &[]);
    assert!(missing.status == 404 && missing.code() == 404);
    let bare = stranger.raw("GET", &format!("{BASE}/docs"), &[], &[]);
    assert_eq!(bare.status, 200, "it leads to the page");
}

fn fetch(world: &World) -> Value {
    let answer = world.stranger().raw("GET", &format!("{BASE}/openapi.json"), &[], &[]);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}
