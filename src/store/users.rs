//! Users (`t_escheduler_user`).

use super::entity::{alertgroup, queue, relation_user_alertgroup, session, tenant, user};
use super::list::{contains, exactly, link, page};
use super::{Account, Error, Page, Paged, Store, lock, utc};
use crate::model::{Time, UserId, UserType};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, FromQueryResult, JoinType, QueryFilter,
    QueryOrder, QuerySelect, Select, UpdateMany,
};

/// A user, without the password.
#[derive(Clone, Debug, FromQueryResult)]
pub struct User {
    pub id: UserId,
    pub user_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub user_type: Option<UserType>,
    pub tenant_id: Option<i32>,
    pub tenant_name: Option<String>,
    /// The name of the tenant's queue.
    pub queue_name: Option<String>,
    /// The user's own queue.
    pub queue: Option<String>,
    /// The value of the tenant's queue.
    pub tenant_queue: Option<String>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
}

/// A user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub name: String,
    /// The hash, never the password.
    pub password: String,
    pub email: String,
    pub phone: Option<String>,
    pub tenant_id: i32,
    pub queue: Option<String>,
    pub at: Time,
}

/// What a user is to become. What is missing stays as it is, but for the phone.
#[derive(Clone, Debug)]
pub struct UserDraft {
    pub name: Option<String>,
    /// The hash, never the password.
    pub password: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub tenant_id: i32,
    pub queue: Option<String>,
    pub at: Time,
    /// The login that goes on when the password changes; all others of this user end.
    pub session: Option<String>,
    /// Whether the tenant may change, that is under whose account tasks run.
    pub may_move: bool,
}

/// Why a user stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserRefusal {
    Missing,
    NameTaken,
    NoTenant,
    /// The tenant may not be changed.
    TenantFixed,
}

