//! The integration tests: one binary, because each one links everything. They start the real program, drive it
//! over HTTP, and kill it.

mod api;
mod cli;
mod crash;
mod disk;
mod ledger;
mod log;
mod processes;
mod shim;
mod site;
mod stop;
mod tenant;
mod workflows;
