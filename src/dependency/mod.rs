//! What a DEPENDENT node waits for: which intervals, and what the results of its items come to.
//!
//! Knows neither clock nor database: the schedule time and the results are handed in. The rules are those of
//! `EasyScheduler 1.1.0: dependent tasks`.

mod interval;
mod verdict;

pub use interval::{DateValue, Interval, UnknownDateValue};
pub use verdict::{Relation, Verdict, of_node};
