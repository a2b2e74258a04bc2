//! How many there are of what: for the charts of the home page and of projects.
//!
//! Each count reads a range of an index: what started in a span of time, or what is not over yet.

use super::entity::{
    command, error_command, process_definition, process_instance, project, relation_project_user, task_instance, user,
};
use super::list::{kept, link};
use super::projects::granted_to;
use super::{Error, Store, utc};
use crate::model::{CommandType, ProjectId, State, Time, UserId};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Everything,
    Project(ProjectId),
    /// The projects that this user owns or was granted.
    Of(UserId),
}

/// Later than the first instant and not later than the second.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub after: Time,
    pub until: Time,
}

/// How many definitions a user has drawn.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Drawn {
    pub user_id: Option<i32>,
    pub user_name: Option<String>,
    pub definitions: i64,
}

/// What waits for a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Tasks that no worker runs yet.
    pub waiting: i64,
    /// Tasks that run although their instance is to stop.
    pub stopping: i64,
}

impl Store {
    /// How many valid attempts that started in the span are in which state.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn task_states(&self, scope: Scope, span: Span) -> Result<Vec<(State, i64)>, Error> {
        use task_instance::Column;
        let rows: Vec<(Option<i32>, i64)> = task_instance::Entity::find()
            .select_only()
            .column(Column::State)
            .expr_as(Expr::cust("COUNT(*)"), "number")
            .filter(within(Column::StartTime, span))
            .filter(Column::Flag.eq(1))
            .filter(scope.holds(Column::ProcessDefinitionId))
            .group_by(Column::State)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(known(rows, State::from_code))
    }

    /// How many instances that started in the span are in which state; sub-processes are left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn instance_states(&self, scope: Scope, span: Span) -> Result<Vec<(State, i64)>, Error> {
        use process_instance::Column;
        let top = Condition::any().add(Column::IsSubProcess.is_null()).add(Column::IsSubProcess.eq(0));
        let rows: Vec<(Option<i32>, i64)> = process_instance::Entity::find()
            .select_only()
            .column(Column::State)
            .expr_as(Expr::cust("COUNT(*)"), "number")
            .filter(within(Column::StartTime, span))
            .filter(Column::Flag.eq(1))
            .filter(top)
            .filter(scope.holds(Column::ProcessDefinitionId))
            .group_by(Column::State)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(known(rows, State::from_code))
    }

    /// How many definitions each user has drawn.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn definitions_by_author(&self, scope: Scope) -> Result<Vec<Drawn>, Error> {
        use process_definition::Column;
        let project = link::<process_definition::Entity, project::Entity>(Column::ProjectId, project::Column::Id);
        let author = link::<process_definition::Entity, user::Entity>(Column::UserId, user::Column::Id);
        let found = process_definition::Entity::find()
            .select_only()
            .column(Column::UserId)
            .column(user::Column::UserName)
            .expr_as(Expr::cust("COUNT(*)"), "definitions")
            .join(JoinType::InnerJoin, project)
            .join(JoinType::LeftJoin, author)
            .filter(kept(Column::Flag))
            .filter(kept(project::Column::Flag))
            .filter(scope.holds(Column::Id))
            .group_by(Column::UserId)
            .group_by(user::Column::UserName)
            .order_by_asc(Column::UserId);
        Ok(found.into_model().all(self.read()).await?)
    }

    /// How many commands of each kind that were made in the span wait to be taken.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting_commands(&self, scope: Scope, span: Span) -> Result<Vec<(CommandType, i64)>, Error> {
        use command::Column;
        let rows: Vec<(Option<i32>, i64)> = command::Entity::find()
            .select_only()
            .column(Column::CommandType)
            .expr_as(Expr::cust("COUNT(*)"), "number")
            .filter(within(Column::StartTime, span))
            .filter(scope.holds(Column::ProcessDefinitionId))
            .group_by(Column::CommandType)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(known(rows, CommandType::from_code))
    }

    /// How many commands of each kind that were made in the span could not be carried out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn refused_commands(&self, scope: Scope, span: Span) -> Result<Vec<(CommandType, i64)>, Error> {
        use error_command::Column;
        let rows: Vec<(Option<i32>, i64)> = error_command::Entity::find()
            .select_only()
            .column(Column::CommandType)
            .expr_as(Expr::cust("COUNT(*)"), "number")
            .filter(within(Column::StartTime, span))
            .filter(scope.holds(Column::ProcessDefinitionId))
            .group_by(Column::CommandType)
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(known(rows, CommandType::from_code))
    }

    /// What waits for a worker now: only instances that are not over are looked at.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn backlog(&self, scope: Scope) -> Result<Backlog, Error> {
        use task_instance::Column;
        let instance = link::<task_instance::Entity, process_instance::Entity>(
            Column::ProcessInstanceId,
            process_instance::Column::Id,
        );
        let rows: Vec<(Option<i32>, Option<i32>, i64)> = task_instance::Entity::find()
            .select_only()
            .column(Column::State)
            .column_as(process_instance::Column::State, "instance_state")
            .expr_as(Expr::cust("COUNT(*)"), "number")
            .join(JoinType::InnerJoin, instance)
            .filter(process_instance::Column::State.is_in(State::LIVE.map(State::code)))
            .filter(scope.holds(process_instance::Column::ProcessDefinitionId))
            .filter(Column::Flag.eq(1))
            .filter(Column::State.is_in([State::Submitted.code(), State::Running.code()]))
            .group_by(Column::State)
            .group_by(process_instance::Column::State)
            .into_tuple()
            .all(self.read())
            .await?;
        let mut backlog = Backlog::default();
        for (state, instance, number) in rows {
            match (state.and_then(State::from_code), instance.and_then(State::from_code)) {
                (Some(State::Submitted), _) => backlog.waiting += number,
                (Some(State::Running), Some(State::ReadyStop)) => backlog.stopping += number,
                _ => {}
            }
        }
        Ok(backlog)
    }
}

impl Scope {
    /// Whether the column holds the id of a definition in scope.
    fn holds(self, definition: impl ColumnTrait) -> Condition {
        match self {
            Scope::Everything => Condition::all(),
            Scope::Project(id) => {
                let of_project = process_definition::Column::ProjectId.eq(id.0);
                Condition::all().add(definition.in_subquery(definitions().filter(of_project).into_query()))
            }
            Scope::Of(user) => {
                let of_project = process_definition::Column::ProjectId.in_subquery(projects_of(user));
                Condition::all().add(definition.in_subquery(definitions().filter(of_project).into_query()))
            }
        }
    }
}

fn definitions() -> sea_orm::Select<process_definition::Entity> {
    process_definition::Entity::find().select_only().column(process_definition::Column::Id)
}

fn projects_of(user: UserId) -> SelectStatement {
    use project::Column;
    let granted = granted_to(user).select_only().column(relation_project_user::Column::ProjectId).into_query();
    let mine = Condition::any().add(Column::UserId.eq(user.0)).add(Column::Id.in_subquery(granted));
    project::Entity::find().select_only().column(Column::Id).filter(kept(Column::Flag)).filter(mine).into_query()
}

fn within(column: impl ColumnTrait, span: Span) -> Condition {
    Condition::all().add(column.gt(utc(span.after))).add(column.lte(utc(span.until)))
}

/// Codes that nobody knows are left out.
fn known<T>(rows: Vec<(Option<i32>, i64)>, of: impl Fn(i32) -> Option<T>) -> Vec<(T, i64)> {
    rows.into_iter().filter_map(|(code, number)| Some((code.and_then(&of)?, number))).collect()
}
