//! The time, as a port: machines differ, and tests move it.

use crate::model::Time;
use futures::future::BoxFuture;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

pub trait Clock: Send + Sync {
    /// The wall clock: for schedules and for showing.
    fn now(&self) -> Time;

    /// Since the machine has started, its sleep included (`CLOCK_BOOTTIME`): for every duration that decides
    /// something. tokio's own timers stand still while the machine sleeps.
    fn boot(&self) -> Duration;

    /// Waits.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;
}

#[cfg(test)]
mod manual;
#[cfg(test)]
pub use manual::ManualClock;

/// The machine's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time::now()
    }

    fn boot(&self) -> Duration {
        clock_gettime(ClockId::CLOCK_BOOTTIME).expect("every kernel since 2.6.39 has it").into()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
}
