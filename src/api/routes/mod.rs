//! The functions behind the table, one file a noun: parse → call → render.

pub mod definitions;
pub mod executors;
pub mod instances;
pub mod login;
pub mod logs;
pub mod projects;
pub mod queues;
pub mod resource_files;
pub mod resources;
pub mod tasks;
pub mod tenants;
pub mod udfs;
pub mod users;
