//! Who has changed what; beyond the original.

use crate::api::call::Call;
use crate::api::param::{Kind::*, LONGEST_SEARCH, PAGE_NO, PAGE_SIZE, Params, may};
use crate::api::reply::{Outcome, Reply};
use crate::api::shapes::{Audited, Listed};
use crate::model::UserId;
use crate::store::AuditFilter;

pub const PAGE: Params = &[
    PAGE_NO,
    PAGE_SIZE,
    may("searchVal", Text(LONGEST_SEARCH), "What the user's name, the action or the object must contain."),
    may("userId", Int, "The id of the user; 0 or empty means everybody.").or(0),
    may("startDate", Date, "From when on."),
    may("endDate", Date, "Until when."),
];

/// `audit/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Audited>> {
    let form = &call.form;
    let part = form.page()?;
    let zone = call.shared.settings.zone;
    let filter = AuditFilter {
        user: Some(form.int_or("userId", 0)?).filter(|id| *id != 0).map(UserId),
        search: form.search()?.to_owned(),
        after: form.instant("startDate", zone),
        until: form.instant("endDate", zone),
    };
    let found = call.store().changes(&filter, part).await?;
    Reply::data(&Listed::of(found, part, Audited::from))
}
