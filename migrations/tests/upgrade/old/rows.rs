//! Rows of an old database. They follow from their numbers alone, so that a database can be made again.

use super::documents::{ALERTS, DEFINITIONS, GLOBALS, LOADS, NODES, PARAMS, SOURCES};
use super::values::{is_child, next_fire, or_null, pair, set, state, text, time, times};
use std::fmt::Write;

/// How many definitions, and users, there are at least.
const FEW: usize = 12;

/// How many rows are written by one statement.
const PIECE: usize = 500;

/// What is to be written.
pub struct Rows {
    version: String,
    instances: usize,
    others: usize,
    text: String,
}

impl Rows {
    /// About so many rows: for each instance there are about five others.
    pub fn new(version: &str, rows: usize) -> Rows {
        Rows {
            version: version.into(),
            instances: (rows / 6).max(FEW),
            others: (rows / 200).max(FEW),
            text: String::new(),
        }
    }

    pub fn statements(mut self) -> String {
        self.people();
        self.projects();
        self.instances();
        self.tasks();
        self.commands();
        self.rest();
        if self.version.as_str() >= "1.0.1" {
            let times = times(3, 2);
            self.line(&format!("UPDATE t_escheduler_queue SET create_time = {}, update_time = {}", times[0], times[1]));
        }
        if self.version.as_str() >= "1.0.2" {
            self.since_two();
        }
        self.text
    }

    fn line(&mut self, statement: &str) {
        let _ = writeln!(self.text, "{statement};");
    }

    fn insert(&mut self, table: &str, columns: &str, rows: Vec<String>) {
        for piece in rows.chunks(PIECE) {
            let columns = columns.split_whitespace().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            self.line(&format!("INSERT INTO t_escheduler_{table} ({columns}) VALUES ({})", piece.join("), (")));
        }
    }

    fn people(&mut self) {
        let users = (1..=self.others).map(|n| {
            let name = if n == 1 { "admin".into() } else { format!("用户{n}") };
            format!(
                "{n}, '{name}', '055a97b5fcd6d120372ad1976518f371', {}, 'u{n}@example.com', '1380000{n:04}', {}, {}",
                u8::from(n > 1),
                n % 3,
                pair(n)
            )
        });
        let users = users.collect();
        self.insert(
            "user",
            "id user_name user_password user_type email phone tenant_id create_time update_time",
            users,
        );
        self.insert(
            "queue",
            "id queue_name queue",
            vec!["1, 'default', 'default'".into(), "2, '夜间', 'night'".into()],
        );
        let tenants = (1..=3).map(|n| format!("{n}, 'tenant{n}', 'Tenant {n}', NULL, {}, {}", n % 2 + 1, pair(n)));
        self.insert("tenant", "id tenant_code tenant_name desc queue_id create_time update_time", tenants.collect());
        let groups = (1..=2).map(|n| format!("{n}, 'escheduler管理员告警组{n}', {}, NULL, {}", n - 1, pair(n)));
        self.insert("alertgroup", "id group_name group_type desc create_time update_time", groups.collect());
        let members = (1..=self.others).map(|n| format!("{n}, {}, {n}, {}", n % 2 + 1, pair(n)));
        self.insert("relation_user_alertgroup", "id alertgroup_id user_id create_time update_time", members.collect());
        let sessions = (1..=self.others)
            .map(|n| format!("'{:08x}-0b1c-4d5e-8f90-{n:012x}', {n}, '10.0.0.{}', {}", n * 2654435, n % 250, time(n)));
        self.insert("session", "id user_id ip last_login_time", sessions.collect());
    }

