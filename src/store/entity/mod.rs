//! The tables, one module each: names and columns of EasyScheduler 1.1.0, and a few columns of our own.
//!
//! Codes are the numbers of [`crate::model`]; times of the original's columns are UTC with milliseconds
//! ([`super::utc`]), our own are epoch milliseconds.

pub mod access_token;
pub mod alert;
pub mod alertgroup;
pub mod audit;
pub mod backfill;
pub mod backfill_date;
pub mod command;
pub mod committer;
pub mod datasource;
pub mod error_command;
pub mod firing;
pub mod master_server;
pub mod process_definition;
pub mod process_instance;
pub mod project;
pub mod queue;
pub mod relation_datasource_user;
pub mod relation_process_instance;
pub mod relation_project_user;
pub mod relation_resources_user;
pub mod relation_udfs_user;
pub mod relation_user_alertgroup;
pub mod resource_change;
pub mod resources;
pub mod schedules;
pub mod session;
pub mod task_instance;
pub mod tenant;
pub mod udfs;
pub mod user;
pub mod version;
pub mod worker_group;
pub mod worker_server;
