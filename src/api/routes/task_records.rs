//! The row counts that the original reads from a foreign database. Nothing is read here, so there are none.

use crate::api::call::Call;
use crate::api::param::{Kind::*, LONGEST_SEARCH, PAGE_NO, PAGE_SIZE, Params, may};
use crate::api::reply::{Outcome, Reply};
use crate::api::shapes::{Listed, Nothing};
use crate::store::Paged;

pub const PAGE: Params = &[
    may("taskName", Text(LONGEST_SEARCH), "The name of the task."),
    may("state", Text(LONGEST_SEARCH), "The result of the task."),
    may("sourceTable", Text(LONGEST_SEARCH), "The table that was read."),
    may("destTable", Text(LONGEST_SEARCH), "The table that was written."),
    may("taskDate", Text(LONGEST_SEARCH), "The business date of the task."),
    may("startDate", Date, "The earliest start of the task."),
    may("endDate", Date, "The latest start of the task."),
    PAGE_NO,
    PAGE_SIZE,
];

/// `projects/task-record/list-paging`, `projects/task-record/history-list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Nothing>> {
    let part = call.form.lenient_page()?;
    let none: Paged<Nothing> = Paged { rows: Vec::new(), total: 0 };
    Reply::data(&Listed::of(none, part, |row| row))
}
