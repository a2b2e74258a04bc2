//! Lists: a page of rows and how many there are, searches, and joins.

use super::Error;
use sea_orm::sea_query::{BinOper, Expr, ExprTrait as _, Func, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Iterable, PrimaryKeyToColumn, QueryFilter,
    QuerySelect, QueryTrait, RelationDef, Select,
};

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u64,
    /// How many rows a page has.
    pub size: u64,
}

impl Page {
    /// The rows of this page among all.
    fn of<E: EntityTrait>(self, rows: Select<E>) -> Select<E> {
        let before = self.number.saturating_sub(1).saturating_mul(self.size);
        rows.offset(Ord::min(before, i64::MAX as u64)).limit(self.size)
    }
}

/// A page, and how many rows all pages have together.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    pub rows: Vec<T>,
    pub total: u64,
}

/// Reads one page of `found`, a query without columns and order; `shown` adds both.
pub(super) async fn page<E: EntityTrait, T: FromQueryResult>(
    db: &impl ConnectionTrait,
    found: Select<E>,
    shown: impl FnOnce(Select<E>) -> Select<E>,
    page: Page,
) -> Result<Paged<T>, Error> {
    let total = count(db, &found).await?;
    let rows = page.of(shown(found)).into_model().all(db).await?;
    Ok(Paged { rows, total })
}

/// The same of a table with many rows, or with rows that cost much to show. Which rows the page has is settled first,
/// by what `newest` orders by and the filters ask for: with an index that holds these, no other row is read. `shown`
/// adds columns only.
pub(super) async fn sparing_page<E: EntityTrait, T: FromQueryResult>(
    db: &impl ConnectionTrait,
    found: Select<E>,
    newest: impl Fn(Select<E>) -> Select<E>,
    shown: impl FnOnce(Select<E>) -> Select<E>,
    page: Page,
) -> Result<Paged<T>, Error> {
    let total = count(db, &found).await?;
    let key = key::<E>()?;
    // MySQL takes a limit in a subquery only one level further down.
    let chosen = chosen(found, &newest, page)?.into_query();
    let chosen = Query::select().column(key).from_subquery(chosen, "chosen").take();
    let rows = newest(shown(E::find().select_only().filter(key.in_subquery(chosen))));
    Ok(Paged { rows: rows.into_model().all(db).await?, total })
}

/// The keys of the rows of a page.
pub(super) fn chosen<E: EntityTrait>(
    found: Select<E>,
    newest: impl Fn(Select<E>) -> Select<E>,
    page: Page,
) -> Result<Select<E>, Error> {
    Ok(page.of(newest(found.column(key::<E>()?))))
}

fn key<E: EntityTrait>() -> Result<E::Column, Error> {
    let key = E::PrimaryKey::iter().next().map(PrimaryKeyToColumn::into_column);
    key.ok_or_else(|| Error::broken("a list of a table without a key"))
}

async fn count<E: EntityTrait>(db: &impl ConnectionTrait, found: &Select<E>) -> Result<u64, Error> {
    let total: Option<i64> = counted(found).into_tuple().one(db).await?;
    Ok(total.unwrap_or_default().unsigned_abs())
}

/// How many rows were found, as a query of one column.
pub(super) fn counted<E: EntityTrait>(found: &Select<E>) -> Select<E> {
    found.clone().expr_as(Expr::cust("COUNT(*)"), "total")
}

/// Whether the column holds the text somewhere; everything holds the empty text. Case is ignored, as far as the
/// database knows it; `%` and `_` are letters.
pub(super) fn contains(column: impl ColumnTrait, text: &str) -> Condition {
    if text.is_empty() {
        return Condition::all();
    }
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    let pattern = Expr::from(Func::lower(Expr::val(pattern))).binary(BinOper::Escape, Expr::Constant('!'.into()));
    let column = Expr::from(Func::lower(Expr::col(column.as_column_ref())));
    Condition::all().add(column.binary(BinOper::Like, pattern))
}

/// Whether the column holds this very text. MySQL by itself takes blanks at the end for nothing.
pub(super) fn exactly(column: impl ColumnTrait, text: &str) -> Condition {
    let length = |of: Expr| Expr::from(Func::cust("LENGTH").arg(of));
    let same_length = length(Expr::col(column.as_column_ref())).eq(length(Expr::val(text)));
    Condition::all().add(column.eq(text)).add(same_length)
}

/// Rows that are not deleted. The original hid some of them by a flag; NULL is no flag.
pub(super) fn kept(flag: impl ColumnTrait) -> Condition {
    Condition::any().add(flag.is_null()).add(flag.ne(0))
}

/// The join of a column of one table to the key of another.
pub(super) fn link<A: EntityTrait, B: EntityTrait>(from: A::Column, to: B::Column) -> RelationDef {
    A::belongs_to(B::default()).from(from).to(to).into()
}
