//! Starts what has waited for a run to end: instants of schedules, dates of backfills.

use super::{LOOK, REST};
use crate::calls::Bell;
use crate::clock::Clock;
use crate::master::driver::AGAIN;
use crate::master::offices::Complaints;
use crate::store::{Error, Timetable};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Looks whenever a run has ended; beside the timer, which is not to come late because of it.
pub(in crate::master) struct Follower {
    timetable: Arc<dyn Timetable>,
    clock: Arc<dyn Clock>,
    bell: Arc<dyn Bell>,
    rings: Arc<Rings>,
    /// When it last looked, by the time since the machine has started.
    looked_at: Duration,
    complaints: Complaints,
}

impl Follower {
    pub fn new(
        timetable: Arc<dyn Timetable>,
        clock: Arc<dyn Clock>,
        bell: Arc<dyn Bell>,
        rings: Arc<Rings>,
    ) -> Follower {
        let looked_at = clock.boot();
        Follower { timetable, clock, bell, rings, looked_at, complaints: Complaints::default() }
    }

    /// Looks until it is dropped.
    pub async fn run(mut self) {
        loop {
            if let Err(error) = self.look().await {
                self.complaints.complain(&error);
                self.clock.sleep(AGAIN).await;
            }
            self.wait().await;
        }
    }

    /// Waits until it is time to look.
    pub(super) async fn wait(&self) {
        let since = self.clock.boot().saturating_sub(self.looked_at);
        let ring = async {
            self.clock.sleep(REST.saturating_sub(since)).await;
            self.rings.ended.notified().await;
        };
        tokio::select! {
            biased;
            () = self.clock.sleep(LOOK.saturating_sub(since)) => {}
            () = ring => {}
        }
    }

    pub(super) async fn look(&mut self) -> Result<(), Error> {
        self.looked_at = self.clock.boot();
        let now = self.clock.now();
        let fires = self.rings.clock_is_right.load(Ordering::Relaxed);
        let instants = if fires { self.timetable.start_waiting(now).await? } else { 0 };
        if instants + self.timetable.advance(now).await? > 0 {
            self.bell.ring();
        }
        Ok(())
    }
}

/// What wakes those who wait for the right moment.
#[derive(Default)]
pub(in crate::master) struct Rings {
    /// Schedules may have changed.
    pub changed: Notify,
    /// A run may have ended, or something new may wait for one.
    pub ended: Notify,
    /// Whether our clock is the database's, so that schedules may fire.
    pub clock_is_right: AtomicBool,
}
