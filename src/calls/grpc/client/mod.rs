//! The calling end.

mod bell;
mod colleagues;
mod line;
mod links;
mod pool;
mod reader;
mod registrar;
mod roster;
mod signed;

pub use bell::EveryBell;
pub use colleagues::OtherMasters;
pub use links::EveryMaster;
pub use pool::Pool;
pub use reader::{Answer, LogReader};
pub use registrar::AnyMaster;
pub use roster::Roster;

use super::plain;
use std::time::Duration;

/// How long an ordinary call may take.
const CALL: Duration = Duration::from_millis(2500);
