//! What the database says of its own tables.

use super::Error;
use super::session::Session;
use std::collections::{BTreeMap, BTreeSet};

/// Tables, columns and indexes as they stand now.
#[derive(Default)]
pub(super) struct Catalog {
    /// The type of each column, in small letters and without its length.
    columns: BTreeMap<String, BTreeMap<String, String>>,
    indexes: BTreeMap<String, BTreeMap<String, Index>>,
}

/// An index: what it is called stands with the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub unique: bool,
    pub columns: Vec<String>,
}

impl Catalog {
    pub async fn read(session: &mut Session<'_>) -> Result<Catalog, Error> {
        let mut catalog = Catalog::default();
        let columns = "SELECT table_name, column_name, data_type FROM information_schema.columns \
                       WHERE table_schema = DATABASE()";
        for [table, column, kind] in session.texts(columns).await? {
            catalog.columns.entry(table).or_default().insert(column, kind.to_lowercase());
        }
        let indexes = "SELECT table_name, index_name, non_unique, column_name FROM information_schema.statistics \
                       WHERE table_schema = DATABASE() AND index_name <> 'PRIMARY' \
                       ORDER BY table_name, index_name, seq_in_index";
        for [table, name, repeats, column] in session.texts(indexes).await? {
            let index = catalog.indexes.entry(table).or_default().entry(name).or_default();
            index.unique = repeats == "0";
            index.columns.push(column);
        }
        Ok(catalog)
    }

    #[cfg(test)]
    pub fn of<'n>(columns: impl IntoIterator<Item = (&'n str, &'n str)>) -> Catalog {
        let mut catalog = Catalog::default();
        for (table, column) in columns {
            catalog.columns.entry(table.into()).or_default().insert(column.into(), String::new());
        }
        catalog
    }

    pub fn tables(&self) -> BTreeSet<String> {
        self.columns.keys().cloned().collect()
    }

    pub fn has_table(&self, table: &str) -> bool {
        self.columns.contains_key(table)
    }

    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.columns.get(table).is_some_and(|columns| columns.contains_key(column))
    }

    /// The columns of a table that are of one type.
    pub fn columns_of_type(&self, table: &str, kind: &str) -> Vec<String> {
        let columns = self.columns.get(table).into_iter().flatten();
        columns.filter(|(_, found)| *found == kind).map(|(column, _)| column.clone()).collect()
    }

    /// The table of this name, whatever the case of its letters.
    pub fn table_like(&self, name: &str) -> Option<&str> {
        self.columns.keys().find(|table| table.eq_ignore_ascii_case(name)).map(String::as_str)
    }

    pub fn indexes(&self, table: &str) -> impl Iterator<Item = (&str, &Index)> {
        self.indexes.get(table).into_iter().flatten().map(|(name, index)| (name.as_str(), index))
    }
}
