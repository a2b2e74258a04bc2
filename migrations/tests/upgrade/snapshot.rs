//! Everything that a database holds, and what it should hold after its upgrade.

use chrono::{NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use sea_orm_migration::sea_orm::sqlx::mysql::{MySqlConnection, MySqlRow};
use sea_orm_migration::sea_orm::sqlx::{AssertSqlSafe, Column, Connection, Row as _, raw_sql};
use std::collections::BTreeMap;

/// A row: its columns as texts.
pub type Row = BTreeMap<String, Option<String>>;

/// A table: its rows by their first column.
pub type Table = BTreeMap<String, Row>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub tables: BTreeMap<String, Table>,
}

pub struct Reader {
    connection: MySqlConnection,
}

impl Reader {
    pub async fn to(url: &str) -> Reader {
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        raw_sql("SET time_zone = '+00:00'").execute(&mut connection).await.unwrap();
        Reader { connection }
    }

    pub async fn rows(&mut self, sql: &str) -> Vec<Row> {
        let rows = raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.connection).await.unwrap();
        let text = |row: &MySqlRow, at: usize| -> Option<String> {
            let bytes: Option<&[u8]> = row.try_get_unchecked(at).unwrap();
            bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        let read = |row: &MySqlRow| {
            row.columns().iter().enumerate().map(|(at, column)| (column.name().to_owned(), text(row, at))).collect()
        };
        rows.iter().map(read).collect()
    }

    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        let rows = self.rows(sql).await;
        let join = |row: Row| row.into_values().map(|v| v.unwrap_or("NULL".into())).collect::<Vec<_>>().join(" ");
        rows.into_iter().map(join).collect()
    }

    pub async fn run(&mut self, sql: &str) {
        raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.connection).await.unwrap();
    }

    /// All rows of all tables.
    pub async fn snapshot(&mut self) -> Snapshot {
        let names = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()";
        let mut tables = BTreeMap::new();
        for name in self.texts(names).await {
            let rows = self.rows(&format!("SELECT * FROM `{name}`")).await;
            let key = |row: &Row| match name.starts_with("QRTZ") {
                true => row["JOB_NAME"].clone().unwrap(),
                false => row.get("id").or(row.get("step")).or(row.get("version")).unwrap().clone().unwrap(),
            };
            tables.insert(name.clone(), rows.into_iter().map(|row| (key(&row), row)).collect());
        }
        Snapshot { tables }
    }

    /// A sum over every row of every table, and the shape of all tables.
    pub async fn checksum(&mut self) -> Vec<String> {
        let names = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()";
        let mut sums = Vec::new();
        for name in self.texts(names).await {
            sums.extend(self.texts(&format!("CHECKSUM TABLE `{name}`")).await);
            sums.extend(self.texts(&format!("SHOW CREATE TABLE `{name}`")).await);
        }
        sums
    }

    /// What every column and every index is like.
    pub async fn shape(&mut self) -> Vec<String> {
        let columns = "SELECT CONCAT_WS(' ', table_name, column_name, column_type, is_nullable, IFNULL(column_default, 'NULL'), \
             IFNULL(collation_name, '-'), extra) AS c FROM information_schema.columns WHERE table_schema = DATABASE() \
             AND table_name LIKE 't\\_escheduler\\_%' AND table_name <> 't_escheduler_upgrade' ORDER BY c";
        let indexes = "SELECT CONCAT_WS(' ', table_name, index_name, non_unique, GROUP_CONCAT(column_name ORDER BY seq_in_index)) \
             AS i FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name LIKE 't\\_escheduler\\_%' \
             AND table_name <> 't_escheduler_upgrade' GROUP BY table_name, index_name, non_unique ORDER BY i";
        let tables = "SELECT CONCAT_WS(' ', table_name, engine, row_format, table_collation) AS t FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name LIKE 't\\_escheduler\\_%' AND table_name <> 't_escheduler_upgrade' \
             ORDER BY t";
        let mut shape = Vec::new();
        for sql in [columns, indexes, tables] {
            shape.extend(self.texts(sql).await);
        }
        shape
    }
}

/// The instant of a local time, asked of the zone itself, one by one.
pub fn utc(local: &str, zone: Tz, required: bool) -> Option<String> {
    if local.starts_with("0000") {
        return required.then(|| "1970-01-01 00:00:00.000".into());
    }
    if local.starts_with("9999") {
        return Some(format!("{local}.000"));
    }
    let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M:%S").unwrap();
    let utc = match zone.from_local_datetime(&local).earliest() {
        Some(instant) => instant.naive_utc(),
        // It never came: as if the clocks, which were set forward by an hour, had not been.
        None => zone.from_local_datetime(&(local + TimeDelta::hours(1))).unwrap().naive_utc(),
    };
    Some(utc.format("%Y-%m-%d %H:%M:%S%.3f").to_string())
}
