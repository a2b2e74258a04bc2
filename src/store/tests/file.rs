//! The embedded database: a file.

use super::commits::{hold, insert, names};
use super::schema::texts;
use crate::store::entity::{project, user};
use crate::store::{Error, Store};
use futures::future::join_all;
use futures::{FutureExt, poll};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[tokio::test]
async fn a_broken_transaction_is_replaced_by_one_for_each_job() {
    let store = Store::memory().await.unwrap();
    let release = hold(&store).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    // Ends the shared transaction behind everybody's back, as SQLite does when the disk is full.
    let vandal = store.write(move |db| {
        let counted = counted.clone();
        async move {
            counted.fetch_add(1, SeqCst);
            db.execute_unprepared("ROLLBACK").await?;
            Ok(())
        }
        .boxed()
    });
    let before = store.write(insert("before".to_owned()));
    let all = async { tokio::join!(before, vandal) };
    let (_, (before, vandal)) = tokio::join!(async { drop(release) }, all);
    assert!(before.is_ok() && vandal.is_err());
    assert_eq!(runs.load(SeqCst), 2, "once with the others, once alone");
    store.write(insert("after".to_owned())).await.unwrap();
    assert_eq!(names(&store).await, ["before", "after"]);
}

#[tokio::test]
async fn a_full_disk_is_an_outage_and_passes() {
    let store = Store::memory().await.unwrap();
    let pages = |sql: &'static str| {
        store.write(move |db| async move { Ok(db.execute_unprepared(sql).await.map(drop)?) }.boxed())
    };
    pages("PRAGMA max_page_count = 1").await.unwrap();
    let fill = |n: usize| store.write(insert("x".repeat(40_000) + &n.to_string()));
    let answers = join_all((0..3).map(fill)).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Unavailable(_)))), "{answers:?}");
    pages("PRAGMA max_page_count = 4294967294").await.unwrap();
    fill(3).await.unwrap();
    assert_eq!(names(&store).await.len(), 1);
}

#[tokio::test]
async fn commits_wait_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_file(&folder.path().join("store.db")).await.unwrap();
    let settings = store
        .write(|db| {
            async move {
                let mut found = Vec::new();
                for pragma in ["synchronous", "foreign_keys", "journal_mode"] {
                    let sql = format!("SELECT CAST({pragma} AS text) FROM pragma_{pragma}");
                    let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
                    let row = db.query_one_raw(statement).await?.unwrap();
                    found.push((pragma, row.try_get_by_index::<String>(0)?));
                }
                Ok(found)
            }
            .boxed()
        })
        .await
        .unwrap();
    let full = [("synchronous", "2"), ("foreign_keys", "1"), ("journal_mode", "wal")];
    assert_eq!(settings, full.map(|(pragma, value)| (pragma, value.to_owned())));
}

#[tokio::test]
async fn closing_writes_what_was_handed_over_and_refuses_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open_file(&path).await.unwrap();
    let release = hold(&store).await;
    let writer = store.clone();
    let mut writes: Vec<_> = (0..10).map(|n| writer.write(insert(format!("p{n}"))).boxed()).collect();
    for write in &mut writes {
        assert!(poll!(write).is_pending());
    }
    let late = store.clone();
    tokio::join!(store.close(), async { drop(release) });
    for write in writes {
        write.await.unwrap();
    }
    assert!(matches!(late.write(insert("late".to_owned())).await, Err(Error::Unavailable(_))));
    let store = Store::open_file(&path).await.unwrap();
    let found = project::Entity::find().filter(project::Column::Name.like("p%")).count(store.read()).await.unwrap();
    assert_eq!(found, 10);
}

#[tokio::test]
async fn opening_again_changes_nothing_and_the_file_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let schema = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name";
    let store = Store::open_file(&path).await.unwrap();
    let before = (texts(store.read(), schema).await, user::Entity::find().all(store.read()).await.unwrap());
    for file in ["store.db", "store.db-wal"] {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "mode of {file}");
    }
    store.close().await;
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["store.db"], "the log was copied back");
    let store = Store::open_file(&path).await.unwrap();
    let after = (texts(store.read(), schema).await, user::Entity::find().all(store.read()).await.unwrap());
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_database_that_a_later_release_changed_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open_file(&path).await.unwrap();
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_add_wings', 0)";
    store.write(move |db| async move { Ok(db.execute_unprepared(sql).await.map(drop)?) }.boxed()).await.unwrap();
    store.close().await;
    match Store::open_file(&path).await.err().unwrap() {
        Error::Newer { found } => assert_eq!(found, "m20991231_000001_add_wings"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let db = sea_orm::Database::connect(url).await.unwrap();
    db.execute_unprepared("CREATE TABLE t_escheduler_process_instance (id integer)").await.unwrap();
    db.close().await.unwrap();
    let error = Store::open_file(&path).await.err().unwrap();
    assert!(error.to_string().contains("was made by another program"), "{error}");
    let db = sea_orm::Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
    let tables = texts(&db, "SELECT name FROM sqlite_schema WHERE name LIKE 't_%'").await;
    assert_eq!(tables, ["t_escheduler_process_instance"]);
}
