//! Uploaded files (`t_escheduler_resources`), and who may use them (`t_escheduler_relation_resources_user`).

mod change;
mod udfs;

pub use change::{Begun, Change, ChangeId, Edit, NewResource, Unchangeable};
pub use udfs::{NewUdf, Udf};

use super::entity::{relation_resources_user, resources, tenant, user};
use super::list::{contains, exactly, link, page};
use super::{Account, Error, Page, Paged, Store, instant};
use crate::model::{ResourceId, ResourceType, Time, UserId, UserType};
use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Iterable, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
};
use std::collections::HashMap;

/// The folder of those who have no tenant.
const NO_TENANT: &str = "default";

/// An uploaded file, as its row tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub id: ResourceId,
    /// The name that tasks use, and that of the file in the storage.
    pub alias: String,
    /// The name that the file came with.
    pub file_name: Option<String>,
    pub desc: Option<String>,
    pub owner: UserId,
    pub kind: ResourceType,
    pub size: i64,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
    /// Whose folder the file lies in.
    pub tenant: String,
}

/// A file that a workflow names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedResource {
    pub resource: Resource,
    /// The author of the workflow owns it, was granted it, or is an administrator.
    pub allowed: bool,
}

impl From<resources::Model> for Resource {
    fn from(row: resources::Model) -> Resource {
        Resource {
            id: ResourceId(row.id),
            alias: row.alias.unwrap_or_default(),
            file_name: row.file_name,
            desc: row.desc,
            owner: UserId(row.user_id.unwrap_or_default()),
            kind: row.kind.and_then(ResourceType::from_code).unwrap_or(ResourceType::File),
            size: row.size.unwrap_or_default(),
            create_time: row.create_time.map(instant),
            update_time: row.update_time.map(instant),
            tenant: row.tenant_code.filter(|code| !code.is_empty()).unwrap_or_else(|| NO_TENANT.to_owned()),
        }
    }
}

