//! Sessions: one connection each, set up so that every server behaves alike.
//!
//! Times are UTC, text is 4-byte UTF-8, what does not fit is an error, transactions see what others have committed,
//! nobody waits long for a lock, and a transaction that stands idle is ended by the server: a paused process must not
//! keep rows locked.

use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPoolOptions};
use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::{self, AssertSqlSafe, Database, Executor, Row};
use sea_orm::{DatabaseConnection, SqlxMySqlConnector, SqlxPostgresConnector};
use std::time::Duration;

/// What a session is for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Purpose {
    /// It cannot write.
    Read,
    Write,
    /// Its statements may take as long as they need.
    Migrate,
}

/// After how many seconds without a statement the server ends a transaction.
const IDLE: u32 = 2;
/// How many seconds to wait for a row that another transaction has locked.
const LOCK: u32 = 3;
/// How many milliseconds a statement may take, a little less than the caller waits: the server stops working on what
/// nobody waits for.
const STATEMENT: u32 = 4500;

/// One connection. It is opened at once, and again when it breaks.
fn one<DB: Database>(patience: Duration) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(1)
        .acquire_timeout(patience)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

pub(super) async fn mysql(
    options: &MySqlConnectOptions,
    purpose: Purpose,
    patience: Duration,
) -> Result<DatabaseConnection, sqlx::Error> {
    let pool: MySqlPoolOptions = one(patience);
    let pool = pool.after_connect(move |connection, _| Box::pin(set_up_mysql(connection, purpose)));
    let options = options.clone().charset("utf8mb4").timezone(Some("+00:00".to_owned()));
    // Strings go in single quotes on every server, and `||` is no concern of ours.
    let options = options.pipes_as_concat(false).no_engine_substitution(false);
    Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(pool.connect_with(options).await?))
}

async fn set_up_mysql(connection: &mut MySqlConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    let version: String = sqlx::query("SELECT VERSION()").fetch_one(&mut *connection).await?.try_get(0)?;
    let is_mariadb = version.contains("MariaDB");
    let mut settings = vec![
        "SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'".to_owned(),
        "SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
    ];
    match purpose {
        Purpose::Read => settings.push("SESSION TRANSACTION READ ONLY".to_owned()),
        Purpose::Write => settings.push(match is_mariadb {
            true => format!("SESSION idle_transaction_timeout = {IDLE}"),
            // MySQL has no such limit for transactions, so it is one for the whole session; see `Writer`.
            false => format!("SESSION wait_timeout = {IDLE}"),
        }),
        Purpose::Migrate => {}
    }
    if purpose != Purpose::Migrate {
        settings.push(format!("SESSION innodb_lock_wait_timeout = {LOCK}"));
        settings.push(match is_mariadb {
            true => format!("SESSION max_statement_time = {}.{:03}", STATEMENT / 1000, STATEMENT % 1000),
            false => format!("SESSION max_execution_time = {STATEMENT}"),
        });
    }
    for setting in settings {
        connection.execute(AssertSqlSafe(format!("SET {setting}"))).await?;
    }
    Ok(())
}

pub(super) async fn postgres(
    options: &PgConnectOptions,
    purpose: Purpose,
    patience: Duration,
) -> Result<DatabaseConnection, sqlx::Error> {
    let pool: PgPoolOptions = one(patience);
    let pool = pool.after_connect(move |connection, _| Box::pin(set_up_postgres(connection, purpose)));
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool.connect_with(options.clone()).await?))
}

async fn set_up_postgres(connection: &mut PgConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    let mut settings = vec![
        "TimeZone = 'UTC'".to_owned(),
        "default_transaction_isolation = 'read committed'".to_owned(),
        "client_min_messages = 'warning'".to_owned(),
    ];
    match purpose {
        Purpose::Read => settings.push("default_transaction_read_only = on".to_owned()),
        Purpose::Write => settings.push(format!("idle_in_transaction_session_timeout = '{IDLE}s'")),
        Purpose::Migrate => {}
    }
    if purpose != Purpose::Migrate {
        settings.push(format!("lock_timeout = '{LOCK}s'"));
        settings.push(format!("statement_timeout = '{STATEMENT}ms'"));
    }
    // Together, because they cost one round trip then.
    let statements: String = settings.iter().map(|setting| format!("SET {setting};")).collect();
    connection.execute(AssertSqlSafe(statements)).await.map(drop)
}
