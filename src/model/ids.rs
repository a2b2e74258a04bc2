//! Ids are types, so that an instance's id is never taken for a task's.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// `t_escheduler_project.id`
    ProjectId,
    /// `t_escheduler_process_definition.id`
    DefinitionId,
    /// `t_escheduler_process_instance.id`
    InstanceId,
    /// `t_escheduler_task_instance.id`: one attempt of a node
    TaskId,
    /// `t_escheduler_command.id`
    CommandId,
    /// `t_escheduler_schedules.id`
    ScheduleId,
    /// `t_escheduler_backfill.id`
    BackfillId,
    /// `t_escheduler_user.id`
    UserId,
    /// `t_escheduler_datasource.id`
    DataSourceId,
    /// `t_escheduler_resources.id`
    ResourceId,
    /// `t_escheduler_udfs.id`
    UdfId,
}

/// The name of one attempt: a random number drawn in the write that first lets the attempt leave the master.
///
/// It names the attempt in messages, in the shim, in the task's environment and in file names, written as
/// 16 hexadecimal digits. The database holds the same bits as a signed number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

impl Tag {
    /// The tag as the database holds it.
    pub fn to_column(self) -> i64 {
        self.0 as i64
    }

    /// Reverses [`Tag::to_column`].
    pub fn from_column(value: i64) -> Self {
        Tag(value as u64)
    }

    /// Reads the 16 hexadecimal digits that [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(Tag)).flatten()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

impl Serialize for Tag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Tag::parse(&text).ok_or_else(|| serde::de::Error::custom("a tag has 16 hexadecimal digits"))
    }
}