impl Store {
    /// One resource; `None` if there is none with this id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn resource(&self, id: ResourceId) -> Result<Option<Resource>, Error> {
        Ok(resources::Entity::find_by_id(id.0).one(self.read()).await?.map(Resource::from))
    }

    /// The resources of that kind that a user owns or was granted, oldest first; `everything` lets administrators see
    /// those of others too.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn resources(&self, who: &Account, kind: ResourceType, everything: bool) -> Result<Vec<Resource>, Error> {
        let found = if everything { visible(who, kind) } else { mine(who, kind) };
        all(self, found.order_by_asc(resources::Column::Id)).await
    }

    /// Those of them whose name contains the text, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn resource_page(
        &self,
        who: &Account,
        kind: ResourceType,
        search: &str,
        part: Page,
    ) -> Result<Paged<Resource>, Error> {
        use resources::Column;
        let found = visible(who, kind).select_only().filter(contains(Column::Alias, search));
        let newest = |rows: Select<resources::Entity>| {
            rows.columns(Column::iter()).order_by_desc(Column::UpdateTime).order_by_desc(Column::Id)
        };
        let Paged { rows, total } = page::<_, resources::Model>(self.read(), found, newest, part).await?;
        Ok(Paged { rows: rows.into_iter().map(Resource::from).collect(), total })
    }

    /// What others have granted to a user, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn granted_resources(&self, user: UserId) -> Result<Vec<Resource>, Error> {
        let granted = resources::Entity::find().filter(resources::Column::Id.in_subquery(granted_to(user)));
        all(self, granted.order_by_asc(resources::Column::Id)).await
    }

    /// What a user neither owns nor was granted, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn ungranted_resources(&self, user: UserId) -> Result<Vec<Resource>, Error> {
        use resources::Column;
        let others = Condition::any().add(Column::UserId.ne(user.0)).add(Column::UserId.is_null());
        let rest = resources::Entity::find().filter(others).filter(Column::Id.not_in_subquery(granted_to(user)));
        all(self, rest.order_by_asc(Column::Id)).await
    }

    /// Whether a user may use a resource: an administrator, its owner, or somebody it was granted to.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn may_use_resource(&self, who: &Account, resource: &Resource) -> Result<bool, Error> {
        if who.kind == UserType::Admin || resource.owner == who.id {
            return Ok(true);
        }
        use relation_resources_user::Column;
        let grant = relation_resources_user::Entity::find()
            .filter(Column::UserId.eq(who.id.0))
            .filter(Column::ResourcesId.eq(resource.id.0));
        Ok(grant.one(self.read()).await?.is_some())
    }

    /// The files with these names, and whether the author of a workflow may use them. Names that no file has are left
    /// out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn named_resources(
        &self,
        author: UserId,
        names: &[String],
    ) -> Result<HashMap<String, NamedResource>, Error> {
        let mut found = HashMap::new();
        let Some(who) = self.account(author).await? else { return Ok(found) };
        for name in names {
            if let Some(resource) = named(self.read(), ResourceType::File, name).await? {
                let allowed = self.may_use_resource(&who, &resource).await?;
                found.insert(name.clone(), NamedResource { resource, allowed });
            }
        }
        Ok(found)
    }

    /// The resource of that kind and name, if there is one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn named_resource(&self, kind: ResourceType, name: &str) -> Result<Option<Resource>, Error> {
        named(self.read(), kind, name).await
    }

    /// Whether a resource of that kind has the name, or is about to get or to give up.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn resource_name_is_taken(&self, kind: ResourceType, name: &str) -> Result<bool, Error> {
        Ok(named(self.read(), kind, name).await?.is_some() || change::claims(self.read(), kind, name).await?)
    }

    /// In whose folder a user's new files lie.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn resource_tenant(&self, owner: UserId) -> Result<String, Error> {
        let code: Option<Option<String>> = user::Entity::find_by_id(owner.0)
            .join(JoinType::InnerJoin, link::<user::Entity, tenant::Entity>(user::Column::TenantId, tenant::Column::Id))
            .select_only()
            .column(tenant::Column::TenantCode)
            .into_tuple()
            .one(self.read())
            .await?;
        Ok(code.flatten().filter(|code| !code.is_empty()).unwrap_or_else(|| NO_TENANT.to_owned()))
    }

    async fn account(&self, user: UserId) -> Result<Option<Account>, Error> {
        let row = user::Entity::find_by_id(user.0).one(self.read()).await?;
        Ok(row.map(|row| Account {
            id: user,
            name: row.user_name.unwrap_or_default(),
            kind: row.user_type.and_then(UserType::from_code).unwrap_or(UserType::General),
        }))
    }
}

async fn all(store: &Store, rows: Select<resources::Entity>) -> Result<Vec<Resource>, Error> {
    Ok(rows.all(store.read()).await?.into_iter().map(Resource::from).collect())
}

async fn named(db: &impl ConnectionTrait, kind: ResourceType, name: &str) -> Result<Option<Resource>, Error> {
    use resources::Column;
    let same = resources::Entity::find().filter(Column::Kind.eq(kind.code())).filter(exactly(Column::Alias, name));
    Ok(same.order_by_asc(Column::Id).one(db).await?.map(Resource::from))
}

fn visible(who: &Account, kind: ResourceType) -> Select<resources::Entity> {
    if who.kind == UserType::Admin { of_kind(kind) } else { mine(who, kind) }
}

fn mine(who: &Account, kind: ResourceType) -> Select<resources::Entity> {
    use resources::Column;
    let mine = Condition::any().add(Column::UserId.eq(who.id.0)).add(Column::Id.in_subquery(granted_to(who.id)));
    of_kind(kind).filter(mine)
}

fn of_kind(kind: ResourceType) -> Select<resources::Entity> {
    resources::Entity::find().filter(resources::Column::Kind.eq(kind.code()))
}

/// The ids that a user was granted. A grant lets do everything but rename and delete, whatever its bits.
fn granted_to(user: UserId) -> SelectStatement {
    use relation_resources_user::Column;
    relation_resources_user::Entity::find()
        .select_only()
        .column(Column::ResourcesId)
        .filter(Column::UserId.eq(user.0))
        // One NULL among them would make `NOT IN` never true.
        .filter(Column::ResourcesId.is_not_null())
        .into_query()
}
