//! The JSON of the wire (`EasyScheduler 1.0.1: shared object shapes`): the keys of releases 1.0.1 and 1.1.0
//! together, `null` included, dates as epoch milliseconds.

mod access_token;
mod alert_group;
mod audited;
mod backfill;
mod count;
mod datasource;
mod definition;
mod dependent;
mod gantt;
mod instance;
mod node;
mod people;
mod project;
mod resource;
mod schedule;
mod server;
mod task;
mod tree;
mod why;

pub use access_token::AccessToken;
pub use alert_group::AlertGroup;
pub use audited::Audited;
pub use backfill::Backfill;
pub use count::{Authors, CommandCount, QueueCount, StateCounts};
pub use datasource::{DataSource, DataSourceForm};
pub use definition::Definition;
pub use dependent::dependent_log;
pub use gantt::Gantt;
pub use instance::{ChildInstance, FullInstance, Instance, InstanceTasks, ParentInstance, Receivers, Variables};
pub use node::Node;
pub use people::{Queue, Tenant, User};
pub use project::Project;
pub use resource::{Content, GrantedResource, Resource, Udf};
pub use schedule::Schedule;
pub use server::{DatabaseState, Server, WorkerGroup, ZookeeperState};
pub use task::{FullTask, Task};
pub use tree::{Square, Tree};
pub use why::Why;

use crate::model::Time;
use crate::store::{Page, Paged};
use serde::Serialize;

/// Always null: what a call that only does something answers, and keys of the original that never hold anything.
#[derive(Clone, Copy)]
pub struct Nothing;

impl Serialize for Nothing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// Not JSON: bytes with a name.
pub struct File;

/// One page of a list. `total_list` is the page and not the total, as the front-end wants it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed<T> {
    total_list: Vec<T>,
    total: u64,
    current_page: u64,
    total_page: u64,
}

impl<T> Listed<T> {
    pub fn of<R>(found: Paged<R>, page: Page, shape: impl Fn(R) -> T) -> Listed<T> {
        Listed {
            total_list: found.rows.into_iter().map(shape).collect(),
            total: found.total,
            current_page: page.number,
            total_page: found.total.div_ceil(page.size.max(1)).max(1),
        }
    }
}

/// Whole seconds from start to end; `None` before the end.
fn seconds(start: Option<Time>, end: Option<Time>) -> Option<u64> {
    Some(end?.since(start?).as_secs())
}

/// From start to end, or to now where there is no end: days, hours, minutes and seconds, two digits each.
fn elapsed(start: Option<Time>, end: Option<Time>, now: Time) -> String {
    let seconds = start.map_or(0, |start| end.unwrap_or(now).since(start).as_secs());
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    format!("{:02} {:02}:{:02}:{:02}", hours / 24, hours % 24, minutes % 60, seconds % 60)
}

/// JSON text that the front-end parses: never empty.
fn json_or(text: Option<String>, empty: &str) -> String {
    text.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| empty.to_owned())
}
