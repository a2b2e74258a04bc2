//! What a DEPENDENT node waits for: which runs, in which intervals, and what their results come to.
//!
//! Knows neither clock nor database: the instant that dates are reckoned from and the runs that were found are handed
//! in. The rules are those of `EasyScheduler 1.1.0: dependent tasks`, but for these:
//!
//! - A run that does not exist yet is waited for ([`Missing`]); the original failed at once (`known defects D12`).
//! - A run belongs to the interval that its schedule time lies in, and only one without a schedule time to that of its
//!   start. Else a backfill of last year would keep everybody waiting who depends upon today.
//! - The schedule time of a backfill is a business date, so it stands for the day after, on both sides.
//! - What is being paused or stopped has not ended yet, nor has a node that will be tried again.

mod document;
mod interval;
mod report;
mod verdict;
mod watch;

pub use document::{Dependence, Group, Item};
pub use interval::{DateValue, Interval, UnknownDateValue};
pub use report::{ItemReport, Report};
pub use verdict::{Relation, Verdict, of_node};
pub use watch::{Answers, Found, FoundNode, Missing, Question, Watch};
