//! Tenants.

use crate::api::Compat;
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Listed, Tenant};
use crate::model::Time;
use crate::store::{Error, Kept, NewTenant, TenantDraft, TenantRefusal};

pub const CREATE: Params = &[
    need("tenantCode", Text(64), "The account of the operating system that tasks run as."),
    need("tenantName", Text(64), "The name that people see."),
    need("queueId", Int, "The id of the queue of the tenant's tasks."),
    may("desc", Text(256), "What the tenant is for."),
];

/// `tenant/create`
pub async fn create(call: Call) -> Outcome {
    let form = &call.form;
    let code = form.name("tenantCode", 64)?.to_owned();
    let name = form.name("tenantName", 64)?.to_owned();
    let queue_id = form.int("queueId")?;
    let desc = form.short("desc", 256)?.map(str::to_owned);
    if !is_account_name(&code) {
        return Err(Code::TENANT_CODE.refuse(&[&code]));
    }
    let new = NewTenant { code: code.clone(), name, desc, queue_id, at: Time::now() };
    match call.store().create_tenant(new).await {
        Ok(_) => Reply::done(),
        Err(Error::Missing(_)) => Err(Code::NO_SUCH_QUEUE.refuse(&[&queue_id])),
        Err(Error::Conflict(_)) => Err(Failure::invalid("tenantCode", format!("{code} exists already"))),
        Err(error) => Err(error.into()),
    }
}

/// A tenant is an account of the operating system, and part of paths and command lines.
fn is_account_name(code: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    code.chars().all(fits) && !code.starts_with(['-', '.'])
}

/// `tenant/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Tenant>> {
    let part = call.form.page()?;
    let found = call.store().tenants(call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, Tenant::from))
}

/// `tenant/list`
pub async fn list(call: Call) -> Outcome<Vec<Tenant>> {
    let tenants: Vec<Tenant> = call.store().all_tenants().await?.into_iter().map(Tenant::from).collect();
    Reply::data(&tenants)
}

pub const UPDATE: Params = &[
    need("id", Int, "The id of the tenant."),
    need("tenantCode", Text(64), "The account of the operating system that tasks run as."),
    need("tenantName", Text(64), "The name that people see."),
    need("queueId", Int, "The id of the queue of the tenant's tasks; 0 keeps the old one."),
    may("desc", Text(256), "What the tenant is for."),
];

/// `tenant/update`
pub async fn update(call: Call) -> Outcome {
    let form = &call.form;
    let id = form.int("id")?;
    let code = form.name("tenantCode", 64)?.to_owned();
    let name = form.name("tenantName", 64)?.to_owned();
    let queue_id = Some(form.int("queueId")?).filter(|id| *id != 0);
    let desc = form.short("desc", 256)?.map(str::to_owned);
    if !is_account_name(&code) {
        return Err(Code::TENANT_CODE.refuse(&[&code]));
    }
    let draft = TenantDraft { code: code.clone(), name, desc, queue_id, at: Time::now() };
    match call.store().update_tenant(id, draft).await? {
        Ok(()) => Reply::done(),
        Err(TenantRefusal::CodeTaken) => Err(Code::TENANT_CODE_USED.refuse(&[&code])),
        Err(TenantRefusal::NoQueue) => Err(Code::NO_SUCH_QUEUE.refuse(&[&queue_id.unwrap_or_default()])),
        Err(TenantRefusal::Missing) => Err(match call.compat() {
            // The original takes the tenant for a user.
            Compat::V1_0 => Failure::Refused(Code::TENANT_AS_USER, vec![id.to_string()]),
            Compat::V1_1 => Code::NO_SUCH_TENANT.refuse(&[&id]),
        }),
    }
}

pub const DELETE: Params = &[need("id", Int, "The id of the tenant.")];

/// `tenant/delete`
pub async fn delete(call: Call) -> Outcome {
    let id = call.form.int("id")?;
    match call.store().delete_tenant(id).await? {
        Ok(()) => Reply::done(),
        Err(Kept::Files) => Err(Code::TENANT_HAS_FILES.refuse(&[&id])),
        Err(Kept::Archives) => Err(Code::TENANT_HAS_UDFS.refuse(&[&id])),
        Err(Kept::Used(using)) => Err(Code::STILL_USED.because(&[&using])),
        Err(Kept::Missing | Kept::BuiltIn) => Err(Code::NO_SUCH_TENANT.refuse(&[&id])),
    }
}

pub const VERIFY: Params = &[need("tenantCode", Text(64), "The code that a tenant is to have.")];

/// `tenant/verify-tenant-code`
pub async fn verify(call: Call) -> Outcome {
    let code = call.form.text("tenantCode")?;
    match call.store().has_tenant(code).await? {
        true => Err(Code::TENANT_CODE_EXISTS.refuse(&[&code])),
        false => Reply::done(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_account_name;

    #[test]
    fn a_tenant_code_cannot_leave_a_path_or_look_like_an_option() {
        assert!(["etl", "a-b_c.9"].iter().all(|code| is_account_name(code)));
        assert!(["-x", "..", "a/b", "a b", "a;b", "数"].iter().all(|code| !is_account_name(code)));
    }
}
