//! Signing in and out.

use super::world::ADMIN;
use super::{BASE, Client, World};
use escheduler::model::Time;
use escheduler::store::entity::{session, user};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use std::time::Duration;

fn me(client: &Client) -> u16 {
    client.get("users/get-user-info", &[]).status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_hands_out_a_cookie_that_scripts_cannot_read() {
    let Some(world) = World::new().await else { return };
    let answer = world.stranger().log_in(ADMIN.0, ADMIN.1);
    let id = answer.data().as_str().unwrap().to_owned();
    assert_eq!(answer.msg(), "login success");
    assert_eq!(id.len(), 64, "256 bits");
    assert_eq!(answer.header("set-cookie"), format!("sessionId={id}; Path=/; HttpOnly; SameSite=Lax"));
    let by_header = world.stranger().raw("GET", &format!("{BASE}/users/get-user-info"), &[], &[("sessionId", &id)]);
    assert_eq!(by_header.data()["userName"], "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_read_the_same() {
    let Some(world) = World::new().await else { return };
    let stranger = world.stranger();
    let (wrong, unknown) = (stranger.log_in("admin", "wrong"), stranger.log_in("nobody", "wrong"));
    assert_eq!((wrong.status, wrong.code()), (200, 10013));
    assert_eq!(wrong.text(), unknown.text());
    assert_eq!(stranger.log_in("Admin", ADMIN.1).code(), 10013, "names compare exactly");
    assert_eq!(stranger.log_in("", "wrong").code(), 10004);
    assert_eq!(me(&stranger), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_password_hash_logs_in_and_is_replaced() {
    let Some(world) = World::new().await else { return };
    // MD5 of `escheduler123`, as EasyScheduler stores it.
    set_password(&world, "055a97b5fcd6d120372ad1976518f371").await;
    assert_eq!(world.stranger().log_in(ADMIN.0, "wrong").code(), 10013);
    assert_eq!(password(&world).await.len(), 32, "a wrong password replaces nothing");
    world.stranger().log_in(ADMIN.0, ADMIN.1).data();
    assert!(password(&world).await.starts_with("$argon2id$"));
    world.stranger().log_in(ADMIN.0, ADMIN.1).data();
}

async fn set_password(world: &World, hash: &'static str) {
    let written = world.store.write(move |tx| {
        Box::pin(async move {
            let update = user::Entity::update_many().col_expr(user::Column::UserPassword, Expr::value(hash));
            Ok(update.filter(user::Column::Id.eq(1)).exec(tx).await?.rows_affected)
        })
    });
    assert_eq!(written.await.unwrap(), 1);
}

async fn password(world: &World) -> String {
    let row = user::Entity::find_by_id(1).one(world.store.read()).await.unwrap();
    row.unwrap().user_password.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_ends_this_login_at_once_and_no_other() {
    let Some(world) = World::new().await else { return };
    let other = world.stranger();
    other.log_in(ADMIN.0, ADMIN.1).data();
    assert_eq!((me(&world.admin), me(&other)), (200, 200));
    assert!(world.admin.post("signOut", &[]).data().is_null());
    assert_eq!((me(&world.admin), me(&other)), (401, 200));
    assert_eq!(world.admin.post("signOut", &[]).status, 401);
    world.admin.log_in(ADMIN.0, ADMIN.1).data();
    assert_eq!(me(&world.admin), 200);
}

/// A login whose last request was so many seconds ago.
async fn aged(world: &World, id: &'static str, seconds: i64) {
    let last = Time::now().0 - seconds * 1000;
    let written = world.store.write(move |tx| {
        Box::pin(async move {
            let row = session::ActiveModel {
                id: Set(id.to_owned()),
                user_id: Set(Some(1)),
                last_request_ms: Set(Some(last)),
                ..Default::default()
            };
            Ok(row.insert(tx).await?)
        })
    });
    written.await.unwrap();
}

fn with_session(world: &World, id: &str) -> u16 {
    world.stranger().raw("GET", &format!("{BASE}/users/get-user-info"), &[], &[("sessionId", id)]).status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_expires_after_its_last_request_and_not_after_its_beginning() {
    let Some(world) = World::new().await else { return };
    aged(&world, "late", 7190).await;
    aged(&world, "too late", 7210).await;
    assert_eq!((with_session(&world, "late"), with_session(&world, "too late")), (200, 401));
    let row = session::Entity::find_by_id("late".to_owned()).one(world.store.read()).await.unwrap().unwrap();
    assert!(row.last_request_ms.unwrap() > Time::now().0 - 60_000, "the request has prolonged it");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_does_not_write_each_time() {
    let Some(world) = World::new().await else { return };
    assert_eq!(me(&world.admin), 200);
    let mut changed = world.store.changed();
    changed.mark_unchanged();
    assert_eq!(me(&world.admin), 200);
    assert!(!changed.has_changed().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn house_keeping_forgets_logins_that_have_expired_and_no_others() {
    let Some(world) = World::new().await else { return };
    aged(&world, "too late", 7210).await;
    aged(&world, "in time", 7190).await;
    assert_eq!(world.store.forget_sessions(Time::now() - Duration::from_secs(7200)).await.unwrap(), 1);
    for (id, stays) in [("too late", false), ("in time", true)] {
        let found = session::Entity::find_by_id(id.to_owned()).one(world.store.read()).await.unwrap();
        assert_eq!(found.is_some(), stays, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_address_is_what_the_proxy_says() {
    let Some(world) = World::new().await else { return };
    let form = [("userName", ADMIN.0), ("userPassword", ADMIN.1)];
    for (headers, ip) in [
        (vec![("X-Forwarded-For", "10.1.1.1, 10.2.2.2"), ("X-Real-IP", "10.3.3.3")], "10.1.1.1"),
        (vec![("X-Forwarded-For", "unKnown"), ("X-Real-IP", "10.3.3.3")], "10.3.3.3"),
        (vec![], "127.0.0.1"),
    ] {
        let id = world.stranger().raw("POST", &format!("{BASE}/login"), &form, &headers).data();
        let id = id.as_str().unwrap().to_owned();
        let row = session::Entity::find_by_id(id).one(world.store.read()).await.unwrap().unwrap();
        assert_eq!(row.ip.as_deref(), Some(ip));
    }
}
