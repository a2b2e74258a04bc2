//! Data sources (`t_escheduler_datasource`), and who was granted them (`t_escheduler_relation_datasource_user`).
//!
//! `connection_params` is a text here; what stands in it is the business of [`crate::datasource`].

use super::entity::{datasource, relation_datasource_user as grant, user};
use super::list::{contains, exactly, link, page};
use super::{Account, Error, Page, Paged, Store, lock, utc};
use crate::model::{DataSourceId, DbType, Time, UserId, UserType};
use datasource::Column;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, FromQueryResult, JoinType, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
};

/// A data source.
#[derive(Clone, Debug, FromQueryResult)]
pub struct DataSource {
    pub id: DataSourceId,
    pub name: String,
    pub note: Option<String>,
    /// `None`: a code that is not known here.
    pub kind: Option<DbType>,
    pub user_id: i32,
    pub user_name: Option<String>,
    pub connection_params: String,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
}

/// What is written of a data source.
#[derive(Clone, Debug)]
pub struct DataSourceText {
    pub name: String,
    pub note: Option<String>,
    pub kind: DbType,
    pub connection_params: String,
}

/// By what right somebody meets a data source; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataSourceRight {
    None,
    /// To use and change it: it was granted.
    Use,
    /// To do so as an administrator.
    Administer,
    Own,
}

/// Which data sources are meant.
#[derive(Clone, Debug)]
pub enum DataSources<'a> {
    /// Those that somebody may use: an administrator, all.
    UsableBy(&'a Account),
    /// Those that somebody owns or was granted, administrator or not.
    OwnedOrGranted(UserId),
    /// Those that were granted to a user.
    GrantedTo(UserId),
    /// Those that a user neither owns nor was granted.
    StrangeTo(UserId),
}

impl Store {
    /// What somebody may do with that data source; `None` if there is none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn datasource_right(&self, id: DataSourceId, who: &Account) -> Result<Option<DataSourceRight>, Error> {
        let Some(row) = datasource::Entity::find_by_id(id.0).one(self.read()).await? else { return Ok(None) };
        if row.user_id == who.id.0 {
            return Ok(Some(DataSourceRight::Own));
        }
        if who.kind == UserType::Admin {
            return Ok(Some(DataSourceRight::Administer));
        }
        let granted = grant::Entity::find()
            .filter(grant::Column::UserId.eq(who.id.0))
            .filter(grant::Column::DatasourceId.eq(id.0))
            .one(self.read())
            .await?;
        Ok(Some(if granted.is_some() { DataSourceRight::Use } else { DataSourceRight::None }))
    }

    /// # Errors
    /// The database cannot be read.
    pub async fn datasource(&self, id: DataSourceId) -> Result<Option<DataSource>, Error> {
        Ok(shown(datasource::Entity::find().select_only().filter(Column::Id.eq(id.0)))
            .into_model()
            .one(self.read())
            .await?)
    }

    /// The data source of that very name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn datasource_named(&self, name: &str) -> Result<Option<DataSource>, Error> {
        let found = datasource::Entity::find().select_only().filter(exactly(Column::Name, name));
        Ok(shown(found).into_model().one(self.read()).await?)
    }

    /// Those that are meant, of one kind or of all, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn datasource_list(
        &self,
        which: DataSources<'_>,
        kind: Option<DbType>,
    ) -> Result<Vec<DataSource>, Error> {
        let mut found = datasource::Entity::find().select_only().filter(meant(&which));
        if let Some(kind) = kind {
            found = found.filter(Column::Kind.eq(kind.code()));
        }
        Ok(shown(found).order_by_asc(Column::Id).into_model().all(self.read()).await?)
    }

    /// Those that somebody may use and whose name contains the text, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn datasource_page(&self, who: &Account, search: &str, part: Page) -> Result<Paged<DataSource>, Error> {
        let which = DataSources::UsableBy(who);
        let found =
            datasource::Entity::find().select_only().filter(meant(&which)).filter(contains(Column::Name, search));
        let newest = |rows: Select<_>| rows.order_by_desc(Column::UpdateTime).order_by_desc(Column::Id);
        page(self.read(), found, |rows| newest(shown(rows)), part).await
    }

    /// Makes a data source.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the name is taken.
    pub async fn create_datasource(&self, new: DataSourceText, owner: UserId, at: Time) -> Result<DataSourceId, Error> {
        self.change(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                if is_taken(tx, &new.name, None).await? {
                    return Err(Error::Conflict(format!("data source {} exists", new.name)));
                }
                let row = datasource::ActiveModel {
                    name: Set(new.name),
                    note: Set(new.note),
                    kind: Set(new.kind.code()),
                    user_id: Set(owner.0),
                    connection_params: Set(new.connection_params),
                    create_time: Set(utc(at)),
                    update_time: Set(Some(utc(at))),
                    ..Default::default()
                };
                Ok(DataSourceId(row.insert(tx).await?.id))
            })
        })
        .await
    }

    /// Replaces what is written of a data source. `former` is its `connection_params` as the caller has read it: what
    /// was kept of them must not undo what somebody else has written meanwhile.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn update_datasource(
        &self,
        id: DataSourceId,
        new: DataSourceText,
        former: String,
        at: Time,
    ) -> Result<DataSourceChange, Error> {
        self.change(move |tx| {
            let (new, former) = (new.clone(), former.clone());
            Box::pin(async move {
                if is_taken(tx, &new.name, Some(id)).await? {
                    return Ok(DataSourceChange::NameTaken);
                }
                lock::row::<datasource::Entity>(tx, id.0).await?;
                let Some(row) = datasource::Entity::find_by_id(id.0).one(tx).await? else {
                    return Ok(DataSourceChange::Gone);
                };
                if row.connection_params != former {
                    return Ok(DataSourceChange::ChangedMeanwhile);
                }
                datasource::Entity::update_many()
                    .col_expr(Column::Name, Expr::value(new.name))
                    .col_expr(Column::Note, Expr::value(new.note))
                    .col_expr(Column::Kind, Expr::value(new.kind.code()))
                    .col_expr(Column::ConnectionParams, Expr::value(new.connection_params))
                    .col_expr(Column::UpdateTime, Expr::value(utc(at)))
                    .filter(Column::Id.eq(id.0))
                    .exec(tx)
                    .await?;
                Ok(DataSourceChange::Done)
            })
        })
        .await
    }

    /// Deletes a data source with the grants of it. `false` if there is none.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_datasource(&self, id: DataSourceId) -> Result<bool, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                lock::row::<datasource::Entity>(tx, id.0).await?;
                grant::Entity::delete_many().filter(grant::Column::DatasourceId.eq(id.0)).exec(tx).await?;
                Ok(datasource::Entity::delete_by_id(id.0).exec(tx).await?.rows_affected > 0)
            })
        })
        .await
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataSourceChange {
    Done,
    NameTaken,
    Gone,
    /// Somebody else was faster: read again.
    ChangedMeanwhile,
}

