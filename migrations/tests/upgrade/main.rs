//! Old databases on a real MariaDB, upgraded, interrupted and refused.

mod interrupted;
mod old;
mod proxy;
mod refused;
mod snapshot;
mod upgraded;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use migrations::upgrade::{Done, Error, Options, Zone};
use old::database;
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use servers::Mariadb;
use std::path::PathBuf;

/// The end of a test that the server is missing for.
macro_rules! need {
    ($server:expr) => {
        match $server {
            Some(server) => server,
            None => return,
        }
    };
}
pub(crate) use need;

const BERLIN: Tz = Tz::Europe__Berlin;

fn now() -> DateTime<Utc> {
    "2026-11-25T10:00:00.123Z".parse().unwrap()
}

/// So small that even small tables go in several pieces.
fn options(zone: Tz) -> Options {
    Options { zone: Some(Zone::Named(zone)), now: now(), batch: 7 }
}

/// A database of this release.
fn old_database(maria: &Mariadb, version: &str, rows: usize) -> String {
    let url = maria.database();
    fill(maria, &url, version, rows);
    url
}

fn fill(maria: &Mariadb, url: &str, version: &str, rows: usize) {
    fill_with(maria, url, &database(version, rows));
}

fn fill_with(maria: &Mariadb, url: &str, statements: &str) {
    let name = url.rsplit('/').next().unwrap();
    let file = tempfile(&format!("USE {name};\n{statements}"));
    maria.execute(&format!("source {}", file.display()));
    std::fs::remove_file(file).unwrap();
}

fn tempfile(text: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("escheduler-old-{}-{}.sql", std::process::id(), COUNT.fetch_add(1, Relaxed));
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// One connection, as `migrate` has it.
async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false).test_before_acquire(false);
    Database::connect(options).await
}

async fn upgrade(url: &str, options: &Options) -> Result<Done, Error> {
    let db = connect(url).await?;
    let done = migrations::upgrade::upgrade(&db, options, &mut |_| {}).await;
    let _ = db.close().await;
    done
}
