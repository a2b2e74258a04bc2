//! Data sources.

mod form;
mod words;

use crate::api::Compat;
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::language::Words;
use crate::api::param::{Kind::*, Params, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{DataSource, DataSourceForm, Listed};
use crate::config::Secret;
use crate::datasource::{Document, Target, Trouble, try_out};
use crate::model::{DataSourceId, DbType, Time, UserId};
use crate::secrets;
use crate::store::{self, DataSourceChange, DataSourceText, DataSources, Error};
pub use form::{CREATE, UPDATE};
use form::{Password, Wanted};

impl From<secrets::Error> for Failure {
    fn from(error: secrets::Error) -> Failure {
        Failure::because(error)
    }
}

pub const BY_ID: Params = &[need("id", Int, "The id of the data source.")];

pub const LIST: Params = &[need("type", form::KINDS, "The kind of the data sources.")];

pub const VERIFY_NAME: Params = &[need("name", Text(form::NAME), "The name that is wanted.")];

pub const OF_USER: Params = &[need("userId", Int, "The id of the user.")];

/// `datasources/create`
pub async fn create(call: Call) -> Outcome {
    let wanted = Wanted::of(&call)?;
    refuse_double(&call, &wanted.name, None).await?;
    let password = wanted.password_or_that_of(&call, None)?;
    must_connect(&wanted.target, &password).await?;
    let text = text(&call, &wanted, &password)?;
    match call.store().create_datasource(text, call.user()?, Time::now()).await {
        Ok(_) => Reply::done(),
        Err(Error::Conflict(_)) => Err(Code::DATA_SOURCE_EXISTS.refuse(&[&wanted.name])),
        Err(error) => Err(error.into()),
    }
}

/// `datasources/update`: a password that is masked, or left empty, stays as it is.
pub async fn update(call: Call) -> Outcome {
    let row = row(&call).await?;
    let wanted = Wanted::of(&call)?;
    refuse_double(&call, &wanted.name, Some(row.id)).await?;
    let password = wanted.password_or_that_of(&call, Some(&row))?;
    must_connect(&wanted.target, &password).await?;
    let text = text(&call, &wanted, &password)?;
    match call.store().update_datasource(row.id, text, row.connection_params, Time::now()).await? {
        DataSourceChange::Done => Reply::done(),
        DataSourceChange::NameTaken => Err(Code::DATA_SOURCE_EXISTS.refuse(&[&wanted.name])),
        DataSourceChange::Gone => Err(Code::NO_SUCH_DATA_SOURCE.refuse(&[&row.id])),
        DataSourceChange::ChangedMeanwhile => {
            let english = format!("data source {} was changed meanwhile; look at it again", row.id);
            Err(Failure::because(Words::new(english, format!("数据源 {} 已被他人修改，请重新查看", row.id))))
        }
    }
}

/// `datasources/update-ui`
pub async fn edit_form(call: Call) -> Outcome<DataSourceForm> {
    let row = row(&call).await?;
    let (document, target) = read(&row)?;
    Reply::data(&DataSourceForm::new(row, target, !document.password().is_empty()))
}

/// `datasources/list`
pub async fn list(call: Call) -> Outcome<Vec<DataSource>> {
    let kind = call.form.one_of::<DbType>("type")?;
    let which = match call.compat() {
        Compat::V1_0 => DataSources::OwnedOrGranted(call.user()?),
        Compat::V1_1 => DataSources::UsableBy(call.account()?),
    };
    shown(call.store().datasource_list(which, Some(kind)).await?)
}

/// `datasources/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<DataSource>> {
    let part = call.form.page()?;
    let search = call.form.search()?;
    let found = call.store().datasource_page(call.account()?, search, part).await?;
    Reply::data(&Listed::of(found, part, DataSource::from))
}

/// `datasources/connect`
pub async fn connect(call: Call) -> Outcome {
    let wanted = Wanted::of(&call)?;
    // The edit form sends the mask and no id; the name is what tells which password is meant.
    let stored = match wanted.password {
        Password::Given(_) => None,
        Password::Masked | Password::Empty => form::usable(&call, &wanted.name).await?,
    };
    let password = wanted.password_or_that_of(&call, stored.as_ref())?;
    connected(&wanted.target, &password).await
}

