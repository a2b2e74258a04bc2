//! What a display needs to know of a run, without the long columns: it is read many times a second.

use crate::model::{CommandId, InstanceId, State, Time};
use crate::store::entity::{error_command, process_instance, task_instance};
use crate::store::{Error, Store, instant};
use sea_orm::prelude::DateTime;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

/// An instance and the newest attempts of its nodes.
#[derive(Clone, Debug)]
pub struct Glance {
    pub state: State,
    pub tasks: Vec<TaskGlance>,
}

#[derive(Clone, Debug)]
pub struct TaskGlance {
    pub name: String,
    pub state: State,
    pub attempt: u32,
    pub started_at: Option<Time>,
    pub ended_at: Option<Time>,
}

type Columns = (Option<String>, Option<i32>, i32, Option<DateTime>, Option<DateTime>);

impl Store {
    /// How a run stands.
    ///
    /// # Errors
    /// The instance does not exist, or the database cannot be read.
    pub async fn glance(&self, id: InstanceId) -> Result<Glance, Error> {
        use task_instance::Column;
        // The state first: what was recorded with the end of the instance is then seen, too.
        let code: Option<Option<i32>> = process_instance::Entity::find_by_id(id.0)
            .select_only()
            .column(process_instance::Column::State)
            .into_tuple()
            .one(self.read())
            .await?;
        let code = code.ok_or_else(|| Error::Missing(format!("process instance {id}")))?;
        let tasks: Vec<Columns> = task_instance::Entity::find()
            .select_only()
            .columns([Column::Name, Column::State, Column::Attempt, Column::StartTime, Column::EndTime])
            .filter(Column::ProcessInstanceId.eq(id.0))
            .filter(Column::Flag.eq(1))
            .into_tuple()
            .all(self.read())
            .await?;
        let state = code.and_then(State::from_code).unwrap_or(State::Running);
        Ok(Glance { state, tasks: tasks.into_iter().map(TaskGlance::of).collect() })
    }

    /// Why a command was moved to the error table; `None` if it was not.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn refusal(&self, id: CommandId) -> Result<Option<String>, Error> {
        let row = error_command::Entity::find_by_id(id.0).one(self.read()).await?;
        Ok(row.map(|row| row.message.unwrap_or_default()))
    }
}

impl TaskGlance {
    fn of((name, state, attempt, started_at, ended_at): Columns) -> TaskGlance {
        TaskGlance {
            name: name.unwrap_or_default(),
            state: state.and_then(State::from_code).unwrap_or(State::Submitted),
            attempt: u32::try_from(attempt).unwrap_or_default(),
            started_at: started_at.map(instant),
            ended_at: ended_at.map(instant),
        }
    }
}
