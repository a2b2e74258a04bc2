//! Resources: the list of uploaded files. What is in them is in [`super::resource_files`].

use crate::api::Compat;
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::language::Words;
use crate::api::param::{Kind::*, PAGE_NO, PAGE_SIZE, Param, Params, SEARCH, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{GrantedResource, Listed, Resource};
use crate::model::{ResourceId, ResourceType, Time, UserId};
use crate::resources::{self, Error, New};
use crate::store::{self, Unchangeable};

pub(super) const TYPE: Param = need("type", OneOf(&["FILE", "UDF"]), "What the file is for.");
pub(super) const DESC: Param = may("desc", Text(256), "What the resource is good for.");
/// Files may have shorter names; which ones is told where one does not fit.
const NAME: Param = need("name", Text(255), "The name that tasks use.");

pub const CREATE: Params = &[need("file", File, "The file."), TYPE, NAME, DESC];
pub const UPDATE: Params = &[need("id", Int, "The id of the resource."), TYPE, NAME, DESC];
pub const LIST: Params = &[TYPE];
pub const PAGE: Params = &[TYPE, PAGE_NO, PAGE_SIZE, SEARCH];
pub const ONE: Params = &[need("id", Int, "The id of the resource.")];
pub const VERIFY: Params = &[NAME, TYPE];
pub const OF_USER: Params = &[need("userId", Int, "The id of the user.")];

/// `resources/create`
pub async fn create(mut call: Call) -> Outcome<Resource> {
    let kind: ResourceType = call.form.one_of("type")?;
    let alias = name(&call, "name")?.to_owned();
    let desc = call.form.short("desc", 256)?.map(str::to_owned);
    stored(&call)?;
    let missing = || Failure::parameter("file", Words::new("it is missing", "缺少该参数"));
    let upload = call.upload.take().ok_or_else(missing)?;
    if upload.file.size() == 0 {
        return Err(Code::RESOURCE_EMPTY.refuse(&[]));
    }
    let suffix = resources::suffix(&upload.name);
    if !suffix.eq_ignore_ascii_case(resources::suffix(&alias)) {
        return Err(Code::SUFFIX_CHANGED.refuse(&[&suffix]));
    }
    fits_kind(kind, &alias)?;
    let file_name = upload.name.chars().take(64).collect();
    let new = New { kind, alias: alias.clone(), file_name, desc, owner: call.user()? };
    let made = call.resources().create(new, upload.file).await.map_err(|why| refused(&alias, why))?;
    Reply::data(&Resource::from(made))
}

/// `resources/update`: another name, another description.
pub async fn update(call: Call) -> Outcome<Option<Resource>> {
    let kind: ResourceType = call.form.one_of("type")?;
    let alias = name(&call, "name")?.to_owned();
    let desc = call.form.short("desc", 256)?.map(str::to_owned);
    stored(&call)?;
    let resource = resource(&call).await?;
    if kind != resource.kind {
        let why = Words::new("a resource keeps its type", "资源类型不能更改");
        return Err(Failure::invalid("type", why));
    }
    let desc = desc.filter(|desc| resource.desc.as_deref().unwrap_or_default() != desc);
    let updated = match (alias == resource.alias, desc) {
        (true, None) => return Reply::data(&None),
        (true, Some(desc)) => call.store().describe_resource(resource.id, desc, Time::now()).await?,
        (false, desc) => {
            fits_kind(kind, &alias)?;
            let renamed = call.resources().rename(resource, alias.clone(), desc).await;
            renamed.map_err(|why| refused(&alias, why))?
        }
    };
    Reply::data(&Some(Resource::from(updated)))
}

/// `resources/list`
pub async fn list(call: Call) -> Outcome<Vec<Resource>> {
    let kind = call.form.one_of("type")?;
    let everything = call.compat() == Compat::V1_1;
    let found = call.store().resources(call.account()?, kind, everything).await?;
    Reply::data(&found.into_iter().map(Resource::from).collect::<Vec<_>>())
}

/// `resources/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Resource>> {
    let (kind, part) = (call.form.one_of("type")?, call.form.page()?);
    let found = call.store().resource_page(call.account()?, kind, call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, Resource::from))
}

