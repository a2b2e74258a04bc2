//! What whoever runs the site looks at and sets up: servers, monitor, worker groups.

use super::Route;

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    Vec::new()
}
