//! What becomes of every row.

use super::old::VERSIONS;
use super::snapshot::{Reader, Row, Snapshot, Table, utc};
use super::{BERLIN, connect, fill_with, need, old, old_database, options, upgrade};
use chrono_tz::Tz;
use migrations::State;
use servers::mariadb;
use std::collections::{BTreeMap, BTreeSet};

/// Reads the columns of the old database that hold local times, and whether they may be empty.
async fn time_columns(reader: &mut Reader) -> BTreeMap<(String, String), bool> {
    let sql = "SELECT table_name AS a, column_name AS b, is_nullable AS c FROM information_schema.columns \
               WHERE table_schema = DATABASE() AND data_type = 'datetime'";
    let rows = reader.rows(sql).await;
    let text = |row: &Row, name: &str| row[name].clone().unwrap();
    rows.iter().map(|row| ((text(row, "a"), text(row, "b")), text(row, "c") == "NO")).collect()
}

/// What an old database is to become, as far as its own columns go.
pub async fn expected(reader: &mut Reader, zone: Tz) -> Snapshot {
    let times = time_columns(reader).await;
    let mut snapshot = reader.snapshot().await;
    for (name, table) in &mut snapshot.tables {
        for row in table.values_mut() {
            for (column, value) in row.iter_mut() {
                if let (Some(required), Some(text)) = (times.get(&(name.clone(), column.clone())), value.clone()) {
                    *value = utc(&text, zone, *required);
                }
            }
        }
    }
    let tables = &mut snapshot.tables;
    // MySQL has kept it in UTC already.
    for row in tables.get_mut("t_escheduler_process_instance").unwrap().values_mut() {
        let time = row.get_mut("update_time").unwrap();
        *time = time.take().map(|time| time + ".000");
    }
    if let Some(versions) = tables.get_mut("t_escheduler_version") {
        versions.values_mut().for_each(|row| drop(row.insert("version".into(), Some("1.1.0".into()))));
    }
    rows_under_way(tables, "2026-11-25 10:00:00.123");
    snapshot
}

/// Changes the rows of what was under way, and of commands about it, as an upgrade at that time has to.
fn rows_under_way(tables: &mut BTreeMap<String, Table>, at: &str) {
    let text = |text: &str| Some(text.to_owned());
    let is =
        |row: &Row, column: &str, codes: &[&str]| row[column].as_deref().is_some_and(|value| codes.contains(&value));
    const UNFINISHED: [&str; 5] = ["0", "1", "2", "4", "11"];
    let mut live = Vec::new();
    for (id, row) in tables.get_mut("t_escheduler_process_instance").into_iter().flatten() {
        if is(row, "state", &UNFINISHED) {
            live.push(id.clone());
            row.extend([("state".into(), text("6")), ("end_time".into(), text(at))]);
        }
    }
    for row in tables.get_mut("t_escheduler_task_instance").into_iter().flat_map(|table| table.values_mut()) {
        let of_live = row["process_instance_id"].as_ref().is_some_and(|id| live.contains(id));
        if of_live && is(row, "flag", &["1"]) && is(row, "state", &UNFINISHED) {
            row.insert("state".into(), text("8"));
            if row["end_time"].is_none() {
                row.insert("end_time".into(), text(at));
            }
        }
    }
    let taken = tables.contains_key("t_escheduler_error_command");
    for id in ["9", "10", "11"] {
        let Some(mut command) = tables.get_mut("t_escheduler_command").and_then(|table| table.remove(id)) else {
            continue;
        };
        // Its number may be taken by an older error.
        let new = if taken && id == "9" { "41" } else { id };
        command.insert("id".into(), text(new));
        tables.entry("t_escheduler_error_command".into()).or_default().insert(new.into(), command);
    }
}

/// Every row and column of the old database is as it should be, and no row was added.
pub fn compare(expected: &Snapshot, found: &Snapshot) -> usize {
    let mut compared = 0;
    for (name, rows) in &expected.tables {
        let after = &found.tables[name];
        assert_eq!(after.keys().collect::<Vec<_>>(), rows.keys().collect::<Vec<_>>(), "the rows of {name}");
        for (id, row) in rows {
            for (column, value) in row {
                assert_eq!(&after[id][column], value, "{name}.{column} of row {id}");
            }
            compared += 1;
        }
    }
    compared
}

async fn fresh_shape() -> Vec<String> {
    let url = mariadb().unwrap().database();
    migrations::up(&connect(&url).await.unwrap()).await.unwrap();
    Reader::to(&url).await.shape().await
}

