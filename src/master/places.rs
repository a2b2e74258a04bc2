//! Places: how many top-level instances a master has in hand at most. Whoever is about to make one holds a place for
//! it first: the driver when it claims a command, the timer when a schedule fires.

use crate::host::Gauge;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Places {
    limit: usize,
    gauge: Arc<dyn Gauge>,
    state: Mutex<State>,
}

struct State {
    /// Top-level instances in hand, or being read.
    taken: usize,
    /// Held for instances that are being made.
    held: usize,
    /// Commands wait for a place, as far as is known.
    queue: bool,
}

/// Places for instances that are being made; free again once this is dropped.
pub(super) struct Held {
    places: Arc<Places>,
    pub count: usize,
}

impl Places {
    pub fn new(limit: usize, gauge: Arc<dyn Gauge>) -> Places {
        Places { limit, gauge, state: Mutex::new(State { taken: 0, held: 0, queue: true }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many instances are in hand by now.
    pub fn take(&self, count: usize) {
        self.state().taken = count;
    }

    /// How many are free. A master without any instance takes some on, however busy the machine is: it is not its
    /// work that fills it.
    pub fn free(&self) -> usize {
        self.free_in(&self.state())
    }

    fn free_in(&self, state: &State) -> usize {
        match state.taken > 0 && !self.gauge.has_room() {
            true => 0,
            false => self.limit.saturating_sub(state.taken + state.held),
        }
    }

    /// Whether a firing may get a place at all.
    pub fn is_open(&self) -> bool {
        let state = self.state();
        !state.queue && self.free_in(&state) > 0
    }

    /// Whether commands wait for one that is free.
    pub fn is_awaited(&self) -> bool {
        let state = self.state();
        state.queue && self.free_in(&state) > 0
    }

    /// Whether commands wait for a place, as the last look at them has shown.
    pub fn set_queue(&self, queue: bool) {
        self.state().queue = queue;
    }

    /// Holds as many as there are, at most so many.
    pub fn hold(self: &Arc<Self>, wanted: usize) -> Held {
        let mut state = self.state();
        let count = wanted.min(self.free_in(&state));
        state.held += count;
        Held { places: self.clone(), count }
    }

    /// The same, but nothing while commands wait: their turn comes first, in the order of their priorities.
    pub fn hold_without_queue(self: &Arc<Self>, wanted: usize) -> Held {
        let queue = self.state().queue;
        self.hold(if queue { 0 } else { wanted })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.places.state();
        state.held = state.held.saturating_sub(self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::NoLimit;

    struct Full;

    impl Gauge for Full {
        fn has_room(&self) -> bool {
            false
        }
    }

    fn places(gauge: Arc<dyn Gauge>) -> Arc<Places> {
        let places = Arc::new(Places::new(10, gauge));
        places.set_queue(false);
        places
    }

    #[test]
    fn what_one_holds_nobody_else_gets() {
        let places = places(Arc::new(NoLimit));
        places.take(3);
        let first = places.hold(5);
        let second = places.hold(5);
        assert_eq!((first.count, second.count, places.free()), (5, 2, 0));
        drop(first);
        assert_eq!(places.free(), 5);
        places.take(20);
        assert_eq!(places.hold(1).count, 0);
    }

    #[test]
    fn a_firing_does_not_pass_commands_that_wait() {
        let places = places(Arc::new(NoLimit));
        assert_eq!(places.hold_without_queue(4).count, 4);
        places.set_queue(true);
        assert_eq!((places.hold_without_queue(4).count, places.hold(4).count), (0, 4));
    }

    #[test]
    fn a_busy_machine_takes_on_nothing_more_but_something() {
        let places = places(Arc::new(Full));
        assert_eq!(places.free(), 10);
        places.take(1);
        assert_eq!(places.free(), 0);
    }
}