/// Within a write, so that of two that come together one is refused.
async fn is_taken(tx: &DatabaseTransaction, name: &str, except: Option<DataSourceId>) -> Result<bool, Error> {
    lock::names(tx).await?;
    let mut same = datasource::Entity::find().filter(exactly(Column::Name, name));
    if let Some(id) = except {
        same = same.filter(Column::Id.ne(id.0));
    }
    Ok(same.one(tx).await?.is_some())
}

fn meant(which: &DataSources<'_>) -> Condition {
    let is_granted = |user: UserId| Column::Id.in_subquery(granted_to(user));
    match which {
        DataSources::UsableBy(who) if who.kind == UserType::Admin => Condition::all(),
        DataSources::UsableBy(who) => meant(&DataSources::OwnedOrGranted(who.id)),
        DataSources::OwnedOrGranted(user) => Condition::any().add(Column::UserId.eq(user.0)).add(is_granted(*user)),
        DataSources::GrantedTo(user) => Condition::all().add(is_granted(*user)),
        DataSources::StrangeTo(user) => {
            Condition::all().add(Column::UserId.ne(user.0)).add(Column::Id.not_in_subquery(granted_to(*user)))
        }
    }
}

/// The ids that were granted. A NULL among them would make "not in" true of nothing.
fn granted_to(user: UserId) -> SelectStatement {
    use grant::Column;
    grant::Entity::find()
        .select_only()
        .column(Column::DatasourceId)
        .filter(Column::UserId.eq(user.0))
        .filter(Column::DatasourceId.is_not_null())
        .into_query()
}

fn shown(rows: Select<datasource::Entity>) -> Select<datasource::Entity> {
    rows.join(JoinType::LeftJoin, link::<datasource::Entity, user::Entity>(Column::UserId, user::Column::Id))
        .columns([Column::Id, Column::Name, Column::Note, Column::UserId])
        .columns([Column::ConnectionParams, Column::CreateTime, Column::UpdateTime])
        .column_as(Column::Kind, "kind")
        .column(user::Column::UserName)
}
