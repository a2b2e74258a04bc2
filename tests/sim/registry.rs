//! The registry: sessions that expire, leases that are moved by compare-and-set, followers that are cut off.

use crate::kernel::{MILLI, Micros, SECOND};
use crate::net::{Caller, Outcome};
use crate::world::{Node, World};
use async_trait::async_trait;
use escheduler::model::{Tag, Time};
use escheduler::queue::{Entry, Rank};
use escheduler::registry::{Error, Lease, Member, Membership, Posted, Registry as Port, Role, Seat, Version};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// How long a session lives without a word.
const SESSION: Micros = 10 * SECOND;

pub struct Registry {
    pub is_up: bool,
    sessions: BTreeMap<u64, Session>,
    pub leases: BTreeMap<String, Posted>,
    /// What clients of a follower that is cut off are told.
    stale: BTreeMap<Node, (Vec<Member>, BTreeMap<String, Posted>)>,
    last: u64,
    /// Attempts that wait where all workers see them.
    pub queue: BTreeMap<(Rank, Tag), Entry>,
    /// One for each claimant: a watch with many receivers wakes them in an order that no seed decides.
    pub queue_changes: Vec<watch::Sender<u64>>,
}

impl Default for Registry {
    fn default() -> Registry {
        let (sessions, leases, stale, queue) = Default::default();
        Registry { is_up: true, sessions, leases, stale, last: 0, queue, queue_changes: Vec::new() }
    }
}

struct Session {
    pid: usize,
    node: Node,
    member: Member,
    present: bool,
    heard_at: Micros,
    /// It has not heard of a change.
    missed: bool,
}

impl Registry {
    pub fn masters(&self) -> Vec<String> {
        self.members(Role::Master).into_iter().map(|member| member.start).collect()
    }

    fn members(&self, role: Role) -> Vec<Member> {
        let present = self.sessions.values().filter(|session| session.present && session.member.role == role);
        present.map(|session| session.member.clone()).collect()
    }
}

impl World {
    /// The follower that this machine is connected to hears nothing of the others for a while, and goes on reading.
    pub fn strand(&mut self, node: Node, span: Micros) {
        let seen = (self.registry.members(Role::Master), self.registry.leases.clone());
        self.registry.stale.insert(node, seen);
        self.q.after(span, move |w| drop(w.registry.stale.remove(&node)));
    }

    pub fn set_registry(&mut self, up: bool) {
        let now = self.q.now();
        self.registry.is_up = up;
        self.registry.sessions.values_mut().for_each(|session| session.heard_at = now);
    }

    pub fn tick_registry(&mut self) {
        if !self.registry.is_up {
            return;
        }
        let (now, place) = (self.q.now(), self.registry_node());
        let mut changed = false;
        let mut late = Vec::new();
        let mut dead = Vec::new();
        let mut sessions = std::mem::take(&mut self.registry.sessions);
        for (id, session) in &mut sessions {
            let stranded = self.registry.stale.contains_key(&session.node);
            if self.acts_now(session.pid) && self.is_linked(session.node, place) && !stranded {
                session.heard_at = now;
                changed |= !std::mem::replace(&mut session.present, true);
                if std::mem::take(&mut session.missed) {
                    late.push(session.pid);
                }
            } else if now - session.heard_at > SESSION {
                changed |= std::mem::take(&mut session.present);
                if !self.is_alive(session.pid) {
                    dead.push(*id);
                }
            }
        }
        self.registry.sessions = sessions;
        dead.into_iter().for_each(|id| drop(self.registry.sessions.remove(&id)));
        late.into_iter().for_each(|pid| self.tell_change(pid));
        if changed {
            self.members_changed();
        }
    }

    fn members_changed(&mut self) {
        let place = self.registry_node();
        let mut heard = Vec::new();
        let mut sessions = std::mem::take(&mut self.registry.sessions);
        for session in sessions.values_mut() {
            let reached = self.is_open(place, session.node) && !self.registry.stale.contains_key(&session.node);
            if reached { heard.push(session.pid) } else { session.missed = true }
        }
        self.registry.sessions = sessions;
        for pid in heard {
            let delay = self.delay().min(300 * MILLI);
            self.q.after(delay, move |w| w.tell_change(pid));
        }
    }

    fn tell_change(&mut self, pid: usize) {
        if let Some(changes) = &self.procs[pid].changes {
            changes.send_modify(|count| *count += 1);
        }
    }

