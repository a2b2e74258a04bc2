//! What the migrations make, and what is done with databases of other releases.

use super::place::store;
use crate::model::Time;
use crate::store::entity::{alertgroup, project, queue, relation_user_alertgroup, user, version};
use crate::store::{Store, instant, utc};
use argon2::password_hash::{PasswordVerifier, phc::PasswordHash};
use futures::FutureExt;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DatabaseBackend, EntityTrait, QueryOrder, Statement,
};
use std::collections::BTreeSet;

/// Tables and columns of EasyScheduler 1.1.0, and after the bar our own.
const TABLES: &str = "
t_escheduler_access_token: id user_id token expire_time create_time update_time | hint
t_escheduler_alert: id title show_type content alert_type alert_status log alertgroup_id receivers
    receivers_cc create_time update_time
t_escheduler_alertgroup: id group_name group_type desc create_time update_time
t_escheduler_audit: | id at_ms user_id user_name action object address request_id
t_escheduler_backfill: | id process_definition_id schedule_id timezone_id state run_mode parallelism date_order total
    accepted note first_ms last_ms task_depend_type failure_strategy warning_type warning_group_id executor_id
    process_instance_priority worker_group_id command_param create_ms end_ms
t_escheduler_backfill_date: | backfill_id position date_ms outcome
t_escheduler_command: id command_type process_definition_id task_depend_type failure_strategy warning_type
    warning_group_id schedule_time start_time executor_id dependence update_time process_instance_priority
    worker_group_id command_param | process_instance_id schedule_id backfill_id timezone_id
t_escheduler_committer: | id token written_ms
t_escheduler_datasource: id name note type user_id connection_params create_time update_time
t_escheduler_error_command: id command_type executor_id process_definition_id task_depend_type
    failure_strategy warning_type warning_group_id schedule_time start_time update_time
    process_instance_priority worker_group_id command_param dependence message
t_escheduler_firing: | schedule_id fire_ms fired_ms outcome missed
t_escheduler_master_server: id host port zk_directory res_info create_time last_heartbeat_time
t_escheduler_process_definition: id name version release_state project_id user_id flag create_time
    update_time timeout tenant_id process_definition_json desc global_params locations connects receivers
    receivers_cc
t_escheduler_process_instance: id name process_definition_id state recovery start_time end_time run_times
    host command_type task_depend_type max_try_times failure_strategy warning_type warning_group_id
    schedule_time command_start_time flag update_time is_sub_process executor_id process_instance_priority
    worker_group_id timeout tenant_id command_param global_params process_instance_json locations connects
    history_cmd dependence_schedule_times | owner epoch revision root_id takeovers alert_flag schedule_id
    backfill_id timezone_id
t_escheduler_project: id name desc user_id flag create_time update_time
t_escheduler_queue: id queue_name queue create_time update_time
t_escheduler_relation_datasource_user: id user_id datasource_id perm create_time update_time
t_escheduler_relation_process_instance: id parent_process_instance_id parent_task_instance_id
    process_instance_id
t_escheduler_relation_project_user: id user_id project_id perm create_time update_time
t_escheduler_relation_resources_user: id user_id resources_id perm create_time update_time
t_escheduler_relation_udfs_user: id user_id udf_id perm create_time update_time
t_escheduler_relation_user_alertgroup: id alertgroup_id user_id create_time update_time
t_escheduler_resource_change: id type tenant_code resource_id from_alias to_alias begun_ms
t_escheduler_resources: id alias file_name desc user_id type size create_time update_time | tenant_code
t_escheduler_schedules: id process_definition_id start_time end_time crontab failure_strategy user_id
    release_state warning_type warning_group_id process_instance_priority create_time update_time
    worker_group_id | next_fire_ms timezone_id misfire_policy overlap_policy dst_gap dst_overlap jitter_ms
t_escheduler_session: id user_id ip last_login_time | last_request_ms
t_escheduler_task_instance: id name task_type process_definition_id process_instance_id state submit_time
    start_time end_time host alert_flag retry_times pid flag retry_interval max_retry_times
    task_instance_priority worker_group_id task_json execute_path log_path app_link | tag holder incarnation
    attempt dependent_result
t_escheduler_tenant: id tenant_code tenant_name desc queue_id create_time update_time
t_escheduler_udfs: id user_id func_name class_name type arg_types database desc resource_id resource_name
    create_time update_time
t_escheduler_user: id user_name user_password user_type email phone tenant_id create_time update_time queue
t_escheduler_version: id version
t_escheduler_worker_group: id name ip_list create_time update_time
t_escheduler_worker_server: id host port zk_directory res_info create_time last_heartbeat_time | name incarnation
    beat lease_ms fenced
";

/// Names of the text above: a line that begins with a table, and what follows it.
fn expected() -> Vec<(String, BTreeSet<String>)> {
    let mut tables: Vec<(String, BTreeSet<String>)> = Vec::new();
    for word in TABLES.split_whitespace().filter(|word| *word != "|") {
        match (word.strip_suffix(':'), tables.last_mut()) {
            (Some(table), _) => tables.push((table.to_owned(), BTreeSet::new())),
            (None, Some((_, columns))) => assert!(columns.insert(word.to_owned()), "{word} twice"),
            (None, None) => panic!("{word} belongs to no table"),
        }
    }
    tables
}

