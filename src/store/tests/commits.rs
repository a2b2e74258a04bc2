//! Group commit.

use super::place::store;
use crate::store::entity::{project, tenant, user};
use crate::store::{Error, Store};
use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, poll};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait};
use std::pin::pin;
use std::sync::Mutex;
use tokio::sync::oneshot;

pub(super) type Answer<'c> = BoxFuture<'c, Result<i32, Error>>;

/// Inserts a project of this name.
pub(super) fn insert(name: String) -> impl for<'c> Fn(&'c DatabaseTransaction) -> Answer<'c> + Send + Sync + 'static {
    move |db| {
        let row = project::ActiveModel { name: Set(Some(name.clone())), ..Default::default() };
        async move { Ok(row.insert(db).await?.id) }.boxed()
    }
}

/// Inserts, then finds that it should not have.
pub(super) fn insert_and_fail(
    name: &str,
) -> impl for<'c> Fn(&'c DatabaseTransaction) -> Answer<'c> + Send + Sync + 'static {
    let insert = insert(name.to_owned());
    move |db| {
        let inserted = insert(db);
        async move {
            inserted.await?;
            Err(Error::Conflict("changed meanwhile".to_owned()))
        }
        .boxed()
    }
}

pub(super) async fn names(store: &Store) -> Vec<String> {
    let rows = project::Entity::find().all(store.read()).await.unwrap();
    rows.into_iter().filter_map(|row| row.name).collect()
}

/// Tells when it runs, and stays inside its transaction until `released` ends.
fn gate(
    entered: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
) -> impl for<'c> Fn(&'c DatabaseTransaction) -> Answer<'c> + Send + Sync + 'static {
    let once = Mutex::new(Some((entered, released)));
    move |_| {
        let first = once.lock().unwrap().take();
        async move {
            if let Some((entered, released)) = first {
                entered.send(()).unwrap();
                let _ = released.await;
            }
            Ok(0)
        }
        .boxed()
    }
}

/// Keeps the writer busy until the sender is dropped, so that what comes meanwhile forms one batch.
pub(super) async fn hold(store: &Store) -> oneshot::Sender<()> {
    let (enter, entered) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move { store.write(gate(enter, released)).await });
    entered.await.unwrap();
    release
}

#[tokio::test]
async fn all_are_answered_and_share_transactions() {
    let store = store!();
    let before = *store.changed().borrow();
    let ids = join_all((0..200).map(|n| store.write(insert(format!("p{n}"))))).await;
    let ids: std::collections::BTreeSet<_> = ids.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), 200);
    assert_eq!(names(&store).await.len(), 200);
    let commits = *store.changed().borrow() - before;
    assert!(commits <= 5, "{commits} transactions for 200 writes");
}

#[tokio::test]
async fn an_answer_comes_after_the_commit_and_readers_see_it() {
    let store = store!();
    let mut changed = store.changed();
    for n in 0..50 {
        let id = store.write(insert(format!("p{n}"))).await.unwrap();
        assert!(project::Entity::find_by_id(id).one(store.read()).await.unwrap().is_some());
        assert!(changed.has_changed().unwrap());
        changed.mark_unchanged();
    }
}

#[tokio::test]
async fn nobody_is_answered_before_the_shared_commit() {
    let store = store!();
    let release = hold(&store).await;
    let (enter, entered) = oneshot::channel();
    let (release_second, released) = oneshot::channel();
    let mut first = pin!(store.write(insert("first".to_owned())));
    let mut second = pin!(store.write(gate(enter, released)));
    assert!(poll!(first.as_mut()).is_pending() && poll!(second.as_mut()).is_pending());
    drop(release);
    entered.await.unwrap();
    assert!(poll!(first.as_mut()).is_pending() && names(&store).await.is_empty(), "inserted, not committed");
    drop(release_second);
    first.await.unwrap();
    assert_eq!(names(&store).await, ["first"]);
}

#[tokio::test]
async fn a_failing_job_spoils_nobody() {
    let store = store!();
    let release = hold(&store).await;
    let before = *store.changed().borrow();
    let good = join_all((0..20).map(|n| store.write(insert(format!("good{n}")))));
    let bad = join_all((0..5).map(|_| store.write(insert_and_fail("bad"))));
    let broken = store.write(|db| async move { Ok(db.execute_unprepared("SELECT nonsense").await.map(drop)?) }.boxed());
    let also_good = store.write(insert("last".to_owned()));
    let all = async { tokio::join!(good, bad, broken, also_good) };
    let (_, (good, bad, broken, also_good)) = tokio::join!(async { drop(release) }, all);
    assert!(good.iter().all(Result::is_ok) && also_good.is_ok());
    assert!(bad.iter().all(|answer| matches!(answer, Err(Error::Conflict(_)))));
    assert!(matches!(broken, Err(Error::Broken(_))), "{broken:?}");
    let names = names(&store).await;
    assert_eq!(names.len(), 21);
    assert!(!names.contains(&"bad".to_owned()), "what a failed job did is taken back");
    let commits = *store.changed().borrow() - before;
    assert_eq!(commits, 2, "the one that was held, and one for all the others");
}

#[tokio::test]
async fn a_panic_reaches_its_caller_and_nobody_else() {
    let store = store!();
    let panics = store.write(|_| -> BoxFuture<'_, Result<(), Error>> { async { panic!("a bug") }.boxed() });
    let (bad, good) = tokio::join!(panics, store.write(insert("good".to_owned())));
    assert_eq!(bad.unwrap_err().to_string(), "the database and this program do not agree: a write panicked: a bug");
    good.unwrap();
    store.write(insert("next".to_owned())).await.unwrap();
    assert_eq!(names(&store).await, ["good", "next"]);
}

#[tokio::test]
async fn errors_say_what_can_be_done() {
    let store = store!();
    let taken = store
        .write(|db| {
            let row = user::ActiveModel { user_name: Set(Some("admin".to_owned())), ..Default::default() };
            async move { Ok(row.insert(db).await?) }.boxed()
        })
        .await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let missing = store
        .write(|db| {
            let row = tenant::ActiveModel { id: Set(7), tenant_code: Set(None), ..Default::default() };
            async move { Ok(row.update(db).await?) }.boxed()
        })
        .await;
    assert!(matches!(missing, Err(Error::Missing(_))), "{missing:?}");
    let orphan = "INSERT INTO t_escheduler_task_instance (process_instance_id) VALUES (7)";
    let orphan = store.write(move |db| async move { Ok(db.execute_unprepared(orphan).await.map(drop)?) }.boxed()).await;
    assert!(matches!(orphan, Err(Error::Conflict(_))), "{orphan:?}");
}

#[tokio::test]
async fn tasks_go_with_their_instance() {
    let store = store!();
    let sql = "INSERT INTO t_escheduler_process_instance (executor_id) VALUES (1);
        INSERT INTO t_escheduler_task_instance (process_instance_id) VALUES (1);
        DELETE FROM t_escheduler_process_instance";
    store.write(move |db| async move { Ok(db.execute_unprepared(sql).await.map(drop)?) }.boxed()).await.unwrap();
    let tasks = crate::store::entity::task_instance::Entity::find().count(store.read()).await.unwrap();
    assert_eq!(tasks, 0);
}

#[tokio::test]
async fn readers_cannot_write() {
    let store = store!();
    let outcome = store.read().execute_unprepared("DELETE FROM t_escheduler_user").await;
    assert!(matches!(outcome.map_err(Error::from), Err(Error::Unavailable(_) | Error::Broken(_))));
}
