//! What the charts of the home page and of projects draw.

use crate::model::{CommandType, State};
use crate::store::{Backlog, Drawn};
use serde::Serialize;
use utoipa::ToSchema;

/// How many tasks or instances are in which state: every state, in the order of the codes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateCounts {
    total_count: i64,
    task_count_dtos: Vec<StateCount>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StateCount {
    count: i64,
    task_state_type: State,
}

impl StateCounts {
    pub fn of(found: &[(State, i64)]) -> StateCounts {
        let count = |state: &State| StateCount { count: number(found, state), task_state_type: *state };
        StateCounts {
            total_count: found.iter().map(|(_, count)| count).sum(),
            task_count_dtos: State::ALL.iter().map(count).collect(),
        }
    }
}

/// How many definitions there are, and who has drawn them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authors {
    count: i64,
    user_list: Vec<Author>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Author {
    user_name: Option<String>,
    user_id: i32,
    count: i64,
}

impl Authors {
    pub fn of(found: Vec<Drawn>) -> Authors {
        let count = found.iter().map(|drawn| drawn.definitions).sum();
        let author = |drawn: Drawn| Author {
            user_name: drawn.user_name,
            user_id: drawn.user_id.unwrap_or_default(),
            count: drawn.definitions,
        };
        Authors { count, user_list: found.into_iter().map(author).collect() }
    }
}

/// How many commands of one kind wait, and how many could not be carried out. The front-end looks at the order of
/// the keys, and wants the kind under the name of the state that has its number.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandCount {
    error_count: i64,
    normal_count: i64,
    command_state: State,
}

impl CommandCount {
    /// One for each state.
    pub fn all(waiting: &[(CommandType, i64)], refused: &[(CommandType, i64)]) -> Vec<CommandCount> {
        let of_kind = |counts: &[(CommandType, i64)], state: &State| {
            CommandType::from_code(state.code()).map_or(0, |kind| number(counts, &kind))
        };
        let count = |state: &State| CommandCount {
            error_count: of_kind(refused, state),
            normal_count: of_kind(waiting, state),
            command_state: *state,
        };
        State::ALL.iter().map(count).collect()
    }
}

/// What waits for workers. The front-end draws every key that it finds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueCount {
    task_queue: i64,
    task_kill: i64,
}

impl From<Backlog> for QueueCount {
    fn from(backlog: Backlog) -> QueueCount {
        QueueCount { task_queue: backlog.waiting, task_kill: backlog.stopping }
    }
}

fn number<T: PartialEq>(found: &[(T, i64)], wanted: &T) -> i64 {
    found.iter().filter(|(known, _)| known == wanted).map(|(_, count)| count).sum()
}
