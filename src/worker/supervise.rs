//! What a worker wants of its shim, as a port: the real one is a process of its own.

use super::shim::{Incarnation, Kill, Shim, Start};
use crate::model::Tag;
use std::time::Duration;

/// Each is a wish; what comes of it is told as an [`Event`](super::shim::Event).
pub trait Supervise: Send + Sync {
    /// The worker knows that this incarnation has begun: what it wishes from now on is meant for that one. What was
    /// wished before never reaches a later incarnation, except that statuses may be forgotten.
    fn follow(&self, incarnation: Incarnation);

    /// Starts an attempt, once.
    fn start(&self, start: Start);

    /// Ends an attempt.
    fn kill(&self, tag: Tag, mode: Kill);

    /// The status was recorded.
    fn forget(&self, tag: Tag);

    /// Everything is killed at this instant of `CLOCK_BOOTTIME`, unless a later one is told before.
    fn lease(&self, until: Duration);

    /// A lease that was told before counts at most until this instant.
    fn cap(&self, until: Duration);

    /// Everything is killed at once.
    fn end(&self);

    /// The last word of a worker that stops.
    fn leave(&self);
}

impl Supervise for Shim {
    fn follow(&self, incarnation: Incarnation) {
        Shim::follow(self, incarnation);
    }

    fn start(&self, start: Start) {
        Shim::start(self, start);
    }

    fn kill(&self, tag: Tag, mode: Kill) {
        Shim::kill(self, tag, mode);
    }

    fn forget(&self, tag: Tag) {
        Shim::forget(self, tag);
    }

    fn lease(&self, until: Duration) {
        Shim::lease(self, until);
    }

    fn cap(&self, until: Duration) {
        Shim::cap(self, until);
    }

    fn end(&self) {
        Shim::end(self);
    }

    fn leave(&self) {
        Shim::leave(self);
    }
}
