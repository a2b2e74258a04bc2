//! The integration tests: one binary, because each one links everything. They start the real program, drive it
//! over HTTP, and kill it.

#![allow(clippy::duplicate_mod, reason = "a suite is compiled once for every kind of database")]

mod api;
mod backfills;
mod cli;
mod crash;
mod databases;
mod dependent;
mod dice;
mod disk;
mod ledger;
mod log;
mod passwords;
mod processes;
mod schedules;
mod shim;
mod site;
mod stop;
mod tenant;
mod uploads;
mod why;
mod workflows;

// The same suite, the same answers, on servers.
#[path = "api/mod.rs"]
mod api_on_mariadb;
#[path = "api/mod.rs"]
mod api_on_postgres;
