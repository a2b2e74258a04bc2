//! Which roles of this process are there: for who asks whether it is ready.

use crate::registry::Role;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far a role has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is wanted, and does not work yet.
    Starting,
    Up,
    /// It has ended.
    Ended,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Stage::Starting => "starting",
            Stage::Up => "up",
            Stage::Ended => "ended",
        }
    }
}

/// The roles of one process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<Mutex<BTreeMap<Role, Stage>>>);

impl Presence {
    /// Nobody is up yet.
    pub fn of(wanted: &[Role]) -> Presence {
        Presence(Arc::new(Mutex::new(wanted.iter().map(|role| (*role, Stage::Starting)).collect())))
    }

    pub fn note(&self, role: Role, stage: Stage) {
        let mut roles = self.roles();
        // A role may consist of several parts; once one has ended, it is not there any more.
        if roles.get(&role) != Some(&Stage::Ended) {
            roles.insert(role, stage);
        }
    }

    pub(super) fn all(&self) -> Vec<(Role, Stage)> {
        self.roles().iter().map(|(role, stage)| (*role, *stage)).collect()
    }

    fn roles(&self) -> MutexGuard<'_, BTreeMap<Role, Stage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_so() {
        let presence = Presence::of(&[Role::Master, Role::Worker]);
        presence.note(Role::Worker, Stage::Up);
        presence.note(Role::Worker, Stage::Ended);
        presence.note(Role::Worker, Stage::Up);
        assert_eq!(presence.all(), [(Role::Master, Stage::Starting), (Role::Worker, Stage::Ended)]);
    }
}
