//! Locks on a server, where several transactions are under way at once: whoever decides by what he reads locks that
//! first. A file has one writer, which needs none.
//!
//! They last until the transaction ends. Two that wait for each other are told apart by the server, and one is tried
//! again.

use super::Error;
use super::entity::version;
use sea_orm::sea_query::ValueTuple;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseTransaction, EntityTrait, Iterable, PrimaryKeyToColumn, PrimaryKeyTrait,
    QuerySelect,
};

/// Locks a row by its key. `false` if there is none.
pub(super) async fn row<E: EntityTrait>(
    tx: &DatabaseTransaction,
    id: <E::PrimaryKey as PrimaryKeyTrait>::ValueType,
) -> Result<bool, Error>
where
    <E::PrimaryKey as PrimaryKeyTrait>::ValueType: Into<ValueTuple>,
{
    if has_one_writer(tx) {
        return Ok(true);
    }
    let key = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
    let found: Option<i32> = E::find_by_id(id).select_only().columns(key).lock_exclusive().into_tuple().one(tx).await?;
    Ok(found.is_some())
}

/// Keeps others from giving a name that must be unique: of two that come together, the second one sees the first. One
/// lock serves all kinds of names, for new names are rare.
pub(super) async fn names(tx: &DatabaseTransaction) -> Result<(), Error> {
    if !has_one_writer(tx) {
        version::Entity::find().lock_exclusive().all(tx).await?;
    }
    Ok(())
}

pub(super) fn has_one_writer(tx: &DatabaseTransaction) -> bool {
    tx.get_database_backend() == DatabaseBackend::Sqlite
}
