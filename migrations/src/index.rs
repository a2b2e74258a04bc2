//! Indexes that are made unless they are there: MySQL has no transactions for this, so a migration may be interrupted and
//! run again.

use crate::columns::Columns;
use sea_orm_migration::prelude::*;

pub struct Index {
    table: &'static str,
    name: String,
    columns: Vec<&'static str>,
    unique: bool,
    statement: IndexCreateStatement,
}

/// An index named after its table and columns.
pub fn index(table: &'static str, columns: &[&'static str]) -> Index {
    let short = table.trim_start_matches("t_escheduler_");
    let mut statement = sea_query::Index::create();
    statement.table(table);
    for column in columns {
        statement.col(*column);
    }
    let index = Index { table, name: String::new(), columns: columns.to_vec(), unique: false, statement };
    index.named(&format!("{short}_{}_index", columns.join("_")))
}

impl Index {
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self.statement.name(name);
        self
    }

    pub fn unique(mut self) -> Self {
        self.unique = true;
        self.statement.unique();
        self
    }

    /// Leaves out the rows without a value, where the database can: no work for those that have none.
    pub fn of_set(mut self, columns: &Columns, column: &'static str) -> Self {
        if columns.has_partial_indexes() {
            self.statement.and_where(Expr::col(column).is_not_null());
        }
        self
    }

    /// Creates the index unless it is there.
    pub async fn create(self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        match manager.has_index(self.table, &self.name).await? {
            true => Ok(()),
            false => manager.create_index(self.statement).await,
        }
    }

    pub fn table(&self) -> &str {
        self.table
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    pub fn is_unique(&self) -> bool {
        self.unique
    }
}
