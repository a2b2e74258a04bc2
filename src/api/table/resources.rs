//! Task records, logs, resources, UDFs and data sources.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{Admin, DataSource, Login, OwnDataSource, Task};
use crate::api::routes::{datasources, logs, task_records};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        get("projects/task-record/list-paging", Login, Code::PAGE_TASK_RECORDS, task_records::page).takes(task_records::PAGE),
        get("projects/task-record/history-list-paging", Login, Code::PAGE_TASK_RECORDS, task_records::page).takes(task_records::PAGE),

        get("log/detail", Task("taskInstId"), Code::VIEW_LOG, logs::detail).takes(logs::DETAIL),
        get("log/download-log", Task("taskInstId"), Code::DOWNLOAD_LOG, logs::download).file().takes(logs::DOWNLOAD),

        post("datasources/create", Login, Code::CREATE_DATA_SOURCE, datasources::create).created().takes(datasources::CREATE),
        post("datasources/update", DataSource("id"), Code::UPDATE_DATA_SOURCE, datasources::update).takes(datasources::UPDATE),
        post("datasources/update-ui", DataSource("id"), Code::QUERY_DATA_SOURCE, datasources::edit_form).takes(datasources::BY_ID),
        get("datasources/list", Login, Code::QUERY_DATA_SOURCE, datasources::list).takes(datasources::LIST),
        get("datasources/list-paging", Login, Code::QUERY_DATA_SOURCE, datasources::page).takes(PAGE),
        post("datasources/connect", Login, Code::CONNECT_DATA_SOURCE, datasources::connect).takes(datasources::CREATE),
        get("datasources/connect-by-id", DataSource("id"), Code::TEST_DATA_SOURCE, datasources::connect_by_id).takes(datasources::BY_ID),
        get("datasources/delete", OwnDataSource("id"), Code::DELETE_DATA_SOURCE, datasources::delete).changing().takes(datasources::BY_ID),
        get("datasources/verify-name", Login, Code::VERIFY_DATA_SOURCE, datasources::verify_name).takes(datasources::VERIFY_NAME),
        get("datasources/unauth-datasource", Admin, Code::UNGRANTED_DATA_SOURCES, datasources::strange).takes(datasources::OF_USER),
        get("datasources/authed-datasource", Admin, Code::GRANTED_DATA_SOURCES, datasources::granted).takes(datasources::OF_USER),
        get("datasources/kerberos-startup-state", Login, Code::KERBEROS_STATE, datasources::kerberos),
    ]
}
