//! Servers that are killed, restarted and paused, networks that lose answers, and transactions in each other's way.

use super::commits::{insert, names};
use super::place::{database, migrated};
use super::proxy::{Loss, Proxy};
use crate::model::Time;
use crate::store::entity::project;
use crate::store::{Error, Page, Store};
use futures::FutureExt;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, Statement};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{sleep, timeout};

/// Longer than every deadline of the store, so that a test fails instead of hanging.
const LIMIT: Duration = Duration::from_secs(90);

/// A server of this test alone.
enum Private {
    Mariadb(servers::Mariadb),
    Postgres(servers::Postgres),
}

impl Private {
    async fn database(&self) -> String {
        let url = match self {
            Private::Mariadb(server) => server.database(),
            Private::Postgres(server) => server.database(),
        };
        migrated(url).await
    }

    fn port(&self) -> u16 {
        match self {
            Private::Mariadb(server) => server.port(),
            Private::Postgres(server) => server.port(),
        }
    }

    /// A store with this many connections on a new database.
    async fn store(&self, connections: usize) -> Store {
        Store::open(&database(&self.database().await, connections)).await.unwrap()
    }
}

impl Deref for Private {
    type Target = servers::Server;

    fn deref(&self) -> &servers::Server {
        match self {
            Private::Mariadb(server) => server,
            Private::Postgres(server) => server,
        }
    }
}

/// Each function becomes a test on either server.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod mariadb {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(server) = servers::Mariadb::start() else { return };
                super::$name(super::Private::Mariadb(server)).await
            }
        )*}
        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(server) = servers::Postgres::start() else { return };
                super::$name(super::Private::Postgres(server)).await
            }
        )*}
    };
}

on_both! {
    a_killed_server_loses_nothing_acknowledged_and_nothing_comes_twice
    a_lost_answer_to_a_commit_is_found_out
    a_paused_server_blocks_nobody_for_ever
    transactions_in_each_others_way_both_succeed
    an_idle_transaction_is_ended_by_the_server
    tables_of_another_release_are_refused_by_name
    of_many_that_give_one_name_one_succeeds
    who_waits_too_long_for_a_connection_is_told
    a_text_that_no_column_holds_is_told_as_that
}

async fn a_killed_server_loses_nothing_acknowledged_and_nothing_comes_twice(server: Private) {
    let store = server.store(10).await;
    let (acknowledged, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (store, acknowledged, stop) = (store.clone(), acknowledged.clone(), stop.clone());
        writers.spawn(async move {
            for n in 0.. {
                let name = format!("{writer}-{n}");
                match store.write(insert(name.clone())).await {
                    Ok(_) => acknowledged.lock().unwrap().push(name),
                    Err(Error::Unavailable(_)) => {}
                    Err(error) => panic!("{error}"),
                }
                if stop.load(SeqCst) {
                    return;
                }
            }
        });
    }
    for _ in 0..3 {
        let before = acknowledged.lock().unwrap().len();
        let more = async {
            while acknowledged.lock().unwrap().len() < before + 40 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LIMIT, more).await.expect("writing goes on");
        block_in_place(|| {
            server.kill();
            server.start();
        });
        // The first read after a restart succeeds as well.
        names(&store).await;
    }
    stop.store(true, SeqCst);
    while let Some(writer) = timeout(LIMIT, writers.join_next()).await.expect("writers end") {
        writer.unwrap();
    }
    let mut found: HashMap<String, u32> = HashMap::new();
    for name in names(&store).await {
        *found.entry(name).or_default() += 1;
    }
    let twice: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    let lost: Vec<_> = acknowledged.lock().unwrap().iter().filter(|name| !found.contains_key(*name)).cloned().collect();
    assert!(twice.is_empty() && lost.is_empty(), "twice: {twice:?}, lost: {lost:?}");
}

async fn a_lost_answer_to_a_commit_is_found_out(server: Private) {
    let url = server.database().await;
    let proxy = Proxy::to(server.port()).await;
    let store = database(&url.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port)), 3);
    let store = Store::open(&store).await.unwrap();
    store.write(insert("first".to_owned())).await.unwrap();
    for (loss, times) in
        [(Loss::Answer, 1), (Loss::AnswerSilently, 1), (Loss::Commit, 2), (Loss::CommitSilently, 2), (Loss::Answer, 1)]
    {
        let runs = Arc::new(AtomicUsize::new(0));
        proxy.lose(loss);
        let (counted, insert) = (runs.clone(), insert(format!("{loss:?}")));
        let answer = store.write(move |db| {
            counted.fetch_add(1, SeqCst);
            insert(db)
        });
        timeout(LIMIT, answer).await.expect("an answer comes").unwrap();
        assert!(proxy.has_lost());
        assert_eq!(runs.load(SeqCst), times, "runs of the job, {loss:?}");
    }
    let mut found = names(&store).await;
    found.sort();
    assert_eq!(found, ["Answer", "Answer", "AnswerSilently", "Commit", "CommitSilently", "first"]);
}

async fn a_paused_server_blocks_nobody_for_ever(server: Private) {
    let store = server.store(6).await;
    store.write(insert("before".to_owned())).await.unwrap();
    server.pause();
    let calls = async { tokio::join!(store.unsent_alerts(), store.write(insert("meanwhile".to_owned()))) };
    let (read, write) = timeout(LIMIT, calls).await.expect("both end");
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    assert!(matches!(write, Err(Error::Unavailable(_))), "{write:?}");
    server.resume();
    let again = async {
        while store.write(insert("after".to_owned())).await.is_err() {}
        while store.unsent_alerts().await.is_err() {}
    };
    timeout(LIMIT, again).await.expect("the store recovers");
    let found = names(&store).await;
    assert!(found.contains(&"before".to_owned()) && found.contains(&"after".to_owned()), "{found:?}");
}

