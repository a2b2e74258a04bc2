//! The HTTP API over real connections, in this process, with a database of its own for each test. Compiled once for
//! every kind of database.

mod accounts;
mod charts;
mod client;
mod datasources;
mod definitions;
mod deletions;
mod document;
mod edits;
mod executors;
mod health;
mod hostile;
mod http;
mod instances;
mod login;
mod logs;
mod monitor;
mod pages;
mod people;
mod projects;
mod resources;
mod rows;
mod scratch;
mod site;
mod stage;
mod views;
mod why;
mod worker_groups;
mod world;

use client::{Answer, Client};
use stage::Stage;
use world::{BASE, World};

/// The parameters of the first page of a list.
const PAGE: [(&str, &str); 2] = [("pageNo", "1"), ("pageSize", "1000")];

/// The values of these keys, as an array.
fn pick(value: &serde_json::Value, keys: &str) -> serde_json::Value {
    keys.split_whitespace().map(|key| value[key].clone()).collect()
}

/// [`PAGE`] and more.
fn page_and<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    PAGE.iter().chain(more).copied().collect()
}
