//! Functions for Hive and Spark.

use super::resources::stored;
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::form::Form;
use crate::api::language::Words;
use crate::api::param::{Kind::*, Param, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Listed, Udf};
use crate::model::{ResourceId, ResourceType, Time, UdfId, UserId};
use crate::store::{Error, NewUdf};

const ID: Param = need("id", Int, "The id of the function.");
const TYPE: Param = need("type", OneOf(&["HIVE", "SPARK"]), "The engine that the function is for.");
const NAME: Param = need("funcName", Text(100), "The name that statements use.");
const CLASS: Param = need("className", Text(255), "The Java class behind it.");
const ARGUMENTS: Param = may("argTypes", Text(255), "The types of its arguments, for people.");
const DATABASE: Param = may("database", Text(255), "The database that it is for.");
const DESC: Param = may("desc", Text(255), "What it does.");
const JAR: Param = need("resourceId", Int, "The id of the resource that holds the class.");
pub const CREATE: Params = &[TYPE, NAME, CLASS, ARGUMENTS, DATABASE, DESC, JAR];
pub const UPDATE: Params = &[ID, TYPE, NAME, CLASS, ARGUMENTS, DATABASE, DESC, JAR];
pub const ONE: Params = &[ID];
pub const LIST: Params = &[TYPE];
pub const VERIFY: Params = &[need("name", Text(100), "The name to look for.")];
pub const OF_USER: Params = super::resources::OF_USER;

/// `resources/udf-func/create`
pub async fn create(call: Call) -> Outcome {
    let new = described(&call).await?;
    let name = new.name.clone();
    let jar = new.resource;
    match call.store().create_udf(call.user()?, new, Time::now()).await {
        Ok(_) => Reply::done(),
        Err(error) => Err(refused(&name, jar, error)),
    }
}

/// `resources/udf-func/update-ui`
pub async fn select(call: Call) -> Outcome<Udf> {
    let id = UdfId(call.form.int("id")?);
    let udf = call.store().udf(id).await?.ok_or_else(|| Code::NO_SUCH_UDF_TO_SHOW.refuse(&[&id]))?;
    Reply::data(&Udf::from(udf))
}

/// `resources/udf-func/update`
pub async fn update(call: Call) -> Outcome {
    let id = UdfId(call.form.int("id")?);
    let new = described(&call).await?;
    let name = new.name.clone();
    let jar = new.resource;
    match call.store().update_udf(id, new, Time::now()).await {
        Ok(()) => Reply::done(),
        Err(error) => Err(refused(&name, jar, error)),
    }
}

/// `resources/udf-func/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Udf>> {
    let part = call.form.page()?;
    let found = call.store().udf_page(call.account()?, call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, Udf::from))
}

/// `resources/udf-func/list`
pub async fn list(call: Call) -> Outcome<Vec<Udf>> {
    let found = call.store().udfs(call.account()?, call.form.one_of("type")?).await?;
    Reply::data(&found.into_iter().map(Udf::from).collect::<Vec<_>>())
}

/// `resources/udf-func/verify-name`
pub async fn verify_name(call: Call) -> Outcome {
    let name = call.form.name("name", 100)?;
    match call.store().udf_exists(name).await? {
        true => Err(Code::UDF_EXISTS.refuse(&[&name])),
        false => Reply::done(),
    }
}

/// `resources/udf-func/delete`
pub async fn delete(call: Call) -> Outcome {
    let id = UdfId(call.form.int("id")?);
    match call.store().delete_udf(id).await? {
        true => Reply::done(),
        false => Err(Code::NO_SUCH_UDF.refuse(&[&id])),
    }
}

/// `resources/authed-udf-func`
pub async fn granted(call: Call) -> Outcome<Vec<Udf>> {
    let found = call.store().granted_udfs(UserId(call.form.int("userId")?)).await?;
    Reply::data(&found.into_iter().map(Udf::from).collect::<Vec<_>>())
}

/// `resources/unauth-udf-func`
pub async fn ungranted(call: Call) -> Outcome<Vec<Udf>> {
    let found = call.store().ungranted_udfs(UserId(call.form.int("userId")?)).await?;
    Reply::data(&found.into_iter().map(Udf::from).collect::<Vec<_>>())
}

/// What a request says about a function. Its jar must be one that the caller may use.
async fn described(call: &Call) -> Result<NewUdf, Failure> {
    stored(call)?;
    let form = &call.form;
    let kind = form.one_of("type")?;
    let (name, class_name) = (plain(form, "funcName", 100)?, plain(form, "className", 255)?);
    let optional = |name| form.short(name, 255).map(|text| text.map(str::to_owned));
    let (arg_types, database, desc) = (optional("argTypes")?, optional("database")?, optional("desc")?);
    let resource = ResourceId(form.int("resourceId")?);
    let jar = call.store().resource(resource).await?.ok_or_else(|| Code::NO_SUCH_RESOURCE.refuse(&[&resource]))?;
    let account = call.account()?;
    if !call.store().may_use_resource(account, &jar).await? {
        return Err(Code::NO_PRIVILEGE.refuse(&[&account.name]));
    }
    if jar.kind != ResourceType::Udf {
        return Err(Code::UDF_NOT_A_JAR.refuse(&[]));
    }
    Ok(NewUdf { name, class_name, kind, arg_types, database, desc, resource })
}

/// Both stand in the statements that make the function known, so they can hold nothing that ends a word or a quote.
fn plain(form: &Form, name: &str, longest: usize) -> Result<String, Failure> {
    let text = form.name(name, longest)?.trim();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    match text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => {
            let why = Words::new(
                "it holds more than letters, digits, `_`, `.` and `$`",
                "只能包含字母、数字、`_`、`.` 和 `$`",
            );
            Err(Failure::invalid(name, why))
        }
    }
}

fn refused(name: &str, jar: ResourceId, error: Error) -> Failure {
    match error {
        Error::Conflict(_) => Code::UDF_EXISTS.refuse(&[&name]),
        Error::Missing(_) => Code::NO_SUCH_RESOURCE.refuse(&[&jar]),
        error => error.into(),
    }
}
