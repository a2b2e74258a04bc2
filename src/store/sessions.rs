//! Logins (`t_escheduler_session`).

use super::entity::{session, user};
use super::list::link;
use super::{Error, Store, utc};
use crate::model::{Time, UserId, UserType};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect,
};

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: UserId,
    pub name: String,
    pub kind: UserType,
}

/// A login as it stands in the table.
#[derive(Clone, Debug)]
pub struct Session {
    pub account: Account,
    pub last_request: Time,
}

/// A login to be recorded.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub id: String,
    pub user: UserId,
    pub ip: String,
    pub at: Time,
}

impl Store {
    /// Records a login.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn sign_in(&self, new: NewSession) -> Result<(), Error> {
        self.change(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let row = session::ActiveModel {
                    id: Set(new.id),
                    user_id: Set(Some(new.user.0)),
                    ip: Set(Some(new.ip)),
                    last_login_time: Set(Some(utc(new.at))),
                    last_request_ms: Set(Some(new.at.0)),
                };
                row.insert(tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// Removes log-ins without a request since then; how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn forget_sessions(&self, silent_since: Time) -> Result<u64, Error> {
        use session::Column;
        self.write(move |tx| {
            Box::pin(async move {
                let silent =
                    Condition::any().add(Column::LastRequestMs.is_null()).add(Column::LastRequestMs.lt(silent_since.0));
                Ok(session::Entity::delete_many().filter(silent).exec(tx).await?.rows_affected)
            })
        })
        .await
    }

    /// A login and its user; `None` if either is gone.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session(&self, id: &str) -> Result<Option<Session>, Error> {
        #[derive(FromQueryResult)]
        struct Row {
            last_request_ms: Option<i64>,
            id: UserId,
            user_name: Option<String>,
            user_type: Option<UserType>,
        }
        let row: Option<Row> = session::Entity::find_by_id(id.to_owned())
            .join(JoinType::InnerJoin, link::<session::Entity, user::Entity>(session::Column::UserId, user::Column::Id))
            .select_only()
            .column(session::Column::LastRequestMs)
            .columns([user::Column::Id, user::Column::UserName, user::Column::UserType])
            .into_model()
            .one(self.read())
            .await?;
        Ok(row.map(|row| Session {
            account: Account {
                id: row.id,
                name: row.user_name.unwrap_or_default(),
                kind: row.user_type.unwrap_or(UserType::General),
            },
            last_request: Time(row.last_request_ms.unwrap_or_default()),
        }))
    }

    /// Notes a request of a login. `false` if the login is gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn touch_session(&self, id: String, at: Time) -> Result<bool, Error> {
        self.write(move |tx| {
            let id = id.clone();
            Box::pin(async move {
                let updated = session::Entity::update_many()
                    .col_expr(session::Column::LastRequestMs, Expr::value(at.0))
                    .filter(session::Column::Id.eq(id))
                    .exec(tx)
                    .await?;
                Ok(updated.rows_affected == 1)
            })
        })
        .await
    }

    /// Ends a login. `false` if it had ended already.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn sign_out(&self, id: String) -> Result<bool, Error> {
        self.change(move |tx| {
            let id = id.clone();
            Box::pin(async move { Ok(session::Entity::delete_by_id(id).exec(tx).await?.rows_affected == 1) })
        })
        .await
    }
}
