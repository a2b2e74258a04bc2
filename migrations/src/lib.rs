//! The tables of escheduler, in steps that only move forward, and the way there from EasyScheduler's own database.
//!
//! Names and columns are those of EasyScheduler 1.1.0, in SQL that SQLite, MySQL 5.7 and PostgreSQL take; what we
//! need besides stands in columns of our own. A step must leave the release before in working order, and may be
//! run again after it was interrupted. Who changes a database takes its [`lock()`], asks for its [`state()`], then calls
//! [`up`], all on a pool of one connection. A database that EasyScheduler 1.x itself has made is [upgraded](upgrade), once, when its operator
//! asks for it.

mod columns;
mod index;
mod lock;
mod m20261122_000001_create_tables;
mod m20261125_000002_note_commits;
mod m20261125_000003_name_workers;
mod m20261125_000004_keep_resources;
mod m20261125_000005_keep_time;
mod m20261125_000006_note_changes;
mod m20261125_000007_index_starts;
mod m20261125_000008_index_lists;
mod m20261125_000009_keep_backfills;
mod m20261125_000010_keep_dependencies;
mod state;
pub mod upgrade;

pub use lock::{lock, try_lock};
pub use state::{State, state};

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseConnection;

/// All steps, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_tables::Migration),
            Box::new(m20261125_000002_note_commits::Migration),
            Box::new(m20261125_000003_name_workers::Migration),
            Box::new(m20261125_000004_keep_resources::Migration),
            Box::new(m20261125_000005_keep_time::Migration),
            Box::new(m20261125_000006_note_changes::Migration),
            Box::new(m20261125_000007_index_starts::Migration),
            Box::new(m20261125_000008_index_lists::Migration),
            Box::new(m20261125_000009_keep_backfills::Migration),
            Box::new(m20261125_000010_keep_dependencies::Migration),
        ]
    }
}

/// Takes the steps that this database has not taken yet.
///
/// # Errors
/// The database is EasyScheduler's, or another program's: nothing was changed. Or a statement failed.
pub async fn up(db: &DatabaseConnection) -> Result<(), DbErr> {
    match state(db).await? {
        State::Old(version) => Err(DbErr::Migration(format!(
            "this is a database of EasyScheduler {version}, which `escheduler migrate` upgrades"
        ))),
        State::Foreign(why) => Err(DbErr::Migration(why)),
        State::Empty | State::Ours { .. } | State::Current | State::Newer(_) => Migrator::up(db, None).await,
    }
}

/// The newest step of this database that this program does not know: a later release was here.
/// Changes nothing.
pub async fn newer_than_us(db: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    if !SchemaManager::new(db).has_table(state::STEPS).await? {
        return Ok(None);
    }
    Ok(state::unknown_step(&state::taken_steps(db).await?))
}
