//! Task records, logs, resources, UDFs and data sources.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{
    Admin, DataSource, KeptResource, Login, OwnDataSource, OwnResource, Resource, ShownUdf, Task, Udf,
};
use crate::api::routes::{datasources, logs, resource_files, resources, task_records, udfs};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        get("projects/task-record/list-paging", Login, Code::PAGE_TASK_RECORDS, task_records::page).takes(task_records::PAGE),
        get("projects/task-record/history-list-paging", Login, Code::PAGE_TASK_RECORDS, task_records::page).takes(task_records::PAGE),

        get("log/detail", Task("taskInstId"), Code::VIEW_LOG, logs::detail).takes(logs::DETAIL),
        get("log/download-log", Task("taskInstId"), Code::DOWNLOAD_LOG, logs::download).file().takes(logs::DOWNLOAD),

        post("datasources/create", Login, Code::CREATE_DATA_SOURCE, datasources::create).created().takes(datasources::CREATE),
        post("datasources/update", DataSource("id"), Code::UPDATE_DATA_SOURCE, datasources::update).takes(datasources::UPDATE),
        post("datasources/update-ui", DataSource("id"), Code::QUERY_DATA_SOURCE, datasources::edit_form).reading().takes(datasources::BY_ID),
        get("datasources/list", Login, Code::QUERY_DATA_SOURCE, datasources::list).takes(datasources::LIST),
        get("datasources/list-paging", Login, Code::QUERY_DATA_SOURCE, datasources::page).takes(PAGE),
        post("datasources/connect", Login, Code::CONNECT_DATA_SOURCE, datasources::connect).reading().takes(datasources::CREATE),
        get("datasources/connect-by-id", DataSource("id"), Code::TEST_DATA_SOURCE, datasources::connect_by_id).takes(datasources::BY_ID),
        get("datasources/delete", OwnDataSource("id"), Code::DELETE_DATA_SOURCE, datasources::delete).changing().takes(datasources::BY_ID),
        get("datasources/verify-name", Login, Code::VERIFY_DATA_SOURCE, datasources::verify_name).takes(datasources::VERIFY_NAME),
        get("datasources/unauth-datasource", Admin, Code::UNGRANTED_DATA_SOURCES, datasources::strange).takes(datasources::OF_USER),
        get("datasources/authed-datasource", Admin, Code::GRANTED_DATA_SOURCES, datasources::granted).takes(datasources::OF_USER),
        get("datasources/kerberos-startup-state", Login, Code::KERBEROS_STATE, datasources::kerberos),
        post("resources/create", Login, Code::CREATE_RESOURCE, resources::create).takes(resources::CREATE),
        post("resources/update", OwnResource("id"), Code::UPDATE_RESOURCE, resources::update).takes(resources::UPDATE),
        get("resources/list", Login, Code::LIST_RESOURCES, resources::list).takes(resources::LIST),
        get("resources/list-paging", Login, Code::PAGE_RESOURCES, resources::page).takes(resources::PAGE),
        get("resources/delete", KeptResource("id"), Code::DELETE_RESOURCE, resources::delete).changing().takes(resources::ONE),
        get("resources/verify-name", Login, Code::VERIFY_RESOURCE, resources::verify_name).takes(resources::VERIFY),
        get("resources/view", Resource("id"), Code::VIEW_RESOURCE, resource_files::view).takes(resource_files::VIEW),
        post("resources/online-create", Login, Code::CREATE_RESOURCE_ONLINE, resource_files::create).takes(resource_files::CREATE),
        post("resources/update-content", Resource("id"), Code::EDIT_RESOURCE, resource_files::update).takes(resource_files::UPDATE),
        get("resources/download", Resource("id"), Code::DOWNLOAD_RESOURCE, resource_files::download).file().takes(resource_files::DOWNLOAD),
        post("resources/udf-func/create", Login, Code::CREATE_UDF, udfs::create).created().takes(udfs::CREATE),
        get("resources/udf-func/update-ui", ShownUdf("id"), Code::VIEW_UDF, udfs::select).takes(udfs::ONE),
        post("resources/udf-func/update", Udf("id"), Code::UPDATE_UDF, udfs::update).takes(udfs::UPDATE),
        get("resources/udf-func/list-paging", Login, Code::PAGE_UDFS, udfs::page).takes(PAGE),
        get("resources/udf-func/list", Login, Code::LIST_UDFS, udfs::list).takes(udfs::LIST),
        get("resources/udf-func/verify-name", Login, Code::VERIFY_UDF, udfs::verify_name).takes(udfs::VERIFY),
        get("resources/udf-func/delete", Udf("id"), Code::DELETE_UDF, udfs::delete).changing().takes(udfs::ONE),
        get("resources/authed-file", Admin, Code::GRANTED_FILES, resources::granted).created().takes(resources::OF_USER),
        get("resources/unauth-file", Admin, Code::UNGRANTED_FILES, resources::ungranted).created().takes(resources::OF_USER),
        get("resources/unauth-udf-func", Admin, Code::UNGRANTED_UDFS, udfs::ungranted).created().takes(udfs::OF_USER),
        get("resources/authed-udf-func", Admin, Code::GRANTED_UDFS, udfs::granted).created().takes(udfs::OF_USER),
    ]
}
