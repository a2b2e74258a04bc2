//! Every change leaves its row, in the transaction that makes it; what is refused leaves none.

use super::place::store;
use crate::model::{Time, UserId};
use crate::store::{AuditFilter, Author, Error, NewProject, NewTenant, NewUser, Page, QueueRefusal, Store};

const ALL: Page = Page { number: 1, size: 100 };

fn author(action: &str, at: i64) -> Author {
    Author {
        user: UserId(1),
        name: "admin".into(),
        action: action.into(),
        object: "queueName=ml".into(),
        address: "192.0.2.1".into(),
        request: "r1".into(),
        at: Time(at),
    }
}

async fn noted(store: &Store) -> Vec<String> {
    let found = store.changes(&AuditFilter::default(), ALL).await.unwrap();
    assert_eq!(found.total, found.rows.len() as u64);
    found.rows.into_iter().map(|row| format!("{} {} {}", row.user_name, row.action, row.object)).collect()
}

/// A change of nothing but its row.
async fn note(store: &Store) -> Result<(), Error> {
    store.change(|_| Box::pin(async { Ok(()) })).await
}

#[tokio::test]
async fn a_change_in_somebodys_name_is_noted_with_the_id_of_what_was_made() {
    let store = store!();
    let by = store.by(author("queue/create", 5));
    by.create_queue("ml".into(), "root.ml".into(), Time(5)).await.unwrap().unwrap();
    assert_eq!(noted(&store).await, ["admin queue/create id=2 queueName=ml"]);
    let row = store.changes(&AuditFilter::default(), ALL).await.unwrap().rows.remove(0);
    assert_eq!((row.at_ms, &*row.address, &*row.request_id, row.user_id), (5, "192.0.2.1", "r1", 1));
}

#[tokio::test]
async fn a_refusal_and_a_failure_are_not_noted_and_neither_is_what_nobody_asked_for() {
    let store = store!();
    let by = |action| store.by(author(action, 0));
    let refused = by("queue/create").create_queue("default".into(), "x".into(), Time(0)).await.unwrap();
    assert_eq!(refused, Err(QueueRefusal::NameTaken));
    let new = NewTenant { code: "a".into(), name: "a".into(), desc: None, queue_id: 99, at: Time(0) };
    assert!(matches!(by("tenant/create").create_tenant(new).await, Err(Error::Missing(_))));
    store.create_queue("ml".into(), "root.ml".into(), Time(0)).await.unwrap().unwrap();
    assert!(noted(&store).await.is_empty());
}

/// The row and the change share their transaction: neither is there without the other.
#[tokio::test]
async fn without_the_row_there_is_no_change() {
    use sea_orm::ConnectionTrait;
    let store = store!();
    let dropped = store.write(|tx| {
        Box::pin(async move {
            tx.execute_unprepared("DROP TABLE t_escheduler_audit").await?;
            Ok(())
        })
    });
    dropped.await.unwrap();
    let new = NewProject { name: "p".into(), desc: None, owner: UserId(1), at: Time(0) };
    assert!(store.by(author("projects/create", 0)).create_project(new.clone()).await.is_err());
    store.create_project(new).await.unwrap();
}

#[tokio::test]
async fn changes_are_found_by_user_time_and_part_of_a_text() {
    let store = store!();
    for (at, action) in [(10, "queue/create"), (20, "users/delete"), (30, "users/create")] {
        note(&store.by(author(action, at))).await.unwrap();
    }
    let actions = async |filter: AuditFilter| {
        let found = store.changes(&filter, ALL).await.unwrap();
        found.rows.into_iter().map(|row| row.action).collect::<Vec<_>>().join(" ")
    };
    let any = AuditFilter::default;
    assert_eq!(actions(any()).await, "users/create users/delete queue/create");
    assert_eq!(actions(AuditFilter { search: "USERS/".into(), ..any() }).await, "users/create users/delete");
    assert_eq!(actions(AuditFilter { search: "ueueName=M".into(), ..any() }).await.split(' ').count(), 3);
    assert_eq!(actions(AuditFilter { user: Some(UserId(2)), ..any() }).await, "");
    let (after, until) = (Some(Time(15)), Some(Time(25)));
    assert_eq!(actions(AuditFilter { after, until, ..any() }).await, "users/delete");
}

#[tokio::test]
async fn old_changes_are_forgotten_and_newer_ones_are_not() {
    let store = store!();
    let notes = (0..2500).map(|at| {
        let store = store.by(author("a", at));
        async move { note(&store).await }
    });
    for noted in futures::future::join_all(notes).await {
        noted.unwrap();
    }
    assert_eq!(store.forget_changes(Time(2400)).await.unwrap(), 2400);
    assert_eq!(store.changes(&AuditFilter::default(), ALL).await.unwrap().total, 100);
    assert_eq!(store.forget_changes(Time(2400)).await.unwrap(), 0);
}

/// Texts that are longer than their columns are cut, not refused: the change counts.
#[tokio::test]
async fn a_long_object_is_cut() {
    let store = store!();
    let object = "数".repeat(3000);
    note(&store.by(Author { object, ..author("a", 0) })).await.unwrap();
    let rows = store.changes(&AuditFilter::default(), ALL).await.unwrap().rows;
    assert_eq!(rows[0].object.chars().count(), 1000);
}

#[tokio::test]
async fn a_user_who_is_made_is_named_by_id_and_not_by_password() {
    let store = store!();
    let new = NewTenant { code: "etl".into(), name: "ETL".into(), desc: None, queue_id: 1, at: Time(0) };
    let tenant_id = store.create_tenant(new).await.unwrap();
    let new = NewUser {
        name: "carol".into(),
        password: "$argon2id$secret".into(),
        email: "c@example.org".into(),
        phone: None,
        tenant_id,
        queue: None,
        at: Time(0),
    };
    let id = store.by(author("users/create", 0)).create_user(new).await.unwrap();
    assert_eq!(noted(&store).await, [format!("admin users/create id={id} queueName=ml")]);
}