/// `datasources/connect-by-id`
pub async fn connect_by_id(call: Call) -> Outcome {
    let row = row(&call).await?;
    let (document, target) = read(&row)?;
    let password = call.shared.secrets.open(document.password())?;
    connected(&target, &password).await
}

/// `datasources/delete`
pub async fn delete(call: Call) -> Outcome {
    let id = DataSourceId(call.form.int("id")?);
    match call.store().delete_datasource(id).await? {
        true => Reply::done(),
        false => Err(Code::NO_SUCH_DATA_SOURCE.refuse(&[&id])),
    }
}

/// `datasources/verify-name`
pub async fn verify_name(call: Call) -> Outcome {
    let name = call.form.name("name", form::NAME)?.trim();
    refuse_double(&call, name, None).await?;
    Reply::done()
}

/// `datasources/authed-datasource`
pub async fn granted(call: Call) -> Outcome<Vec<DataSource>> {
    let user = UserId(call.form.int("userId")?);
    shown(call.store().datasource_list(DataSources::GrantedTo(user), None).await?)
}

/// `datasources/unauth-datasource`
pub async fn strange(call: Call) -> Outcome<Vec<DataSource>> {
    let user = UserId(call.form.int("userId")?);
    shown(call.store().datasource_list(DataSources::StrangeTo(user), None).await?)
}

/// `datasources/kerberos-startup-state`
pub async fn kerberos(call: Call) -> Outcome<bool> {
    Reply::data(&call.shared.settings.kerberos)
}

fn shown(rows: Vec<store::DataSource>) -> Outcome<Vec<DataSource>> {
    let rows: Vec<DataSource> = rows.into_iter().map(DataSource::from).collect();
    Reply::data(&rows)
}

/// The row that the permission was checked for.
async fn row(call: &Call) -> Result<store::DataSource, Failure> {
    let id = DataSourceId(call.form.int("id")?);
    call.store().datasource(id).await?.ok_or_else(|| Code::NO_SUCH_DATA_SOURCE.refuse(&[&id]))
}

/// What a row holds.
fn read(row: &store::DataSource) -> Result<(Document, Target), Failure> {
    let document = Document::parse(&row.connection_params);
    let read = document.and_then(|document| Some((document.target(row.kind?)?, document)));
    let (target, document) = read.ok_or_else(|| {
        let english = format!("what the database holds of data source {} cannot be read; save it anew", row.id);
        Failure::because(Words::new(english, format!("数据库中数据源 {} 的内容无法读取，请重新保存", row.id)))
    })?;
    Ok((document, target))
}

/// Early, so that nobody waits for a connection only to hear of the name.
async fn refuse_double(call: &Call, name: &str, except: Option<DataSourceId>) -> Result<(), Failure> {
    match call.store().datasource_named(name).await? {
        Some(other) if Some(other.id) != except => Err(Code::DATA_SOURCE_EXISTS.refuse(&[&name])),
        _ => Ok(()),
    }
}

/// What cannot be connected is not saved; what this release cannot connect to at all is.
async fn must_connect(target: &Target, password: &Secret) -> Result<(), Failure> {
    match try_out(target, password).await {
        Ok(()) | Err(Trouble::NotYet(_)) => Ok(()),
        Err(trouble) => Err(Code::DATA_SOURCE_UNREACHABLE.told(trouble)),
    }
}

async fn connected(target: &Target, password: &Secret) -> Outcome {
    try_out(target, password).await.map_err(Failure::because)?;
    Reply::done()
}

/// What is written, with the password sealed.
fn text(call: &Call, wanted: &Wanted, password: &Secret) -> Result<DataSourceText, Failure> {
    let sealed = call.shared.secrets.seal(password.expose())?;
    Ok(DataSourceText {
        name: wanted.name.clone(),
        note: wanted.note.clone(),
        kind: wanted.target.kind,
        connection_params: Document::new(&wanted.target, sealed).text(),
    })
}
