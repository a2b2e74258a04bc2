//! Columns as the types of [`crate::model`], so that a query can answer with the domain's words.

use super::instant;
use crate::model::{
    AlertType, BackfillId, BackfillState, CommandType, DataSourceId, DateOrder, DbType, DefinitionId, DstGap,
    DstOverlap, FailureStrategy, Flag, InstanceId, MisfirePolicy, OverlapPolicy, Priority, ProjectId, ReleaseState,
    ResourceId, ResourceType, RunMode, ScheduleId, State, TaskDependType, TaskId, Time, UdfId, UdfType, UserId,
    UserType, WarningType,
};
use chrono::NaiveDateTime;
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable};

impl TryGetable for Time {
    fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
        NaiveDateTime::try_get_by(row, column).map(instant)
    }
}

macro_rules! ids {
    ($($name:ident),*) => {$(
        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
                i32::try_get_by(row, column).map($name)
            }
        }
    )*};
}

ids!(BackfillId, DataSourceId, ProjectId, DefinitionId, InstanceId, ScheduleId, TaskId, UserId, ResourceId, UdfId);

/// A number that the enumeration does not know counts as none, so that one odd row spoils no list.
macro_rules! codes {
    ($($name:ident),*) => {$(
        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
                let code = i32::try_get_by(row, column)?;
                $name::from_code(code).ok_or_else(|| TryGetError::Null(format!("{} {code}", stringify!($name))))
            }
        }
    )*};
}

codes!(
    AlertType,
    CommandType,
    DbType,
    FailureStrategy,
    Flag,
    Priority,
    ReleaseState,
    ResourceType,
    State,
    TaskDependType,
    UdfType,
    UserType,
    WarningType
);
codes!(BackfillState, DateOrder, DstGap, DstOverlap, MisfirePolicy, OverlapPolicy, RunMode);
