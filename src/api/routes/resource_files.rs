//! What is in a resource: viewed, edited, downloaded, written on line.

use super::resources::{DESC, TYPE, fits_kind, refused, resource, stored};
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, Param, Params, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Content, File};
use crate::resources::{self, New};
use futures::StreamExt;

const ID: Param = need("id", Int, "The id of the resource.");
const CONTENT: Param = need("content", AnyText, "The content of the file.");
pub const VIEW: Params = &[
    ID,
    need("skipLineNum", Int, "How many lines to leave out at the start."),
    need("limit", Int, "How many lines to show at most."),
];
pub const CREATE: Params = &[
    TYPE,
    need("fileName", Text(255), "The name of the file without its suffix."),
    need("suffix", Text(255), "What follows the dot in the name of the file."),
    DESC,
    CONTENT,
];
pub const UPDATE: Params = &[ID, CONTENT];
pub const DOWNLOAD: Params = &[ID];

/// `resources/view`
pub async fn view(call: Call) -> Outcome<Content> {
    let skip = u64::try_from(call.form.int("skipLineNum")?).unwrap_or_default();
    let limit = u64::try_from(call.form.int("limit")?).unwrap_or_default();
    stored(&call)?;
    let resource = resource(&call).await?;
    viewable(&call, &resource.alias)?;
    let content = call.resources().lines(&resource, skip, limit).await;
    let content = content.map_err(|why| refused(&resource.alias, why))?;
    Reply::data(&Content { alias: resource.alias, content })
}

/// `resources/online-create`
pub async fn create(call: Call) -> Outcome {
    let form = &call.form;
    let kind = form.one_of("type")?;
    let alias = format!("{}.{}", form.name("fileName", 255)?, form.name("suffix", 255)?);
    let desc = form.short("desc", 256)?.map(str::to_owned);
    let content = filled(&call)?;
    stored(&call)?;
    resources::fits(&alias).map_err(|why| Failure::invalid("fileName", why))?;
    viewable(&call, &alias)?;
    fits_kind(kind, &alias)?;
    let new = New { kind, alias: alias.clone(), file_name: alias.clone(), desc, owner: call.user()? };
    let file = call.resources().staging().text(content).await.map_err(|why| refused(&alias, why))?;
    call.resources().create(new, file).await.map_err(|why| refused(&alias, why))?;
    Reply::done()
}

/// `resources/update-content`
pub async fn update(call: Call) -> Outcome {
    let content = filled(&call)?;
    stored(&call)?;
    let resource = resource(&call).await?;
    let alias = resource.alias.clone();
    viewable(&call, &alias)?;
    let file = call.resources().staging().text(content).await.map_err(|why| refused(&alias, why))?;
    call.resources().replace(resource, file).await.map_err(|why| refused(&alias, why))?;
    Reply::done()
}

/// `resources/download`
pub async fn download(call: Call) -> Outcome<File> {
    stored(&call)?;
    let resource = resource(&call).await?;
    let bytes = call.resources().read(&resource).await.map_err(|why| refused(&resource.alias, why))?;
    Reply::file(resource.alias, bytes.boxed())
}

fn filled(call: &Call) -> Result<&str, Failure> {
    match call.form.text("content")? {
        content if content.trim().is_empty() => Err(Code::RESOURCE_EMPTY.refuse(&[])),
        content => Ok(content),
    }
}

fn viewable(call: &Call, name: &str) -> Result<(), Failure> {
    match call.resources().is_viewable(name) {
        true => Ok(()),
        false => Err(Code::SUFFIX_NOT_VIEWABLE.refuse(&[&resources::suffix(name)])),
    }
}
