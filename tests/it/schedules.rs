//! Schedules of the real program: each instant runs once, whatever happens to the process.

use crate::site::{Site, document, eventually, is_finished, shell};
use serde_json::{Value, json};
use std::time::Duration;

/// How often the program is killed while a schedule fires every second.
fn crashes() -> u64 {
    std::env::var("ESCHEDULER_SCHEDULE_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// A definition that does nothing, and takes no time for it.
fn idle() -> Value {
    let mut node = shell("rests", "true", &[]);
    node["runFlag"] = json!("FORBIDDEN");
    document(vec![node])
}

fn timing(more: Value) -> String {
    let mut timing =
        json!({"startTime": "2026-01-01 00:00:00", "endTime": "2090-01-01 00:00:00", "crontab": "* * * * * ?"});
    if let (Some(timing), Some(more)) = (timing.as_object_mut(), more.as_object()) {
        timing.extend(more.clone());
    }
    timing.to_string()
}

/// Makes a schedule and puts it on line; returns its id.
fn schedule(site: &Site, definition: i64, timing: &str) -> String {
    let definition = definition.to_string();
    let form = [("processDefinitionId", definition.as_str()), ("schedule", timing), ("warningGroupId", "0")];
    site.post("projects/p/schedule/create", &form);
    let all = site.post("projects/p/schedule/list", &[]);
    let id = all.as_array().expect("a list")[0]["id"].to_string();
    site.post("projects/p/schedule/online", &[("id", &id)]);
    id
}

/// The seconds for which there is an instance, in order, once all of them have ended.
fn seconds(site: &Site, definition: i64) -> Vec<i64> {
    let rows = eventually("all have ended", || {
        let rows = site.instances(definition);
        rows.iter().all(|row| is_finished(&row["state"])).then_some(rows)
    });
    let mut seconds: Vec<i64> = rows
        .iter()
        .map(|row| {
            assert_eq!((&row["commandType"], &row["state"]), (&json!("SCHEDULER"), &json!("SUCCESS")), "{row}");
            let at = row["scheduleTime"].as_i64().expect("a schedule time");
            assert_eq!(at % 1000, 0, "{row}");
            at / 1000
        })
        .collect();
    seconds.sort_unstable();
    seconds
}

#[test]
fn under_fire_all_each_instant_runs_once_although_the_program_is_killed_again_and_again() {
    let mut site = Site::start();
    site.project();
    let definition = site.define("idle", &idle());
    let id = schedule(&site, definition, &timing(json!({"misfirePolicy": "fire all"})));
    for crash in 0..crashes() {
        // Another moment of the second each time.
        std::thread::sleep(Duration::from_millis(1500 + crash * 137 % 1000));
        site.crash();
        site.up();
    }
    let known = site.instances(definition).len();
    eventually("it goes on", || (site.instances(definition).len() > known + 2).then_some(()));
    site.post("projects/p/schedule/offline", &[("id", &id)]);
    let seconds = seconds(&site, definition);
    let (first, last) = (seconds[0], seconds[seconds.len() - 1]);
    assert_eq!(seconds, (first..=last).collect::<Vec<_>>());
    // Off line it is silent, also across a restart.
    site.crash();
    site.up();
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(site.instances(definition).len(), seconds.len());
}

#[test]
fn the_dates_of_a_run_come_from_its_schedule_time() {
    let site = Site::start();
    site.project();
    let definition =
        site.define("dated", &document(vec![shell("says", "echo at=$[yyyyMMddHHmmss] on=$[yyyyMMdd-1]", &[])]));
    let id = schedule(&site, definition, &timing(json!({"timezoneId": "Asia/Kolkata"})));
    let row =
        eventually("a run has ended", || site.instances(definition).into_iter().find(|row| is_finished(&row["state"])));
    site.post("projects/p/schedule/offline", &[("id", &id)]);
    let at = row["scheduleTime"].as_i64().and_then(chrono::DateTime::from_timestamp_millis).expect("a time");
    let local = at.with_timezone(&chrono_tz::Asia::Kolkata);
    let task = site.tasks(row["id"].as_i64().expect("an id")).remove(0);
    let told = format!("at={} on={}", local.format("%Y%m%d%H%M%S"), (local - chrono::Days::new(1)).format("%Y%m%d"));
    assert!(site.log(&task).contains(&told), "{told}: {}", site.log(&task));
}

#[test]
fn a_run_that_must_not_overlap_waits_for_the_one_before() {
    let site = Site::start();
    site.project();
    let definition = site.define("slow", &document(vec![shell("sleeps", "sleep 2.2", &[])]));
    let id = schedule(&site, definition, &timing(json!({"overlapPolicy": "wait"})));
    let ended = |row: &Value| is_finished(&row["state"]);
    eventually("three have run", || {
        (site.instances(definition).iter().filter(|row| ended(row)).count() >= 3).then_some(())
    });
    site.post("projects/p/schedule/offline", &[("id", &id)]);
    eventually("the last has ended", || site.instances(definition).iter().all(ended).then_some(()));
    let mut rows = site.instances(definition);
    rows.sort_by_key(|row| row["scheduleTime"].as_i64());
    for pair in rows.windows(2) {
        let (end, start) = (pair[0]["endTime"].as_i64(), pair[1]["startTime"].as_i64());
        assert!(end.is_some() && end <= start, "{} and {}", pair[0], pair[1]);
        let times = [&pair[0], &pair[1]].map(|row| row["scheduleTime"].as_i64().unwrap_or_default());
        assert_eq!(times[1] - times[0], 1000, "none is left out");
    }
}