    /// What the registry does about a call from this machine: `reads` may be told what is old.
    fn registry_serves<T>(&mut self, from: Node, reads: bool, serve: impl FnOnce(&mut World) -> T) -> Outcome<T> {
        let stranded = self.registry.stale.contains_key(&from);
        if !self.registry.is_up || (stranded && !reads) {
            return if self.dice.chance(0.5) { Outcome::Failed } else { Outcome::Silent };
        }
        let answer = serve(self);
        // Of writes, the answer may be lost.
        if !reads && !self.is_calm() && self.dice.chance(self.plan.lost_answers) {
            return Outcome::Silent;
        }
        Outcome::Answer(answer)
    }
}

/// The registry as one process sees it.
#[derive(Clone)]
pub struct Client {
    pub caller: Caller,
    pub pid: usize,
}

impl Client {
    pub async fn ask<T: Send + 'static>(
        &self,
        reads: bool,
        serve: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let node = self.caller.node;
        let answer = self.caller.call(World::registry_node, move |w| w.registry_serves(node, reads, serve)).await;
        answer.ok_or_else(|| Error::Unavailable("simulated".into()))
    }

    fn leases_seen(w: &World, node: Node) -> &BTreeMap<String, Posted> {
        w.registry.stale.get(&node).map_or(&w.registry.leases, |(_, leases)| leases)
    }
}

#[async_trait]
impl Port for Client {
    async fn join(&self, member: Member) -> Membership {
        let (pid, node) = (self.pid, self.caller.node);
        let (tell, told) = tokio::sync::oneshot::channel();
        self.caller.q.after(0, move |w| {
            w.registry.last += 1;
            let (id, heard_at) = (w.registry.last, w.q.now());
            let session = Session { pid, node, member, present: false, heard_at, missed: false };
            w.registry.sessions.insert(id, session);
            // As soon as the registry answers.
            let delay = w.delay().min(100 * MILLI);
            w.q.after(delay, World::tick_registry);
            let _ = tell.send(id);
        });
        let session = told.await.unwrap_or_default();
        Membership::new(Place { client: self.clone(), session })
    }

    async fn members(&self, role: Role) -> Result<Vec<Member>, Error> {
        let node = self.caller.node;
        self.ask(true, move |w| match w.registry.stale.get(&node) {
            Some((members, _)) => members.iter().filter(|member| member.role == role).cloned().collect(),
            None => w.registry.members(role),
        })
        .await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        let (tell, told) = watch::channel(0);
        let pid = self.pid;
        self.caller.q.after(0, move |w| {
            if w.is_alive(pid) {
                w.procs[pid].changes = Some(tell);
            }
        });
        told
    }

    async fn lease(&self, worker: &str) -> Result<Option<Posted>, Error> {
        let (worker, node) = (worker.to_owned(), self.caller.node);
        self.ask(true, move |w| Client::leases_seen(w, node).get(&worker).cloned()).await
    }

    async fn leases(&self) -> Result<Vec<Posted>, Error> {
        let node = self.caller.node;
        self.ask(true, move |w| Client::leases_seen(w, node).values().cloned().collect()).await
    }

    async fn post(&self, worker: &str, lease: &Lease, over: Option<Version>) -> Result<Option<Version>, Error> {
        let (worker, lease) = (worker.to_owned(), lease.clone());
        self.ask(false, move |w| {
            let leases = &mut w.registry.leases;
            let stands = leases.get(&worker).map(|posted| posted.version);
            if stands != over {
                return None;
            }
            let version = Version(stands.map_or(0, |version| version.0 + 1));
            leases.insert(worker.clone(), Posted { worker, lease, version, written_at: Time(0) });
            Some(version)
        })
        .await
    }
}

struct Place {
    client: Client,
    session: u64,
}

#[async_trait]
impl Seat for Place {
    async fn beat(&self, sound: bool) -> Result<(), Error> {
        let id = self.session;
        let beaten = self.client.ask(false, move |w| {
            let session = w.registry.sessions.get_mut(&id).filter(|session| session.present)?;
            session.member.sound = sound;
            Some(())
        });
        beaten.await?.ok_or_else(|| Error::Unavailable("not signed in".into()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (id, pid) = (self.session, self.client.pid);
        self.client.caller.q.after(0, move |w| {
            // A process that was killed signs out of nothing.
            if w.procs.get(pid).is_some_and(|process| process.alive) && w.registry.is_up {
                w.registry.sessions.remove(&id);
                w.members_changed();
            }
        });
    }
}
