//! Whether a data source can be connected: by connecting.
//!
//! Only options that tell how to encrypt, or which schema is meant, reach the driver. Those that name files or sockets
//! of this machine do not: whoever describes a data source is no administrator of this machine.

use super::{Target, Trouble};
use crate::config::Secret;
use crate::model::DbType;
use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use std::time::Duration;
use tokio::time::timeout;

/// How long it may take altogether. Somebody is waiting in front of a page.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// Connects, asks for a sign of life, and leaves.
///
/// # Errors
/// Why it cannot be connected.
pub async fn try_out(target: &Target, password: &Secret) -> Result<(), Trouble> {
    let place = format!("{}:{}", target.host, target.port);
    let trial = async {
        match target.kind {
            DbType::Mysql => connect(target, &place, mysql(target, password)).await,
            DbType::Postgresql => connect(target, &place, postgres(target, password)).await,
            other => Err(Trouble::NotYet(other)),
        }
    };
    let silent = Trouble::Silent { place: place.clone(), patience: PATIENCE };
    timeout(PATIENCE, trial).await.unwrap_or(Err(silent))
}

async fn connect(target: &Target, place: &str, options: impl ConnectOptions<Connection: Sized>) -> Result<(), Trouble> {
    // The driver's words for an unknown name are those of the system; asked beforehand, they are ours.
    let known = tokio::net::lookup_host((bare(&target.host), target.port)).await;
    if known.map_or(true, |mut addresses| addresses.next().is_none()) {
        return Err(Trouble::UnknownHost(target.host.clone()));
    }
    let trouble = |error: sqlx::Error| Trouble::of(&error, target, place);
    let mut connection = options.disable_statement_logging().connect().await.map_err(trouble)?;
    connection.ping().await.map_err(trouble)?;
    // It was connected; how the server takes our leave is no matter.
    let _ = timeout(GOODBYE, connection.close()).await;
    Ok(())
}

fn mysql(target: &Target, password: &Secret) -> MySqlConnectOptions {
    let options = MySqlConnectOptions::new()
        .host(bare(&target.host))
        .port(target.port)
        .username(&target.user)
        .password(password.expose())
        .ssl_mode(mysql_encryption(target))
        // Nothing but a connection: some that speak the protocol know none of these settings.
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false);
    if target.database.is_empty() { options } else { options.database(&target.database) }
}

/// Host, user, password and database are set whatever they are: what is not set, the driver would take from the
/// environment of this process.
fn postgres(target: &Target, password: &Secret) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .host(bare(&target.host))
        .port(target.port)
        .username(&target.user)
        .password(password.expose())
        .database(if target.database.is_empty() { &target.user } else { &target.database })
        .application_name("escheduler")
        .ssl_mode(postgres_encryption(target));
    match target.other.get("currentSchema") {
        Some(schema) => options.options([("search_path", schema)]),
        None => options,
    }
}

fn mysql_encryption(target: &Target) -> MySqlSslMode {
    let is = |name: &str, value: &str| target.other.get(name).is_some_and(|given| given.eq_ignore_ascii_case(value));
    let mode = target.other.get("sslMode").and_then(|mode| mode.parse().ok());
    match mode {
        Some(mode) => mode,
        None if is("verifyServerCertificate", "true") => MySqlSslMode::VerifyCa,
        None if is("requireSSL", "true") || is("useSSL", "true") => MySqlSslMode::Required,
        None if is("useSSL", "false") => MySqlSslMode::Disabled,
        None => MySqlSslMode::Preferred,
    }
}

fn postgres_encryption(target: &Target) -> PgSslMode {
    let mode = target.other.get("sslmode").and_then(|mode| mode.parse().ok());
    match (mode, target.other.get("ssl")) {
        (Some(mode), _) => mode,
        (None, Some(ssl)) if ssl.eq_ignore_ascii_case("false") => PgSslMode::Disable,
        (None, Some(_)) => PgSslMode::Require,
        (None, None) => PgSslMode::Prefer,
    }
}

/// The address of an IPv6 host without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
