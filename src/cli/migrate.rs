//! `escheduler migrate`: what the database is, and the way from there to what this release needs.

use super::run::cannot_start;
use super::{Conf, Exit, block_on, cannot, complain, say};
use crate::app::{App, Roles};
use crate::config::{Backend, Loaded};
use crate::store;
use migrations::State;
use migrations::upgrade::{self, Error, Options, Zone};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use std::path::Path;
use std::time::Duration;

/// How long the server may take to answer at first.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long another process may be changing the tables.
const OTHERS: Duration = Duration::from_secs(3600);

pub(super) fn migrate(dry_run: bool, zone: Option<Zone>, conf: &Conf) -> Result<(), Exit> {
    let loaded = conf.load(vec![])?;
    block_on(async {
        match &loaded.config.database.backend {
            Backend::Sqlite(file) if dry_run => look(file).await,
            Backend::Sqlite(file) => embedded(&loaded, file).await,
            Backend::Mysql(url) | Backend::Postgres(url) => {
                let server = Server::connect(url.expose()).await?;
                let ended = server.migrate(dry_run, zone).await;
                // What was done is committed; whether the server hears of the end changes nothing.
                let _ = server.db.close().await;
                ended
            }
        }
    })
}

/// The embedded database belongs to whoever has the data folder, so the folder is claimed.
async fn embedded(loaded: &Loaded, file: &Path) -> Result<(), Exit> {
    let app = App::open(loaded, &[]).await.map_err(|error| cannot_start(&error))?;
    app.stop(Roles::default(), loaded.config.shutdown.grace).await;
    say(&format!("the database {} is up to date", file.display()));
    Ok(())
}

/// Says what would be done to the embedded database. Makes nothing.
async fn look(file: &Path) -> Result<(), Exit> {
    let name = file.display().to_string();
    if !file.exists() {
        say(&format!("the database {name} is not there; it would be made. Nothing was changed (--dry-run)"));
        return Ok(());
    }
    let db = connect(&format!("sqlite://{name}?mode=ro"), &name).await?;
    let server = Server { db, name };
    let ended = server.migrate(true, None).await;
    let _ = server.db.close().await;
    ended
}

async fn connect(url: &str, name: &str) -> Result<DatabaseConnection, Exit> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).connect_timeout(PATIENCE).acquire_timeout(PATIENCE).sqlx_logging(false);
    Database::connect(options).await.map_err(|error| cannot(&format!("the database {name} cannot be reached: {error}")))
}

/// A database, and what it is called in sentences.
struct Server {
    db: DatabaseConnection,
    name: String,
}

impl Server {
    async fn connect(url: &str) -> Result<Server, Exit> {
        let name = without_secrets(url);
        Ok(Server { db: connect(url, &name).await?, name })
    }

    async fn migrate(&self, dry_run: bool, zone: Option<Zone>) -> Result<(), Exit> {
        let Server { db, name } = self;
        if !dry_run {
            // Before the first look: what a second process sees in the middle is neither empty nor up to date.
            self.lock().await?;
        }
        let state = migrations::state(db).await;
        match state.map_err(|error| cannot(&format!("the database {name} cannot be read: {error}")))? {
            State::Current => {
                say(&format!("the database {name} is up to date"));
                Ok(())
            }
            State::Empty => self.up(dry_run, "is empty", "its tables would be made").await,
            State::Ours { behind, .. } => self.up(dry_run, &steps(behind), "they would be taken").await,
            State::Old(_) => self.upgrade(dry_run, &Options::new(zone)).await,
            State::Newer(found) => {
                Err(cannot(&format!("the database {name} cannot be used: {}", store::Error::Newer { found })))
            }
            State::Foreign(why) => Err(cannot(&format!("the database {name} is not touched: {why}"))),
        }
    }

    /// Keeps other processes from changing the tables until the connection ends.
    async fn lock(&self) -> Result<(), Exit> {
        let Server { db, name } = self;
        let failed = |error| cannot(&format!("the database {name} cannot be locked: {error}"));
        if migrations::try_lock(db).await.map_err(failed)? {
            return Ok(());
        }
        say(&format!("{name}: another process is changing the tables; waiting until it is done"));
        migrations::lock(db, OTHERS).await.map_err(failed)
    }

    async fn up(&self, dry_run: bool, is: &str, would: &str) -> Result<(), Exit> {
        let Server { db, name } = self;
        if dry_run {
            say(&format!("the database {name} {is}; {would}. Nothing was changed (--dry-run)"));
            return Ok(());
        }
        migrations::up(db).await.map_err(|error| self.failed(&error))?;
        say(&format!("the database {name} is up to date"));
        Ok(())
    }

    async fn upgrade(&self, dry_run: bool, options: &Options) -> Result<(), Exit> {
        let Server { db, name } = self;
        let plan = upgrade::plan(db, options).await.map_err(|error| self.ended(&error))?;
        say(&format!("{name}: {plan}"));
        if dry_run {
            say(
                "nothing was changed (--dry-run); before you let it happen, stop all servers of EasyScheduler and keep a backup",
            );
            return Ok(());
        }
        let done = upgrade::upgrade(db, options, &mut |text| say(text)).await.map_err(|error| self.ended(&error))?;
        say(&done.to_string());
        say(&format!("the database {name} is up to date"));
        Ok(())
    }

    /// What is refused has changed nothing.
    fn ended(&self, error: &Error) -> Exit {
        match error {
            Error::Refused(why) => cannot(&format!("the database {} is not upgraded: {why}", self.name)),
            Error::Database { .. } | Error::Step(_) => self.failed(error),
        }
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> Exit {
        complain(&format!(
            "the database {} is not ready yet: {error}; start the command again, it goes on where it was",
            self.name
        ));
        Exit::Failed
    }
}

fn steps(behind: usize) -> String {
    if behind == 1 { "is 1 step behind".into() } else { format!("is {behind} steps behind") }
}

/// The address without user, password and options.
fn without_secrets(url: &str) -> String {
    let place = url.rsplit_once('@').map_or_else(|| url.split_once("://").map_or(url, |(_, place)| place), |(_, p)| p);
    place.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_without_its_password() {
        for url in ["mysql://u:p%40ss@db:3306/es?ssl-mode=disabled", "mysql://db:3306/es", "mysql://u@db:3306/es?a=b"] {
            assert_eq!(without_secrets(url), "db:3306/es");
        }
    }
}
