//! Functions for Hive and Spark (`t_escheduler_udfs`), and who may use them (`t_escheduler_relation_udfs_user`).

use crate::model::{ResourceId, ResourceType, Time, UdfId, UdfType, UserId, UserType};
use crate::store::entity::{relation_udfs_user, resources, udfs};
use crate::store::list::{contains, exactly, page};
use crate::store::{Account, Error, Page, Paged, Store, instant, lock, utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, Iterable, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
};

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Udf {
    pub id: UdfId,
    pub owner: UserId,
    pub name: String,
    pub class_name: String,
    pub kind: UdfType,
    pub arg_types: Option<String>,
    pub database: Option<String>,
    pub desc: Option<String>,
    pub resource: ResourceId,
    /// The name of the jar.
    pub resource_name: String,
    pub create_time: Time,
    pub update_time: Time,
}

/// A function to be.
#[derive(Clone, Debug)]
pub struct NewUdf {
    pub name: String,
    pub class_name: String,
    pub kind: UdfType,
    pub arg_types: Option<String>,
    pub database: Option<String>,
    pub desc: Option<String>,
    pub resource: ResourceId,
}

impl From<udfs::Model> for Udf {
    fn from(row: udfs::Model) -> Udf {
        Udf {
            id: UdfId(row.id),
            owner: UserId(row.user_id),
            name: row.func_name,
            class_name: row.class_name,
            kind: UdfType::from_code(row.kind).unwrap_or(UdfType::Hive),
            arg_types: row.arg_types,
            database: row.database,
            desc: row.desc,
            resource: ResourceId(row.resource_id),
            resource_name: row.resource_name,
            create_time: instant(row.create_time),
            update_time: instant(row.update_time),
        }
    }
}

impl Store {
    /// Makes a function.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the name is taken, [`Error::Missing`] if its jar is gone.
    pub async fn create_udf(&self, owner: UserId, new: NewUdf, at: Time) -> Result<UdfId, Error> {
        self.change(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                refuse_double(tx, &new.name, None).await?;
                let mut row = columns(tx, new, at).await?;
                row.user_id = Set(owner.0);
                row.create_time = Set(utc(at));
                Ok(UdfId(row.insert(tx).await?.id))
            })
        })
        .await
    }

    /// Changes a function.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another one has the name, [`Error::Missing`] if the function or its jar is gone.
    pub async fn update_udf(&self, id: UdfId, new: NewUdf, at: Time) -> Result<(), Error> {
        self.change(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                refuse_double(tx, &new.name, Some(id)).await?;
                let mut row = columns(tx, new, at).await?;
                row.id = Set(id.0);
                row.update(tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// Deletes a function with its grants. `false` if it was gone already.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_udf(&self, id: UdfId) -> Result<bool, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                let grants = relation_udfs_user::Column::UdfId.eq(id.0);
                relation_udfs_user::Entity::delete_many().filter(grants).exec(tx).await?;
                Ok(udfs::Entity::delete_by_id(id.0).exec(tx).await?.rows_affected == 1)
            })
        })
        .await
    }

    /// One function; `None` if there is none with this id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn udf(&self, id: UdfId) -> Result<Option<Udf>, Error> {
        Ok(udfs::Entity::find_by_id(id.0).one(self.read()).await?.map(Udf::from))
    }

    /// Whether a function has the name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn udf_exists(&self, name: &str) -> Result<bool, Error> {
        let same = udfs::Entity::find().filter(exactly(udfs::Column::FuncName, name));
        Ok(same.one(self.read()).await?.is_some())
    }

    /// The functions that a user may use and whose name contains the text, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn udf_page(&self, who: &Account, search: &str, part: Page) -> Result<Paged<Udf>, Error> {
        use udfs::Column;
        let found = visible(who).select_only().filter(contains(Column::FuncName, search));
        let newest = |rows: Select<udfs::Entity>| {
            rows.columns(Column::iter()).order_by_desc(Column::CreateTime).order_by_desc(Column::Id)
        };
        let Paged { rows, total } = page::<_, udfs::Model>(self.read(), found, newest, part).await?;
        Ok(Paged { rows: rows.into_iter().map(Udf::from).collect(), total })
    }

    /// The functions for that engine that a user may use, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn udfs(&self, who: &Account, kind: UdfType) -> Result<Vec<Udf>, Error> {
        all(self, visible(who).filter(udfs::Column::Kind.eq(kind.code()))).await
    }

    /// What others have granted to a user, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn granted_udfs(&self, user: UserId) -> Result<Vec<Udf>, Error> {
        all(self, udfs::Entity::find().filter(udfs::Column::Id.in_subquery(granted_to(user)))).await
    }

    /// What a user neither owns nor was granted, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn ungranted_udfs(&self, user: UserId) -> Result<Vec<Udf>, Error> {
        use udfs::Column;
        let others = udfs::Entity::find().filter(Column::UserId.ne(user.0));
        all(self, others.filter(Column::Id.not_in_subquery(granted_to(user)))).await
    }

    /// Whether a user may use a function: an administrator, its owner, or somebody it was granted to.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn may_use_udf(&self, who: &Account, udf: &Udf) -> Result<bool, Error> {
        if who.kind == UserType::Admin || udf.owner == who.id {
            return Ok(true);
        }
        use relation_udfs_user::Column;
        let grant =
            relation_udfs_user::Entity::find().filter(Column::UserId.eq(who.id.0)).filter(Column::UdfId.eq(udf.id.0));
        Ok(grant.one(self.read()).await?.is_some())
    }
}

