//! The functions behind the table, one file a noun: parse → call → render.

pub mod datasources;
pub mod access_tokens;
pub mod alert_groups;
pub mod audit;
pub mod definitions;
pub mod executors;
pub mod grants;
pub mod instances;
pub mod login;
pub mod logs;
pub mod monitor;
pub mod projects;
pub mod queues;
pub mod task_records;
pub mod resource_files;
pub mod resources;
pub mod tasks;
pub mod tenants;
pub mod udfs;
pub mod users;
pub mod worker_groups;
