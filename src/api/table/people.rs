//! Logins, users, tenants, queues, alert groups and access tokens.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{Admin, AdminElse, Login, Open};
use crate::api::routes::{access_tokens, alert_groups, audit, grants, login, queues, tenants, users};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        post("login", Open, Code::LOGIN, login::login).takes(login::LOGIN),
        post("signOut", Login, Code::SIGN_OUT, login::sign_out),

        post("users/create", Admin, Code::CREATE_USER, users::create).created().takes(users::CREATE),
        get("users/list-paging", Admin, Code::PAGE_USERS, users::page).takes(PAGE),
        post("users/update", Login, Code::UPDATE_USER, users::update).takes(users::UPDATE),
        post("users/delete", AdminElse(Code::NO_SUCH_USER), Code::DELETE_USER, users::delete).takes(users::DELETE),
        post("users/grant-project", Admin, Code::GRANT_PROJECTS, grants::projects).takes(grants::PROJECTS),
        post("users/grant-file", Admin, Code::GRANT_FILES, grants::files).takes(grants::FILES),
        post("users/grant-udf-func", Admin, Code::GRANT_UDFS, grants::udfs).takes(grants::UDFS),
        post("users/grant-datasource", Admin, Code::GRANT_DATA_SOURCES, grants::data_sources).takes(grants::DATA_SOURCES),
        get("users/get-user-info", Login, Code::USER_INFO, users::info),
        get("users/list", Admin, Code::LIST_USERS, users::list),
        get("users/list-all", Admin, Code::LIST_USERS, users::list_all),
        get("users/verify-user-name", Login, Code::VERIFY_USER, users::verify).takes(users::VERIFY),
        get("users/unauth-user", Admin, Code::USERS_OUTSIDE_GROUP, users::outside).takes(users::GROUP),
        get("users/authed-user", Admin, Code::USERS_OF_GROUP, users::inside).takes(users::GROUP),

        post("tenant/create", Admin, Code::CREATE_TENANT, tenants::create).created().takes(tenants::CREATE),
        get("tenant/list-paging", Admin, Code::PAGE_TENANTS, tenants::page).takes(PAGE),
        get("tenant/list", Login, Code::LIST_TENANTS, tenants::list),
        post("tenant/update", Admin, Code::UPDATE_TENANT, tenants::update).takes(tenants::UPDATE),
        post("tenant/delete", Admin, Code::DELETE_TENANT, tenants::delete).takes(tenants::DELETE),
        get("tenant/verify-tenant-code", Login, Code::VERIFY_TENANT, tenants::verify).takes(tenants::VERIFY),

        get("queue/list", Admin, Code::LIST_QUEUES, queues::list),
        get("queue/list-paging", Admin, Code::LIST_QUEUES, queues::page).takes(PAGE),
        post("queue/create", Admin, Code::CREATE_QUEUE, queues::create).created().takes(queues::CREATE),
        post("queue/update", Admin, Code::UPDATE_QUEUE, queues::update).created().takes(queues::UPDATE),
        post("queue/verify-queue", Login, Code::VERIFY_QUEUE, queues::verify).reading().takes(queues::CREATE),

        post("alert-group/create", Admin, Code::CREATE_ALERT_GROUP, alert_groups::create).created().takes(alert_groups::CREATE),
        get("alert-group/list", Login, Code::LIST_ALERT_GROUPS, alert_groups::list),
        get("alert-group/list-paging", Login, Code::PAGE_ALERT_GROUPS, alert_groups::page).takes(PAGE),
        post("alert-group/update", Admin, Code::UPDATE_ALERT_GROUP, alert_groups::update).takes(alert_groups::UPDATE),
        post("alert-group/delete", Admin, Code::DELETE_ALERT_GROUP, alert_groups::delete).takes(alert_groups::DELETE),
        get("alert-group/verify-group-name", Login, Code::VERIFY_ALERT_GROUP, alert_groups::verify).takes(alert_groups::VERIFY),
        post("alert-group/grant-user", Admin, Code::GRANT_ALERT_GROUP, alert_groups::grant).takes(alert_groups::GRANT),

        post("access-token/create", Login, Code::SAVE_TOKEN, access_tokens::create).created().takes(access_tokens::CREATE),
        post("access-token/generate", Login, Code::GENERATE_TOKEN, access_tokens::generate).created().reading().takes(access_tokens::GENERATE),
        get("access-token/list-paging", Login, Code::PAGE_TOKENS, access_tokens::page).takes(PAGE),
        post("access-token/delete", Login, Code::DELETE_TOKEN, access_tokens::delete).takes(access_tokens::DELETE),
        post("access-token/update", Login, Code::SAVE_TOKEN, access_tokens::update).created().takes(access_tokens::UPDATE),

        // Beyond the original.
        get("audit/list-paging", Admin, Code::LIST_CHANGES, audit::page).takes(audit::PAGE),
    ]
}
