//! The nouns of the field and their codes: the dictionary of the whole program.
//!
//! Pure data. Codes and names are EasyScheduler's, misspellings included, because its tables, its JSON
//! and its front-end hold them (`EasyScheduler 1.0.1: data model, enumerations`).

mod backfill;
mod codes;
mod document;
mod ids;
mod run;
mod schedule;
mod time;

pub use backfill::Backfill;
pub use codes::*;
pub use document::{Document, Node, Problem, ProblemKind, Property, Timeout};
pub use ids::*;
pub use run::{Command, param};
pub use schedule::{Schedule, lateness};
pub use time::Time;