/// `resources/delete`
pub async fn delete(call: Call) -> Outcome {
    stored(&call)?;
    let resource = resource(&call).await?;
    let name = resource.alias.clone();
    call.resources().remove(resource).await.map_err(|why| refused(&name, why))?;
    Reply::done()
}

/// `resources/verify-name`
pub async fn verify_name(call: Call) -> Outcome {
    let kind = call.form.one_of("type")?;
    let name = name(&call, "name")?;
    match call.store().resource_name_is_taken(kind, name).await? {
        true => Err(Code::RESOURCE_EXISTS.refuse(&[&name])),
        false => Reply::done(),
    }
}

/// `resources/authed-file`
pub async fn granted(call: Call) -> Outcome<Vec<GrantedResource>> {
    let found = call.store().granted_resources(UserId(call.form.int("userId")?)).await?;
    Reply::data(&found.into_iter().map(GrantedResource::from).collect::<Vec<_>>())
}

/// `resources/unauth-file`
pub async fn ungranted(call: Call) -> Outcome<Vec<GrantedResource>> {
    let found = call.store().ungranted_resources(UserId(call.form.int("userId")?)).await?;
    Reply::data(&found.into_iter().map(GrantedResource::from).collect::<Vec<_>>())
}

/// The resource that the request names; whether the caller may was checked before.
pub(super) async fn resource(call: &Call) -> Result<store::Resource, Failure> {
    let id = ResourceId(call.form.int("id")?);
    call.store().resource(id).await?.ok_or_else(|| Code::NO_SUCH_RESOURCE.refuse(&[&id]))
}

pub(super) fn stored(call: &Call) -> Result<(), Failure> {
    if call.resources().are_kept() { Ok(()) } else { Err(Code::NO_STORAGE.refuse(&[])) }
}

/// A parameter that is to be the name of a file.
fn name<'a>(call: &'a Call, parameter: &str) -> Result<&'a str, Failure> {
    let name = call.form.name(parameter, 255)?;
    resources::fits(name).map_err(|why| Failure::invalid(parameter, why))?;
    Ok(name)
}

/// Hive and Spark load functions from jars only.
pub(super) fn fits_kind(kind: ResourceType, name: &str) -> Result<(), Failure> {
    let is_jar = resources::suffix(name).eq_ignore_ascii_case("jar");
    if kind == ResourceType::Udf && !is_jar { Err(Code::UDF_NOT_A_JAR.refuse(&[])) } else { Ok(()) }
}

/// What the caller is told about a file that could not be changed or read.
pub(super) fn refused(name: &str, why: Error) -> Failure {
    match why {
        Error::Off => Code::NO_STORAGE.refuse(&[]),
        Error::TooLarge(most) => Code::RESOURCE_TOO_LARGE.refuse(&[&most]),
        Error::NoFile(path) => Code::FILE_MISSING.refuse(&[&path]),
        Error::Unchangeable(Unchangeable::NameTaken) => Code::RESOURCE_EXISTS.refuse(&[&name]),
        Error::Unchangeable(Unchangeable::Gone) => Code::NO_SUCH_RESOURCE.refuse(&[&name]),
        Error::Unchangeable(Unchangeable::Busy) => Code::RESOURCE_BUSY.refuse(&[&name]),
        Error::Unchangeable(Unchangeable::UsedBy(udfs)) => Code::RESOURCE_IN_USE.refuse(&[&udfs.join(", ")]),
        Error::Store(error) => error.into(),
        Error::Storage(why) => Failure::Generic(format!("the storage of resources cannot be used: {why}")),
        Error::Unknown(_) | Error::Forbidden(_) => Failure::because(why.to_string()),
    }
}
