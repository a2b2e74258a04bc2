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

/// The policies in turn, while the run that the first firing begins goes on until a file is there.
fn overlapping(policy: &str) -> (Site, i64, String, std::path::PathBuf) {
    let site = Site::start();
    site.project();
    let file = site.folder.path().join("go");
    let script = format!("while [ ! -e '{}' ]; do sleep 0.05; done", file.display());
    let definition = site.define("long", &document(vec![shell("a", &script, &[])]));
    let id = schedule(&site, definition, &timing(json!({"overlapPolicy": policy})));
    eventually("it begins", || (!site.instances(definition).is_empty()).then_some(()));
    (site, definition, id, file)
}

#[test]
fn runs_that_may_overlap_run_beside_each_other() {
    let (site, definition, id, file) = overlapping("parallel");
    let live = || site.instances(definition).iter().filter(|row| !is_finished(&row["state"])).count();
    eventually("three live at once", || (live() >= 3).then_some(()));
    site.post("projects/p/schedule/offline", &[("id", &id)]);
    std::fs::write(file, "").expect("our own folder");
    let seconds = seconds(&site, definition);
    assert_eq!(seconds, (seconds[0]..=seconds[seconds.len() - 1]).collect::<Vec<_>>());
}

#[test]
fn what_is_to_be_skipped_while_a_run_lives_never_runs() {
    let (site, definition, id, file) = overlapping("skip");
    let first = site.instances(definition)[0]["scheduleTime"].as_i64().expect("a time") / 1000;
    let passed = || chrono::Utc::now().timestamp() >= first + 4;
    eventually("three instants have passed", || passed().then_some(()));
    assert_eq!(site.instances(definition).len(), 1);
    std::fs::write(file, "").expect("our own folder");
    eventually("it goes on", || (site.instances(definition).len() >= 2).then_some(()));
    site.post("projects/p/schedule/offline", &[("id", &id)]);
    let seconds = seconds(&site, definition);
    assert!(seconds[1] > first + 3, "{seconds:?}");
}

#[test]
fn a_run_that_is_to_be_replaced_is_stopped_before_the_next_begins() {
    let (site, definition, id, _file) = overlapping("replace");
    let stopped = || site.instances(definition).iter().filter(|row| row["state"] == "STOP").count();
    eventually("two were replaced", || (stopped() >= 2).then_some(()));
    site.post("projects/p/schedule/offline", &[("id", &id)]);
    let mut rows = site.instances(definition);
    rows.sort_by_key(|row| row["scheduleTime"].as_i64());
    for pair in rows.windows(2) {
        let (end, start) = (pair[0]["endTime"].as_i64(), pair[1]["startTime"].as_i64());
        assert!(end.is_some() && end <= start, "{} and {}", pair[0], pair[1]);
    }
    for row in rows.iter().filter(|row| !is_finished(&row["state"])) {
        site.execute(row["id"].as_i64().expect("an id"), "STOP");
    }
}

/// An outage longer than the grace; returns the seconds that ran, the last one before it, and the first one of which it
/// is known that the program was up again.
fn outage(policy: &str) -> (Vec<i64>, i64, i64) {
    let mut site = Site::with(&[("ESCHEDULER_SCHEDULE_MISFIRE_THRESHOLD", "3000")]);
    site.project();
    let definition = site.define("idle", &idle());
    let id = schedule(&site, definition, &timing(json!({"misfirePolicy": policy})));
    eventually("it fires", || (site.instances(definition).len() >= 2).then_some(()));
    site.crash();
    let down = chrono::Utc::now().timestamp();
    std::thread::sleep(Duration::from_secs(7));
    site.up();
    let up = chrono::Utc::now().timestamp();
    let fires = |row: &Value| row["scheduleTime"].as_i64() > Some((up + 2) * 1000);
    eventually("it goes on", || site.instances(definition).iter().any(fires).then_some(()));
    site.post("projects/p/schedule/offline", &[("id", &id)]);
    (seconds(&site, definition), down, up)
}

#[test]
fn after_an_outage_fire_once_makes_up_for_one_of_what_was_missed() {
    let (seconds, down, up) = outage("fire once");
    let gaps = |pair: &&[i64]| pair[1] - pair[0] > 1;
    let gaps: Vec<_> = seconds.windows(2).filter(gaps).collect();
    assert_eq!(gaps.len(), 1, "{seconds:?}");
    // One stands for those in the gap. What comes right after it was not late enough to be missed.
    assert!(gaps[0][0] <= down && gaps[0][1] > gaps[0][0] + 2 && gaps[0][1] <= up, "{gaps:?}: {down} to {up}");
}

#[test]
fn after_an_outage_skip_leaves_out_what_was_missed() {
    let (skipped, down, up) = outage("skip");
    let missing: Vec<_> = (skipped[0]..=skipped[skipped.len() - 1]).filter(|at| !skipped.contains(at)).collect();
    assert!(missing.len() >= 3 && missing.windows(2).all(|pair| pair[1] == pair[0] + 1), "{skipped:?}");
    assert!(missing[0] >= down - 3 && missing[missing.len() - 1] <= up, "{missing:?}: {down} to {up}");
}

#[test]
fn after_an_outage_fire_all_makes_up_for_each() {
    let (seconds, ..) = outage("fire all");
    assert_eq!(seconds, (seconds[0]..=seconds[seconds.len() - 1]).collect::<Vec<_>>());
}

#[test]
fn a_preview_shows_what_the_change_of_the_clock_does() {
    let site = Site::start();
    site.project();
    let preview = |day: &str, more: Value| {
        let mut timing = json!({"startTime": format!("{day} 00:00:00"), "endTime": "2037-01-01 00:00:00",
            "crontab": "0 30 2 * * ?", "timezoneId": "Europe/Berlin"});
        timing.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let shown = site.post("projects/p/schedule/preview", &[("schedule", &timing.to_string())]);
        let texts = shown.as_array().expect("a list").iter().filter_map(Value::as_str).take(2);
        texts.map(|text| text.split_once(' ').map_or(text, |(_, time)| time).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(preview("2036-03-30", json!({"gap": "shift"})), ["03:00:00", "02:30:00"]);
    assert_eq!(preview("2036-03-30", json!({"gap": "skip"})), ["02:30:00", "02:30:00"]);
    let first = |day: &str, overlap: &str| preview(day, json!({"overlap": overlap}));
    assert_eq!(first("2036-10-26", "both"), ["02:30:00", "02:30:00"]);
    let days = |overlap: &str| {
        let timing = json!({"startTime": "2036-10-26 00:00:00", "endTime": "2036-10-26 12:00:00",
            "crontab": "0 30 2 * * ?", "timezoneId": "Europe/Berlin", "overlap": overlap});
        site.post("projects/p/schedule/preview", &[("schedule", &timing.to_string())]).as_array().map(Vec::len)
    };
    assert_eq!([days("first"), days("second"), days("both")], [Some(1), Some(1), Some(2)]);
}
