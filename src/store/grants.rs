//! What was granted to users: projects, resources, functions and data sources, one table each. A grant is written
//! with all bits, and a set of grants replaces the one before.

use super::alert_groups::unknown;
use super::entity::{
    datasource, project, relation_datasource_user, relation_project_user, relation_resources_user, relation_udfs_user,
    resources, udfs, user,
};
use super::{Error, Store, lock, utc};
use crate::model::{Time, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

/// Execute, read and write.
const ALL: i32 = 7;
/// How many rows one statement inserts: databases limit the values of a statement.
const SLICE: usize = 500;

/// What can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    Project,
    Resource,
    Function,
    DataSource,
}

/// Why nothing was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantRefusal {
    NoUser,
    /// The id of nothing.
    Unknown(i32),
}

/// Replaces the rows of one table.
macro_rules! replace {
    ($tx:expr, $user:expr, $ids:expr, $at:expr, $table:ident, $column:ident, $object:ident) => {{
        if let Some(id) = unknown::<$object::Entity>($tx, $object::Column::Id, $ids).await? {
            return Ok(Err(GrantRefusal::Unknown(id)));
        }
        revoke::<$table::Entity>($tx, $table::Column::UserId, $user).await?;
        for ids in $ids.chunks(SLICE) {
            let rows = ids.iter().map(|id| $table::ActiveModel {
                user_id: Set($user.0),
                $column: Set(Some(*id)),
                perm: Set(Some(ALL)),
                create_time: Set(Some(utc($at))),
                update_time: Set(Some(utc($at))),
                ..Default::default()
            });
            $table::Entity::insert_many(rows).exec_without_returning($tx).await?;
        }
    }};
}

impl Store {
    /// Grants the user these objects of that kind, and no others.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_grants(
        &self,
        user: UserId,
        kind: Grant,
        ids: Vec<i32>,
        at: Time,
    ) -> Result<Result<(), GrantRefusal>, Error> {
        self.change(move |tx| {
            let ids = ids.clone();
            Box::pin(async move {
                // Of two that replace at once, one comes after the other.
                lock::row::<user::Entity>(tx, user.0).await?;
                if user::Entity::find_by_id(user.0).one(tx).await?.is_none() {
                    return Ok(Err(GrantRefusal::NoUser));
                }
                match kind {
                    Grant::Project => {
                        replace!(tx, user, &ids, at, relation_project_user, project_id, project);
                    }
                    Grant::Resource => {
                        replace!(tx, user, &ids, at, relation_resources_user, resources_id, resources);
                    }
                    Grant::Function => replace!(tx, user, &ids, at, relation_udfs_user, udf_id, udfs),
                    Grant::DataSource => {
                        replace!(tx, user, &ids, at, relation_datasource_user, datasource_id, datasource);
                    }
                }
                Ok(Ok(()))
            })
        })
        .await
    }
}

/// Takes everything back that was ever granted to the user.
pub(super) async fn revoke_all(tx: &DatabaseTransaction, user: UserId) -> Result<(), Error> {
    revoke::<relation_project_user::Entity>(tx, relation_project_user::Column::UserId, user).await?;
    revoke::<relation_resources_user::Entity>(tx, relation_resources_user::Column::UserId, user).await?;
    revoke::<relation_udfs_user::Entity>(tx, relation_udfs_user::Column::UserId, user).await?;
    revoke::<relation_datasource_user::Entity>(tx, relation_datasource_user::Column::UserId, user).await
}

async fn revoke<E: EntityTrait>(tx: &DatabaseTransaction, column: E::Column, user: UserId) -> Result<(), Error> {
    E::delete_many().filter(column.eq(user.0)).exec(tx).await?;
    Ok(())
}
