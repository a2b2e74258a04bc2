//! Backfills of the real program: one run a date, at most so many at once, whatever happens to the process.

use crate::site::{Site, document, eventually, shell};
use serde_json::{Value, json};

/// How many days are made up for; `ESCHEDULER_BACKFILL_DAYS=365` for a year.
fn days() -> i64 {
    std::env::var("ESCHEDULER_BACKFILL_DAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// Five nodes in a diamond; the first one says for which day it runs.
fn daily() -> Value {
    let mut document = document(vec![
        shell("reads", "echo day=${day}", &[]),
        shell("left", "true", &["reads"]),
        shell("middle", "true", &["reads"]),
        shell("right", "true", &["reads"]),
        shell("writes", "true", &["left", "middle", "right"]),
    ]);
    document["globalParams"] =
        json!([{"prop": "day", "direct": "IN", "type": "VARCHAR", "value": "${system.biz.date}"}]);
    document
}

/// Asks for the days from 1 January 2024 on.
fn begin(site: &Site, definition: i64, days: i64, more: &[(&str, &str)]) {
    let first = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date");
    let last = first + chrono::Days::new(days as u64 - 1);
    let range = format!("{first} 00:00:00,{last} 00:00:00");
    let mut form = vec![("execType", "COMPLEMENT_DATA"), ("scheduleTime", range.as_str())];
    form.extend(more);
    site.start_instance(definition, &form);
}

/// The only backfill.
fn shown(site: &Site) -> Value {
    let page = site.get("projects/p/backfill/list-paging?pageNo=1&pageSize=10");
    assert_eq!(page["total"], 1, "{page}");
    page["totalList"][0].clone()
}

fn steer(site: &Site, wish: &str) {
    let id = shown(site)["id"].to_string();
    site.post("projects/p/backfill/execute", &[("backfillId", &id), ("executeType", wish)]);
}

/// The rows of all runs, once the backfill has come to this state.
fn ended_as(site: &Site, definition: i64, state: &str) -> Vec<Value> {
    eventually("the backfill ends", || (shown(site)["state"] == state).then_some(()));
    let mut rows = site.instances(definition);
    rows.sort_by_key(|row| row["scheduleTime"].as_i64());
    rows
}

/// How many of them lived at the same time.
fn most_at_once(rows: &[Value]) -> i64 {
    let time = |row: &Value, key: &str| row[key].as_i64().expect("a time");
    let mut turns: Vec<(i64, i64)> =
        rows.iter().flat_map(|row| [(time(row, "startTime"), 1), (time(row, "endTime"), -1)]).collect();
    turns.sort_unstable();
    let mut live = 0;
    turns
        .into_iter()
        .map(|(_, turn)| {
            live += turn;
            live
        })
        .max()
        .unwrap_or_default()
}

#[test]
fn each_date_runs_once_and_not_too_many_at_once_although_the_program_is_killed() {
    let mut site = Site::start();
    site.project();
    let definition = site.define("daily", &daily());
    begin(&site, definition, days(), &[("runMode", "RUN_MODE_PARALLEL"), ("expectedParallelismNumber", "4")]);
    for part in 1..=2 {
        eventually("some have run", || (shown(&site)["succeeded"].as_i64() >= Some(part * days() / 3)).then_some(()));
        site.crash();
        site.up();
    }
    let rows = ended_as(&site, definition, "FINISHED");
    let days: Vec<i64> = rows.iter().map(|row| row["scheduleTime"].as_i64().expect("a date")).collect();
    assert_eq!(days.len() as i64, self::days());
    assert!(days.windows(2).all(|pair| pair[1] - pair[0] == 86_400_000), "{days:?}");
    for row in &rows {
        let told = (&row["state"], &row["commandType"], &row["processInstancePriority"]);
        assert_eq!(told, (&json!("SUCCESS"), &json!("COMPLEMENT_DATA"), &json!("LOWEST")), "{row}");
    }
    assert!(most_at_once(&rows) <= 4, "{}", most_at_once(&rows));
    let last = rows.last().expect("a run");
    let task = site.tasks(last["id"].as_i64().expect("an id")).into_iter().find(|task| task["name"] == "reads");
    let day = chrono::DateTime::from_timestamp_millis(days[days.len() - 1]).expect("a time");
    let said = site.log(&task.expect("the first node"));
    assert!(said.contains(&format!("day={}", day.with_timezone(&chrono::Local).format("%Y%m%d"))), "{said}");
}

#[test]
fn it_pauses_goes_on_and_stops_as_a_whole() {
    let site = Site::start();
    site.project();
    let slow = document(vec![shell("sleeps", "sleep 1", &[]), shell("ends", "true", &["sleeps"])]);
    let definition = site.define("slow", &slow);
    begin(&site, definition, 6, &[("runMode", "RUN_MODE_PARALLEL"), ("order", "descending")]);
    eventually("two run", || (shown(&site)["running"] == 2).then_some(()));
    steer(&site, "PAUSE");
    let paused = || site.instances(definition).iter().filter(|row| row["state"] == "PAUSE").count();
    eventually("both have paused", || (paused() == 2).then_some(()));
    let before = site.instances(definition);
    assert_eq!((before.len(), &shown(&site)["waiting"]), (2, &json!(4)));
    steer(&site, "RECOVER_SUSPENDED_PROCESS");
    eventually("it goes on", || (site.instances(definition).len() == 4).then_some(()));
    assert_eq!(site.count(definition, "SUCCESS"), 2, "those that had paused");
    steer(&site, "STOP");
    let rows = ended_as(&site, definition, "STOPPED");
    assert_eq!(rows.len(), 4);
    eventually("those that ran were stopped", || (site.count(definition, "STOP") == 2).then_some(()));
    let first = |row: &&Value| row["state"] == "SUCCESS";
    let dates: Vec<_> = rows.iter().filter(first).map(|row| row["scheduleTime"].as_i64()).collect();
    assert!(rows.iter().all(|row| row["state"] == "SUCCESS" || row["scheduleTime"].as_i64() < dates[0]), "{rows:?}");
}

#[test]
fn paused_while_no_master_has_room_nothing_of_it_begins() {
    let site = Site::with(&[("ESCHEDULER_MASTER_EXEC_THREADS", "1")]);
    site.project();
    let file = site.folder.path().join("go");
    let script = format!("while [ ! -e '{}' ]; do sleep 0.05; done", file.display());
    let long = site.define("long", &document(vec![shell("a", &script, &[])]));
    site.start_instance(long, &[]);
    eventually("it begins", || (site.instances(long).len() == 1).then_some(()));
    let daily = site.define("daily", &daily());
    begin(&site, daily, 3, &[("runMode", "RUN_MODE_PARALLEL")]);
    eventually("two dates wait for room", || (shown(&site)["waiting"] == 1).then_some(()));
    steer(&site, "PAUSE");
    assert_eq!(shown(&site)["waiting"], 3);
    std::fs::write(&file, "").expect("our own folder");
    // What is asked for later runs, and they do not.
    assert_eq!(site.run(long)["state"], "SUCCESS");
    assert_eq!((site.instances(daily).len(), &shown(&site)["state"]), (0, &json!("PAUSED")));
    steer(&site, "RECOVER_SUSPENDED_PROCESS");
    assert_eq!(ended_as(&site, daily, "FINISHED").len(), 3);
}

#[test]
fn dates_that_are_refused_because_the_definition_went_off_line_run_when_it_is_back() {
    let site = Site::with(&[("ESCHEDULER_MASTER_EXEC_THREADS", "1")]);
    site.project();
    let file = site.folder.path().join("go");
    let script = format!("while [ ! -e '{}' ]; do sleep 0.05; done", file.display());
    let long = site.define("long", &document(vec![shell("a", &script, &[])]));
    site.start_instance(long, &[]);
    eventually("it begins", || (site.instances(long).len() == 1).then_some(()));
    let daily = site.define("daily", &daily());
    begin(&site, daily, 3, &[("runMode", "RUN_MODE_PARALLEL")]);
    eventually("two dates wait for room", || (shown(&site)["waiting"] == 1).then_some(()));
    let id = daily.to_string();
    site.post("projects/p/process/release", &[("processId", &id), ("releaseState", "0")]);
    std::fs::write(&file, "").expect("our own folder");
    eventually("it is paused", || (shown(&site)["state"] == "PAUSED").then_some(()));
    let reason = shown(&site)["reason"].to_string();
    assert!(reason.contains("line"), "{reason}");
    site.post("projects/p/process/release", &[("processId", &id), ("releaseState", "1")]);
    steer(&site, "RECOVER_SUSPENDED_PROCESS");
    let rows = ended_as(&site, daily, "FINISHED");
    let days: std::collections::BTreeSet<_> = rows.iter().map(|row| row["scheduleTime"].as_i64()).collect();
    assert_eq!((rows.len(), days.len(), site.count(daily, "SUCCESS")), (3, 3, 3));
}

#[test]
fn one_after_the_other_follows_the_schedule_and_halts_at_a_failure() {
    let site = Site::start();
    site.project();
    let mut picky = document(vec![shell("picks", "[ ${day} != 20240108 ]", &[])]);
    picky["globalParams"] = json!([{"prop": "day", "direct": "IN", "type": "VARCHAR", "value": "${system.biz.date}"}]);
    let definition = site.define("picky", &picky);
    let timing =
        json!({"startTime": "2026-01-01 00:00:00", "endTime": "2090-01-01 00:00:00", "crontab": "0 0 3 ? * TUE"});
    let form = [("processDefinitionId", definition.to_string()), ("schedule", timing.to_string())];
    let form: Vec<(&str, &str)> = form.iter().map(|(key, value)| (*key, value.as_str())).collect();
    site.post("projects/p/schedule/create", &form);
    begin(&site, definition, 31, &[]);
    eventually("it halts", || (shown(&site)["state"] == "PAUSED").then_some(()));
    let backfill = shown(&site);
    // Mondays, for the runs of the mornings after; the second of them fails.
    assert_eq!((&backfill["total"], &backfill["waiting"], &backfill["failed"]), (&json!(5), &json!(3), &json!(1)));
    let reason = backfill["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("the run of 2024-01-08 03:00:00") && reason.contains("FAILURE"), "{reason}");
    steer(&site, "RECOVER_SUSPENDED_PROCESS");
    let rows = ended_as(&site, definition, "FINISHED");
    assert_eq!((rows.len(), most_at_once(&rows)), (5, 1));
    assert_eq!(site.count(definition, "SUCCESS"), 4);
}
