//! What somebody wants a data source to be, as the form says it.
//!
//! A password that is there is never shown: its place is taken by a mask. Sent back, the mask means that the password
//! stays as it is, and so does an empty field. But a stored password goes only where it was meant to go: with another
//! host, port, user or type it has to be typed again, or whoever was granted a data source could have its password
//! sent to a machine of his own.

use crate::api::call::Call;
use crate::api::language::Words;
use crate::api::param::{Kind, Kind::*, Params, may, need};
use crate::api::reply::Failure;
use crate::config;
use crate::datasource::{Document, MASK, Options, Target};
use crate::model::DbType;
use crate::store::{self, DataSourceRight};

/// The longest name, as the column has it.
pub const NAME: usize = 64;
const NOTE: usize = 256;
/// Host, database, user and principal; the original knows no limit, the column has 65535 bytes for all of them.
const PART: usize = 1024;
const OTHER: usize = 4096;

pub const KINDS: Kind = OneOf(&["MYSQL", "POSTGRESQL", "HIVE", "SPARK", "CLICKHOUSE", "ORACLE", "SQLSERVER"]);

macro_rules! params {
    ($($first:expr)?) => {
        &[
            $($first,)?
            need("name", Text(NAME), "The name of the data source, which nobody else's may have."),
            may("note", Text(NOTE), "What the data source is for."),
            need("type", KINDS, "The kind of the data source."),
            need("host", Text(PART), "The name or address of its host; for HIVE and SPARK several, with commas."),
            need("port", Int, "The port that it listens at."),
            need("database", Text(PART), "The name of the database."),
            need("userName", Text(PART), "The user to log in as."),
            need("password", Secret(PART), "The password; ****** or nothing stands for the stored one."),
            need("other", Json, "Further options as a JSON object of texts, or nothing."),
            may("principal", Text(PART), "The Kerberos principal of HIVE and SPARK."),
        ]
    };
}

pub const CREATE: Params = params!();

pub const UPDATE: Params = params!(need("id", Int, "The id of the data source."));

pub struct Wanted {
    pub name: String,
    pub note: Option<String>,
    pub target: Target,
    pub password: Password,
}

pub enum Password {
    Given(config::Secret),
    /// As it is.
    Masked,
    /// As it is, or none.
    Empty,
}

impl Wanted {
    /// Reads the form; the first problem is told.
    pub fn of(call: &Call) -> Result<Wanted, Failure> {
        let form = &call.form;
        let name = form.name("name", NAME)?.trim().to_owned();
        let note = form.short("note", NOTE)?.map(str::to_owned);
        let kind = form.one_of::<DbType>("type")?;
        let part = |name: &str| match form.text(name).and(form.short(name, PART))?.unwrap_or_default() {
            text if text.contains(char::is_control) => {
                Err(Failure::invalid(name, Words::new("it holds control characters", "包含控制字符")))
            }
            text => Ok(text.trim().to_owned()),
        };
        let host = part("host")?;
        let port = port(form.int("port")?)?;
        let target = Target {
            kind,
            host,
            port,
            database: part("database")?,
            user: part("userName")?,
            principal: principal(call, kind)?,
            other: other(call, kind)?,
        };
        target.check_host().map_err(|why| Failure::invalid("host", why))?;
        form.short("password", PART)?;
        let password = match form.text("password")? {
            "" => Password::Empty,
            MASK => Password::Masked,
            text => Password::Given(config::Secret::new(text)),
        };
        Ok(Wanted { name, note, target, password })
    }

    /// The password that was typed, or else the stored one as far as it is meant for this target.
    pub fn password_or_that_of(&self, call: &Call, row: Option<&store::DataSource>) -> Result<config::Secret, Failure> {
        if let Password::Given(password) = &self.password {
            return Ok(password.clone());
        }
        let stored = row.and_then(|row| {
            let document = Document::parse(&row.connection_params)?;
            document.target(row.kind?).filter(|target| target.is_same_place(&self.target)).map(|_| document)
        });
        match (stored, &self.password) {
            (Some(document), _) => Ok(call.shared.secrets.open(document.password())?),
            (None, Password::Masked) => Err(type_it()),
            (None, _) => Ok(config::Secret::new("")),
        }
    }
}

/// The mask stands for no password here.
fn type_it() -> Failure {
    let english = "a stored password is used for the same type, host, port and user only; type the password";
    Failure::invalid("password", Words::new(english, "保存的密码只用于相同的类型、主机、端口和用户，请输入密码"))
}

/// The data source of that name, if the caller may use it.
pub async fn usable(call: &Call, name: &str) -> Result<Option<store::DataSource>, Failure> {
    let Some(row) = call.store().datasource_named(name).await? else { return Ok(None) };
    let right = call.store().datasource_right(row.id, call.account()?).await?;
    Ok(right.is_some_and(|right| right >= DataSourceRight::Use).then_some(row))
}

fn port(number: i32) -> Result<u16, Failure> {
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    let words = || Words::new(format!("{number} is none of 1 to 65535"), format!("{number} 不在 1 到 65535 之间"));
    port.ok_or_else(|| Failure::invalid("port", words()))
}

/// Kept where Kerberos is used, as the original does.
fn principal(call: &Call, kind: DbType) -> Result<Option<String>, Failure> {
    let given = call.form.short("principal", PART)?.map(str::trim).filter(|principal| !principal.is_empty());
    let counts = call.shared.settings.kerberos && matches!(kind, DbType::Hive | DbType::Spark);
    Ok(given.filter(|_| counts).map(str::to_owned))
}

fn other(call: &Call, kind: DbType) -> Result<Options, Failure> {
    let text = call.form.text("other")?;
    if text.chars().nth(OTHER).is_some() {
        let words = Words::new(format!("it is longer than {OTHER} characters"), format!("超过 {OTHER} 个字符"));
        return Err(Failure::invalid("other", words));
    }
    Options::parse(text, kind).map_err(|why| Failure::invalid("other", why))
}