    fn projects(&mut self) {
        let projects =
            (1..=self.others).map(|n| format!("{n}, 'project {n}', 'it''s 50% \\\\ _', {n}, 1, {}", pair(n)));
        self.insert("project", "id name desc user_id flag create_time update_time", projects.collect());
        for (relation, what) in [
            ("project", "project_id"),
            ("datasource", "datasource_id"),
            ("resources", "resources_id"),
            ("udfs", "udf_id"),
        ] {
            let grants =
                (1..=self.others).map(|n| format!("{n}, {n}, {}, {}, {}", n % 7 + 1, [1, 3, 7][n % 3], pair(n)));
            let columns = format!("id user_id {what} perm create_time update_time");
            self.insert(&format!("relation_{relation}_user"), &columns, grants.collect());
        }
        let definitions = (1..=self.others).map(|n| {
            format!(
                "{n}, 'definition {n}', 0, {}, {}, {}, {}, {}, {}, 1, {}, {}, {}, NULL, {}",
                n % 2,
                n % 5 + 1,
                n % 7 + 1,
                text(DEFINITIONS[n % DEFINITIONS.len()]),
                or_null(Some("说明\n二")),
                or_null(GLOBALS[n % GLOBALS.len()]),
                text(r#"{"tasks-1":{"name":"extract","targetarr":"","x":94,"y":190}}"#),
                text(r#"[{"endPointSourceId":"tasks-1","endPointTargetId":"tasks-2"}]"#),
                or_null([None, Some("a@example.com,b@example.com"), Some("")][n % 3]),
                pair(n)
            )
        });
        self.insert("process_definition", "id name version release_state project_id user_id process_definition_json desc global_params flag locations connects receivers receivers_cc create_time update_time", definitions.collect());
        let schedules = (1..=self.others).map(|n| {
            format!(
                "{n}, {n}, {}, {}, '0 0 {} * * ? *', {}, {}, {}, {}, {}, {}, {}, {}",
                set(n),
                if n == 3 { "'9999-12-31 23:59:59'".into() } else { "'2099-12-31 00:00:00'".to_owned() },
                n % 24,
                n % 2,
                n % 7 + 1,
                n % 2,
                n % 4,
                ["NULL", "1"][n % 2],
                ["NULL", "2", "0"][n % 3],
                set(n + 1),
                set(n + 2)
            )
        });
        self.insert("schedules", "id process_definition_id start_time end_time crontab failure_strategy user_id release_state warning_type warning_group_id process_instance_priority create_time update_time", schedules.collect());
        for n in 1..=4 {
            let job = format!("'EasyScheduler', 'job_{n}', 'jobgroup_1'");
            self.line(&format!("INSERT INTO QRTZ_JOB_DETAILS VALUES ({job}, NULL, 'cn.escheduler.api.quartz.ProcessScheduleJob', '0', '0', '0', '0', x'aced0005')"));
            self.line(&format!("INSERT INTO QRTZ_TRIGGERS VALUES ({job}, 'job_{n}', 'jobgroup_1', NULL, {}, -1, 5, 'WAITING', 'CRON', 1552176000000, NULL, NULL, 2, NULL)", next_fire(n)));
        }
    }

    fn instances(&mut self) {
        let instances = (1..=self.instances).map(|n| {
            format!(
                "{n}, 'definition {}-0-{}', {}, {}, {}, {}, {}, {}, {}, {}, 2, {}, {}, {}, {}, {}, {}, {}, '2019-07-01 00:00:{:02}', {}, {}, NULL, NULL, {}, {}",
                n % self.others + 1, 1552176000000_u64 + n as u64, n % self.others + 1, state(n), u8::from(n % 9 == 0),
                times(n, 2).join(", "), n % 3 + 1, or_null([Some("10.0.0.1"), Some("null"), None][n % 3]), n % 8,
                or_null(PARAMS[n % PARAMS.len()]), n % 2, ["0", "3", "NULL"][n % 3], ["NULL", "0", "1"][n % 3],
                time(n + 5), time(n + 6), or_null(GLOBALS[n % GLOBALS.len()]), text(DEFINITIONS[n % DEFINITIONS.len()]),
                n % 60, u8::from(is_child(n)), n % 7 + 1,
                or_null([Some("START_PROCESS"), Some("START_PROCESS,RECOVER_TOLERANCE_FAULT_PROCESS,REPEAT_RUNNING"), None][n % 3]),
                ["NULL", "2", "0", "4"][n % 4]
            )
        });
        self.insert("process_instance", "id name process_definition_id state recovery start_time end_time run_times host command_type command_param task_depend_type failure_strategy warning_type warning_group_id schedule_time command_start_time global_params process_instance_json update_time is_sub_process executor_id locations connects history_cmd process_instance_priority", instances.collect());
        // A family of three generations now and then, and a child that was never begun.
        let links =
            (1..=self.instances).filter(|n| is_child(*n)).map(|n| format!("{n}, {}, {}, {n}", n - 1, (n - 1) * 4 + 1));
        self.insert(
            "relation_process_instance",
            "id parent_process_instance_id parent_task_instance_id process_instance_id",
            links.collect(),
        );
        self.insert(
            "relation_process_instance",
            "parent_process_instance_id parent_task_instance_id process_instance_id",
            vec!["1, 4, 0".into()],
        );
    }

    fn tasks(&mut self) {
        let tasks = (1..=self.instances).flat_map(|instance| (0..4).map(move |task| (instance, task))).map(|(instance, task)| {
            let id = instance * 4 + task;
            // Three nodes, of which the last was tried twice.
            let name = ["extract", "load", "load", "report"][task];
            let valid = u8::from(task != 1);
            let state = match (state(instance), task) {
                (_, 1) => 6,
                (0..=4 | 11, 3) => [0, 1, 11][instance % 3],
                (0..=4 | 11, 2) => 1,
                _ => 7,
            };
            format!(
                "{id}, '{name}', '{}', {}, {instance}, {}, {state}, {}, {}, {}, {}, 0, {}, {}, {}, {valid}, 1, 2, {}",
                ["SHELL", "SQL", "SUB_PROCESS", "DEPENDENT"][id % 4], instance % FEW + 1, text(NODES[id % NODES.len()]),
                times(id, 3).join(", "), or_null([Some("10.0.0.7"), None, Some("10.0.0.8")][id % 3]),
                or_null([Some("/tmp/escheduler/exec/process/1/2"), None][id % 2]), or_null([Some("/opt/logs/1/2.log"), None][id % 2]),
                task % 2, ["0", "NULL", "4711"][id % 3], or_null([Some(""), Some("application_1552176000000_0001"), None][id % 3]),
                ["NULL", "2", "0"][id % 3]
            )
        });
        let tasks = tasks.collect();
        self.insert("task_instance", "id name task_type process_definition_id process_instance_id task_json state submit_time start_time end_time host execute_path log_path alert_flag retry_times pid app_link flag retry_interval max_retry_times task_instance_priority", tasks);
    }

    fn commands(&mut self) {
        let commands = [
            (0, None),
            (0, Some("{}")),
            (0, Some(r#"{"StartNodeNameList":"extract"}"#)),
            (6, None),
            (5, Some(r#"{"complementStartDate":"2019-03-01 00:00:00","complementEndDate":"2019-03-05 00:00:00"}"#)),
            // About instances that have ended.
            (7, Some(r#"{"ProcessInstanceId":"1"}"#)),
            (4, Some(r#"{"ProcessInstanceId":2}"#)),
            (10, Some(r#"{"WaittingThreadInstanceId":"6"}"#)),
            // About what is under way, or a child of it.
            (2, Some(r#"{"ProcessInstanceId":"5"}"#)),
            (3, Some(r#"{"ProcessInstanceId":"5"}"#)),
            (0, Some(r#"{"id":3,"parentProcessInstanceId":5,"parentTaskInstanceId":9,"processInstanceId":0}"#)),
        ];
        let rows = commands.iter().enumerate().map(|(n, (kind, param))| {
            format!(
                "{}, {kind}, 1, {}, {}, {}, {}, {}, {}, {}, {}, NULL, {}, {}",
                n + 1,
                or_null(*param),
                ["2", "NULL"][n % 2],
                n % 2,
                ["0", "NULL"][n % 2],
                ["NULL", "1"][n % 2],
                time(n),
                time(n + 1),
                n % 7 + 1,
                time(n + 2),
                ["NULL", "2"][n % 2]
            )
        });
        self.insert("command", "id command_type process_definition_id command_param task_depend_type failure_strategy warning_type warning_group_id schedule_time start_time executor_id dependence update_time process_instance_priority", rows.collect());
    }

    fn rest(&mut self) {
        let sources = SOURCES.iter().enumerate().map(|(n, (kind, params))| {
            format!("{}, 'source {n}', NULL, {kind}, 1, {}, {}, {}", n + 1, text(params), set(n), time(n))
        });
        self.insert(
            "datasource",
            "id name note type user_id connection_params create_time update_time",
            sources.collect(),
        );
        let resources = (1..=self.others).map(|n| {
            format!(
                "{n}, 'job{n}.sh', 'job.sh', NULL, {}, {}, {}, {}",
                n % 7 + 1,
                n % 2,
                n as u64 * 5_000_000_000,
                pair(n)
            )
        });
        self.insert(
            "resources",
            "id alias file_name desc user_id type size create_time update_time",
            resources.collect(),
        );
        let udfs = (1..=self.others).map(|n| {
            format!("{n}, 1, 'f{n}', 'a.B', {}, NULL, NULL, NULL, 1, 'a.jar', {}, {}", n % 2, set(n), set(n + 1))
        });
        self.insert("udfs", "id user_id func_name class_name type arg_types database desc resource_id resource_name create_time update_time", udfs.collect());
        let alerts = (1..=self.instances / 4).map(|n| {
            let (show, content) = ALERTS[n % ALERTS.len()];
            format!(
                "{n}, '成功 success', {show}, {}, 0, {}, NULL, 1, 'a@example.com', '', {}",
                text(content),
                n % 3,
                pair(n)
            )
        });
        self.insert("alert", "id title show_type content alert_type alert_status log alertgroup_id receivers receivers_cc create_time update_time", alerts.collect());
        for table in ["master_server", "worker_server"] {
            let servers = (1..=2).map(|n| {
                format!(
                    "{n}, '10.0.0.{n}', 4711, '/escheduler/x/10.0.0.{n}_0000000001', {}, {}",
                    text(LOADS[n - 1]),
                    pair(n)
                )
            });
            self.insert(table, "id host port zk_directory res_info create_time last_heartbeat_time", servers.collect());
        }
    }

    /// What came with 1.0.2.
    fn since_two(&mut self) {
        let tokens = (1..=self.others).map(|n| format!("{n}, {n}, '{n:032x}', {}, {}", time(n + 7), pair(n)));
        self.insert("access_token", "id user_id token expire_time create_time update_time", tokens.collect());
        let groups = (1..=3).map(|n| format!("{n}, 'group {n}', '10.0.0.{n},10.0.1.{n}', {}", pair(n)));
        self.insert("worker_group", "id name ip_list create_time update_time", groups.collect());
        // The number of a command that waits now.
        let errors = [9, 40].map(|n| {
            format!("{n}, 0, 1, 1, '{{}}', 2, 1, 0, NULL, {}, NULL, 2, -1, 'it''s gone'", times(n, 3).join(", "))
        });
        self.insert("error_command", "id command_type executor_id process_definition_id command_param task_depend_type failure_strategy warning_type warning_group_id schedule_time start_time update_time dependence process_instance_priority worker_group_id message", errors.into());
        self.line("UPDATE t_escheduler_user SET queue = 'night' WHERE id % 2 = 0");
        self.line("UPDATE t_escheduler_process_definition SET timeout = id");
    }
}
