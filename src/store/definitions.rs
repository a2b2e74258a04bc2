//! Process definitions as users draw and keep them (`t_escheduler_process_definition`). What a start needs of one
//! is [`super::Definition`].

use super::entity::{process_definition, project, schedules, user};
use super::list::{contains, exactly, kept, link, page};
use super::{Error, Page, Paged, Store, lock, utc};
use crate::model::{DefinitionId, Flag, ProjectId, ReleaseState, Time, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, JoinType,
    QueryFilter, QueryOrder, QuerySelect, Select,
};

/// A definition without its long texts.
#[derive(Clone, Debug, FromQueryResult)]
pub struct DefinitionHead {
    pub id: DefinitionId,
    pub name: Option<String>,
    pub version: Option<i32>,
    pub release_state: Option<ReleaseState>,
    pub project_id: Option<i32>,
    pub project_name: Option<String>,
    pub user_id: Option<i32>,
    pub user_name: Option<String>,
    pub desc: Option<String>,
    pub create_time: Option<Time>,
    pub update_time: Option<Time>,
    pub flag: Option<Flag>,
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
    pub timeout: Option<i32>,
    pub tenant_id: i32,
    /// The state of its schedule, if it has one; of several the busiest.
    pub schedule_state: Option<ReleaseState>,
}

/// A definition with its long texts.
#[derive(Clone, Debug, FromQueryResult)]
pub struct FullDefinition {
    #[sea_orm(nested)]
    pub head: DefinitionHead,
    pub process_definition_json: Option<String>,
    pub global_params: Option<String>,
    pub locations: Option<String>,
    pub connects: Option<String>,
}

/// What a user draws. `None` leaves the column as it is; at the first time it becomes empty.
#[derive(Clone, Debug)]
pub struct Drawing {
    pub name: String,
    pub document: String,
    /// The document's global parameters, as JSON.
    pub globals: String,
    pub timeout_minutes: i32,
    pub tenant_id: i32,
    pub desc: Option<String>,
    pub locations: Option<String>,
    pub connects: Option<String>,
    pub at: Time,
}

/// Why a definition was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchanged {
    Missing,
    Online,
    NameTaken,
}

impl Store {
    /// Makes a definition, off line. `None` if the name is taken in this project.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn create_definition(
        &self,
        project: ProjectId,
        author: UserId,
        drawing: Drawing,
    ) -> Result<Option<DefinitionId>, Error> {
        self.change(move |tx| {
            let drawing = drawing.clone();
            Box::pin(async move {
                if !lock::row::<project::Entity>(tx, project.0).await? {
                    return Err(Error::Missing(format!("project {project}")));
                }
                if named(tx, project, &drawing.name).await?.is_some() {
                    return Ok(None);
                }
                let row = process_definition::ActiveModel {
                    name: Set(Some(drawing.name)),
                    version: Set(Some(0)),
                    release_state: Set(Some(ReleaseState::Offline.code())),
                    project_id: Set(Some(project.0)),
                    user_id: Set(Some(author.0)),
                    flag: Set(Some(1)),
                    create_time: Set(Some(utc(drawing.at))),
                    update_time: Set(Some(utc(drawing.at))),
                    timeout: Set(Some(drawing.timeout_minutes)),
                    tenant_id: Set(drawing.tenant_id),
                    process_definition_json: Set(Some(drawing.document)),
                    desc: Set(drawing.desc),
                    global_params: Set(Some(drawing.globals)),
                    locations: Set(drawing.locations),
                    connects: Set(drawing.connects),
                    ..Default::default()
                };
                Ok(Some(DefinitionId(row.insert(tx).await?.id)))
            })
        })
        .await
    }

    /// Draws a definition anew.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn redraw_definition(
        &self,
        project: ProjectId,
        id: DefinitionId,
        drawing: Drawing,
    ) -> Result<Result<(), Unchanged>, Error> {
        use process_definition::Column;
        self.change(move |tx| {
            let drawing = drawing.clone();
            Box::pin(async move {
                lock::row::<project::Entity>(tx, project.0).await?;
                lock::row::<process_definition::Entity>(tx, id.0).await?;
                match released(tx, project, id).await? {
                    None => return Ok(Err(Unchanged::Missing)),
                    Some(ReleaseState::Online) => return Ok(Err(Unchanged::Online)),
                    Some(ReleaseState::Offline) => {}
                }
                if named(tx, project, &drawing.name).await?.is_some_and(|other| other != id) {
                    return Ok(Err(Unchanged::NameTaken));
                }
                let mut update = process_definition::Entity::update_many()
                    .col_expr(Column::Name, Expr::value(drawing.name))
                    .col_expr(Column::ProcessDefinitionJson, Expr::value(drawing.document))
                    .col_expr(Column::GlobalParams, Expr::value(drawing.globals))
                    .col_expr(Column::Timeout, Expr::value(drawing.timeout_minutes))
                    .col_expr(Column::TenantId, Expr::value(drawing.tenant_id))
                    .col_expr(Column::UpdateTime, Expr::value(utc(drawing.at)));
                let texts = [
                    (Column::Desc, drawing.desc),
                    (Column::Locations, drawing.locations),
                    (Column::Connects, drawing.connects),
                ];
                for (column, text) in texts {
                    if let Some(text) = text {
                        update = update.col_expr(column, Expr::value(text));
                    }
                }
                update.filter(Column::Id.eq(id.0)).exec(tx).await?;
                Ok(Ok(()))
            })
        })
        .await
    }

    /// Takes a definition on line or off line; off line takes its schedules with it. `false` if the project has no
    /// such definition.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn release_definition(
        &self,
        project: ProjectId,
        id: DefinitionId,
        state: ReleaseState,
        at: Time,
    ) -> Result<bool, Error> {
        use process_definition::Column;
        self.change(move |tx| {
            Box::pin(async move {
                let updated = process_definition::Entity::update_many()
                    .col_expr(Column::ReleaseState, Expr::value(state.code()))
                    .col_expr(Column::UpdateTime, Expr::value(utc(at)))
                    .filter(Column::Id.eq(id.0))
                    .filter(Column::ProjectId.eq(project.0))
                    .filter(kept(Column::Flag))
                    .exec(tx)
                    .await?;
                if updated.rows_affected == 1 && state == ReleaseState::Offline {
                    silence(tx, id, at).await?;
                }
                Ok(updated.rows_affected == 1)
            })
        })
        .await
    }

    /// The definition of that very name in a project.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn definition_named(&self, project: ProjectId, name: &str) -> Result<Option<DefinitionId>, Error> {
        named(self.read(), project, name).await
    }

    /// Whether a definition of a project is on line.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn release_state(&self, project: ProjectId, id: DefinitionId) -> Result<Option<ReleaseState>, Error> {
        released(self.read(), project, id).await
    }

    /// A definition of a project, with everything.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn full_definition(&self, project: ProjectId, id: DefinitionId) -> Result<Option<FullDefinition>, Error> {
        use process_definition::Column;
        let found = of_project(project).filter(Column::Id.eq(id.0));
        let long = [Column::ProcessDefinitionJson, Column::GlobalParams, Column::Locations, Column::Connects];
        Ok(shown(found).columns(long).into_model().one(self.read()).await?)
    }

    /// All definitions of a project, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_definitions(&self, project: ProjectId) -> Result<Vec<DefinitionHead>, Error> {
        use process_definition::Column;
        let newest = shown(of_project(project)).order_by_desc(Column::CreateTime).order_by_desc(Column::Id);
        Ok(newest.into_model().all(self.read()).await?)
    }

    /// Definitions of a project whose name contains the text, of one author or of all, newest change first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn definitions(
        &self,
        project: ProjectId,
        search: &str,
        author: Option<UserId>,
        part: Page,
    ) -> Result<Paged<DefinitionHead>, Error> {
        use process_definition::Column;
        let mut found = of_project(project).filter(contains(Column::Name, search));
        if let Some(author) = author {
            found = found.filter(Column::UserId.eq(author.0));
        }
        let newest = |rows: Select<_>| shown(rows).order_by_desc(Column::UpdateTime).order_by_desc(Column::Id);
        page(self.read(), found, newest, part).await
    }
}

