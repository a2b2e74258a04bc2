//! The last so many of something: for what is told twice, and the second time comes soon.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

pub(super) struct Recent<T> {
    set: HashSet<T>,
    order: VecDeque<T>,
    size: usize,
}

impl<T: Copy + Eq + Hash> Recent<T> {
    /// Remembers up to `size`.
    pub fn new(size: usize) -> Recent<T> {
        Recent { set: HashSet::new(), order: VecDeque::new(), size }
    }

    /// False if it is already there.
    pub fn insert(&mut self, item: T) -> bool {
        if !self.set.insert(item) {
            return false;
        }
        self.order.push_back(item);
        if self.order.len() > self.size
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }

    pub fn contains(&self, item: &T) -> bool {
        self.set.contains(item)
    }

    /// It was not so after all.
    pub fn remove(&mut self, item: T) {
        if self.set.remove(&item) {
            self.order.retain(|other| *other != item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let mut recent = Recent::new(100);
        assert!((0..=100).all(|item| recent.insert(item)));
        assert!(!recent.insert(1) && !recent.contains(&0));
        assert!(recent.insert(0));
        recent.remove(0);
        assert!(recent.insert(0));
    }
}
