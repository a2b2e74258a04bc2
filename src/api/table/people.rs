//! Logins, users, tenants, queues, alert groups and access tokens.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{Admin, AdminElse, Login, Open};
use crate::api::routes::{access_tokens, alert_groups, audit, grants, login, queues, tenants, users};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        post("login", Open, Code::LOGIN, login::login).takes(login::LOGIN)
            .refuses(&[Code::USER_NAME_EMPTY, Code::WRONG_PASSWORD, Code::NO_SESSION])
            .about("Logs in; the cookie of the answer is the session."),
        post("signOut", Login, Code::SIGN_OUT, login::sign_out)
            .about("Ends the session."),

        post("users/create", Admin, Code::CREATE_USER, users::create).created().takes(users::CREATE)
            .refuses(&[Code::NO_SUCH_TENANT, Code::USER_EXISTS])
            .about("Creates a general user."),
        get("users/list-paging", Admin, Code::PAGE_USERS, users::page).takes(PAGE)
            .about("Lists users by pages."),
        post("users/update", Login, Code::UPDATE_USER, users::update).takes(users::UPDATE)
            .refuses(&[Code::NO_PRIVILEGE, Code::NO_SUCH_USER, Code::NO_SUCH_TENANT, Code::USER_EXISTS])
            .about("Changes an account: everybody the own one, administrators all."),
        post("users/delete", AdminElse(Code::NO_SUCH_USER), Code::DELETE_USER, users::delete).takes(users::DELETE)
            .because(&[Code::OWN_ACCOUNT, Code::STILL_USED, Code::NO_SUCH_USER])
            .about("Deletes a user."),
        post("users/grant-project", Admin, Code::GRANT_PROJECTS, grants::projects).takes(grants::PROJECTS)
            .refuses(&[Code::NO_SUCH_USER])
            .about("Replaces the projects that a user is granted."),
        post("users/grant-file", Admin, Code::GRANT_FILES, grants::files).takes(grants::FILES)
            .refuses(&[Code::NO_SUCH_USER])
            .about("Replaces the resources that a user is granted."),
        post("users/grant-udf-func", Admin, Code::GRANT_UDFS, grants::udfs).takes(grants::UDFS)
            .refuses(&[Code::NO_SUCH_USER])
            .about("Replaces the UDFs that a user is granted."),
        post("users/grant-datasource", Admin, Code::GRANT_DATA_SOURCES, grants::data_sources).takes(grants::DATA_SOURCES)
            .refuses(&[Code::NO_SUCH_USER])
            .about("Replaces the data sources that a user is granted."),
        get("users/get-user-info", Login, Code::USER_INFO, users::info)
            .about("Tells who is logged in."),
        get("users/list", Admin, Code::LIST_USERS, users::list)
            .about("Lists all general users."),
        get("users/list-all", Admin, Code::LIST_USERS, users::list_all)
            .about("Lists all users, administrators included."),
        get("users/verify-user-name", Login, Code::VERIFY_USER, users::verify).takes(users::VERIFY)
            .refuses(&[Code::USER_EXISTS])
            .about("Checks that no user has this name."),
        get("users/unauth-user", Admin, Code::USERS_OUTSIDE_GROUP, users::outside).takes(users::GROUP)
            .about("Lists the users who are not in an alert group."),
        get("users/authed-user", Admin, Code::USERS_OF_GROUP, users::inside).takes(users::GROUP)
            .about("Lists the users who are in an alert group."),

        post("tenant/create", Admin, Code::CREATE_TENANT, tenants::create).created().takes(tenants::CREATE)
            .refuses(&[Code::TENANT_CODE, Code::NO_SUCH_QUEUE])
            .about("Creates a tenant."),
        get("tenant/list-paging", Admin, Code::PAGE_TENANTS, tenants::page).takes(PAGE)
            .about("Lists tenants by pages."),
        get("tenant/list", Login, Code::LIST_TENANTS, tenants::list)
            .about("Lists all tenants."),
        post("tenant/update", Admin, Code::UPDATE_TENANT, tenants::update).takes(tenants::UPDATE)
            .refuses(&[Code::TENANT_CODE, Code::TENANT_CODE_USED, Code::NO_SUCH_QUEUE, Code::TENANT_AS_USER, Code::NO_SUCH_TENANT])
            .about("Changes a tenant."),
        post("tenant/delete", Admin, Code::DELETE_TENANT, tenants::delete).takes(tenants::DELETE)
            .refuses(&[Code::TENANT_HAS_FILES, Code::TENANT_HAS_UDFS, Code::NO_SUCH_TENANT]).because(&[Code::STILL_USED])
            .about("Deletes a tenant that nothing needs."),
        get("tenant/verify-tenant-code", Login, Code::VERIFY_TENANT, tenants::verify).takes(tenants::VERIFY)
            .refuses(&[Code::TENANT_CODE_EXISTS])
            .about("Checks that no tenant has this code."),

        get("queue/list", Admin, Code::LIST_QUEUES, queues::list)
            .about("Lists all queues."),
        get("queue/list-paging", Admin, Code::LIST_QUEUES, queues::page).takes(PAGE)
            .about("Lists queues by pages."),
        post("queue/create", Admin, Code::CREATE_QUEUE, queues::create).created().takes(queues::CREATE)
            .refuses(&[Code::QUEUE_NAME_EXISTS, Code::QUEUE_VALUE_EXISTS])
            .about("Creates a queue."),
        post("queue/update", Admin, Code::UPDATE_QUEUE, queues::update).created().takes(queues::UPDATE)
            .refuses(&[Code::NO_SUCH_QUEUE, Code::QUEUE_UNCHANGED, Code::QUEUE_NAME_EXISTS, Code::QUEUE_VALUE_EXISTS])
            .about("Changes a queue."),
        post("queue/verify-queue", Login, Code::VERIFY_QUEUE, queues::verify).reading().takes(queues::CREATE)
            .refuses(&[Code::QUEUE_NAME_EXISTS, Code::QUEUE_VALUE_EXISTS])
            .about("Checks that no queue has this name or value."),

        post("alert-group/create", Admin, Code::CREATE_ALERT_GROUP, alert_groups::create).created().takes(alert_groups::CREATE)
            .refuses(&[Code::ALERT_GROUP_EXISTS])
            .about("Creates an alert group."),
        get("alert-group/list", Login, Code::LIST_ALERT_GROUPS, alert_groups::list)
            .about("Lists all alert groups."),
        get("alert-group/list-paging", Login, Code::PAGE_ALERT_GROUPS, alert_groups::page).takes(PAGE)
            .about("Lists alert groups by pages."),
        post("alert-group/update", Admin, Code::UPDATE_ALERT_GROUP, alert_groups::update).takes(alert_groups::UPDATE)
            .refuses(&[Code::NO_SUCH_ALERT_GROUP, Code::ALERT_GROUP_EXISTS])
            .about("Changes an alert group."),
        post("alert-group/delete", Admin, Code::DELETE_ALERT_GROUP, alert_groups::delete).takes(alert_groups::DELETE)
            .because(&[Code::STILL_USED, Code::SERVERS_GROUP, Code::NO_SUCH_ALERT_GROUP])
            .about("Deletes an alert group that nothing needs."),
        get("alert-group/verify-group-name", Login, Code::VERIFY_ALERT_GROUP, alert_groups::verify).takes(alert_groups::VERIFY)
            .refuses(&[Code::ALERT_GROUP_EXISTS])
            .about("Checks that no alert group has this name."),
        post("alert-group/grant-user", Admin, Code::GRANT_ALERT_GROUP, alert_groups::grant).takes(alert_groups::GRANT)
            .refuses(&[Code::NO_SUCH_ALERT_GROUP, Code::NO_SUCH_USER])
            .about("Replaces the members of an alert group."),

        post("access-token/create", Login, Code::SAVE_TOKEN, access_tokens::create).created().takes(access_tokens::CREATE)
            .refuses(&[Code::NO_PRIVILEGE, Code::NO_SUCH_USER])
            .about("Keeps an access token; only its hash is stored."),
        post("access-token/generate", Login, Code::GENERATE_TOKEN, access_tokens::generate).created().reading().takes(access_tokens::GENERATE)
            .about("Draws a token that nobody can guess; nothing is kept."),
        get("access-token/list-paging", Login, Code::PAGE_TOKENS, access_tokens::page).takes(PAGE)
            .about("Lists access tokens by pages: one's own, administrators all."),
        post("access-token/delete", Login, Code::DELETE_TOKEN, access_tokens::delete).takes(access_tokens::DELETE)
            .refuses(&[Code::NO_PRIVILEGE, Code::NO_SUCH_USER]).because(&[Code::NO_SUCH_TOKEN])
            .about("Deletes an access token."),
        post("access-token/update", Login, Code::SAVE_TOKEN, access_tokens::update).created().takes(access_tokens::UPDATE)
            .refuses(&[Code::NO_PRIVILEGE, Code::NO_SUCH_USER]).because(&[Code::NO_SUCH_TOKEN])
            .about("Changes an access token."),

        // Beyond the original.
        get("audit/list-paging", Admin, Code::LIST_CHANGES, audit::page).takes(audit::PAGE)
            .beyond()
            .about("Lists by pages who has changed what, when, and from where."),
    ]
}
