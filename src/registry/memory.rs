//! The registry of one process.

use super::{Error, Lease, Member, Membership, Posted, Registry, Role, Seat, Version};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Clones share it.
#[derive(Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    members: Vec<Member>,
    leases: BTreeMap<String, Posted>,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { shared: Arc::new(Shared { state: Mutex::default(), changes: watch::channel(0).0 }) }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Registry for Memory {
    async fn join(&self, member: Member) -> Membership {
        self.shared.state().members.push(member.clone());
        self.shared.changes.send_modify(|count| *count += 1);
        Membership::new(Place { shared: self.shared.clone(), role: member.role, start: member.start })
    }

    async fn members(&self, role: Role) -> Result<Vec<Member>, Error> {
        let state = self.shared.state();
        Ok(state.members.iter().filter(|member| member.role == role).cloned().collect())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    async fn lease(&self, worker: &str) -> Result<Option<Posted>, Error> {
        Ok(self.shared.state().leases.get(worker).cloned())
    }

    async fn leases(&self) -> Result<Vec<Posted>, Error> {
        Ok(self.shared.state().leases.values().cloned().collect())
    }

    async fn post(&self, worker: &str, lease: &Lease, over: Option<Version>) -> Result<Option<Version>, Error> {
        let mut state = self.shared.state();
        let stands = state.leases.get(worker).map(|posted| posted.version);
        if stands != over {
            return Ok(None);
        }
        let version = Version(stands.map_or(0, |version| version.0 + 1));
        state.leases.insert(worker.to_owned(), Posted { worker: worker.to_owned(), lease: lease.clone(), version });
        Ok(Some(version))
    }
}

struct Place {
    shared: Arc<Shared>,
    role: Role,
    start: String,
}

impl Place {
    fn is_of(&self, member: &Member) -> bool {
        member.role == self.role && member.start == self.start
    }
}

#[async_trait]
impl Seat for Place {
    async fn beat(&self, sound: bool) -> Result<(), Error> {
        let mut state = self.shared.state();
        state.members.iter_mut().filter(|member| self.is_of(member)).for_each(|member| member.sound = sound);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.state().members.retain(|member| !self.is_of(member));
        self.shared.changes.send_modify(|count| *count += 1);
    }
}
