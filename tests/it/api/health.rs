//! What supervisors ask, who log in nowhere.

use super::{BASE, World};
use escheduler::api::Stage;
use escheduler::registry::Role;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn ready_is_who_is_up_with_a_database_that_answers() {
    let Some(world) = World::new().await else { return };
    let ask = |path: &str| world.stranger().raw("GET", &format!("{BASE}/{path}"), &[], &[]);
    assert_eq!((ask("healthz").status, ask("healthz").data()), (200, json!({"status": "up"})));
    world.presence.note(Role::Api, Stage::Up);
    world.presence.note(Role::Worker, Stage::Starting);
    let answer = ask("readyz");
    assert_eq!((answer.status, answer.msg()), (503, "not ready: worker is starting".to_owned()));
    assert_ne!(answer.code(), 0);
    world.presence.note(Role::Worker, Stage::Up);
    let answer = ask("readyz");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let roles = json!({"worker": "up", "api": "up"});
    assert_eq!(answer.data(), json!({"status": "ready", "database": "up", "roles": roles}));
    world.presence.note(Role::Worker, Stage::Ended);
    assert_eq!(ask("readyz").msg(), "not ready: worker is ended");
    assert_eq!(ask("healthz").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_nobody_is_ready_and_everybody_lives() {
    let Some(world) = World::new().await else { return };
    let ask = |path: &str| world.stranger().raw("GET", &format!("{BASE}/{path}"), &[], &[]);
    world.store.clone().close().await;
    let answer = ask("readyz");
    assert_eq!((answer.status, answer.msg()), (503, "not ready: the database does not answer".to_owned()));
    assert_eq!(ask("healthz").status, 200);
}
