//! Processes that lost their parent and so became children of the shim.

use super::folder::Identity;
use super::tree::{self, Tree};
use crate::model::Tag;
use nix::sys::signal::Signal;
use std::collections::HashMap;

/// Each with the attempt that it belongs to, as far as that can be told.
#[derive(Default)]
pub(super) struct Orphans(HashMap<i32, Option<Tag>>);

impl Orphans {
    /// Looks who is there now. `leaders` are the children that we started ourselves and have not reaped,
    /// `running` are the attempts of which something may be left.
    pub fn look(
        &mut self,
        tree: &Tree,
        identity: Identity,
        leaders: &HashMap<i32, Tag>,
        running: impl Fn() -> Vec<(Tag, i32)>,
    ) {
        let children = tree.own_children();
        self.0.retain(|pid, _| children.contains(pid));
        for pid in children {
            let known = leaders.contains_key(&pid) || self.0.contains_key(&pid);
            if !known && tree::Stat::of(pid).is_some_and(|stat| !stat.dead) {
                self.0.insert(pid, tree::owner(pid, identity, &running()));
            }
        }
    }

    /// Those of one attempt.
    pub fn of(&self, tag: Tag) -> Vec<i32> {
        self.0.iter().filter(|(_, owner)| **owner == Some(tag)).map(|(pid, _)| *pid).collect()
    }

    /// Kills them all: no attempt is left that they could belong to.
    pub fn kill_all(&self, tree: &Tree) {
        let all: Vec<i32> = self.0.keys().copied().collect();
        tree.signal(&all, &[Signal::SIGKILL]);
    }
}
