//! The Gantt chart of an instance.

use super::elapsed;
use crate::model::{State, Time};
use crate::store::TaskHead;
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gantt {
    height: i32,
    /// All nodes, each after those that it waits for.
    task_names: Vec<String>,
    /// The nodes that have run, in the same order.
    tasks: Vec<Bar>,
    task_status: Legend,
}

#[derive(Serialize, ToSchema)]
struct Legend {
    success: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Bar {
    task_name: String,
    /// Arrays of one number, which the front-end computes with.
    start_date: [Time; 1],
    end_date: [Time; 1],
    execution_date: Option<Time>,
    iso_start: Time,
    iso_end: Time,
    status: State,
    duration: String,
}

impl Gantt {
    /// The chart at an instant; of several attempts of a node the last one counts.
    pub fn of(task_names: Vec<String>, tasks: Vec<TaskHead>, now: Time) -> Gantt {
        let mut by_name: HashMap<String, TaskHead> =
            tasks.into_iter().map(|task| (task.name.clone().unwrap_or_default(), task)).collect();
        let tasks = task_names
            .iter()
            .filter_map(|name| by_name.remove(name).map(|task| Bar::of(name.clone(), &task, now)))
            .collect();
        Gantt { height: 0, task_names, tasks, task_status: Legend { success: "success" } }
    }
}

impl Bar {
    fn of(task_name: String, task: &TaskHead, now: Time) -> Bar {
        let (start, end) = (task.start_time.unwrap_or(now), task.end_time.unwrap_or(now));
        Bar {
            task_name,
            start_date: [start],
            end_date: [end],
            execution_date: task.start_time,
            iso_start: start,
            iso_end: end,
            status: task.state.unwrap_or(State::Submitted),
            duration: elapsed(task.start_time, task.end_time, now),
        }
    }
}
