//! Projects (`t_escheduler_project`), and who may work in them (`t_escheduler_relation_project_user`).

use super::entity::{process_definition, process_instance, project, relation_project_user, task_instance, user};
use super::list::{contains, exactly, kept, link, sparing_page};
use super::{Account, Error, Page, Paged, Store, lock, utc};
use crate::model::{DefinitionId, InstanceId, ProjectId, State, TaskId, Time, UserId, UserType};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, FromQueryResult, JoinType, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

/// The bit of a grant that lets a user work in a project. Grants are always written with all bits.
const READ: i32 = 2;

/// A project.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Project {
    pub id: ProjectId,
    pub name: Option<String>,
    pub desc: Option<String>,
    pub user_id: Option<i32>,
    pub user_name: Option<String>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
    /// How many definitions it has.
    pub definitions: i64,
    /// How many instances are running.
    pub running: i64,
}

/// How a project is found.
#[derive(Clone, Debug)]
pub enum Belonging {
    Name(String),
    Project(ProjectId),
    Definition(DefinitionId),
    Instance(InstanceId),
    Task(TaskId),
}

/// What a user may do in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub project: ProjectId,
    pub name: String,
    /// The user is an administrator, the owner, or was granted the project.
    pub allowed: bool,
}

/// A project to be.
#[derive(Clone, Debug)]
pub struct NewProject {
    pub name: String,
    pub desc: Option<String>,
    pub owner: UserId,
    pub at: Time,
}

impl Store {
    /// What the user may do in that project; `None` if there is no such project.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn access(&self, what: &Belonging, who: &Account) -> Result<Option<Access>, Error> {
        let projects = project::Entity::find().filter(kept(project::Column::Flag));
        let found = match what {
            Belonging::Name(name) => projects.filter(exactly(project::Column::Name, name)),
            Belonging::Project(id) => projects.filter(project::Column::Id.eq(id.0)),
            Belonging::Definition(id) => of_definitions(projects).filter(process_definition::Column::Id.eq(id.0)),
            Belonging::Instance(id) => of_instances(projects).filter(process_instance::Column::Id.eq(id.0)),
            Belonging::Task(id) => {
                use task_instance::Column;
                let instance = link::<process_instance::Entity, task_instance::Entity>(
                    process_instance::Column::Id,
                    Column::ProcessInstanceId,
                );
                of_instances(projects).join(JoinType::InnerJoin, instance).filter(Column::Id.eq(id.0))
            }
        };
        let Some(row) = found.one(self.read()).await? else { return Ok(None) };
        let allowed = who.kind == UserType::Admin
            || row.user_id == Some(who.id.0)
            || granted_to(who.id)
                .filter(relation_project_user::Column::ProjectId.eq(row.id))
                .one(self.read())
                .await?
                .is_some();
        Ok(Some(Access { project: ProjectId(row.id), name: row.name.unwrap_or_default(), allowed }))
    }

    /// Makes a project.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the name is taken.
    pub async fn create_project(&self, new: NewProject) -> Result<ProjectId, Error> {
        self.change(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                lock::names(tx).await?;
                refuse_double(tx, &new.name, None).await?;
                let row = project::ActiveModel {
                    name: Set(Some(new.name)),
                    desc: Set(new.desc),
                    user_id: Set(Some(new.owner.0)),
                    flag: Set(Some(1)),
                    create_time: Set(Some(utc(new.at))),
                    update_time: Set(Some(utc(new.at))),
                    ..Default::default()
                };
                Ok(ProjectId(row.insert(tx).await?.id))
            })
        })
        .await
    }

    /// Renames and describes a project. Without a description the old one stays.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another project has the name, [`Error::Missing`] if there is no such project.
    pub async fn update_project(
        &self,
        id: ProjectId,
        name: String,
        desc: Option<String>,
        at: Time,
    ) -> Result<(), Error> {
        self.change(move |tx| {
            let (name, desc) = (name.clone(), desc.clone());
            Box::pin(async move {
                lock::names(tx).await?;
                refuse_double(tx, &name, Some(id)).await?;
                let mut update = project::Entity::update_many()
                    .col_expr(project::Column::Name, Expr::value(name))
                    .col_expr(project::Column::UpdateTime, Expr::value(utc(at)));
                if let Some(desc) = desc {
                    update = update.col_expr(project::Column::Desc, Expr::value(desc));
                }
                let updated =
                    update.filter(project::Column::Id.eq(id.0)).filter(kept(project::Column::Flag)).exec(tx).await?;
                if updated.rows_affected == 0 { Err(Error::Missing(format!("project {id}"))) } else { Ok(()) }
            })
        })
        .await
    }

    /// Deletes a project that has no definitions, with the grants of it.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it has definitions, [`Error::Missing`] if there is no such project.
    pub async fn delete_project(&self, id: ProjectId) -> Result<(), Error> {
        self.change(move |tx| {
            Box::pin(async move {
                use process_definition::Column;
                lock::row::<project::Entity>(tx, id.0).await?;
                let definitions = process_definition::Entity::find().filter(Column::ProjectId.eq(id.0));
                let one: Option<i32> = definitions
                    .filter(kept(Column::Flag))
                    .select_only()
                    .column(Column::Id)
                    .into_tuple()
                    .one(tx)
                    .await?;
                if one.is_some() {
                    return Err(Error::Conflict(format!("project {id} still has process definitions")));
                }
                relation_project_user::Entity::delete_many()
                    .filter(relation_project_user::Column::ProjectId.eq(id.0))
                    .exec(tx)
                    .await?;
                let deleted = project::Entity::delete_by_id(id.0).exec(tx).await?;
                if deleted.rows_affected == 0 { Err(Error::Missing(format!("project {id}"))) } else { Ok(()) }
            })
        })
        .await
    }

    /// The projects that a user may work in and whose name contains the text, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn projects(&self, who: &Account, search: &str, part: Page) -> Result<Paged<Project>, Error> {
        use project::Column;
        let mut found =
            project::Entity::find().select_only().filter(kept(Column::Flag)).filter(contains(Column::Name, search));
        if who.kind != UserType::Admin {
            let granted = granted_to(who.id).select_only().column(relation_project_user::Column::ProjectId);
            let granted = sea_orm::QueryTrait::into_query(granted);
            let mine = Condition::any().add(Column::UserId.eq(who.id.0)).add(Column::Id.in_subquery(granted));
            found = found.filter(mine);
        }
        sparing_page(self.read(), found, newest_first, shown, part).await
    }
}

