//! The tables of EasyScheduler 1.1.0 with our own columns, without those of Quartz.
//!
//! Column order is ours: long texts stand last, so that SQLite reads the short columns without walking the pages
//! that the texts overflow into.

mod cluster;
pub(crate) mod indexes;
mod people;
mod projects;
mod runs;
mod seed;

use crate::columns::Columns;
use sea_orm_migration::prelude::*;

pub struct Migration;

/// What this step is called where the steps that were taken are noted.
pub(crate) const NAME: &str = "m20261122_000001_create_tables";

impl MigrationName for Migration {
    fn name(&self) -> &str {
        NAME
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        refuse_an_original(manager).await?;
        let columns = Columns::of(manager.get_database_backend());
        for table in tables(&columns) {
            manager.create_table(table).await?;
        }
        for index in indexes::all(&columns) {
            index.create(manager).await?;
        }
        seed::sow(manager.get_connection(), &columns).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// All tables, in the order of their references.
pub(crate) fn tables(columns: &Columns) -> Vec<TableCreateStatement> {
    [people::tables, projects::tables, runs::tables, cluster::tables]
        .iter()
        .flat_map(|tables| tables(columns))
        .collect()
}

/// A database of EasyScheduler itself has these tables too, without our columns.
async fn refuse_an_original(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = "t_escheduler_process_instance";
    if manager.has_table(table).await? && !manager.has_column(table, "epoch").await? {
        return Err(DbErr::Migration(format!("`{table}` was made by another program; give an empty database")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm_migration::sea_orm::DatabaseBackend::{MySql, Postgres, Sqlite};
    use std::collections::HashSet;

    #[test]
    fn names_of_indexes_are_unique_and_short_enough() {
        for backend in [MySql, Postgres, Sqlite] {
            let mut names = HashSet::new();
            for index in indexes::all(&Columns::of(backend)) {
                assert!(index.name().len() <= 63, "{} is too long for PostgreSQL", index.name());
                assert!(names.insert(index.name().to_owned()), "{} twice", index.name());
            }
        }
    }

    #[test]
    fn each_database_gets_its_own_types() {
        let create = |backend| {
            let tables = tables(&Columns::of(backend));
            tables.iter().map(|table| backend.build(table).sql).collect::<Vec<_>>().join(";\n")
        };
        let (mysql, postgres, sqlite) = (create(MySql), create(Postgres), create(Sqlite));
        assert!(mysql.contains("`process_definition_json` longtext") && mysql.contains("`desc` text"));
        assert!(mysql.contains("`update_time` datetime(3) DEFAULT CURRENT_TIMESTAMP(3)"), "{mysql}");
        assert!(mysql.contains("ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"));
        assert!(!mysql.contains("text DEFAULT"), "MySQL allows no default for texts");
        assert!(postgres.contains("\"start_time\" timestamp(3)") && postgres.contains("\"state\" integer"));
        assert!(sqlite.contains("\"id\" integer NOT NULL PRIMARY KEY AUTOINCREMENT"));
        assert!(sqlite.contains("ON DELETE CASCADE"));
    }
}
