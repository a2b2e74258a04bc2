//! Task records, logs, resources, UDFs and data sources.

use super::{Route, get};
use crate::api::code::Code;
use crate::api::permission::Permission::Task;
use crate::api::routes::logs;

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        get("log/detail", Task("taskInstId"), Code::VIEW_LOG, logs::detail).takes(logs::DETAIL),
        get("log/download-log", Task("taskInstId"), Code::DOWNLOAD_LOG, logs::download).file().takes(logs::DOWNLOAD),
    ]
}