/// Within a write, so that of two that come together one is refused.
async fn refuse_double(tx: &DatabaseTransaction, name: &str, except: Option<ProjectId>) -> Result<(), Error> {
    use project::Column;
    let mut same = project::Entity::find().filter(exactly(Column::Name, name)).filter(kept(Column::Flag));
    if let Some(id) = except {
        same = same.filter(Column::Id.ne(id.0));
    }
    match same.one(tx).await? {
        Some(_) => Err(Error::Conflict(format!("project {name} exists"))),
        None => Ok(()),
    }
}

pub(super) fn granted_to(user: UserId) -> Select<relation_project_user::Entity> {
    use relation_project_user::Column;
    relation_project_user::Entity::find()
        .filter(Column::UserId.eq(user.0))
        .filter(Expr::col(Column::Perm).bit_and(READ).eq(READ))
}

fn of_definitions(projects: Select<project::Entity>) -> Select<project::Entity> {
    use process_definition::Column;
    projects.join(
        JoinType::InnerJoin,
        link::<project::Entity, process_definition::Entity>(project::Column::Id, Column::ProjectId),
    )
}

fn of_instances(projects: Select<project::Entity>) -> Select<project::Entity> {
    let instance = link::<process_definition::Entity, process_instance::Entity>(
        process_definition::Column::Id,
        process_instance::Column::ProcessDefinitionId,
    );
    of_definitions(projects).join(JoinType::InnerJoin, instance)
}

pub(super) fn shown(projects: Select<project::Entity>) -> Select<project::Entity> {
    use process_definition::Column as Definition;
    use process_instance::Column as Instance;
    use project::Column;
    let same_project = || Expr::col(Definition::ProjectId.as_column_ref()).equals(Column::Id.as_column_ref());
    let definitions = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from(process_definition::Entity)
        .and_where(same_project())
        .cond_where(kept(Definition::Flag))
        .take();
    let running = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from(process_instance::Entity)
        .inner_join(
            process_definition::Entity,
            Expr::col(Definition::Id.as_column_ref()).equals(Instance::ProcessDefinitionId.as_column_ref()),
        )
        .and_where(same_project())
        .and_where(Instance::State.eq(State::Running.code()))
        .take();
    projects
        .join(JoinType::LeftJoin, link::<project::Entity, user::Entity>(Column::UserId, user::Column::Id))
        .columns([Column::Id, Column::Name, Column::Desc, Column::UserId, Column::CreateTime, Column::UpdateTime])
        .column(user::Column::UserName)
        .expr_as(Expr::SubQuery(None, Box::new(definitions.into())), "definitions")
        .expr_as(Expr::SubQuery(None, Box::new(running.into())), "running")
}

pub(super) fn newest_first(projects: Select<project::Entity>) -> Select<project::Entity> {
    projects.order_by_desc(project::Column::CreateTime).order_by_desc(project::Column::Id)
}
