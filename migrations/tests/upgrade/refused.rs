//! What is left alone, and what a plan says.

use super::snapshot::Reader;
use super::{BERLIN, connect, need, now, old_database, options, upgrade};
use chrono_tz::Tz;
use migrations::State;
use migrations::upgrade::{Options, Plan, plan};
use servers::{Mariadb, mariadb};

async fn plan_of(url: &str, options: &Options) -> Result<Plan, String> {
    plan(&connect(url).await.unwrap(), options).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_plan_tells_everything_and_changes_nothing() {
    let maria = need!(mariadb());
    let url = old_database(maria, "1.0.2", 100);
    let mut reader = Reader::to(&url).await;
    let before = reader.checksum().await;
    let plan = plan_of(&url, &options(BERLIN)).await.unwrap();
    assert_eq!(reader.checksum().await, before);
    let text = plan.to_string();
    for told in [
        "a database of EasyScheduler 1.0.2",
        "read as Europe/Berlin and become UTC",
        "t_escheduler_queue: 2 rows kept; converted: create_time, update_time\n",
        "t_escheduler_session: 12 rows kept; converted: last_login_time; added: last_request_ms",
        "4 runs under way are ended as FAILURE",
        "\n  5 definition 6-0-1552176000005: report on 10.0.0.8\n",
        "commands that go to t_escheduler_error_command: 3\n  command 9: instance 5",
    ] {
        assert!(text.contains(told), "{told:?} is not in\n{text}");
    }
    assert_eq!(plan.created, Vec::<String>::new());
    assert!(plan_of(&old_database(maria, "1.0.0", 100), &options(BERLIN)).await.unwrap().created.len() == 4);
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_left_alone() {
    let maria = need!(mariadb());
    let cases = [
        ("CREATE TABLE wp_posts (id int)", "`wp_posts` belong to something else"),
        ("CREATE TABLE t_escheduler_user (id int)", "`t_escheduler_user` was made by another program"),
        ("CREATE TABLE t_escheduler_queue (id int, queue_name text, queue text)", "`t_escheduler_alert` is missing"),
    ];
    for (statement, told) in cases {
        let url = maria.database();
        Reader::to(&url).await.run(statement).await;
        refuses(&url, told).await;
    }
    for (statement, told) in [
        ("ALTER TABLE t_escheduler_schedules DROP COLUMN crontab", "`t_escheduler_schedules` has no column `crontab`"),
        ("UPDATE t_escheduler_version SET version = '1.2.0'", "EasyScheduler \"1.2.0\", which is none of 1.0.0,"),
    ] {
        let url = old_database(maria, "1.1.0", 20);
        Reader::to(&url).await.run(statement).await;
        refuses(&url, told).await;
    }
}

async fn refuses(url: &str, told: &str) {
    let mut reader = Reader::to(url).await;
    let before = reader.checksum().await;
    let db = connect(url).await.unwrap();
    match migrations::state(&db).await.unwrap() {
        State::Foreign(why) => assert!(why.contains(told), "{why}"),
        other => panic!("{other:?}"),
    }
    for error in [
        migrations::up(&db).await.unwrap_err().to_string(),
        upgrade(url, &options(BERLIN)).await.unwrap_err().to_string(),
        plan_of(url, &options(BERLIN)).await.unwrap_err(),
    ] {
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(reader.checksum().await, before, "it was touched");
}

#[tokio::test]
async fn an_old_database_is_not_taken_for_an_empty_one() {
    let maria = need!(mariadb());
    let url = old_database(maria, "1.0.1", 20);
    let mut reader = Reader::to(&url).await;
    let before = reader.checksum().await;
    let error = migrations::up(&connect(&url).await.unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("EasyScheduler 1.0.1, which `escheduler migrate` upgrades"), "{error}");
    assert_eq!(reader.checksum().await, before);
}

#[tokio::test]
async fn as_long_as_an_old_server_lives_nothing_is_begun() {
    let maria = need!(mariadb());
    let url = old_database(maria, "1.1.0", 20);
    let mut reader = Reader::to(&url).await;
    // The old servers' clocks show the time of their zone: here nine hours ahead of UTC.
    let beat = "UPDATE t_escheduler_worker_server SET last_heartbeat_time = UTC_TIMESTAMP() + INTERVAL 32390 SECOND \
                WHERE id = 2";
    reader.run(beat).await;
    let before = reader.checksum().await;
    let error = upgrade(&url, &options(Tz::Asia__Tokyo)).await.unwrap_err().to_string();
    assert!(error.contains("a worker of EasyScheduler on 10.0.0.2 was alive 1") && error.contains("stop"), "{error}");
    assert!(plan_of(&url, &options(Tz::Asia__Tokyo)).await.unwrap().to_string().contains("stop it first"));
    assert_eq!(reader.checksum().await, before);
    reader.run("UPDATE t_escheduler_worker_server SET last_heartbeat_time = NULL").await;
    upgrade(&url, &options(Tz::Asia__Tokyo)).await.unwrap();
}

#[tokio::test]
async fn an_upgrade_that_has_begun_keeps_its_zone() {
    use super::proxy::{Fate, Proxy};
    let maria = need!(mariadb());
    let url = old_database(maria, "1.0.2", 100);
    let proxy = Proxy::to(maria.port());
    proxy.judge(|statement| match statement.contains("UPDATE `t_escheduler_command`") {
        true => Fate::CutBefore,
        false => Fate::Passed,
    });
    upgrade(&proxy.url(&url), &options(BERLIN)).await.unwrap_err();
    let db = connect(&url).await.unwrap();
    assert_eq!(migrations::state(&db).await.unwrap(), State::Old("1.0.2".into()), "it is not ours yet");
    let error = upgrade(&url, &options(Tz::UTC)).await.unwrap_err().to_string();
    assert!(error.contains("begun to read the times as Europe/Berlin") && error.contains("as UTC"), "{error}");
    let error = migrations::up(&db).await.unwrap_err().to_string();
    assert!(error.contains("`escheduler migrate` upgrades"), "{error}");
    let plan = plan_of(&url, &Options { zone: None, ..options(BERLIN) }).await.unwrap().to_string();
    assert!(plan.starts_with("the upgrade of a database of EasyScheduler 1.0.2 was interrupted; it goes on"), "{plan}");
    upgrade(&url, &Options { zone: None, now: now(), batch: 7 }).await.unwrap();
    assert_eq!(migrations::state(&db).await.unwrap(), State::Current);
}

#[tokio::test]
async fn without_a_zone_the_server_s_is_taken_if_it_is_certain() {
    let maria = need!(Mariadb::start());
    let url = old_database(&maria, "1.0.0", 20);
    let unsaid = Options { zone: None, ..options(BERLIN) };
    maria.execute("SET GLOBAL time_zone = '+09:00'");
    let plan = plan_of(&url, &unsaid).await.unwrap();
    assert!(plan.to_string().contains("read as +09:00 (the database server's; else say --time-zone)"), "{plan}");
}

#[tokio::test]
async fn two_upgrades_at_once_are_one() {
    let maria = need!(mariadb());
    let url = old_database(maria, "1.0.0", 100);
    let options = options(BERLIN);
    let (one, other) = tokio::join!(upgrade(&url, &options), upgrade(&url, &options));
    assert_eq!(one.unwrap(), other.unwrap());
}
