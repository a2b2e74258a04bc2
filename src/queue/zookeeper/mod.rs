//! The queue outside of the masters, in ZooKeeper: one node per attempt that waits, below `<root>/tasks_queue`.
//!
//! An entry is a hint, no right: who takes it claims the attempt at its owner, and only owners remove it. Entries
//! may vanish at any time, and foreign ones may lie beside ours; they are left alone. Nobody takes a lock.

mod listing;
mod name;
mod offers;
#[cfg(test)]
mod tests;

pub use listing::Listing;
pub use offers::Offers;

/// Below the root: the entries.
const QUEUE: &str = "tasks_queue";

/// Below the root: where the original's masters ask for kills. Nothing here does; monitors expect it.
const KILLS: &str = "tasks_kill";

/// Calls under way at once.
const ABREAST: usize = 64;