/// Makes two projects and returns two stores with a writer each, as two processes would have.
async fn rivals(server: &Private) -> (Store, Store, [i32; 2]) {
    let url = server.database().await;
    let one = Store::open(&database(&url, 3)).await.unwrap();
    let two = Store::open(&database(&url, 3)).await.unwrap();
    let first = one.write(insert("first".to_owned())).await.unwrap();
    let second = one.write(insert("second".to_owned())).await.unwrap();
    (one, two, [first, second])
}

/// Counts both projects up, one after the other. The first time it rests between them.
async fn count_up(store: &Store, order: [i32; 2], rest: Duration) -> Result<(), Error> {
    let rests = Arc::new(AtomicBool::new(true));
    let write = store.write(move |db| {
        let rests = rests.clone();
        async move {
            for id in order {
                project::Entity::update_many()
                    .col_expr(project::Column::UserId, Expr::col(project::Column::UserId).if_null(0).add(1))
                    .filter(project::Column::Id.eq(id))
                    .exec(db)
                    .await?;
                if rests.swap(false, SeqCst) {
                    sleep(rest).await;
                }
            }
            Ok(())
        }
        .boxed()
    });
    timeout(LIMIT, write).await.expect("an answer comes")
}

async fn counts(store: &Store) -> Vec<Option<i32>> {
    let rows = project::Entity::find().all(store.read()).await.unwrap();
    rows.into_iter().map(|row| row.user_id).collect()
}

async fn transactions_in_each_others_way_both_succeed(server: Private) {
    let (one, two, [first, second]) = rivals(&server).await;
    let rest = Duration::from_millis(500);
    let (left, right) = tokio::join!(count_up(&one, [first, second], rest), count_up(&two, [second, first], rest));
    left.unwrap();
    right.unwrap();
    assert_eq!(counts(&one).await, [Some(2), Some(2)]);
}

async fn an_idle_transaction_is_ended_by_the_server(server: Private) {
    let (one, two, [first, second]) = rivals(&server).await;
    // As if the process was paused while it held a row.
    let paused = count_up(&one, [first, second], Duration::from_secs(4));
    let other = async {
        sleep(Duration::from_millis(300)).await;
        count_up(&two, [first, second], Duration::ZERO).await
    };
    let (paused, other) = tokio::join!(paused, other);
    other.unwrap();
    paused.unwrap();
    assert_eq!(counts(&one).await, [Some(2), Some(2)]);
}

async fn tables_of_another_release_are_refused_by_name(server: Private) {
    let url = match &server {
        Private::Mariadb(server) => server.database(),
        Private::Postgres(server) => server.database(),
    };
    let database = database(&url, 3);
    let error = Store::open(&database).await.err().unwrap();
    assert!(matches!(error, Error::Older { .. }), "{error:?}");
    assert!(error.to_string().contains("run `escheduler migrate` first"), "{error}");
    Store::migrate(&database).await.unwrap();
    Store::migrate(&database).await.unwrap();
    let store = Store::open(&database).await.unwrap();
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_add_wings', 0)";
    store.write(move |db| async move { Ok(db.execute_unprepared(sql).await.map(drop)?) }.boxed()).await.unwrap();
    for outcome in [Store::open(&database).await.map(drop), Store::migrate(&database).await] {
        match outcome.unwrap_err() {
            Error::Newer { found } => assert_eq!(found, "m20991231_000001_add_wings"),
            other => panic!("{other:?}"),
        }
    }
}

async fn of_many_that_give_one_name_one_succeeds(server: Private) {
    let (one, two, _) = rivals(&server).await;
    for n in 0..10 {
        let create = |store: &Store| {
            let (name, value) = (format!("queue {n}"), format!("value {n}"));
            let store = store.clone();
            async move { store.create_queue(name, value, Time(0)).await }
        };
        let (left, right) = tokio::join!(create(&one), create(&two));
        assert_eq!([left.unwrap(), right.unwrap()].iter().filter(|made| made.is_ok()).count(), 1, "{n}");
    }
    assert_eq!(one.queues("queue", Page { number: 1, size: 100 }).await.unwrap().total, 10);
}

async fn a_text_that_no_column_holds_is_told_as_that(server: Private) {
    let store = server.store(3).await;
    let error = store.create_queue("long".repeat(100), "value".into(), Time(0)).await.err().unwrap();
    let told = match server {
        Private::Mariadb(_) => "a text is longer than `queue_name` can be",
        Private::Postgres(_) => "a text is longer than 64 characters",
    };
    assert!(matches!(error, Error::TooLong(_)), "{error:?}");
    assert_eq!(error.to_string(), told);
    // Nothing of it is in anybody's way.
    store.create_queue("short".into(), "value".into(), Time(0)).await.unwrap().unwrap();
}

async fn who_waits_too_long_for_a_connection_is_told(server: Private) {
    let mut database = database(&server.database().await, 2);
    database.max_wait = Duration::from_millis(50);
    let store = Store::open(&database).await.unwrap();
    let backend = store.read().get_database_backend();
    let sleep = match backend {
        DatabaseBackend::Postgres => "SELECT pg_sleep(1)",
        _ => "SELECT SLEEP(1)",
    };
    let slow = async { store.read().query_one_raw(Statement::from_string(backend, sleep)).await };
    let (slow, refused) = tokio::join!(slow, store.unsent_alerts());
    assert!(slow.is_ok() && matches!(refused, Err(Error::Unavailable(_))), "{slow:?}, {refused:?}");
    store.unsent_alerts().await.unwrap();
}
