//! The tables of escheduler, in steps that only move forward.
//!
//! Names and columns are those of EasyScheduler 1.1.0, in SQL that SQLite, MySQL 5.7 and PostgreSQL take; what we
//! need besides stands in columns of our own. A step must leave the release before in working order, and may be
//! run again after it was interrupted. Who opens a database calls [`newer_than_us`], then [`up`], on a pool of one
//! connection.

mod columns;
mod m20261122_000001_create_tables;
mod m20261125_000002_note_commits;
mod m20261125_000003_name_workers;

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
        ]
    }
}

/// Takes the steps that this database has not taken yet.
pub async fn up(db: &DatabaseConnection) -> Result<(), DbErr> {
    Migrator::up(db, None).await
}

/// The newest step of this database that this program does not know: a later release was here.
/// Changes nothing.
pub async fn newer_than_us(db: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    let table = "seaql_migrations";
    if !SchemaManager::new(db).has_table(table).await? {
        return Ok(None);
    }
    let known = Migrator::migrations();
    let mut statement = Query::select();
    statement.column("version").from(table).order_by("version", Order::Desc);
    for row in db.query_all(&statement).await? {
        let version: String = row.try_get("", "version")?;
        if known.iter().all(|migration| migration.name() != version) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

/// The oldest step that this database has not taken yet. Changes nothing.
pub async fn pending(db: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    let table = "seaql_migrations";
    let mut taken = Vec::new();
    if SchemaManager::new(db).has_table(table).await? {
        let mut statement = Query::select();
        statement.column("version").from(table);
        for row in db.query_all(&statement).await? {
            taken.push(row.try_get::<String>("", "version")?);
        }
    }
    let all = Migrator::migrations();
    let pending = all.iter().map(|migration| migration.name()).find(|name| taken.iter().all(|step| step != name));
    Ok(pending.map(str::to_owned))
}
