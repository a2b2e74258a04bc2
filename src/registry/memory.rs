//! The registry of one process.

use super::machine::{Look, Machine};
use super::{Error, Lease, Member, Membership, Muster, Posted, Registry, Role, Seat, Server, Version};
use crate::model::Time;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a look at the machine counts.
const FRESH: Duration = Duration::from_secs(1);

/// Clones share it.
#[derive(Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    /// Everybody here is on one machine.
    machine: tokio::sync::Mutex<Watched>,
}

/// A machine, and how it was found lately.
struct Watched {
    machine: Machine,
    last: Option<(Instant, Look)>,
}

#[derive(Default)]
struct State {
    members: Vec<Joined>,
    /// How many have joined.
    joined: u32,
    leases: BTreeMap<String, Posted>,
}

struct Joined {
    member: Member,
    number: u32,
    at: Time,
}

impl Default for Memory {
    fn default() -> Self {
        let machine = tokio::sync::Mutex::new(Watched { machine: Machine::new(), last: None });
        Memory { shared: Arc::new(Shared { state: Mutex::default(), changes: watch::channel(0).0, machine }) }
    }
}

impl State {
    fn join(&mut self, member: Member) {
        self.joined += 1;
        self.members.push(Joined { member, number: self.joined, at: Time::now() });
    }

    fn of(&self, role: Role) -> impl Iterator<Item = &Joined> {
        self.members.iter().filter(move |joined| joined.member.role == role)
    }
}

impl Watched {
    async fn look(&mut self) -> Look {
        match self.last {
            Some((at, look)) if at.elapsed() < FRESH => look,
            _ => {
                let look = self.machine.look().await;
                self.last = Some((Instant::now(), look));
                look
            }
        }
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
        self.shared.state().join(member.clone());
        self.shared.changes.send_modify(|count| *count += 1);
        Membership::new(Place { shared: self.shared.clone(), role: member.role, start: member.start })
    }

    async fn members(&self, role: Role) -> Result<Vec<Member>, Error> {
        let state = self.shared.state();
        Ok(state.of(role).map(|joined| joined.member.clone()).collect())
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
        let posted = Posted { worker: worker.to_owned(), lease: lease.clone(), version, written_at: Time::now() };
        state.leases.insert(worker.to_owned(), posted);
        Ok(Some(version))
    }
}

#[async_trait]
impl Muster for Memory {
    async fn servers(&self, role: Role) -> Result<Vec<Server>, Error> {
        if !matches!(role, Role::Master | Role::Worker) {
            return Ok(Vec::new());
        }
        let look = self.shared.machine.lock().await.look().await;
        let server = |joined: &Joined| Server {
            number: joined.number,
            host: joined.member.host.clone(),
            pid: joined.member.pid,
            node: String::new(),
            cpu: look.cpu,
            memory: look.memory,
            load: Some(look.load),
            started: joined.at,
            // Whoever is here lives: it is this very process.
            beat: Time::now(),
        };
        Ok(self.shared.state().of(role).map(server).collect())
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
        for joined in state.members.iter_mut().filter(|joined| self.is_of(&joined.member)) {
            joined.member.sound = sound;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.state().members.retain(|joined| !self.is_of(&joined.member));
        self.shared.changes.send_modify(|count| *count += 1);
    }
}
