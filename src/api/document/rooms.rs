//! The rooms of the API: what the operations are grouped by.

use utoipa::openapi::tag::{Tag, TagBuilder};

/// Prefixes of paths, without the project in front: of several that fit the first one counts.
const ROOMS: &[(&str, &str, &str)] = &[
    ("login", "log-in", "Who one is."),
    ("signOut", "log-in", "Who one is."),
    ("users/", "users", "Users, and what they are granted."),
    ("tenant/", "tenants", "The accounts of the operating system that tasks run as."),
    ("queue/", "queues", "Queues of YARN."),
    ("alert-group/", "alert groups", "Who is told what has happened."),
    ("access-token/", "access tokens", "What programs show instead of a log-in."),
    ("audit/", "audit", "Who has changed what."),
    ("projects/analysis/", "analysis", "Counts for the charts of the home page and of projects."),
    ("projects/task-record/", "task records", "The row counts of tasks."),
    ("projects/", "projects", "What process definitions are kept in."),
    ("process/master/", "servers", "Masters, workers, and what they need."),
    ("process/worker/", "servers", "Masters, workers, and what they need."),
    ("process/", "process definitions", "Workflows as they were drawn."),
    ("instance/", "process instances", "Runs of workflows."),
    ("executors/", "orders", "Starting, stopping, pausing and recovering."),
    ("backfill/", "backfills", "Runs of a definition for past dates."),
    ("schedule/", "schedules", "When definitions run by themselves."),
    ("task-instance/", "task instances", "Runs of single tasks."),
    ("log/", "logs", "What tasks have printed."),
    ("datasources/", "data sources", "Databases that tasks work with."),
    ("resources/udf-func/", "UDFs", "Functions for Hive and Spark."),
    ("resources/authed-udf-func", "UDFs", "Functions for Hive and Spark."),
    ("resources/unauth-udf-func", "UDFs", "Functions for Hive and Spark."),
    ("resources/", "resources", "Files that tasks work with."),
    ("monitor/", "servers", "Masters, workers, and what they need."),
    ("worker-group/", "worker groups", "Which workers run which tasks."),
    ("", "this server", "For supervisors and for whoever reads this."),
];

/// The room of a path below the base.
pub fn of(path: &str) -> &'static str {
    let path = path.strip_prefix("projects/{projectName}/").unwrap_or(path);
    ROOMS.iter().find(|(prefix, ..)| path.starts_with(prefix)).map_or("", |(_, name, _)| name)
}

/// Each room once, in the order of the table.
pub fn tags() -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for (_, name, about) in ROOMS {
        if tags.iter().all(|tag| tag.name != *name) {
            tags.push(TagBuilder::new().name(*name).description(Some(*about)).build());
        }
    }
    tags
}
