//! Logins, users, tenants, queues, alert groups and access tokens.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{Admin, Login, Open};
use crate::api::routes::{login, queues, tenants, users};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        post("login", Open, Code::LOGIN, login::login).takes(login::LOGIN),
        post("signOut", Login, Code::SIGN_OUT, login::sign_out),

        post("users/create", Admin, Code::CREATE_USER, users::create).created().takes(users::CREATE),
        get("users/list-paging", Admin, Code::PAGE_USERS, users::page).takes(PAGE),
        get("users/get-user-info", Login, Code::USER_INFO, users::info),

        post("tenant/create", Admin, Code::CREATE_TENANT, tenants::create).created().takes(tenants::CREATE),
        get("tenant/list-paging", Admin, Code::PAGE_TENANTS, tenants::page).takes(PAGE),
        get("tenant/list", Login, Code::LIST_TENANTS, tenants::list),

        get("queue/list", Admin, Code::LIST_QUEUES, queues::list),
        get("queue/list-paging", Admin, Code::LIST_QUEUES, queues::page).takes(PAGE),
        post("queue/create", Admin, Code::CREATE_QUEUE, queues::create).created().takes(queues::CREATE),
    ]
}
