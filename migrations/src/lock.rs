//! One process changes the tables of a database at a time.

use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, Statement};
use std::time::Duration;

/// The name of the lock, as an expression. Locks of MySQL are shared by all databases of a server, and have names of 64
/// characters at most. It is the same in every release.
pub(crate) const MYSQL: &str = "LEFT(CONCAT('escheduler migrate ', DATABASE()), 64)";
/// Any number, the same in every release. Locks of PostgreSQL belong to one database.
const POSTGRES: i64 = 728_041_936;
/// How often a lock that somebody else has is tried.
const AGAIN: Duration = Duration::from_millis(200);

/// Keeps others from changing the tables as long as the one connection of this pool lasts. Having it already is no
/// obstacle. A file belongs to whoever has its folder, and needs no lock.
///
/// # Errors
/// The database does not answer, or somebody else has the lock for longer than `patience`.
pub async fn lock(db: &DatabaseConnection, patience: Duration) -> Result<(), DbErr> {
    let begun = std::time::Instant::now();
    while !try_lock(db).await? {
        if begun.elapsed() >= patience {
            return Err(DbErr::Migration("another process is changing the tables; try again when it is done".into()));
        }
        tokio::time::sleep(AGAIN).await;
    }
    Ok(())
}

/// The same, without waiting; whether it is ours.
///
/// # Errors
/// The database does not answer.
pub async fn try_lock(db: &DatabaseConnection) -> Result<bool, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DatabaseBackend::Postgres => format!("SELECT CAST(pg_try_advisory_lock({POSTGRES}) AS int)"),
        DatabaseBackend::MySql => format!("SELECT CAST(GET_LOCK({MYSQL}, 0) AS SIGNED)"),
        _ => return Ok(true),
    };
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
    let got = match (row, backend) {
        (Some(row), DatabaseBackend::Postgres) => row.try_get_by_index::<Option<i32>>(0)?.map(i64::from),
        (Some(row), _) => row.try_get_by_index::<Option<i64>>(0)?,
        (None, _) => None,
    };
    Ok(got == Some(1))
}