async fn named(db: &impl ConnectionTrait, project: ProjectId, name: &str) -> Result<Option<DefinitionId>, Error> {
    use process_definition::Column;
    let id = of_project(project).column(Column::Id).filter(exactly(Column::Name, name)).into_tuple().one(db).await?;
    Ok(id.map(DefinitionId))
}

async fn released(
    db: &impl ConnectionTrait,
    project: ProjectId,
    id: DefinitionId,
) -> Result<Option<ReleaseState>, Error> {
    use process_definition::Column;
    let state = of_project(project).column(Column::ReleaseState).filter(Column::Id.eq(id.0));
    let state: Option<Option<i32>> = state.into_tuple().one(db).await?;
    Ok(state.map(|code| code.and_then(ReleaseState::from_code).unwrap_or(ReleaseState::Offline)))
}

/// Takes the schedules of a definition off line.
async fn silence(tx: &DatabaseTransaction, definition: DefinitionId, at: Time) -> Result<(), Error> {
    use schedules::Column;
    schedules::Entity::update_many()
        .col_expr(Column::ReleaseState, Expr::value(ReleaseState::Offline.code()))
        .col_expr(Column::NextFireMs, Expr::value(None::<i64>))
        .col_expr(Column::UpdateTime, Expr::value(utc(at)))
        .filter(Column::ProcessDefinitionId.eq(definition.0))
        .filter(Column::ReleaseState.eq(ReleaseState::Online.code()))
        .exec(tx)
        .await?;
    Ok(())
}

fn of_project(project: ProjectId) -> Select<process_definition::Entity> {
    use process_definition::Column;
    process_definition::Entity::find().select_only().filter(Column::ProjectId.eq(project.0)).filter(kept(Column::Flag))
}

fn shown(definitions: Select<process_definition::Entity>) -> Select<process_definition::Entity> {
    use process_definition::Column;
    let of = |column| link::<process_definition::Entity, project::Entity>(column, project::Column::Id);
    let by = |column| link::<process_definition::Entity, user::Entity>(column, user::Column::Id);
    let schedule = Query::select()
        .expr(Expr::col(schedules::Column::ReleaseState.as_column_ref()).max())
        .from(schedules::Entity)
        .and_where(Expr::col(schedules::Column::ProcessDefinitionId.as_column_ref()).equals(Column::Id.as_column_ref()))
        .take();
    definitions
        .join(JoinType::LeftJoin, of(Column::ProjectId))
        .join(JoinType::LeftJoin, by(Column::UserId))
        .columns([Column::Id, Column::Name, Column::Version, Column::ReleaseState, Column::ProjectId, Column::UserId])
        .columns([Column::Desc, Column::CreateTime, Column::UpdateTime, Column::Flag, Column::Receivers])
        .columns([Column::ReceiversCc, Column::Timeout, Column::TenantId])
        .column_as(project::Column::Name, "project_name")
        .column(user::Column::UserName)
        .expr_as(Expr::SubQuery(None, Box::new(schedule.into())), "schedule_state")
}
