//! Which members of a role there are, also while the registry does not answer.

use crate::registry::{Member, Registry, Role};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long an answer of the registry is taken for the present one, if it has not told of a change.
const FRESH: Duration = Duration::from_secs(1);

/// How long the registry may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The members of one role. Clones share what they know.
#[derive(Clone)]
pub struct Roster {
    registry: Arc<dyn Registry>,
    role: Role,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    members: Vec<Member>,
    /// The last look: which change it followed, and when it was.
    looked: Option<(u64, Instant)>,
}

impl Roster {
    pub fn new(registry: Arc<dyn Registry>, role: Role) -> Roster {
        Roster { registry, role, known: Arc::default() }
    }

    /// Who is there now, as far as can be known: without an answer, whoever was there last.
    pub async fn members(&self) -> Vec<Member> {
        let change = *self.registry.changes().borrow();
        if let Some(members) = self.fresh(change) {
            return members;
        }
        let read = tokio::time::timeout(PATIENCE, self.registry.members(self.role)).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Noted after a failure as well: a registry that is gone must not make every call wait for it.
        known.looked = Some((change, Instant::now()));
        match read {
            Ok(Ok(members)) => known.members = members,
            Ok(Err(why)) => tracing::debug!(role = %self.role, "going on with the members known so far: {why}"),
            Err(_) => tracing::debug!(role = %self.role, "going on with the members known so far"),
        }
        known.members.clone()
    }

    /// For those who wait for a change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.registry.changes()
    }

    fn fresh(&self, change: u64) -> Option<Vec<Member>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, at) = known.looked?;
        (seen == change && at.elapsed() < FRESH).then(|| known.members.clone())
    }
}
