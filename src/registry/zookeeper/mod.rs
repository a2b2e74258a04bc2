//! The registry of a cluster.
//!
//! Each member has an ephemeral node of ours, which says where it is, and masters and workers a second one that the
//! monitors of EasyScheduler read. Nobody refuses to start because a node of the same host is there: names are drawn
//! anew for each session, and what an own former session has left is deleted, never waited for. A lease is a
//! persistent node, apart from all sessions.

mod heartbeat;
mod keeper;
mod leases;
mod monitor;
mod muster;
mod paths;
mod seat;

use super::{Error, Lease, Member, Membership, Muster, Posted, Registry, Role, Server, Version};
use crate::config;
use crate::zookeeper::{self, Children, Client};
use async_trait::async_trait;
use futures::future::join_all;
use keeper::Keeper;
use paths::Paths;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// How often the nodes that monitors read are rewritten.
#[derive(Clone, Copy, Debug)]
pub struct Beats {
    pub master: Duration,
    pub worker: Duration,
}

/// Clone the client to share its session.
pub struct ZooKeeper {
    client: Client,
    paths: Arc<Paths>,
    beats: Beats,
    changes: watch::Sender<u64>,
    /// Those who look after the nodes of members; they end when their memberships are dropped.
    keepers: TaskTracker,
    _followers: Vec<AbortOnDropHandle<()>>,
}

impl ZooKeeper {
    /// Does not wait for the servers.
    pub fn new(client: Client, config: &config::Zookeeper, beats: Beats) -> ZooKeeper {
        let paths = Arc::new(Paths::new(config));
        let changes = watch::channel(0).0;
        let followers = Role::ALL.map(|role| {
            let members = client.follow(&paths.members(role));
            AbortOnDropHandle::new(tokio::spawn(count(members, changes.clone())))
        });
        let keepers = TaskTracker::new();
        ZooKeeper { client, paths, beats, changes, keepers, _followers: followers.into() }
    }

    /// How often a member's node for monitors is rewritten; others are only looked after.
    fn interval(&self, role: Role) -> Duration {
        match role {
            Role::Worker => self.beats.worker,
            Role::Master | Role::Api | Role::Logger | Role::Alert => self.beats.master,
        }
    }

    async fn member(&self, parent: &str, name: &str) -> Result<Option<(i64, Member)>, zookeeper::Error> {
        let path = format!("{parent}/{name}");
        let (data, stat) = match self.client.get(&path).await {
            Err(zookeeper::Error::Missing) => return Ok(None),
            read => read?,
        };
        let member = serde_json::from_slice(&data);
        if let Err(error) = &member {
            tracing::warn!(path, "this node of the registry tells of no member: {error}");
        }
        Ok(member.ok().map(|member| (stat.created, member)))
    }
}

/// Passes the changes of one role's members on.
async fn count(members: Children, changes: watch::Sender<u64>) {
    let mut seen = members.seen();
    while seen.changed().await.is_ok() {
        changes.send_modify(|count| *count += 1);
    }
}

impl From<zookeeper::Error> for Error {
    fn from(error: zookeeper::Error) -> Self {
        Error::Unavailable(error.to_string())
    }
}

#[async_trait]
impl Muster for ZooKeeper {
    async fn servers(&self, role: Role) -> Result<Vec<Server>, Error> {
        match self.paths.monitored(role) {
            Some(parent) => muster::servers(&self.client, parent).await,
            None => Ok(Vec::new()),
        }
    }
}

#[async_trait]
impl Registry for ZooKeeper {
    async fn join(&self, member: Member) -> Membership {
        let keeper = Keeper::new(self.client.clone(), self.paths.clone(), self.interval(member.role), member);
        let seat = keeper.seat();
        self.keepers.spawn(keeper.run());
        Membership::new(seat)
    }

    async fn members(&self, role: Role) -> Result<Vec<Member>, Error> {
        let parent = self.paths.members(role);
        let names = match self.client.children(&parent).await {
            Err(zookeeper::Error::Missing) => return Ok(Vec::new()),
            read => read?,
        };
        let read = join_all(names.iter().map(|name| self.member(&parent, name))).await;
        // One that has changed its session may be there twice for a moment: the younger node counts.
        let mut living: BTreeMap<String, (i64, Member)> = BTreeMap::new();
        for found in read {
            let Some((created, member)) = found?.filter(|(_, member)| member.role == role) else { continue };
            let place = living.entry(member.start.clone()).or_insert((created, member.clone()));
            if place.0 < created {
                *place = (created, member);
            }
        }
        Ok(living.into_values().map(|(_, member)| member).collect())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn lease(&self, worker: &str) -> Result<Option<Posted>, Error> {
        leases::read(&self.client, &self.paths, worker).await
    }

    async fn leases(&self) -> Result<Vec<Posted>, Error> {
        leases::list(&self.client, &self.paths).await
    }

    async fn post(&self, worker: &str, lease: &Lease, over: Option<Version>) -> Result<Option<Version>, Error> {
        leases::post(&self.client, &self.paths, worker, lease, over).await
    }

    async fn close(&self) {
        self.keepers.close();
        if tokio::time::timeout(self.client.settings().deadline(), self.keepers.wait()).await.is_err() {
            tracing::warn!("not every membership has ended; it does with the ZooKeeper session");
        }
        self.client.close().await;
    }
}
