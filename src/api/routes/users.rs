//! Users.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Listed, User};
use crate::model::{Time, UserId, UserType};
use crate::store::{Error, Kept, NewUser, UserDraft, UserRefusal};

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
pub async fn page(call: Call) -> Outcome<Listed<User>> {
    let part = call.form.page()?;
    let found = call.store().users(call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, User::listed))
}

/// `users/get-user-info`
pub async fn info(call: Call) -> Outcome<User> {
    let (user, groups) = call.store().user(call.user()?).await?.ok_or(Failure::Unauthorized)?;
    Reply::data(&User::own(user, &groups))
}

pub const UPDATE: Params = &[
    need("id", Int, "The id of the user."),
    need("userName", Text(64), "The name to log in with; empty keeps the old one."),
    need("userPassword", Secret(1024), "The password, in the clear; empty keeps the old one."),
    need("email", Text(64), "The mail address; empty keeps the old one."),
    need("tenantId", Int, "The id of the tenant that the user's tasks run as; only administrators change it."),
    may("phone", Text(11), "The telephone number."),
    may("queue", Text(64), "The queue of the user; empty means that of the tenant."),
];

/// `users/update`: everybody the own account, administrators all.
pub async fn update(call: Call) -> Outcome {
    let id = UserId(call.form.int("id")?);
    let account = call.account()?;
    let is_admin = account.kind == UserType::Admin;
    if !is_admin && account.id != id {
        return Err(Code::NO_PRIVILEGE.refuse(&[&account.name]));
    }
    let draft = draft(&call, is_admin).await?;
    let (name, tenant) = (draft.name.clone().unwrap_or_default(), draft.tenant_id);
    match call.store().update_user(id, draft).await {
        Ok(Ok(())) => {
            call.shared.sessions.forget(id);
            Reply::done()
        }
        Ok(Err(UserRefusal::Missing)) => Err(Code::NO_SUCH_USER.refuse(&[&id])),
        Ok(Err(UserRefusal::NoTenant)) => Err(Code::NO_SUCH_TENANT.refuse(&[&tenant])),
        Ok(Err(UserRefusal::TenantFixed)) => Err(Code::NO_PRIVILEGE.refuse(&[&account.name])),
        Ok(Err(UserRefusal::NameTaken)) | Err(Error::Conflict(_)) => Err(Code::USER_EXISTS.refuse(&[&name])),
        Err(error) => Err(error.into()),
    }
}

async fn draft(call: &Call, may_move: bool) -> Result<UserDraft, Failure> {
    let form = &call.form;
    let kept_if_blank = |name: &str, longest| match form.text(name)?.trim().is_empty() {
        true => Ok(None),
        false => form.name(name, longest).map(|text| Some(text.to_owned())),
    };
    let password = match kept_if_blank("userPassword", 1024)? {
        None => None,
        Some(password) => {
            let hash = call.shared.passwords.hash(&password).await;
            Some(hash.map_err(|error| Failure::Generic(error.to_string()))?)
        }
    };
    Ok(UserDraft {
        name: kept_if_blank("userName", 64)?,
        password,
        email: kept_if_blank("email", 64)?,
        phone: form.short("phone", 11)?.map(str::to_owned),
        tenant_id: form.int("tenantId")?,
        queue: form.short("queue", 64)?.map(str::to_owned),
        at: Time::now(),
        session: call.client.session.clone(),
        may_move,
    })
}

pub const DELETE: Params = &[need("id", Int, "The id of the user.")];

/// `users/delete`
pub async fn delete(call: Call) -> Outcome {
    let id = UserId(call.form.int("id")?);
    // So that an administrator is left.
    if call.user()? == id {
        return Err(Code::OWN_ACCOUNT.because(&[]));
    }
    match call.store().delete_user(id).await? {
        Ok(()) => {
            call.shared.sessions.forget(id);
            Reply::done()
        }
        Err(Kept::Used(using)) => Err(Code::STILL_USED.because(&[&using])),
        Err(Kept::Missing | Kept::BuiltIn | Kept::Files | Kept::Archives) => Err(Code::NO_SUCH_USER.because(&[&id])),
    }
}

/// `users/list`
pub async fn list(call: Call) -> Outcome<Vec<User>> {
    listed(call.store().all_users(Some(UserType::General)).await?)
}

/// `users/list-all`
pub async fn list_all(call: Call) -> Outcome<Vec<User>> {
    listed(call.store().all_users(None).await?)
}

pub const VERIFY: Params = &[need("userName", Text(64), "The name that a user is to have.")];

/// `users/verify-user-name`
pub async fn verify(call: Call) -> Outcome {
    let name = call.form.text("userName")?;
    match call.store().has_user(name).await? {
        true => Err(Code::USER_EXISTS.refuse(&[&name])),
        false => Reply::done(),
    }
}

pub const GROUP: Params = &[need("alertgroupId", Int, "The id of the alert group.")];

/// `users/unauth-user`
pub async fn outside(call: Call) -> Outcome<Vec<User>> {
    listed(call.store().members(call.form.int("alertgroupId")?, false).await?)
}

/// `users/authed-user`
pub async fn inside(call: Call) -> Outcome<Vec<User>> {
    listed(call.store().members(call.form.int("alertgroupId")?, true).await?)
}

fn listed(users: Vec<crate::store::User>) -> Outcome<Vec<User>> {
    Reply::data(&users.into_iter().map(User::listed).collect::<Vec<_>>())
}
