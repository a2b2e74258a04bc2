//! Users.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Listed, User};
use crate::model::Time;
use crate::store::{Error, NewUser};

pub const CREATE: Params = &[
    need("userName", Text(64), "The name to log in with."),
    need("userPassword", Secret(1024), "The password, in the clear."),
    need("tenantId", Int, "The id of the tenant that the user's tasks run as."),
    need("email", Text(64), "The mail address."),
    may("phone", Text(11), "The telephone number."),
    may("queue", Text(64), "The queue of the user; empty means that of the tenant."),
];

/// `users/create`
pub async fn create(call: Call) -> Outcome {
    let form = &call.form;
    let name = form.name("userName", 64)?.to_owned();
    let password = form.name("userPassword", 1024)?;
    let tenant_id = form.int("tenantId")?;
    let email = form.name("email", 64)?.to_owned();
    let phone = form.short("phone", 11)?.map(str::to_owned);
    let queue = form.short("queue", 64)?.filter(|queue| !queue.is_empty()).map(str::to_owned);
    let password = call.shared.passwords.hash(password).await;
    let password = password.map_err(|error| Failure::Generic(error.to_string()))?;
    let new = NewUser { name: name.clone(), password, email, phone, tenant_id, queue, at: Time::now() };
    match call.store().create_user(new).await {
        Ok(_) => Reply::done(),
        Err(Error::Missing(_)) => Err(Code::NO_SUCH_TENANT.refuse(&[&tenant_id])),
        Err(Error::Conflict(_)) => Err(Code::USER_EXISTS.refuse(&[&name])),
        Err(error) => Err(error.into()),
    }
}

/// `users/list-paging`
pub async fn page(call: Call) -> Outcome {
    let part = call.form.page()?;
    let found = call.store().users(call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, User::listed))
}

/// `users/get-user-info`
pub async fn info(call: Call) -> Outcome {
    let (user, groups) = call.store().user(call.user()?).await?.ok_or(Failure::Unauthorized)?;
    Reply::data(&User::own(user, &groups))
}
