//! The functions behind the table, one file a noun: parse → call → render.

pub mod access_tokens;
pub mod alert_groups;
pub mod audit;
pub mod definitions;
pub mod executors;
pub mod grants;
pub mod instances;
pub mod login;
pub mod logs;
pub mod projects;
pub mod queues;
pub mod tasks;
pub mod tenants;
pub mod users;
