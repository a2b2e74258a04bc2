//! Alert groups (`t_escheduler_alertgroup`) and their members (`t_escheduler_relation_user_alertgroup`).

use super::entity::{alertgroup, relation_user_alertgroup, user};
use super::list::{contains, exactly, page};
use super::users::{User, joined, shown};
use super::{Error, Page, Paged, Store, lock, utc};
use crate::model::{AlertType, Time, UserType};
use alertgroup::{Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
};

/// How many rows one statement inserts or looks for: databases limit the values of a statement.
const SLICE: usize = 500;

/// Users who are told together.
#[derive(Clone, Debug, FromQueryResult)]
pub struct AlertGroup {
    pub id: i32,
    pub group_name: Option<String>,
    pub group_type: Option<AlertType>,
    pub desc: Option<String>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
}

/// What an alert group is to be.
#[derive(Clone, Debug)]
pub struct GroupDraft {
    /// Empty keeps the old one.
    pub name: String,
    pub kind: AlertType,
    /// Without one the old one stays.
    pub desc: Option<String>,
    pub at: Time,
}

/// Why an alert group is not made, or stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupRefusal {
    Missing,
    NameTaken,
    NoUser(i32),
}

impl Store {
    /// Makes an alert group.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn create_group(&self, draft: GroupDraft) -> Result<Result<i32, GroupRefusal>, Error> {
        self.change(move |tx| {
            let draft = draft.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                if named(tx, &draft.name).await?.is_some() {
                    return Ok(Err(GroupRefusal::NameTaken));
                }
                let row = alertgroup::ActiveModel {
                    group_name: Set(Some(draft.name)),
                    group_type: Set(Some(draft.kind.code())),
                    desc: Set(draft.desc),
                    create_time: Set(Some(utc(draft.at))),
                    update_time: Set(Some(utc(draft.at))),
                    ..Default::default()
                };
                Ok(Ok(row.insert(tx).await?.id))
            })
        })
        .await
    }

    /// Changes an alert group.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn update_group(&self, id: i32, draft: GroupDraft) -> Result<Result<(), GroupRefusal>, Error> {
        self.change(move |tx| {
            let draft = draft.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                if Entity::find_by_id(id).one(tx).await?.is_none() {
                    return Ok(Err(GroupRefusal::Missing));
                }
                let mut update = Entity::update_many()
                    .col_expr(Column::GroupType, Expr::value(draft.kind.code()))
                    .col_expr(Column::UpdateTime, Expr::value(utc(draft.at)));
                if !draft.name.is_empty() {
                    if named(tx, &draft.name).await?.is_some_and(|other| other != id) {
                        return Ok(Err(GroupRefusal::NameTaken));
                    }
                    update = update.col_expr(Column::GroupName, Expr::value(draft.name));
                }
                if let Some(desc) = draft.desc {
                    update = update.col_expr(Column::Desc, Expr::value(desc));
                }
                update.filter(Column::Id.eq(id)).exec(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// Makes these users the members of an alert group, and no other general users. Administrators stay: no list of
    /// members shows them, so nobody can mean to remove them.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_members(&self, group: i32, users: Vec<i32>, at: Time) -> Result<Result<(), GroupRefusal>, Error> {
        self.change(move |tx| {
            let users = users.clone();
            Box::pin(async move {
                lock::row::<Entity>(tx, group).await?;
                if Entity::find_by_id(group).one(tx).await?.is_none() {
                    return Ok(Err(GroupRefusal::Missing));
                }
                if let Some(unknown) = unknown::<user::Entity>(tx, user::Column::Id, &users).await? {
                    return Ok(Err(GroupRefusal::NoUser(unknown)));
                }
                use relation_user_alertgroup as member;
                let here = || member::Entity::delete_many().filter(member::Column::AlertgroupId.eq(group));
                let administrators = user::Entity::find().select_only().column(user::Column::Id);
                let administrators = administrators.filter(user::Column::UserType.eq(UserType::Admin.code()));
                here().filter(member::Column::UserId.not_in_subquery(administrators.into_query())).exec(tx).await?;
                for users in users.chunks(SLICE) {
                    here().filter(member::Column::UserId.is_in(users.iter().copied())).exec(tx).await?;
                    let rows = users.iter().map(|user| member::ActiveModel {
                        alertgroup_id: Set(Some(group)),
                        user_id: Set(Some(*user)),
                        create_time: Set(Some(utc(at))),
                        update_time: Set(Some(utc(at))),
                        ..Default::default()
                    });
                    member::Entity::insert_many(rows).exec_without_returning(tx).await?;
                }
                Ok(Ok(()))
            })
        })
        .await
    }

    /// General users who are members of the group, or those who are not, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn members(&self, group: i32, inside: bool) -> Result<Vec<User>, Error> {
        use relation_user_alertgroup::Column as Relation;
        let members = relation_user_alertgroup::Entity::find()
            .select_only()
            .column(Relation::UserId)
            .filter(Relation::AlertgroupId.eq(group))
            // `NOT IN` a list with NULL is never true.
            .filter(Relation::UserId.is_not_null())
            .into_query();
        let among = match inside {
            true => user::Column::Id.in_subquery(members),
            false => user::Column::Id.not_in_subquery(members),
        };
        let users = shown(joined(user::Entity::find()))
            .filter(user::Column::UserType.eq(UserType::General.code()))
            .filter(among)
            .order_by_asc(user::Column::Id);
        Ok(users.into_model().all(self.read()).await?)
    }

    /// Whether an alert group has this name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_group(&self, name: &str) -> Result<bool, Error> {
        Ok(named(self.read(), name).await?.is_some())
    }

    /// Alert groups whose name contains the text, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn groups(&self, search: &str, part: Page) -> Result<Paged<AlertGroup>, Error> {
        let found = Entity::find().select_only().filter(contains(Column::GroupName, search));
        page(self.read(), found, newest, part).await
    }

    /// All alert groups, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_groups(&self) -> Result<Vec<AlertGroup>, Error> {
        Ok(newest(Entity::find().select_only()).into_model().all(self.read()).await?)
    }
}

/// The first of the ids that no row of the table has.
pub(super) async fn unknown<E: EntityTrait>(
    tx: &DatabaseTransaction,
    id: E::Column,
    ids: &[i32],
) -> Result<Option<i32>, Error> {
    for ids in ids.chunks(SLICE) {
        let found = E::find().select_only().column(id).filter(id.is_in(ids.iter().copied()));
        let known: std::collections::HashSet<i32> = found.into_tuple().all(tx).await?.into_iter().collect();
        if let Some(unknown) = ids.iter().find(|id| !known.contains(id)) {
            return Ok(Some(*unknown));
        }
    }
    Ok(None)
}

async fn named(db: &impl ConnectionTrait, name: &str) -> Result<Option<i32>, Error> {
    let same = Entity::find().select_only().column(Column::Id).filter(exactly(Column::GroupName, name));
    Ok(same.into_tuple().one(db).await?)
}

fn newest(groups: Select<Entity>) -> Select<Entity> {
    groups
        .columns([Column::Id, Column::GroupName, Column::GroupType, Column::Desc])
        .columns([Column::CreateTime, Column::UpdateTime])
        .order_by_desc(Column::UpdateTime)
        .order_by_desc(Column::Id)
}
