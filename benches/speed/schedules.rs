//! How punctual schedules are: when the row of an instance can be read, against the instant that it is for. The
//! definition has one forbidden node, so that no task's start is measured along.

use super::site::{Site, Workflow};
use super::{Table, median, ms, quantile};
use futures::StreamExt;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement, StreamTrait};
use std::path::Path;
use std::time::{Duration, Instant};

const EACH_SECOND: usize = 1000;
const SECONDS: i64 = 60;
const AT_ONCE: usize = 20_000;
const STORED: usize = 100_000;
/// How often the rows are looked at.
const LOOK: Duration = Duration::from_millis(2);

pub fn rows(table: &mut Table) {
    each_second(table);
    at_once(table);
    beside_a_backfill(table);
    stored(table);
}

fn each_second(table: &mut Table) {
    let first = after(20);
    let last = first + (SECONDS - 1) * 1000;
    let site = with(EACH_SECOND, "* * * * * ?", first, last);
    let wanted = EACH_SECOND * SECONDS as usize;
    let mut late = lateness(&site, wanted, Duration::from_secs(SECONDS as u64 + 60));
    let doubled = doubled(&site);
    let (p50, p99) = (quantile(&mut late, 0.5), quantile(&mut late, 0.99));
    table.row(
        "1,000 schedules each second for 60 s: lateness of the instance's row",
        format!("p50 {}, p99 {}; {} of {wanted} rows, {doubled} twice", ms(p50), ms(p99), late.len()),
        format!("{} for one commit of one row", ms(commit(&site))),
        ("p99 50 ms, none lost or doubled".into(), p99 <= 0.050 && late.len() == wanted && doubled == 0),
    );
}

fn at_once(table: &mut Table) {
    let at = after(20);
    let site = with(AT_ONCE, "* * * * * ?", at, at);
    let mut late = lateness(&site, AT_ONCE, Duration::from_secs(90));
    let doubled = doubled(&site);
    let (p50, all) = (quantile(&mut late, 0.5), quantile(&mut late, 1.0));
    table.row(
        "20,000 schedules at the same second: all rows are there",
        format!("after {all:.1} s (half of them after {p50:.1} s); {} rows, {doubled} twice", late.len()),
        "-".into(),
        ("20 s".into(), all <= 20.0 && late.len() == AT_ONCE && doubled == 0),
    );
}

fn beside_a_backfill(table: &mut Table) {
    let first = after(25);
    let site = with(1, "* * * * * ?", first, first + (SECONDS - 1) * 1000);
    // So long that the backfill takes more than the minute.
    let dates = site.define("dates", &Workflow::chain(&["sleep 0.2"; 5]));
    let left = Duration::from_millis(first as u64).saturating_sub(Duration::from_secs_f64(super::site::now()));
    std::thread::sleep(left.saturating_sub(Duration::from_secs(2)));
    site.backfill(dates, "2024-01-01 00:00:00,2024-12-30 00:00:00", 4);
    let mut late = lateness(&site, SECONDS as usize, Duration::from_secs(SECONDS as u64 + 60));
    let (doubled, ended) = (doubled(&site), site.ended(dates));
    let (p50, p99) = (quantile(&mut late, 0.5), quantile(&mut late, 0.99));
    table.row(
        "a schedule each second for 60 s beside a backfill (365 dates of 5 nodes, 4 at once)",
        format!("p50 {}, p99 {}; {} rows, {doubled} twice; {ended} dates ran meanwhile", ms(p50), ms(p99), late.len()),
        format!("{} for one commit of one row", ms(commit(&site))),
        ("p99 50 ms".into(), p99 <= 0.050 && late.len() == SECONDS as usize && doubled == 0 && ended < 365),
    );
}

fn stored(table: &mut Table) {
    let bare = Site::start();
    std::thread::sleep(Duration::from_secs(3));
    let before = bare.resident_mib();
    drop(bare);
    let begun = Instant::now();
    let (site, up) = with_timed(STORED, "0 0 3 1 1 ?", after(60), after(40 * 365 * 86_400));
    println!("  {STORED} schedules made in {:.0} s", begun.elapsed().as_secs_f64());
    std::thread::sleep(Duration::from_secs(10));
    let (cpu, begun) = (site.cpu_seconds(), Instant::now());
    std::thread::sleep(Duration::from_secs(20));
    let share = (site.cpu_seconds() - cpu) / begun.elapsed().as_secs_f64() * 100.0;
    let more = site.resident_mib() - before;
    table.row(
        "100,000 stored schedules",
        format!("up after {up:.1} s, {more:+.0} MiB, {share:.2} % of a core"),
        format!("{before:.0} MiB without"),
        ("5 s, 100 MiB, 2 %".into(), up <= 5.0 && more <= 100.0 && share <= 2.0),
    );
}