impl Store {
    /// The user of that very name, and the hash of the password.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn credentials(&self, name: &str) -> Result<Option<(Account, String)>, Error> {
        let row = user::Entity::find().filter(exactly(user::Column::UserName, name)).one(self.read()).await?;
        Ok(row.map(|row| {
            let account = Account {
                id: UserId(row.id),
                name: row.user_name.unwrap_or_default(),
                kind: row.user_type.and_then(UserType::from_code).unwrap_or(UserType::General),
            };
            (account, row.user_password.unwrap_or_default())
        }))
    }

    /// Replaces the hash of a password, if it is still the one that was read.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn rehash(&self, user: UserId, old: String, new: String) -> Result<(), Error> {
        self.write(move |tx| {
            let (old, new) = (old.clone(), new.clone());
            Box::pin(async move {
                user::Entity::update_many()
                    .col_expr(user::Column::UserPassword, Expr::value(new))
                    .filter(user::Column::Id.eq(user.0))
                    .filter(user::Column::UserPassword.eq(old))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Makes a general user.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such tenant, [`Error::Conflict`] if the name is taken.
    pub async fn create_user(&self, new: NewUser) -> Result<UserId, Error> {
        self.change(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                // So that nobody deletes the tenant meanwhile.
                lock::row::<tenant::Entity>(tx, new.tenant_id).await?;
                if tenant::Entity::find_by_id(new.tenant_id).one(tx).await?.is_none() {
                    return Err(Error::Missing(format!("tenant {}", new.tenant_id)));
                }
                let same = user::Entity::find().filter(exactly(user::Column::UserName, &new.name));
                if same.one(tx).await?.is_some() {
                    return Err(Error::Conflict(format!("user {} exists", new.name)));
                }
                let row = user::ActiveModel {
                    user_name: Set(Some(new.name)),
                    user_password: Set(Some(new.password)),
                    user_type: Set(Some(UserType::General.code())),
                    email: Set(Some(new.email)),
                    phone: Set(new.phone),
                    tenant_id: Set(Some(new.tenant_id)),
                    create_time: Set(Some(utc(new.at))),
                    update_time: Set(Some(utc(new.at))),
                    queue: Set(new.queue),
                    ..Default::default()
                };
                Ok(UserId(row.insert(tx).await?.id))
            })
        })
        .await
    }

    /// Changes a user. With the password every login of the user ends but the one that is named.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the name is taken meanwhile.
    pub async fn update_user(&self, id: UserId, draft: UserDraft) -> Result<Result<(), UserRefusal>, Error> {
        self.change(move |tx| {
            let draft = draft.clone();
            Box::pin(async move {
                lock::row::<user::Entity>(tx, id.0).await?;
                let Some(known) = user::Entity::find_by_id(id.0).one(tx).await? else {
                    return Ok(Err(UserRefusal::Missing));
                };
                if let Some(refusal) = refusal(tx, &known, &draft).await? {
                    return Ok(Err(refusal));
                }
                if draft.password.is_some() {
                    let mut ended = session::Entity::delete_many().filter(session::Column::UserId.eq(id.0));
                    if let Some(kept) = &draft.session {
                        ended = ended.filter(session::Column::Id.ne(kept));
                    }
                    ended.exec(tx).await?;
                }
                changed(draft).filter(user::Column::Id.eq(id.0)).exec(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// Whether a user has this name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_user(&self, name: &str) -> Result<bool, Error> {
        let same = user::Entity::find().filter(exactly(user::Column::UserName, name));
        Ok(same.one(self.read()).await?.is_some())
    }

    /// All users, or the general ones, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_users(&self, kind: Option<UserType>) -> Result<Vec<User>, Error> {
        let kind = kind.map(|kind| user::Column::UserType.eq(kind.code()));
        let users = shown(joined(user::Entity::find())).filter(Condition::all().add_option(kind));
        Ok(users.order_by_asc(user::Column::Id).into_model().all(self.read()).await?)
    }

    /// General users whose name contains the text, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn users(&self, search: &str, part: Page) -> Result<Paged<User>, Error> {
        let found = joined(user::Entity::find())
            .filter(user::Column::UserType.eq(UserType::General.code()))
            .filter(contains(user::Column::UserName, search));
        let newest = |rows: Select<_>| rows.order_by_desc(user::Column::UpdateTime).order_by_desc(user::Column::Id);
        page(self.read(), found, |rows| newest(shown(rows)), part).await
    }

    /// One user, and the names of the alert groups that the user is a member of.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn user(&self, id: UserId) -> Result<Option<(User, Vec<String>)>, Error> {
        let found = shown(joined(user::Entity::find_by_id(id.0)));
        let Some(user) = found.into_model().one(self.read()).await? else { return Ok(None) };
        use relation_user_alertgroup::Column;
        let member =
            link::<relation_user_alertgroup::Entity, alertgroup::Entity>(Column::AlertgroupId, alertgroup::Column::Id);
        let groups: Vec<Option<String>> = relation_user_alertgroup::Entity::find()
            .join(JoinType::InnerJoin, member)
            .select_only()
            .column(alertgroup::Column::GroupName)
            .filter(Column::UserId.eq(id.0))
            .order_by_asc(alertgroup::Column::Id)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(Some((user, groups.into_iter().flatten().collect())))
    }
}

async fn refusal(
    tx: &DatabaseTransaction,
    known: &user::Model,
    draft: &UserDraft,
) -> Result<Option<UserRefusal>, Error> {
    if let Some(name) = &draft.name {
        let same = user::Entity::find().filter(exactly(user::Column::UserName, name));
        if same.filter(user::Column::Id.ne(known.id)).one(tx).await?.is_some() {
            return Ok(Some(UserRefusal::NameTaken));
        }
    }
    if draft.tenant_id == known.tenant_id.unwrap_or_default() {
        return Ok(None);
    }
    if !draft.may_move {
        return Ok(Some(UserRefusal::TenantFixed));
    }
    // Administrators need no tenant.
    if draft.tenant_id == 0 && known.user_type == Some(UserType::Admin.code()) {
        return Ok(None);
    }
    lock::row::<tenant::Entity>(tx, draft.tenant_id).await?;
    let tenant = tenant::Entity::find_by_id(draft.tenant_id).one(tx).await?;
    Ok(tenant.is_none().then_some(UserRefusal::NoTenant))
}

fn changed(draft: UserDraft) -> UpdateMany<user::Entity> {
    use user::Column;
    let mut update = user::Entity::update_many()
        .col_expr(Column::Phone, Expr::value(draft.phone))
        .col_expr(Column::TenantId, Expr::value(draft.tenant_id))
        .col_expr(Column::UpdateTime, Expr::value(utc(draft.at)));
    let given = [
        (Column::UserName, draft.name),
        (Column::UserPassword, draft.password),
        (Column::Email, draft.email),
        (Column::Queue, draft.queue),
    ];
    for (column, value) in given {
        if let Some(value) = value {
            update = update.col_expr(column, Expr::value(value));
        }
    }
    update
}

/// With the user's tenant and its queue; a user whose tenant is gone stays in the list.
pub(super) fn joined(users: Select<user::Entity>) -> Select<user::Entity> {
    users
        .join(JoinType::LeftJoin, link::<user::Entity, tenant::Entity>(user::Column::TenantId, tenant::Column::Id))
        .join(JoinType::LeftJoin, link::<tenant::Entity, queue::Entity>(tenant::Column::QueueId, queue::Column::Id))
        .select_only()
}

pub(super) fn shown(users: Select<user::Entity>) -> Select<user::Entity> {
    use user::Column;
    users
        .columns([Column::Id, Column::UserName, Column::Email, Column::Phone, Column::UserType, Column::TenantId])
        .columns([Column::CreateTime, Column::UpdateTime, Column::Queue])
        .column(tenant::Column::TenantName)
        .column(queue::Column::QueueName)
        .column_as(queue::Column::Queue, "tenant_queue")
}
