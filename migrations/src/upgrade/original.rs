//! What databases of EasyScheduler 1.x look like, and which release made this one.

use super::catalog::Catalog;
use crate::state::{State, strangers};

/// Tables and columns of release 1.0.0: whatever lacks one of them is not understood.
const FIRST: &str = "
t_escheduler_alert: id title show_type content alert_type alert_status log alertgroup_id receivers receivers_cc
    create_time update_time
t_escheduler_alertgroup: id group_name group_type desc create_time update_time
t_escheduler_command: id command_type process_definition_id command_param task_depend_type failure_strategy
    warning_type warning_group_id schedule_time start_time executor_id dependence update_time
    process_instance_priority
t_escheduler_datasource: id name note type user_id connection_params create_time update_time
t_escheduler_master_server: id host port zk_directory res_info create_time last_heartbeat_time
t_escheduler_process_definition: id name version release_state project_id user_id process_definition_json desc
    global_params flag locations connects receivers receivers_cc create_time update_time
t_escheduler_process_instance: id name process_definition_id state recovery start_time end_time run_times host
    command_type command_param task_depend_type max_try_times failure_strategy warning_type warning_group_id
    schedule_time command_start_time global_params process_instance_json flag update_time is_sub_process
    executor_id locations connects history_cmd dependence_schedule_times process_instance_priority
t_escheduler_project: id name desc user_id flag create_time update_time
t_escheduler_queue: id queue_name queue
t_escheduler_relation_datasource_user: id user_id datasource_id perm create_time update_time
t_escheduler_relation_process_instance: id parent_process_instance_id parent_task_instance_id process_instance_id
t_escheduler_relation_project_user: id user_id project_id perm create_time update_time
t_escheduler_relation_resources_user: id user_id resources_id perm create_time update_time
t_escheduler_relation_udfs_user: id user_id udf_id perm create_time update_time
t_escheduler_relation_user_alertgroup: id alertgroup_id user_id create_time update_time
t_escheduler_resources: id alias file_name desc user_id type size create_time update_time
t_escheduler_schedules: id process_definition_id start_time end_time crontab failure_strategy user_id
    release_state warning_type warning_group_id process_instance_priority create_time update_time
t_escheduler_session: id user_id ip last_login_time
t_escheduler_task_instance: id name task_type process_definition_id process_instance_id task_json state
    submit_time start_time end_time host execute_path log_path alert_flag retry_times pid app_link flag
    retry_interval max_retry_times task_instance_priority
t_escheduler_tenant: id tenant_code tenant_name desc queue_id create_time update_time
t_escheduler_udfs: id user_id func_name class_name type arg_types database desc resource_id resource_name
    create_time update_time
t_escheduler_user: id user_name user_password user_type email phone tenant_id create_time update_time
t_escheduler_worker_server: id host port zk_directory res_info create_time last_heartbeat_time
";

/// The releases whose tables are known. 1.0.3 to 1.0.5 have those of 1.0.2, and their own number in the version
/// row.
const KNOWN: [&str; 7] = ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5", "1.1.0"];

/// Recognises the release by the rules of the original's own upgrade (`EasyScheduler 1.1.0: upgrade tool`): the
/// version row if there is one, else what came with 1.0.1, else 1.0.0.
pub(super) fn recognise(catalog: &Catalog, version_row: Option<&str>) -> State {
    if !catalog.has_table("t_escheduler_queue") {
        return State::Foreign(strangers(&catalog.tables()));
    }
    if catalog.has_column("t_escheduler_process_instance", "epoch") {
        return State::Foreign(
            "it has tables of this program without a record of how they were made; give an empty database".into(),
        );
    }
    if let Some(missing) = missing(catalog) {
        return State::Foreign(format!("it looks like a database of EasyScheduler 1.x, but {missing}"));
    }
    let version = match version_row {
        Some(version) => version.trim().to_owned(),
        None => guess(catalog).to_owned(),
    };
    if !KNOWN.contains(&version.as_str()) {
        return State::Foreign(format!(
            "it is a database of EasyScheduler {version:?}, which is none of {}",
            KNOWN.join(", ")
        ));
    }
    State::Old(version)
}

fn guess(catalog: &Catalog) -> &'static str {
    match () {
        // Fresh from the create script, whose version row comes with the first upgrade.
        () if catalog.has_column("t_escheduler_process_definition", "tenant_id") => "1.1.0",
        () if catalog.has_table("t_escheduler_version") => "1.0.2",
        () if catalog.has_column("t_escheduler_queue", "create_time") => "1.0.1",
        () => "1.0.0",
    }
}

/// The first table or column of 1.0.0 that is not there.
fn missing(catalog: &Catalog) -> Option<String> {
    for (table, columns) in first() {
        if !catalog.has_table(table) {
            return Some(format!("the table `{table}` is missing"));
        }
        if let Some(column) = columns.iter().find(|column| !catalog.has_column(table, column)) {
            return Some(format!("the table `{table}` has no column `{column}`"));
        }
    }
    None
}

fn first() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut tables: Vec<(&str, Vec<&str>)> = Vec::new();
    for word in FIRST.split_whitespace() {
        match (word.strip_suffix(':'), tables.last_mut()) {
            (Some(table), _) => tables.push((table, Vec::new())),
            (None, Some((_, columns))) => columns.push(word),
            (None, None) => {}
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(change: impl Fn(&str, &str) -> bool) -> Catalog {
        let columns = first().into_iter().flat_map(|(table, columns)| columns.into_iter().map(move |c| (table, c)));
        Catalog::of(columns.filter(|(table, column)| change(table, column)))
    }

    #[test]
    fn each_release_is_recognised_and_nothing_else() {
        let plain = catalog(|_, _| true);
        assert_eq!(recognise(&plain, None), State::Old("1.0.0".into()));
        let with = |table, column| {
            let columns = first().into_iter().flat_map(|(table, columns)| columns.into_iter().map(move |c| (table, c)));
            Catalog::of(columns.chain([(table, column)]))
        };
        let known = |catalog: &Catalog, row| match recognise(catalog, row) {
            State::Old(version) => version,
            other => panic!("{other:?}"),
        };
        assert_eq!(known(&with("t_escheduler_queue", "create_time"), None), "1.0.1");
        assert_eq!(known(&with("t_escheduler_version", "version"), None), "1.0.2");
        assert_eq!(known(&with("t_escheduler_version", "version"), Some("1.0.4")), "1.0.4");
        assert_eq!(known(&with("t_escheduler_process_definition", "tenant_id"), None), "1.1.0");
        for (catalog, row, found) in [
            (&plain, Some("1.2.0"), "\"1.2.0\""),
            (&catalog(|table, _| table == "t_escheduler_queue"), None, "`t_escheduler_alert` is missing"),
            (&catalog(|_, column| column != "crontab"), None, "`t_escheduler_schedules` has no column `crontab`"),
            (&catalog(|table, _| table != "t_escheduler_queue"), None, "`t_escheduler_alert` was made by"),
            (&Catalog::of([("wp_posts", "id")]), None, "`wp_posts` belong to something else"),
            (&with("t_escheduler_process_instance", "epoch"), None, "without a record"),
        ] {
            match recognise(catalog, row) {
                State::Foreign(why) => assert!(why.contains(found), "{why}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