/// Whole seconds from now, as the database has them.
fn after(seconds: i64) -> i64 {
    (super::site::now() as i64 + seconds) * 1000
}

fn with(count: usize, crontab: &str, first: i64, last: i64) -> Site {
    with_timed(count, crontab, first, last).0
}

/// A site with so many schedules on line, each with a definition of its own, and how many seconds it takes to come up.
fn with_timed(count: usize, crontab: &str, first: i64, last: i64) -> (Site, f64) {
    let mut site = Site::start();
    let definition = site.define_idle("idle");
    site.down();
    let file = site.database();
    block_on(async {
        let db = open(&file, "rwc").await;
        let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
        let table = "t_escheduler_process_definition";
        let sql = format!(
            "SELECT group_concat('\"' || name || '\"') AS it FROM pragma_table_info('{table}') WHERE name NOT IN ('id', 'name')"
        );
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("the columns");
        let columns: String = row.and_then(|row| row.try_get("", "it").ok()).expect("their names");
        let sql = format!(
            "{numbers} INSERT INTO {table} (id, name, {columns})
             SELECT {definition} + i, name || i, {columns} FROM {table}, n WHERE id = {definition}"
        );
        db.execute_unprepared(&sql).await.expect("the definitions");
        let sql = format!(
            "{numbers}
             INSERT INTO t_escheduler_schedules (process_definition_id, start_time, end_time, crontab,
                 failure_strategy, user_id, release_state, warning_type, warning_group_id,
                 process_instance_priority, create_time, update_time, worker_group_id, next_fire_ms, timezone_id)
             SELECT {definition} + i, '2020-01-01 00:00:00.000', strftime('%Y-%m-%d %H:%M:%f', {last} / 1000, 'unixepoch'),
                 '{crontab}', 1, 1, 1, 0, 0, 2, '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000', -1, {first},
                 'UTC' FROM n"
        );
        db.execute_unprepared(&sql).await.expect("the schedules");
        db.close().await.expect("the file is closed");
    });
    let begun = Instant::now();
    site.up();
    (site, begun.elapsed().as_secs_f64())
}

/// For each row of an instance the seconds from its instant until it could be read.
fn lateness(site: &Site, wanted: usize, patience: Duration) -> Vec<f64> {
    let file = site.database();
    block_on(async {
        let db = open(&file, "ro").await;
        let (mut last, mut late, begun) = (0, Vec::with_capacity(wanted), Instant::now());
        while late.len() < wanted && begun.elapsed() < patience {
            let sql = format!(
                "SELECT id, CAST(strftime('%s', schedule_time) AS INTEGER) AS at FROM t_escheduler_process_instance
                 WHERE id > {last} AND schedule_id IS NOT NULL ORDER BY id"
            );
            let statement = Statement::from_string(db.get_database_backend(), sql);
            let mut rows = db.stream_raw(statement).await.expect("the instances");
            // When the first row comes all of them can be read; how long this takes says nothing about them.
            let mut seen = None;
            while let Some(row) = rows.next().await {
                let (row, seen) = (row.expect("an instance"), *seen.get_or_insert_with(super::site::now));
                last = row.try_get::<i64>("", "id").expect("an id");
                late.push(seen - row.try_get::<i64>("", "at").expect("an instant") as f64);
            }
            drop(rows);
            tokio::time::sleep(LOOK).await;
        }
        late
    })
}

/// How many instants have more than one instance.
fn doubled(site: &Site) -> i64 {
    let sql = "SELECT COUNT(*) AS n FROM (SELECT 1 FROM t_escheduler_process_instance
               WHERE schedule_id IS NOT NULL GROUP BY schedule_id, schedule_time HAVING COUNT(*) > 1)";
    let file = site.database();
    block_on(async {
        let db = open(&file, "ro").await;
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("a count");
        row.and_then(|row| row.try_get("", "n").ok()).unwrap_or_default()
    })
}

/// Seconds that the disk needs for a commit of one row.
fn commit(site: &Site) -> f64 {
    let file = site.database().with_file_name("floor.db");
    block_on(async {
        let db = open(&file, "rwc").await;
        for setting in ["PRAGMA journal_mode = wal", "PRAGMA synchronous = full", "CREATE TABLE t (n INTEGER)"] {
            db.execute_unprepared(setting).await.expect("a table");
        }
        let mut took = Vec::new();
        for number in 0..50 {
            let begun = Instant::now();
            db.execute_unprepared(&format!("INSERT INTO t VALUES ({number})")).await.expect("a row");
            took.push(begun.elapsed().as_secs_f64());
        }
        median(took)
    })
}

async fn open(file: &Path, mode: &str) -> DatabaseConnection {
    Database::connect(format!("sqlite://{}?mode={mode}", file.display())).await.expect("the database opens")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}