pub(super) async fn texts(db: &impl ConnectionTrait, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test]
async fn every_table_and_column_is_there_and_no_other() {
    let store = store!();
    let found = texts(store.read(), &format!("{} ORDER BY 1", names_of(&store, "tables"))).await;
    let mut found: Vec<_> = found.into_iter().filter(|table| table.starts_with("t_")).collect();
    // Servers differ in where `_` comes.
    found.sort_unstable();
    assert_eq!(found, expected().into_iter().map(|(table, _)| table).collect::<Vec<_>>());
    for (table, columns) in expected() {
        let sql = match store.read().get_database_backend() {
            DatabaseBackend::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
            _ => format!("{} AND table_name = '{table}'", names_of(&store, "columns")),
        };
        let found = texts(store.read(), &sql).await;
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), columns, "columns of {table}");
    }
}

/// What asks for the names of all tables, or of the columns of all tables.
fn names_of(store: &Store, what: &str) -> String {
    let name = what.trim_end_matches('s');
    let (kind, schema) = match store.read().get_database_backend() {
        DatabaseBackend::Sqlite => return "SELECT name FROM sqlite_schema WHERE type = 'table'".to_owned(),
        DatabaseBackend::Postgres => ("text", "current_schema()"),
        _ => ("char", "database()"),
    };
    format!("SELECT CAST({name}_name AS {kind}) FROM information_schema.{what} WHERE table_schema = {schema}")
}

#[tokio::test]
async fn every_entity_reads_its_table() {
    use crate::store::entity::*;
    let store = store!();
    let db = store.read();
    macro_rules! read {
        ($($table:ident)*) => {$(
            $table::Entity::find().all(db).await.unwrap();
            let name = sea_orm::EntityName::table_name(&$table::Entity).to_owned();
            let columns: BTreeSet<_> = <$table::Column as sea_orm::Iterable>::iter()
                .map(|column| sea_orm::IdenStatic::as_str(&column).to_owned()).collect();
            assert!(expected().contains(&(name, columns)), "columns of {}", stringify!($table));
        )*};
    }
    read!(access_token alert alertgroup audit command committer datasource error_command firing master_server process_definition
        process_instance project queue relation_datasource_user relation_process_instance relation_project_user
        relation_resources_user relation_udfs_user relation_user_alertgroup resource_change resources schedules session task_instance
        tenant udfs user version worker_group worker_server);
}

#[tokio::test]
async fn the_first_rows_are_there_and_the_password_is_hashed() {
    let store = store!();
    let db = store.read();
    let admin = user::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
    assert_eq!((admin.user_name.as_deref(), admin.user_type, admin.tenant_id), (Some("admin"), Some(0), Some(0)));
    let password = admin.user_password.unwrap();
    assert!(password.starts_with("$argon2id$"));
    let hash = PasswordHash::new(&password).unwrap();
    assert!(argon2::Argon2::default().verify_password(b"escheduler123", &hash).is_ok());
    let group = alertgroup::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
    assert_eq!((group.group_name.as_deref(), group.group_type), (Some("escheduler管理员告警组"), Some(0)));
    let member = relation_user_alertgroup::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
    assert_eq!((member.alertgroup_id, member.user_id), (Some(1), Some(1)));
    let queue = queue::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
    assert_eq!((queue.queue_name.as_deref(), queue.queue.as_deref()), (Some("default"), Some("default")));
    let versions = version::Entity::find().all(db).await.unwrap();
    assert_eq!(versions.iter().map(|row| row.version.as_str()).collect::<Vec<_>>(), ["1.1.0"]);
}

#[tokio::test]
async fn times_keep_their_milliseconds_and_order() {
    let store = store!();
    let times = [-1, 0, 999, 1_795_380_000_000, 1_795_380_000_001, 1_795_380_000_999, 253_402_300_799_999].map(Time);
    for time in times {
        assert_eq!(instant(utc(time)), time);
        let row = project::ActiveModel { create_time: Set(Some(utc(time))), ..Default::default() };
        store.write(move |db| row.clone().insert(db).map(|done| Ok(done.map(drop)?)).boxed()).await.unwrap();
    }
    let mut rows = project::Entity::find().all(store.read()).await.unwrap();
    assert_eq!(rows.iter().map(|row| instant(row.create_time.unwrap())).collect::<Vec<_>>(), times);
    let sorted = project::Entity::find().order_by_asc(project::Column::CreateTime).all(store.read()).await.unwrap();
    rows.sort_by_key(|row| row.create_time);
    assert_eq!(sorted, rows, "the database sorts as the times do");
    assert!(rows.iter().all(|row| row.update_time.is_some()), "where none is given, the present one stands");
    assert_eq!(instant(utc(Time(i64::MAX))), instant(utc(Time(i64::MAX - 1))), "beyond the calendar is its end");
}
