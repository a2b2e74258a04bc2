//! Access tokens (`t_escheduler_access_token`): whoever shows one is its user. Only its hash is kept; rows of the
//! original hold the token itself until it is shown for the first time.

use super::entity::{access_token, user};
use super::list::{contains, exactly, link, page};
use super::{Account, Error, Page, Paged, Store, lock, utc};
use crate::model::{Time, UserId, UserType};
use access_token::{Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, FromQueryResult, JoinType, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

/// A token as lists show it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Token {
    pub id: i32,
    pub user_id: Option<i32>,
    pub user_name: Option<String>,
    /// How the token begins; `None` if it stands there in clear text.
    pub hint: Option<String>,
    pub expire_time: Option<Time>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
}

/// The text of a token, in the two forms that can be stored.
#[derive(Clone)]
pub struct NewToken {
    /// Only to find rows of the original.
    pub clear: String,
    pub hash: String,
    pub hint: String,
}

/// What a token is to be.
#[derive(Clone)]
pub struct TokenDraft {
    pub user: UserId,
    pub expires: Time,
    /// Without one the old one stays.
    pub token: Option<NewToken>,
    pub at: Time,
}

/// Why a token is not made, or stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    Missing,
    /// It is somebody else's.
    Foreign,
    NoUser,
    Taken,
}

