//! A distributed workflow scheduler in one executable.
//!
//! Data flows one way, and imports point down:
//!
//! ```text
//! api ──▶ Command ──▶ master (engine decides) ──▶ queue ──▶ worker ──▶ shim ──▶ task
//!                       ▲                                                        │
//!                       └──────────────── reports, the same way back ◀───────────┘
//! ```
//!
//! | Room | What happens there |
//! |---|---|
//! | [`cli`] | what can be typed: `run`, `migrate`, `config`, `admin`, `exec` |
//! | [`app`] | the only room that knows every role: opens the ports, starts the roles, stops them in order |
//! | **roles** | each is handed ports, configuration and a stop signal; a role never imports another role |
//! | [`api`] | HTTP: parse → call → render |
//! | [`master`] | commands become instances; events go through the engine, are recorded, then acted upon |
//! | [`worker`] | slots, executors, and the shim that starts tasks and outlives us |
//! | [`logger`] | serves the task logs of its host |
//! | [`alert`] | alerts that wait to be sent |
//! | **ports** | a trait, the embedded implementation, the real one, one test suite for all |
//! | [`store`] | what is true: the database; entities live nowhere else |
//! | [`registry`] | who is alive, and whom to wake |
//! | [`queue`] | what to run next |
//! | [`clock`], [`host`] | the time; how busy the machine is |
//! | [`work`] | what runs beside a loop |
//! | [`logs`] | what tasks have printed |
//! | [`resources`] | the files that users upload |
//! | [`calls`] | what masters and workers say to each other |
//! | [`datasource`] | the documents of data sources, and whether what they describe can be connected |
//! | [`admission`] | may this definition be started? |
//! | [`why`] | why something does not run |
//! | [`zookeeper`] | the client that registry and queue use: one session at a time, always looked after |
//! | **pure** | no tokio, no database, no clock, no files, no environment |
//! | [`model`] | the nouns and their codes |
//! | [`dag`] | validate, order, select |
//! | [`engine`] | the life of one process instance: state, event, action, `step` |
//! | [`secrets`] | passwords at rest |
//! | [`calendar`] | when a schedule fires: expression, zone, what happens when the clock is put |
//! | [`dependency`] | what DEPENDENT nodes wait for: which runs, and what their results come to |
//! | [`params`] | global, local and system parameters; substitution; time expressions |
//!
//! What is always so:
//!
//! - The store is the truth. Registry and queue may be wiped; both are rebuilt from it.
//! - Every wish is a row: a command, or the firing of a schedule. Nothing outside the master edits an instance.
//! - Decide, record, act, in that order; so acting twice is harmless.
//! - An attempt is a fence: an event of an older attempt changes nothing.
//! - Notify for speed, look again slowly for truth: a lost wake-up costs a second, never a run.
//! - Wire, table and domain types are three types; they are converted at the border, in the outer room.

#![cfg_attr(test, allow(clippy::duplicate_mod, reason = "suites are compiled once for every kind of database"))]

#[cfg(all(feature = "sim", not(debug_assertions)))]
compile_error!("the feature `sim` can switch known mistakes on: it is not for releases");

pub mod admission;
pub mod alert;
pub mod api;
pub mod app;
pub mod calendar;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dag;
pub mod datasource;
pub mod dependency;
pub mod engine;
pub mod host;
pub mod logger;
pub mod logs;
pub mod master;
pub mod model;
pub mod params;
#[cfg(feature = "sim")]
pub mod planted;
pub mod queue;
pub mod registry;
pub mod resources;
pub mod secrets;
pub mod store;
pub mod telemetry;
pub mod why;
pub mod work;
pub mod worker;
pub mod zookeeper;
