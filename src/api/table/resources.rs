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
        get("projects/task-record/list-paging", Login, Code::PAGE_TASK_RECORDS, task_records::page).takes(task_records::PAGE)
            .about("Lists the row counts of tasks; there are none in this release."),
        get("projects/task-record/history-list-paging", Login, Code::PAGE_TASK_RECORDS, task_records::page).takes(task_records::PAGE)
            .about("Lists the row counts of older tasks; there are none in this release."),

        get("log/detail", Task("taskInstId"), Code::VIEW_LOG, logs::detail).takes(logs::DETAIL)
            .refuses(&[Code::NO_HOST_YET]).because(&[Code::NO_SUCH_TASK])
            .about("Shows some lines of the log of a task."),
        get("log/download-log", Task("taskInstId"), Code::DOWNLOAD_LOG, logs::download).takes(logs::DOWNLOAD)
            .refuses(&[Code::NO_HOST_YET]).because(&[Code::NO_SUCH_TASK])
            .about("Downloads the log of a task."),

        post("datasources/create", Login, Code::CREATE_DATA_SOURCE, datasources::create).created().takes(datasources::CREATE)
            .refuses(&[Code::DATA_SOURCE_EXISTS, Code::DATA_SOURCE_UNREACHABLE])
            .about("Creates a data source that can be connected to."),
        post("datasources/update", DataSource("id"), Code::UPDATE_DATA_SOURCE, datasources::update).takes(datasources::UPDATE)
            .refuses(&[Code::DATA_SOURCE_EXISTS, Code::DATA_SOURCE_UNREACHABLE, Code::NO_SUCH_DATA_SOURCE])
            .about("Changes a data source."),
        post("datasources/update-ui", DataSource("id"), Code::QUERY_DATA_SOURCE, datasources::edit_form).reading().takes(datasources::BY_ID)
            .refuses(&[Code::NO_SUCH_DATA_SOURCE])
            .about("Tells all about a data source but its password."),
        get("datasources/list", Login, Code::QUERY_DATA_SOURCE, datasources::list).takes(datasources::LIST)
            .about("Lists the data sources of one kind that one may use."),
        get("datasources/list-paging", Login, Code::QUERY_DATA_SOURCE, datasources::page).takes(PAGE)
            .about("Lists data sources by pages."),
        post("datasources/connect", Login, Code::CONNECT_DATA_SOURCE, datasources::connect).reading().takes(datasources::CREATE)
            .about("Connects to what a form describes, and says why it failed."),
        get("datasources/connect-by-id", DataSource("id"), Code::TEST_DATA_SOURCE, datasources::connect_by_id).takes(datasources::BY_ID)
            .refuses(&[Code::NO_SUCH_DATA_SOURCE])
            .about("Connects to a data source, and says why it failed."),
        get("datasources/delete", OwnDataSource("id"), Code::DELETE_DATA_SOURCE, datasources::delete).changing().takes(datasources::BY_ID)
            .refuses(&[Code::NO_SUCH_DATA_SOURCE])
            .about("Deletes a data source."),
        get("datasources/verify-name", Login, Code::VERIFY_DATA_SOURCE, datasources::verify_name).takes(datasources::VERIFY_NAME)
            .refuses(&[Code::DATA_SOURCE_EXISTS])
            .about("Checks that no data source has this name."),
        get("datasources/unauth-datasource", Admin, Code::UNGRANTED_DATA_SOURCES, datasources::strange).takes(datasources::OF_USER)
            .about("Lists the data sources that a user is not granted."),
        get("datasources/authed-datasource", Admin, Code::GRANTED_DATA_SOURCES, datasources::granted).takes(datasources::OF_USER)
            .about("Lists the data sources that a user is granted."),
        get("datasources/kerberos-startup-state", Login, Code::KERBEROS_STATE, datasources::kerberos)
            .about("Tells whether Hadoop wants Kerberos."),
        post("resources/create", Login, Code::CREATE_RESOURCE, resources::create).takes(resources::CREATE)
            .refuses(&[Code::NO_STORAGE, Code::RESOURCE_EMPTY, Code::SUFFIX_CHANGED, Code::UDF_NOT_A_JAR, Code::RESOURCE_TOO_LARGE, Code::RESOURCE_EXISTS, Code::RESOURCE_BUSY])
            .about("Uploads a file."),
        post("resources/update", OwnResource("id"), Code::UPDATE_RESOURCE, resources::update).takes(resources::UPDATE)
            .refuses(&[Code::NO_STORAGE, Code::UDF_NOT_A_JAR, Code::NO_SUCH_RESOURCE, Code::RESOURCE_EXISTS, Code::RESOURCE_BUSY, Code::RESOURCE_IN_USE, Code::FILE_MISSING])
            .about("Renames a resource, or describes it anew."),
        get("resources/list", Login, Code::LIST_RESOURCES, resources::list).takes(resources::LIST)
            .about("Lists the resources that one may use."),
        get("resources/list-paging", Login, Code::PAGE_RESOURCES, resources::page).takes(resources::PAGE)
            .about("Lists resources by pages."),
        get("resources/delete", KeptResource("id"), Code::DELETE_RESOURCE, resources::delete).changing().takes(resources::ONE)
            .refuses(&[Code::NO_STORAGE, Code::NO_SUCH_RESOURCE, Code::RESOURCE_IN_USE, Code::RESOURCE_BUSY])
            .about("Deletes a resource that no UDF needs."),
        get("resources/verify-name", Login, Code::VERIFY_RESOURCE, resources::verify_name).takes(resources::VERIFY)
            .refuses(&[Code::RESOURCE_EXISTS])
            .about("Checks that no resource has this name."),
        get("resources/view", Resource("id"), Code::VIEW_RESOURCE, resource_files::view).takes(resource_files::VIEW)
            .refuses(&[Code::NO_STORAGE, Code::NO_SUCH_RESOURCE, Code::SUFFIX_NOT_VIEWABLE, Code::FILE_MISSING])
            .about("Shows some lines of a file."),
        post("resources/online-create", Login, Code::CREATE_RESOURCE_ONLINE, resource_files::create).takes(resource_files::CREATE)
            .refuses(&[Code::NO_STORAGE, Code::RESOURCE_EMPTY, Code::SUFFIX_NOT_VIEWABLE, Code::UDF_NOT_A_JAR, Code::RESOURCE_TOO_LARGE, Code::RESOURCE_EXISTS, Code::RESOURCE_BUSY])
            .about("Creates a file from a text."),
        post("resources/update-content", Resource("id"), Code::EDIT_RESOURCE, resource_files::update).takes(resource_files::UPDATE)
            .refuses(&[Code::NO_STORAGE, Code::RESOURCE_EMPTY, Code::NO_SUCH_RESOURCE, Code::SUFFIX_NOT_VIEWABLE, Code::RESOURCE_TOO_LARGE, Code::RESOURCE_BUSY, Code::FILE_MISSING])
            .about("Replaces the content of a file."),
        get("resources/download", Resource("id"), Code::DOWNLOAD_RESOURCE, resource_files::download).takes(resource_files::DOWNLOAD)
            .refuses(&[Code::NO_STORAGE, Code::NO_SUCH_RESOURCE, Code::FILE_MISSING])
            .about("Downloads a file."),
        post("resources/udf-func/create", Login, Code::CREATE_UDF, udfs::create).created().takes(udfs::CREATE)
            .refuses(&[Code::NO_STORAGE, Code::UDF_EXISTS, Code::NO_SUCH_RESOURCE, Code::UDF_NOT_A_JAR, Code::NO_PRIVILEGE])
            .about("Creates a UDF."),
        get("resources/udf-func/update-ui", ShownUdf("id"), Code::VIEW_UDF, udfs::select).takes(udfs::ONE)
            .refuses(&[Code::NO_SUCH_UDF_TO_SHOW])
            .about("Tells about a UDF."),
        post("resources/udf-func/update", Udf("id"), Code::UPDATE_UDF, udfs::update).takes(udfs::UPDATE)
            .refuses(&[Code::NO_STORAGE, Code::UDF_EXISTS, Code::NO_SUCH_RESOURCE, Code::UDF_NOT_A_JAR, Code::NO_PRIVILEGE, Code::NO_SUCH_UDF])
            .about("Changes a UDF."),
        get("resources/udf-func/list-paging", Login, Code::PAGE_UDFS, udfs::page).takes(PAGE)
            .about("Lists UDFs by pages."),
        get("resources/udf-func/list", Login, Code::LIST_UDFS, udfs::list).takes(udfs::LIST)
            .about("Lists the UDFs of one engine that one may use."),
        get("resources/udf-func/verify-name", Login, Code::VERIFY_UDF, udfs::verify_name).takes(udfs::VERIFY)
            .refuses(&[Code::UDF_EXISTS])
            .about("Checks that no UDF has this name."),
        get("resources/udf-func/delete", Udf("id"), Code::DELETE_UDF, udfs::delete).changing().takes(udfs::ONE)
            .refuses(&[Code::NO_SUCH_UDF])
            .about("Deletes a UDF."),
        get("resources/authed-file", Admin, Code::GRANTED_FILES, resources::granted).created().takes(resources::OF_USER)
            .about("Lists the resources that a user is granted."),
        get("resources/unauth-file", Admin, Code::UNGRANTED_FILES, resources::ungranted).created().takes(resources::OF_USER)
            .about("Lists the resources that a user is not granted."),
        get("resources/unauth-udf-func", Admin, Code::UNGRANTED_UDFS, udfs::ungranted).created().takes(udfs::OF_USER)
            .about("Lists the UDFs that a user is not granted."),
        get("resources/authed-udf-func", Admin, Code::GRANTED_UDFS, udfs::granted).created().takes(udfs::OF_USER)
            .about("Lists the UDFs that a user is granted."),
    ]
}