impl Store {
    /// Makes a token.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn create_token(&self, token: NewToken, draft: TokenDraft) -> Result<Result<i32, TokenRefusal>, Error> {
        self.change(move |tx| {
            let (token, draft) = (token.clone(), draft.clone());
            Box::pin(async move {
                lock::names(tx).await?;
                if let Some(refusal) = refusal(tx, draft.user, Some(&token), None).await? {
                    return Ok(Err(refusal));
                }
                let row = access_token::ActiveModel {
                    user_id: Set(Some(draft.user.0)),
                    token: Set(Some(token.hash)),
                    hint: Set(Some(token.hint)),
                    expire_time: Set(Some(utc(draft.expires))),
                    create_time: Set(Some(utc(draft.at))),
                    update_time: Set(Some(utc(draft.at))),
                    ..Default::default()
                };
                Ok(Ok(row.insert(tx).await?.id))
            })
        })
        .await
    }

    /// Changes a token, if it belongs to `by` or `by` is an administrator.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn update_token(
        &self,
        id: i32,
        by: Account,
        draft: TokenDraft,
    ) -> Result<Result<(), TokenRefusal>, Error> {
        self.change(move |tx| {
            let (by, draft) = (by.clone(), draft.clone());
            Box::pin(async move {
                lock::names(tx).await?;
                if let Some(refusal) = manageable(tx, id, &by).await? {
                    return Ok(Err(refusal));
                }
                if let Some(refusal) = refusal(tx, draft.user, draft.token.as_ref(), Some(id)).await? {
                    return Ok(Err(refusal));
                }
                let mut update = Entity::update_many()
                    .col_expr(Column::UserId, Expr::value(draft.user.0))
                    .col_expr(Column::ExpireTime, Expr::value(utc(draft.expires)))
                    .col_expr(Column::UpdateTime, Expr::value(utc(draft.at)));
                if let Some(token) = draft.token {
                    update = update
                        .col_expr(Column::Token, Expr::value(token.hash))
                        .col_expr(Column::Hint, Expr::value(token.hint));
                }
                update.filter(Column::Id.eq(id)).exec(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// Deletes a token, if it belongs to `by` or `by` is an administrator.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_token(&self, id: i32, by: Account) -> Result<Result<(), TokenRefusal>, Error> {
        self.change(move |tx| {
            let by = by.clone();
            Box::pin(async move {
                if let Some(refusal) = manageable(tx, id, &by).await? {
                    return Ok(Err(refusal));
                }
                Entity::delete_by_id(id).exec(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// The token of that id, as lists show it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn token(&self, id: i32) -> Result<Option<Token>, Error> {
        Ok(shown(with_user(Entity::find_by_id(id))).into_model().one(self.read()).await?)
    }

    /// The tokens that a user may manage, by part of the name of their users, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tokens(&self, who: &Account, search: &str, part: Page) -> Result<Paged<Token>, Error> {
        let own = (who.kind != UserType::Admin).then(|| Column::UserId.eq(who.id.0));
        let found = with_user(Entity::find())
            .filter(Condition::all().add_option(own))
            .filter(contains(user::Column::UserName, search));
        let newest = |rows: Select<_>| rows.order_by_desc(Column::UpdateTime).order_by_desc(Column::Id);
        page(self.read(), found, |rows| newest(shown(rows)), part).await
    }

    /// Whose token this is, unless it has expired.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn bearer(&self, token: NewToken, now: Time) -> Result<Option<Account>, Error> {
        #[derive(FromQueryResult)]
        struct Row {
            token_id: i32,
            hint: Option<String>,
            id: UserId,
            user_name: Option<String>,
            user_type: Option<UserType>,
        }
        let row: Option<Row> = Entity::find()
            .join(JoinType::InnerJoin, link::<Entity, user::Entity>(Column::UserId, user::Column::Id))
            .select_only()
            .column_as(Column::Id, "token_id")
            .column(Column::Hint)
            .columns([user::Column::Id, user::Column::UserName, user::Column::UserType])
            .filter(same(&token))
            .filter(Column::ExpireTime.gt(utc(now)))
            .order_by_asc(Column::Id)
            .into_model()
            .one(self.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.hint.is_none()
            && let Err(error) = self.hash_token(row.token_id, token).await
        {
            tracing::warn!(token = row.token_id, "an access token in clear text could not be hashed: {error}");
        }
        Ok(Some(Account {
            id: row.id,
            name: row.user_name.unwrap_or_default(),
            kind: row.user_type.unwrap_or(UserType::General),
        }))
    }

    async fn hash_token(&self, id: i32, token: NewToken) -> Result<(), Error> {
        self.write(move |tx| {
            let token = token.clone();
            Box::pin(async move {
                Entity::update_many()
                    .col_expr(Column::Token, Expr::value(token.hash))
                    .col_expr(Column::Hint, Expr::value(token.hint))
                    .filter(Column::Id.eq(id))
                    .filter(Column::Hint.is_null())
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

/// A row that holds the hash of this token, or the token itself. A hash that somebody has read opens nothing.
fn same(token: &NewToken) -> Condition {
    let hashed = Condition::all().add(Column::Hint.is_not_null()).add(exactly(Column::Token, &token.hash));
    let clear = Condition::all().add(Column::Hint.is_null()).add(exactly(Column::Token, &token.clear));
    Condition::any().add(hashed).add(clear)
}

async fn refusal(
    tx: &DatabaseTransaction,
    user: UserId,
    token: Option<&NewToken>,
    except: Option<i32>,
) -> Result<Option<TokenRefusal>, Error> {
    lock::row::<user::Entity>(tx, user.0).await?;
    if user::Entity::find_by_id(user.0).one(tx).await?.is_none() {
        return Ok(Some(TokenRefusal::NoUser));
    }
    let Some(token) = token else { return Ok(None) };
    let others =
        Entity::find().filter(same(token)).filter(Condition::all().add_option(except.map(|id| Column::Id.ne(id))));
    Ok(others.one(tx).await?.map(|_| TokenRefusal::Taken))
}

async fn manageable(tx: &DatabaseTransaction, id: i32, by: &Account) -> Result<Option<TokenRefusal>, Error> {
    let Some(row) = Entity::find_by_id(id).one(tx).await? else { return Ok(Some(TokenRefusal::Missing)) };
    let allowed = by.kind == UserType::Admin || row.user_id == Some(by.id.0);
    Ok((!allowed).then_some(TokenRefusal::Foreign))
}

fn with_user(tokens: Select<Entity>) -> Select<Entity> {
    tokens.join(JoinType::LeftJoin, link::<Entity, user::Entity>(Column::UserId, user::Column::Id)).select_only()
}

fn shown(tokens: Select<Entity>) -> Select<Entity> {
    tokens
        .columns([Column::Id, Column::UserId, Column::Hint])
        .columns([Column::ExpireTime, Column::CreateTime, Column::UpdateTime])
        .column(user::Column::UserName)
}