#[tokio::test]
async fn every_row_of_every_release_is_kept_and_every_table_is_like_a_new_one() {
    let maria = need!(mariadb());
    let fresh = fresh_shape().await;
    for (version, zone) in VERSIONS.into_iter().zip([BERLIN, Tz::Asia__Shanghai, Tz::America__New_York, Tz::UTC]) {
        let url = old_database(maria, version, 300);
        let mut reader = Reader::to(&url).await;
        let db = connect(&url).await.unwrap();
        assert_eq!(migrations::state(&db).await.unwrap(), State::Old(version.into()));
        let expected = expected(&mut reader, zone).await;
        let done = upgrade(&url, &options(zone)).await.unwrap();
        assert_eq!(done.from, version);
        assert_eq!(done.runs.iter().map(|run| run.id).collect::<Vec<_>>(), [5, 8, 9, 10]);
        assert_eq!(migrations::state(&db).await.unwrap(), State::Current);
        let found = reader.snapshot().await;
        let rows = compare(&expected, &found);
        assert!(rows > 300, "{rows}");
        assert_eq!(reader.shape().await, fresh, "{version}");
        own_columns(&found);
        // Once more: nothing changes.
        let before = reader.checksum().await;
        assert_eq!(upgrade(&url, &options(zone)).await.unwrap(), done);
        migrations::up(&db).await.unwrap();
        assert_eq!(reader.checksum().await, before);
    }
}

/// MySQL 5 made databases in Latin-1 unless it was told otherwise, and sites have tables of both kinds.
#[tokio::test]
async fn text_in_latin_1_is_kept_and_every_column_compares_like_those_of_a_new_table() {
    let maria = need!(mariadb());
    let fresh = fresh_shape().await;
    let url = maria.database();
    let name = url.rsplit('/').next().unwrap();
    let tables = old::database("1.1.0", 100).replace("CHARSET=utf8;", "CHARSET=latin1;");
    let user = "INSERT INTO t_escheduler_user (user_name, user_type) VALUES ('Jürgen Größe', 1);";
    fill_with(maria, &url, &format!("ALTER DATABASE {name} CHARACTER SET latin1;\nUSE {name};\n{tables}\n{user}"));
    let mut reader = Reader::to(&url).await;
    let expected = expected(&mut reader, BERLIN).await;
    upgrade(&url, &options(BERLIN)).await.unwrap();
    assert!(compare(&expected, &reader.snapshot().await) > 100);
    let found = reader.texts("SELECT user_name FROM t_escheduler_user WHERE user_name LIKE 'J%'").await;
    assert_eq!(found, ["Jürgen Größe"]);
    // The notes of the steps are sea-orm's, and follow the database.
    let ours = |shape: Vec<String>| shape.into_iter().filter(|line| !line.contains("seaql_migrations")).collect();
    let (found, fresh): (Vec<String>, Vec<String>) = (ours(reader.shape().await), ours(fresh));
    assert_eq!(found, fresh);
}

/// What our own columns say.
fn own_columns(found: &Snapshot) {
    let values = |table: &str, column: &str| -> BTreeMap<String, Option<String>> {
        found.tables[table].iter().map(|(id, row)| (id.clone(), row[column].clone())).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    for (id, attempt) in values("t_escheduler_task_instance", "attempt") {
        let second = id.parse::<usize>().unwrap() % 4 == 2;
        assert_eq!(attempt, some(if second { "2" } else { "1" }), "of task {id}");
    }
    let roots = values("t_escheduler_process_instance", "root_id");
    assert_eq!([&roots["12"], &roots["13"], &roots["14"]], [&None, &some("12"), &some("12")]);
    for column in ["epoch", "revision", "takeovers", "alert_flag"] {
        let all: BTreeSet<_> = values("t_escheduler_process_instance", column).into_values().collect();
        assert_eq!(all, BTreeSet::from([some("0")]), "{column}");
    }
    let about = values("t_escheduler_command", "process_instance_id");
    assert_eq!([&about["1"], &about["6"], &about["7"], &about["8"]], [&None, &some("1"), &some("2"), &some("6")]);
    let next = values("t_escheduler_schedules", "next_fire_ms");
    assert_eq!(
        [&next["1"], &next["2"], &next["3"], &next["5"]],
        [&some("1800000000001"), &None, &some("1800000000003"), &None]
    );
    let errors = &found.tables["t_escheduler_error_command"];
    let reason = |id: &str| errors[id]["message"].clone().unwrap();
    assert!(reason("10").contains("instance 5") && reason("11").contains("instance 5"), "{errors:?}");
    for row in found.tables["t_escheduler_session"].values() {
        assert_eq!(row["last_login_time"].is_some(), row["last_request_ms"].is_some(), "{row:?}");
    }
    let journal = &found.tables["t_escheduler_upgrade"];
    assert!(journal.contains_key("done") && journal.contains_key("zone"), "{journal:?}");
}
