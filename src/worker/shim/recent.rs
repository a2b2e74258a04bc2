//! The tags that were started lately, so that a start told twice is made once even after its status is
//! recorded and forgotten.

use crate::model::Tag;
use std::collections::{HashSet, VecDeque};

/// A start that is told again comes within far fewer others.
const SIZE: usize = 1 << 16;

#[derive(Default)]
pub(super) struct Recent {
    set: HashSet<Tag>,
    order: VecDeque<Tag>,
}

impl Recent {
    /// False if it is already there.
    pub fn insert(&mut self, tag: Tag) -> bool {
        if !self.set.insert(tag) {
            return false;
        }
        self.order.push_back(tag);
        if self.order.len() > SIZE
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }

    /// It was not started after all.
    pub fn remove(&mut self, tag: Tag) {
        if self.set.remove(&tag) {
            self.order.retain(|other| *other != tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let mut recent = Recent::default();
        assert!((0..=SIZE as u64).all(|tag| recent.insert(Tag(tag))));
        assert!(!recent.insert(Tag(1)));
        assert!(recent.insert(Tag(0)));
        recent.remove(Tag(0));
        assert!(recent.insert(Tag(0)));
    }
}
