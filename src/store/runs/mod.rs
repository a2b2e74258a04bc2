//! What masters read and write: commands, instances and their tasks.
//!
//! Each function is one whole fact. Everything a master changes about an instance is guarded by the
//! epoch and revision it believes in.

mod awaited;
mod claim;
pub(super) mod command;
mod definition;
mod glance;
pub(in crate::store) mod insert;
mod load;
mod loaded;
mod ownership;
mod record;
mod records;
mod workers;

pub use claim::NewInstance;
pub use definition::Definition;
pub use glance::{Glance, TaskGlance};
pub use loaded::{Child, Live, Loaded, LoadedTask, Parent};
pub use record::{ChildStart, NewAlert, NewTask, Recorded, Step, TaskChange};
pub use records::{Records, Standpoint};
pub use workers::WorkerRow;
