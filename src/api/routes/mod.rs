//! The functions behind the table, one file a noun: parse → call → render.

pub mod analysis;
pub mod definitions;
pub mod edits;
pub mod executors;
pub mod gantt;
pub mod instances;
pub mod login;
pub mod logs;
pub mod nodes;
pub mod projects;
pub mod queues;
pub mod tasks;
pub mod tenants;
pub mod trees;
pub mod users;
pub mod variables;
