//! Columns as EasyScheduler declares them, in the types of each database.

use sea_orm_migration::prelude::{DbErr, SchemaManager};
use sea_orm_migration::sea_orm::DatabaseBackend;
use sea_orm_migration::sea_query::{Alias, ColumnDef, Expr, Table, TableCreateStatement};

/// Declares tables and columns for one kind of database.
pub struct Columns {
    backend: DatabaseBackend,
}

/// One column; nullable until something else is said.
pub struct Column(ColumnDef);

impl Columns {
    /// For this kind of database.
    pub fn of(backend: DatabaseBackend) -> Self {
        Columns { backend }
    }

    /// Whether an index can be limited to some rows.
    pub fn has_partial_indexes(&self) -> bool {
        self.backend != DatabaseBackend::MySql
    }

    /// Adds a column to a table, unless it is there.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn add(manager: &SchemaManager<'_>, table: &'static str, Column(column): Column) -> Result<(), DbErr> {
        if manager.has_column(table, column.get_column_name()).await? {
            return Ok(());
        }
        manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await
    }

    /// A table. Text in MySQL is 4-byte UTF-8 and compares exactly, as it does elsewhere.
    pub fn table(&self, name: &str, columns: impl IntoIterator<Item = Column>) -> TableCreateStatement {
        let mut table = Table::create();
        table.table(Alias::new(name)).if_not_exists();
        if self.backend == DatabaseBackend::MySql {
            table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin").extra("ROW_FORMAT=DYNAMIC");
        }
        for Column(column) in columns {
            table.col(column);
        }
        table
    }

    /// The key `id`, numbered by the database. A number is never given twice, not even after its row was deleted.
    pub fn id(&self) -> Column {
        self.column("id", |c| c.integer().not_null().auto_increment().primary_key())
    }

    /// The same, 64 bits wide.
    pub fn big_id(&self) -> Column {
        self.column("id", |c| c.big_integer().not_null().auto_increment().primary_key())
    }

    /// A 32-bit number.
    pub fn int(&self, name: &str) -> Column {
        self.column(name, ColumnDef::integer)
    }

    /// A 64-bit number; also our own instants, in epoch milliseconds.
    pub fn bigint(&self, name: &str) -> Column {
        self.column(name, ColumnDef::big_integer)
    }

    /// The number of an enumeration's value. Read as 32 bits, which PostgreSQL checks.
    pub fn code(&self, name: &str) -> Column {
        match self.backend {
            DatabaseBackend::MySql => self.column(name, ColumnDef::tiny_integer),
            _ => self.column(name, ColumnDef::integer),
        }
    }

    /// Text of at most `length` characters.
    pub fn varchar(&self, name: &str, length: u32) -> Column {
        self.column(name, |c| c.string_len(length))
    }

    /// Text, in MySQL of at most 64 KiB. MySQL allows no default for it.
    pub fn text(&self, name: &str) -> Column {
        self.column(name, ColumnDef::text)
    }

    /// Text without a practical limit.
    pub fn longtext(&self, name: &str) -> Column {
        match self.backend {
            DatabaseBackend::MySql => self.column(name, |c| c.custom("longtext")),
            _ => self.text(name),
        }
    }

    /// An instant in a column of the original: UTC with milliseconds.
    pub fn time(&self, name: &str) -> Column {
        self.column(name, |c| match self.backend {
            DatabaseBackend::MySql => c.custom("datetime(3)"),
            DatabaseBackend::Postgres => c.custom("timestamp(3)"),
            _ => c.text(),
        })
    }

    /// The instant of the insertion, where it is not given. Columns that the original's MySQL also changes on
    /// every update are written by the program instead, on every database alike.
    pub fn time_or_now(&self, name: &str) -> Column {
        let Column(mut column) = self.time(name);
        // As it stands: MySQL 5.7 takes no brackets around a default.
        Column(column.extra(format!("DEFAULT {}", self.now_text())).take())
    }

    /// The present instant, as the database knows it; its connections speak UTC.
    pub fn now(&self) -> Expr {
        Expr::cust(self.now_text())
    }

    fn now_text(&self) -> &'static str {
        match self.backend {
            DatabaseBackend::Sqlite => "CURRENT_TIMESTAMP",
            _ => "CURRENT_TIMESTAMP(3)",
        }
    }

    fn column(&self, name: &str, declare: impl FnOnce(&mut ColumnDef) -> &mut ColumnDef) -> Column {
        Column(declare(&mut ColumnDef::new(Alias::new(name))).take())
    }
}

impl Column {
    /// Never NULL.
    pub fn required(mut self) -> Self {
        Column(self.0.not_null().take())
    }

    /// The value of a row that gives none.
    pub fn or(mut self, value: i32) -> Self {
        Column(self.0.default(value).take())
    }

    /// The key of the table, given by the program.
    pub fn key(mut self) -> Self {
        Column(self.0.not_null().primary_key().take())
    }
}
