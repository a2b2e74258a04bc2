//! Gives the tables of the original the shape that ours have: types, text that is 4-byte UTF-8 and compares exactly,
//! the columns of later releases and our own, indexes. Rows keep their values.

use super::Error;
use super::catalog::{Catalog, Index};
use super::session::Session;
use crate::columns::Columns;
use crate::m20261122_000001_create_tables as tables;
use sea_orm_migration::sea_orm::DatabaseBackend;
use sea_orm_migration::sea_query::{
    Alias, ColumnDef, ColumnType, MysqlQueryBuilder, Table, TableCreateStatement, TableRef,
};

/// What our tables are to be.
pub(super) fn wanted() -> Vec<TableCreateStatement> {
    tables::tables(&columns())
}

fn columns() -> Columns {
    Columns::of(DatabaseBackend::MySql)
}

/// The name of a table.
pub(super) fn name(table: &TableCreateStatement) -> String {
    match table.get_table_name() {
        Some(TableRef::Table(name, _)) => name.1.to_string(),
        _ => String::new(),
    }
}

/// Makes a table that the original does not have yet.
pub(super) async fn create(session: &mut Session<'_>, table: &TableCreateStatement) -> Result<(), Error> {
    session.run(&table.to_string(MysqlQueryBuilder)).await.map(drop)
}

/// What there is to do for one table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Columns that are there, and are declared anew.
    pub declared: Vec<String>,
    pub added: Vec<String>,
    pub indexed: Vec<String>,
    /// Indexes that the new ones make needless.
    pub dropped: Vec<String>,
    clauses: Vec<String>,
}

impl Change {
    /// The way from the table as it is. One that is already ours has its columns.
    pub fn of(catalog: &Catalog, table: &TableCreateStatement, is_ours: bool) -> Change {
        let name = name(table);
        let mut change = Change::default();
        for column in table.get_columns() {
            let label = column.get_column_name();
            let exists = catalog.has_column(&name, &label);
            if exists && is_ours {
                continue;
            }
            change.clauses.push(clause(&name, column, exists));
            if exists { &mut change.declared } else { &mut change.added }.push(label);
        }
        if !is_ours {
            change.clauses.push("DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, ROW_FORMAT=DYNAMIC".into());
        }
        change.index(catalog, &name);
        change
    }

    fn index(&mut self, catalog: &Catalog, table: &str) {
        let ours: Vec<_> =
            tables::indexes::all(&columns()).into_iter().filter(|index| index.table() == table).collect();
        for index in &ours {
            if catalog.indexes(table).any(|(name, _)| name == index.name()) {
                continue;
            }
            let kind = if index.is_unique() { "UNIQUE INDEX" } else { "INDEX" };
            let columns: Vec<_> = index.columns().iter().map(|column| format!("`{column}`")).collect();
            self.clauses.push(format!("ADD {kind} `{}` ({})", index.name(), columns.join(", ")));
            self.indexed.push(index.name().to_owned());
        }
        for (name, theirs) in catalog.indexes(table) {
            let is_ours = ours.iter().any(|index| index.name() == name);
            if !is_ours && ours.iter().any(|index| covers(index, theirs)) {
                self.dropped.push(name.to_owned());
            }
        }
    }

    /// The statement: the table is rewritten once at most.
    pub fn statement(&self, table: &str) -> Option<String> {
        (!self.clauses.is_empty()).then(|| format!("ALTER TABLE `{table}` {}", self.clauses.join(", ")))
    }

    /// A statement of its own: the new index must be there before a foreign key can do without the old one.
    pub fn clearing(&self, table: &str) -> Option<String> {
        let drops: Vec<_> = self.dropped.iter().map(|index| format!("DROP INDEX `{index}`")).collect();
        (!drops.is_empty()).then(|| format!("ALTER TABLE `{table}` {}", drops.join(", ")))
    }
}

/// Whether our index does all that theirs does.
fn covers(ours: &crate::index::Index, theirs: &Index) -> bool {
    let begins =
        theirs.columns.iter().map(String::as_str).eq(ours.columns().iter().copied().take(theirs.columns.len()));
    begins && (!theirs.unique || ours.is_unique() && ours.columns().len() == theirs.columns.len())
}

/// One column of an `ALTER TABLE`. The key stays the key.
fn clause(table: &str, column: &ColumnDef, exists: bool) -> String {
    let spec = column.get_column_spec();
    let kind = column.get_column_type().cloned().unwrap_or(ColumnType::Text);
    let is_text = match &kind {
        ColumnType::String(_) | ColumnType::Text => true,
        ColumnType::Custom(name) => name.to_string().contains("text"),
        _ => false,
    };
    let mut new = ColumnDef::new_with_type(Alias::new(column.get_column_name()), kind);
    if spec.nullable == Some(false) {
        new.not_null();
    }
    if let Some(default) = &spec.default {
        new.default(default.clone());
    }
    if spec.auto_increment {
        new.auto_increment();
    }
    if let Some(extra) = &spec.extra {
        new.extra(extra.clone());
    }
    if is_text {
        new.extra("COLLATE utf8mb4_bin");
    }
    let mut alter = Table::alter();
    alter.table(Alias::new(table));
    if exists {
        alter.modify_column(new)
    } else {
        alter.add_column(new)
    };
    let statement = alter.to_string(MysqlQueryBuilder);
    statement.split_once("` ").map_or(statement.clone(), |(_, clause)| clause.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_declared_as_a_new_table_has_them() {
        let user = wanted().into_iter().find(|table| name(table) == "t_escheduler_user").unwrap();
        let catalog = Catalog::of([("t_escheduler_user", "id"), ("t_escheduler_user", "user_name")]);
        let change = Change::of(&catalog, &user, false);
        let statement = change.statement("t_escheduler_user").unwrap();
        for clause in [
            "ALTER TABLE `t_escheduler_user` MODIFY COLUMN `id` int NOT NULL AUTO_INCREMENT,",
            "MODIFY COLUMN `user_name` varchar(64) COLLATE utf8mb4_bin,",
            "ADD COLUMN `user_type` tinyint,",
            "ADD COLUMN `create_time` datetime(3),",
            "ADD UNIQUE INDEX `user_user_name_index` (`user_name`)",
        ] {
            assert!(statement.contains(clause), "{clause} is not in {statement}");
        }
        assert_eq!(Change::of(&Catalog::default(), &user, true).declared, Vec::<String>::new());
    }
}