async fn all(store: &Store, rows: Select<udfs::Entity>) -> Result<Vec<Udf>, Error> {
    Ok(rows.order_by_asc(udfs::Column::Id).all(store.read()).await?.into_iter().map(Udf::from).collect())
}

fn visible(who: &Account) -> Select<udfs::Entity> {
    use udfs::Column;
    if who.kind == UserType::Admin {
        return udfs::Entity::find();
    }
    let mine = Condition::any().add(Column::UserId.eq(who.id.0)).add(Column::Id.in_subquery(granted_to(who.id)));
    udfs::Entity::find().filter(mine)
}

fn granted_to(user: UserId) -> SelectStatement {
    use relation_udfs_user::Column;
    relation_udfs_user::Entity::find()
        .select_only()
        .column(Column::UdfId)
        .filter(Column::UserId.eq(user.0))
        // One NULL among them would make `NOT IN` never true.
        .filter(Column::UdfId.is_not_null())
        .into_query()
}

/// What a function is told to be. Its jar is locked, so that it is not deleted meanwhile.
async fn columns(tx: &DatabaseTransaction, new: NewUdf, at: Time) -> Result<udfs::ActiveModel, Error> {
    lock::row::<resources::Entity>(tx, new.resource.0).await?;
    let jar = resources::Entity::find_by_id(new.resource.0).one(tx).await?;
    let jar = jar.filter(|row| row.kind == Some(ResourceType::Udf.code()));
    let jar = jar.ok_or_else(|| Error::Missing(format!("resource {}", new.resource)))?;
    Ok(udfs::ActiveModel {
        func_name: Set(new.name),
        class_name: Set(new.class_name),
        kind: Set(new.kind.code()),
        arg_types: Set(new.arg_types),
        database: Set(new.database),
        desc: Set(new.desc),
        resource_id: Set(jar.id),
        resource_name: Set(jar.alias.unwrap_or_default()),
        update_time: Set(utc(at)),
        ..Default::default()
    })
}

/// Within a write, so that of two that come together one is refused.
async fn refuse_double(tx: &DatabaseTransaction, name: &str, except: Option<UdfId>) -> Result<(), Error> {
    use udfs::Column;
    let mut same = udfs::Entity::find().filter(exactly(Column::FuncName, name));
    if let Some(id) = except {
        same = same.filter(Column::Id.ne(id.0));
    }
    match same.one(tx).await? {
        Some(_) => Err(Error::Conflict(format!("function {name} exists"))),
        None => Ok(()),
    }
}
