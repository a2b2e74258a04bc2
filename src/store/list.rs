//! Lists: a page of rows and how many there are, searches, and joins.

use super::Error;
use sea_orm::sea_query::{BinOper, Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QuerySelect, RelationDef, Select,
};

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u64,
    /// How many rows a page has.
    pub size: u64,
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
    let total: Option<i64> = found.clone().expr_as(Expr::cust("COUNT(*)"), "total").into_tuple().one(db).await?;
    let before = page.number.saturating_sub(1).saturating_mul(page.size);
    let rows = shown(found).offset(Ord::min(before, i64::MAX as u64)).limit(page.size).into_model().all(db).await?;
    Ok(Paged { rows, total: total.unwrap_or_default().unsigned_abs() })
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
