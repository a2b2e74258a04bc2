//! The master: commands become instances, events go through the engine, are recorded, then acted upon.
//!
//! It owns instances by epoch and revision and drives them event by event; nothing here waits for a
//! poll. What it forgets in a crash, the rows and the worker's shim remember: a new start takes the live
//! instances over and asks what became of their attempts.

mod alerts;
mod bean;
mod claim;
mod driver;
mod family;
mod inbox;
mod intake;
mod offices;
mod run;
mod step;

use crate::calls::{Bell, MasterSide};
use crate::queue::Queue;
use crate::store::Store;
use chrono_tz::Tz;
use driver::Driver;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the master is handed.
pub struct Master {
    pub store: Store,
    pub queue: Arc<dyn Queue>,
    pub bell: Arc<dyn Bell>,
    pub calls: MasterSide,
    pub settings: Settings,
}

#[derive(Clone, Debug)]
pub struct Settings {
    /// Names this start of a process: the owner of the instances that it drives.
    pub owner: String,
    pub host: String,
    pub zone: Tz,
    /// How many top-level instances are driven at once (`master.exec.threads`).
    pub instances: usize,
    /// How many attempts of one instance may be submitted at once (`master.exec.task.number`).
    pub places: usize,
}

impl Master {
    /// Drives instances until told to stop; then takes nothing new, waits for the writes under way, and
    /// leaves.
    pub async fn run(self, stop: CancellationToken) {
        Driver::new(self.store, self.queue, self.bell, self.settings, self.calls.orders)
            .run(self.calls.reports, stop)
            .await;
    }
}
