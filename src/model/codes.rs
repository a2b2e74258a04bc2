//! Enumerations: a code in the tables, a name in JSON and in request parameters.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A name that an enumeration does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not one of {known}")]
pub struct UnknownName {
    pub given: String,
    pub known: String,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant = $code),* }

        impl $name {
            /// Every value, in the order of the codes.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Every name, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            /// The number that the tables hold.
            pub fn code(self) -> i32 {
                self as i32
            }

            /// The value of a number from a table.
            pub fn from_code(code: i32) -> Option<Self> {
                match code { $($code => Some($name::$variant),)* _ => None }
            }

            /// The name on the wire and in stored JSON.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;
            /// Exact, case-sensitive names; surrounding blanks are ignored.
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text.trim() {
                    $($text => Ok($name::$variant),)*
                    other => Err(UnknownName { given: other.to_owned(), known: $name::NAMES.join(", ") }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

codes! {
    /// State of a process instance or of a task instance (`ExecutionStatus`).
    State {
        Submitted = 0 "SUBMITTED_SUCCESS",
        Running = 1 "RUNNING_EXEUTION",
        ReadyPause = 2 "READY_PAUSE",
        Pause = 3 "PAUSE",
        ReadyStop = 4 "READY_STOP",
        Stop = 5 "STOP",
        Failure = 6 "FAILURE",
        Success = 7 "SUCCESS",
        NeedFaultTolerance = 8 "NEED_FAULT_TOLERANCE",
        Kill = 9 "KILL",
        WaitingThread = 10 "WAITTING_THREAD",
        WaitingDepend = 11 "WAITTING_DEPEND",
    }

    CommandType {
        StartProcess = 0 "START_PROCESS",
        StartCurrentTask = 1 "START_CURRENT_TASK_PROCESS",
        RecoverFault = 2 "RECOVER_TOLERANCE_FAULT_PROCESS",
        RecoverSuspended = 3 "RECOVER_SUSPENDED_PROCESS",
        StartFailure = 4 "START_FAILURE_TASK_PROCESS",
        Complement = 5 "COMPLEMENT_DATA",
        Scheduler = 6 "SCHEDULER",
        Repeat = 7 "REPEAT_RUNNING",
        Pause = 8 "PAUSE",
        Stop = 9 "STOP",
        RecoverWaitingThread = 10 "RECOVER_WAITTING_THREAD",
    }

    /// What the API is asked to do with an instance.
    ExecuteType {
        None = 0 "NONE",
        Repeat = 1 "REPEAT_RUNNING",
        RecoverSuspended = 2 "RECOVER_SUSPENDED_PROCESS",
        StartFailure = 3 "START_FAILURE_TASK_PROCESS",
        Stop = 4 "STOP",
        Pause = 5 "PAUSE",
    }

    /// 0 is the most urgent.
    Priority {
        Highest = 0 "HIGHEST",
        High = 1 "HIGH",
        Medium = 2 "MEDIUM",
        Low = 3 "LOW",
        Lowest = 4 "LOWEST",
    }

    /// What the final failure of a node means for the rest of its instance.
    FailureStrategy {
        End = 0 "END",
        Continue = 1 "CONTINUE",
    }

    /// Which ends of an instance are worth an alert.
    WarningType {
        None = 0 "NONE",
        Success = 1 "SUCCESS",
        Failure = 2 "FAILURE",
        All = 3 "ALL",
    }

    /// What becomes of the instants at which a schedule should have fired and nobody was there.
    MisfirePolicy {
        /// The latest of them is made up for.
        FireOnce = 0 "fire once",
        /// Each of them is made up for.
        FireAll = 1 "fire all",
        /// They are left out.
        Skip = 2 "skip",
    }

    /// What becomes of a firing while a run of the same schedule lives.
    OverlapPolicy {
        Parallel = 0 "parallel",
        /// It runs once the others have ended.
        Wait = 1 "wait",
        Skip = 2 "skip",
        /// The others are stopped, then it runs.
        Replace = 3 "replace",
    }

    /// What becomes of a fixed hour that the clocks leave out when summer time begins.
    DstGap {
        /// It comes at the first instant after the gap.
        Shift = 0 "shift",
        Skip = 1 "skip",
    }

    /// Which of the two passes counts for a fixed hour that the clocks show twice when summer time ends.
    DstOverlap {
        First = 0 "first",
        Second = 1 "second",
        Both = 2 "both",
    }

    /// What became of an instant at which a schedule was due.
    Outcome {
        /// There is a command, or an instance.
        Started = 0 "STARTED",
        /// Until the run before has ended.
        Waiting = 1 "WAITING",
        /// The schedule's overlap policy left it out.
        Skipped = 2 "SKIPPED",
        /// The schedule's misfire policy left it out.
        Missed = 3 "MISSED",
    }

    /// Whether a backfill goes on.
    BackfillState {
        Running = 0 "RUNNING",
        /// By somebody, or for the reason that stands beside.
        Paused = 1 "PAUSED",
        Stopped = 2 "STOPPED",
        Finished = 3 "FINISHED",
    }

    /// In which order the dates of a backfill run.
    DateOrder {
        Ascending = 0 "ascending",
        Descending = 1 "descending",
    }

    /// Which nodes run beside the chosen ones.
    TaskDependType {
        Only = 0 "TASK_ONLY",
        Pre = 1 "TASK_PRE",
        Post = 2 "TASK_POST",
    }

    RunMode {
        Serial = 0 "RUN_MODE_SERIAL",
        Parallel = 1 "RUN_MODE_PARALLEL",
    }

    ReleaseState {
        Offline = 0 "OFFLINE",
        Online = 1 "ONLINE",
    }

    Flag {
        No = 0 "NO",
        Yes = 1 "YES",
    }

    UserType {
        Admin = 0 "ADMIN_USER",
        General = 1 "GENERAL_USER",
    }

    AlertType {
        Email = 0 "EMAIL",
        Sms = 1 "SMS",
    }

    /// How the content of an alert is shown.
    ShowType {
        Table = 0 "TABLE",
        Text = 1 "TEXT",
        Attachment = 2 "ATTACHMENT",
        TableAttachment = 3 "TABLEATTACHMENT",
    }

    /// Kind of a node. The tables hold the name, not the code.
    TaskType {
        Shell = 0 "SHELL",
        Sql = 1 "SQL",
        SubProcess = 2 "SUB_PROCESS",
        Procedure = 3 "PROCEDURE",
        Mr = 4 "MR",
        Spark = 5 "SPARK",
        Python = 6 "PYTHON",
        Dependent = 7 "DEPENDENT",
    }

    /// The kind of a data source.
    DbType {
        Mysql = 0 "MYSQL",
        Postgresql = 1 "POSTGRESQL",
        Hive = 2 "HIVE",
        Spark = 3 "SPARK",
        Clickhouse = 4 "CLICKHOUSE",
        Oracle = 5 "ORACLE",
        Sqlserver = 6 "SQLSERVER",
    }

    /// What an uploaded file is for.
    ResourceType {
        File = 0 "FILE",
        Udf = 1 "UDF",
    }

    /// The engine that a function of a user is for.
    UdfType {
        Hive = 0 "HIVE",
        Spark = 1 "SPARK",
    }

    Direct {
        In = 0 "IN",
        Out = 1 "OUT",
    }

    /// Declared type of a parameter.
    DataType {
        Varchar = 0 "VARCHAR",
        Integer = 1 "INTEGER",
        Long = 2 "LONG",
        Float = 3 "FLOAT",
        Double = 4 "DOUBLE",
        Date = 5 "DATE",
        Time = 6 "TIME",
        Timestamp = 7 "TIMESTAMP",
        Boolean = 8 "BOOLEAN",
    }
}

impl State {
    /// Nothing more happens without a new command (`EasyScheduler 1.0.1: finished`).
    pub fn is_finished(self) -> bool {
        use State::*;
        matches!(self, Pause | Stop | Failure | Success | NeedFaultTolerance | Kill | WaitingThread)
    }

    /// Ended badly by itself.
    pub fn is_failure(self) -> bool {
        matches!(self, State::Failure | State::NeedFaultTolerance)
    }

    /// States in which an instance has, or needs, an owner.
    pub const LIVE: [State; 4] = [State::Submitted, State::Running, State::ReadyPause, State::ReadyStop];

    /// In work, as the API's rules for pause and stop mean it.
    pub fn is_running(self) -> bool {
        matches!(self, State::Running | State::WaitingDepend)
    }
}

impl TaskType {
    /// Whether this release can run such a node; the others can be saved only.
    pub fn is_supported(self) -> bool {
        matches!(self, TaskType::Shell | TaskType::Python | TaskType::SubProcess | TaskType::Dependent)
    }
}
