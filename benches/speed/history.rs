//! Years of work in a database file: 100 projects, 10,000 definitions, 200,000 process instances and 2,000,000 task
//! instances of the last hundred days. SQLite makes the rows itself, and the indexes of the large tables afterwards,
//! so this takes seconds.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};
use std::path::Path;

pub const PROJECTS: usize = 100;
pub const DEFINITIONS: usize = 10_000;
pub const INSTANCES: usize = 200_000;
pub const TASKS: usize = 10 * INSTANCES;
/// One instance of so many is a sub-process, which lists leave out.
pub const SUB_PROCESSES: usize = 10;

const LARGE: &str = "('t_escheduler_process_instance', 't_escheduler_task_instance')";

/// The name of a project.
pub fn project(number: usize) -> String {
    format!("project-{number}")
}

/// Fills the file of a site that is down and was up once.
pub fn fill(file: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(written(file)).expect("the rows can be written");
}

async fn written(file: &Path) -> Result<(), DbErr> {
    // One connection: settings and the transaction are its own.
    let mut options = ConnectOptions::new(format!("sqlite://{}", file.display()));
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    // Whatever interrupts this, the file is thrown away.
    for setting in ["journal_mode = off", "synchronous = off", "cache_size = -131072", "foreign_keys = off"] {
        db.execute_unprepared(&format!("PRAGMA {setting}")).await?;
    }
    let indexes = taken_off(&db).await?;
    db.execute_unprepared("BEGIN").await?;
    for statement in [projects(), definitions(), instances(), tasks()] {
        db.execute_unprepared(&statement).await?;
    }
    db.execute_unprepared("COMMIT").await?;
    for index in indexes {
        db.execute_unprepared(&index).await?;
    }
    db.close().await
}

/// Drops the indexes of the large tables; returns what makes them again.
async fn taken_off(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let listed =
        format!("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {LARGE}");
    let mut made = vec![];
    for row in db.query_all_raw(Statement::from_string(db.get_database_backend(), listed)).await? {
        let name: String = row.try_get("", "name")?;
        db.execute_unprepared(&format!("DROP INDEX \"{name}\"")).await?;
        made.push(row.try_get("", "sql")?);
    }
    Ok(made)
}

/// `INSERT` of one row for each number `i` from 1 to `count`.
fn each(count: usize, table: &str, columns: &[(&str, &str)]) -> String {
    let (names, values): (Vec<&str>, Vec<&str>) = columns.iter().copied().unzip();
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO t_escheduler_{table} (id, {}) SELECT i, {} FROM n",
        names.join(", "),
        values.join(", ")
    )
}

/// When the `number`-th of `count` things began, so that they fill the last hundred days evenly.
fn began(number: &str, count: usize) -> String {
    format!("strftime('%Y-%m-%d %H:%M:%f', unixepoch() - 8640000.0 * ({count} - {number}) / {count}, 'unixepoch')")
}

/// A JSON text of about so many letters.
fn text(letters: usize) -> String {
    format!("printf('{{\"text\":\"%s\"}}', hex(zeroblob({})))", letters / 2)
}

fn projects() -> String {
    let at = began("i", PROJECTS);
    each(
        PROJECTS,
        "project",
        &[("name", "'project-' || i"), ("user_id", "1"), ("flag", "1"), ("create_time", &at), ("update_time", &at)],
    )
}

fn definitions() -> String {
    let (at, long) = (began("i", DEFINITIONS), text(3000));
    let project = format!("1 + i % {PROJECTS}");
    let columns = [
        ("name", "'definition-' || i"),
        ("version", "0"),
        ("release_state", "1"),
        ("project_id", &project),
        ("user_id", "1"),
        ("flag", "1"),
        ("create_time", &at),
        ("update_time", &at),
        ("global_params", "'[]'"),
        ("process_definition_json", &long),
        ("locations", "'{}'"),
        ("connects", "'[]'"),
    ];
    each(DEFINITIONS, "process_definition", &columns)
}

/// Far apart in the table are the instances of one definition, as they are where many run at the same time.
fn definition_of(instance: &str) -> String {
    format!("1 + ({instance}) * 7919 % {DEFINITIONS}")
}

fn instances() -> String {
    let (at, definition, long) = (began("i", INSTANCES), definition_of("i"), text(3000));
    let name = format!("'definition-' || ({definition}) || '-0-' || i");
    // The factor keeps one definition from having all.
    let is_sub_process = format!("i / 7 % {SUB_PROCESSES} = 0");
    let columns = [
        ("name", name.as_str()),
        ("process_definition_id", &definition),
        ("state", "CASE i % 20 WHEN 0 THEN 6 ELSE 7 END"),
        ("recovery", "0"),
        ("start_time", &at),
        ("end_time", &at),
        ("run_times", "1"),
        ("host", "'127.0.0.1'"),
        ("command_type", "0"),
        ("command_start_time", &at),
        ("flag", "1"),
        ("is_sub_process", &is_sub_process),
        ("executor_id", "1"),
        ("command_param", "'{}'"),
        ("global_params", "'[]'"),
        ("process_instance_json", &long),
        ("locations", "'{}'"),
        ("connects", "'[]'"),
    ];
    each(INSTANCES, "process_instance", &columns)
}

fn tasks() -> String {
    let instance = format!("1 + (i - 1) / {}", TASKS / INSTANCES);
    let (at, definition, long) = (began("i", TASKS), definition_of(&instance), text(500));
    let columns = [
        ("name", "'task-' || i % 10"),
        ("task_type", "'SHELL'"),
        ("process_definition_id", definition.as_str()),
        ("process_instance_id", &instance),
        ("state", "CASE i % 200 WHEN 0 THEN 6 ELSE 7 END"),
        ("submit_time", &at),
        ("start_time", &at),
        ("end_time", &at),
        ("host", "'127.0.0.1'"),
        ("alert_flag", "0"),
        ("pid", "1000 + i % 30000"),
        ("flag", "1"),
        ("retry_interval", "1"),
        ("max_retry_times", "0"),
        ("task_instance_priority", "2"),
        ("tag", "i"),
        ("holder", "'127.0.0.1-ca261a59069bf897@000000013865e0ff'"),
        ("incarnation", "'ca261a59069bf897'"),
        ("execute_path", "'/var/lib/escheduler/exec/' || i"),
        ("log_path", "'/var/lib/escheduler/logs/' || i || '.log'"),
        ("task_json", &long),
    ];
    each(TASKS, "task_instance", &columns)
}
