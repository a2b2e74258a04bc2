//! The registry of a cluster on real servers, with either crate.

use super::member;
use super::suite::{self, World};
use crate::config;
use crate::registry::{Beats, Error, Lease, Membership, Muster, Registry, Role, ZooKeeper};
use crate::zookeeper::tests::proxy::Proxy;
use crate::zookeeper::tests::{client, node, settings, until, with_both_crates};
use crate::zookeeper::{Client, Crate, Mode};
use servers::{Ensemble, Zookeeper};
use std::sync::Arc;
use std::time::Duration;

with_both_crates!(
    zookeeper_is_a_registry,
    monitors_find_what_the_original_writes,
    a_node_of_the_same_host_is_no_hindrance,
    an_expired_member_signs_in_again,
    a_server_may_be_restarted,
    a_lost_majority_may_come_back,
    a_deleted_tree_is_made_again,
    foreign_nodes_are_told_apart,
    a_lease_made_anew_is_another_one,
    what_was_written_without_an_answer_is_found_by_reading,
);

struct Site {
    by: Crate,
    quorum: String,
    config: config::Zookeeper,
}

impl Site {
    fn new(by: Crate, quorum: String) -> Site {
        let root = node();
        let below = |name: &str| format!("{root}/{name}");
        let config = config::Zookeeper {
            quorum: String::new(),
            client: config::ZookeeperClient::Async,
            session_timeout: Duration::ZERO,
            connection_timeout: Duration::ZERO,
            retry_sleep: Duration::ZERO,
            retry_maxtime: 0,
            dead_servers: below("dead-servers"),
            masters: below("masters"),
            workers: below("workers"),
            locks: vec![below("lock/masters"), below("lock/failover/startup-masters")],
            root,
        };
        Site { by, quorum, config }
    }

    fn root(&self) -> &str {
        &self.config.root
    }

    /// A registry that reaches the servers some other way.
    fn through(&self, quorum: &str) -> Arc<dyn Registry> {
        Arc::new(self.open(quorum))
    }

    fn open(&self, quorum: &str) -> ZooKeeper {
        let client = Client::open(settings(self.by, quorum, Duration::from_secs(2)));
        let beats = Beats { master: Duration::from_millis(200), worker: Duration::from_millis(200) };
        ZooKeeper::new(client, &self.config, beats)
    }

    /// The names of the nodes that monitors read.
    async fn monitored(&self, near: &Client) -> Vec<String> {
        near.children(&self.config.masters).await.unwrap_or_default()
    }
}

impl World for Site {
    fn registry(&self) -> Arc<dyn Registry> {
        self.through(&self.quorum)
    }

    fn muster(&self) -> Arc<dyn Muster> {
        Arc::new(self.open(&self.quorum))
    }
}

async fn signed_in(registry: &Arc<dyn Registry>, start: &str, there: bool) {
    until(&format!("{start} is a master: {there}"), || async {
        let members = registry.members(Role::Master).await;
        members.is_ok_and(|members| members.iter().any(|member| member.start == start) == there)
    })
    .await;
}

async fn beats(membership: &Membership, acknowledged: bool) {
    until(&format!("beats are acknowledged: {acknowledged}"), || async {
        membership.beat(true).await.is_ok() == acknowledged
    })
    .await;
}

async fn zookeeper_is_a_registry(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    suite::run(|| Site::new(by, zookeeper.address())).await;
}

async fn monitors_find_what_the_original_writes(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (site, near) = (Site::new(by, zookeeper.address()), client(by, &zookeeper.address()));
    let registry = site.registry();
    let membership = registry.join(member(Role::Master, "m1")).await;
    beats(&membership, true).await;
    let names = site.monitored(&near).await;
    assert_eq!(names, ["10.0.0.1_0000000000"]);
    let path = format!("{}/{}", site.config.masters, names[0]);
    let text = |data: Vec<u8>| String::from_utf8(data).unwrap();
    let (first, stat) = near.get(&path).await.unwrap();
    assert_ne!(stat.owner, 0);
    let first = text(first);
    let fields: Vec<&str> = first.split(',').collect();
    assert_eq!((fields.len(), &fields[..2]), (6, &["10.0.0.1", "4711"][..]), "{first}");
    for share in &fields[2..4] {
        assert!((0.0..=1.0).contains(&share.parse::<f64>().unwrap()), "{first}");
    }
    for time in &fields[4..] {
        assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").is_ok(), "{first}");
    }
    until("the heartbeat moves", || async { near.get(&path).await.is_ok_and(|(data, _)| text(data) != first) }).await;
    for name in
        ["workers", "dead-servers", "tasks_queue", "tasks_kill", "lock/masters", "lock/failover/startup-masters"]
    {
        let stat = near.exists(&format!("{}/{name}", site.root())).await.unwrap();
        assert_eq!(stat.map(|stat| stat.owner), Some(0), "{name}");
    }
    drop(membership);
    registry.close().await;
    assert_eq!(site.monitored(&near).await, [""; 0]);
}

async fn a_node_of_the_same_host_is_no_hindrance(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (site, near) = (Site::new(by, zookeeper.address()), client(by, &zookeeper.address()));
    near.ensure(&site.config.masters).await.unwrap();
    // One that was killed a moment ago, and a host whose address begins alike.
    for host in ["10.0.0.1", "10.0.0.10"] {
        let text = format!("{host},1,0.1,0.1,2026-01-01 00:00:00,2026-01-01 00:00:00");
        let stem = format!("{}/{host}_", site.config.masters);
        near.create(&stem, text.as_bytes(), Mode::EphemeralSequential).await.unwrap();
    }
    let registry = site.registry();
    let membership = registry.join(member(Role::Master, "m1")).await;
    beats(&membership, true).await;
    let mut names = site.monitored(&near).await;
    names.sort();
    assert_eq!(names, ["10.0.0.10_0000000001", "10.0.0.1_0000000000", "10.0.0.1_0000000002"]);
}

async fn an_expired_member_signs_in_again(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (site, near) = (Site::new(by, zookeeper.address()), client(by, &zookeeper.address()));
    let (proxy, other) = (Proxy::to(zookeeper.address()).await, site.registry());
    let registry = site.through(&proxy.address());
    let membership = registry.join(member(Role::Master, "m1")).await;
    let mut changes = registry.changes();
    signed_in(&other, "m1", true).await;
    let beat_in_the_dark = async {
        signed_in(&other, "m1", false).await;
        membership.beat(true).await
    };
    proxy.swallow();
    assert!(matches!(beat_in_the_dark.await, Err(Error::Unavailable(_))));
    let elsewhere = other.join(member(Role::Master, "m2")).await;
    changes.mark_unchanged();
    proxy.heal();
    beats(&membership, true).await;
    signed_in(&other, "m1", true).await;
    // What happened meanwhile is told, and its own node for monitors is there once.
    changes.changed().await.unwrap();
    signed_in(&registry, "m2", true).await;
    until("each has one node for monitors", || async { site.monitored(&near).await.len() == 2 }).await;
    drop(elsewhere);
}

async fn a_server_may_be_restarted(by: Crate) {
    let Some(zookeeper) = tokio::task::block_in_place(Zookeeper::start) else { return };
    let site = Site::new(by, zookeeper.address());
    let (one, other) = (site.registry(), site.registry());
    let membership = one.join(member(Role::Master, "m1")).await;
    beats(&membership, true).await;
    let lease = Lease { incarnation: 1, beat: 1, length_ms: 0, fenced: false };
    let version = one.post("w", &lease, None).await.unwrap();
    tokio::task::block_in_place(|| zookeeper.kill());
    assert!(membership.beat(true).await.is_err());
    assert!(other.members(Role::Master).await.is_err());
    assert!(other.leases().await.is_err());
    tokio::task::block_in_place(|| zookeeper.start());
    beats(&membership, true).await;
    signed_in(&other, "m1", true).await;
    until("the lease moves", || async { matches!(one.post("w", &lease, version).await, Ok(Some(_))) }).await;
}

async fn a_lost_majority_may_come_back(by: Crate) {
    let Some(ensemble) = tokio::task::block_in_place(Ensemble::start) else { return };
    let site = Site::new(by, ensemble.address());
    let (one, other) = (site.registry(), site.registry());
    let membership = one.join(member(Role::Master, "m1")).await;
    beats(&membership, true).await;
    let lost = &ensemble.members()[1..];
    tokio::task::block_in_place(|| lost.iter().for_each(|member| member.kill()));
    beats(&membership, false).await;
    assert!(other.members(Role::Master).await.is_err());
    tokio::task::block_in_place(|| lost.iter().for_each(|member| member.start()));
    beats(&membership, true).await;
    signed_in(&other, "m1", true).await;
}

async fn a_deleted_tree_is_made_again(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (site, near) = (Site::new(by, zookeeper.address()), client(by, &zookeeper.address()));
    let registry = site.registry();
    let membership = registry.join(member(Role::Master, "m1")).await;
    beats(&membership, true).await;
    // As the original's installer does.
    let mut changes = registry.changes();
    delete(&near, site.root()).await;
    changes.changed().await.unwrap();
    beats(&membership, true).await;
    signed_in(&registry, "m1", true).await;
    until("monitors see it again", || async { site.monitored(&near).await.len() == 1 }).await;
}

/// Deletes a node and all below, whoever makes some of it anew meanwhile.
async fn delete(near: &Client, path: &str) {
    for name in near.children(path).await.unwrap_or_default() {
        Box::pin(delete(near, &format!("{path}/{name}"))).await;
    }
    let _ = near.delete(path, None).await;
}

async fn foreign_nodes_are_told_apart(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (site, near) = (Site::new(by, zookeeper.address()), client(by, &zookeeper.address()));
    let registry = site.registry();
    let membership = registry.join(member(Role::Master, "m1")).await;
    beats(&membership, true).await;
    let lease = Lease { incarnation: 1, beat: 1, length_ms: 0, fenced: false };
    registry.post("ours", &lease, None).await.unwrap().unwrap();
    for path in ["members/master/strange", "leases/strange"] {
        near.create(&format!("{}/{path}", site.root()), b"what?", Mode::Persistent).await.unwrap();
    }
    assert_eq!(registry.members(Role::Master).await.unwrap(), [member(Role::Master, "m1")]);
    let leases = registry.leases().await.unwrap();
    assert_eq!(leases.iter().map(|posted| posted.worker.as_str()).collect::<Vec<_>>(), ["ours"]);
    assert!(matches!(registry.lease("strange").await, Err(Error::Foreign(_))));
    assert_eq!(registry.post("strange", &lease, None).await.unwrap(), None);
}

async fn a_lease_made_anew_is_another_one(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (site, near) = (Site::new(by, zookeeper.address()), client(by, &zookeeper.address()));
    let (one, other) = (site.registry(), site.registry());
    let lease = |beat| Lease { incarnation: 1, beat, length_ms: 0, fenced: false };
    let first = one.post("w", &lease(1), None).await.unwrap();
    let seen = one.post("w", &lease(2), first).await.unwrap();
    near.delete(&format!("{}/leases/w", site.root()), None).await.unwrap();
    assert_eq!(one.post("w", &lease(3), seen).await.unwrap(), None);
    let anew = other.post("w", &lease(11), None).await.unwrap();
    let moved = other.post("w", &lease(12), anew).await.unwrap();
    // Written once since it was made, as the one that was seen.
    assert_eq!(one.post("w", &Lease { fenced: true, ..lease(2) }, seen).await.unwrap(), None);
    assert!(other.post("w", &lease(13), moved).await.unwrap().is_some());
}

async fn what_was_written_without_an_answer_is_found_by_reading(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (site, proxy) = (Site::new(by, zookeeper.address()), Proxy::to(zookeeper.address()).await);
    // Its session must not expire while answers are lost.
    let client = Client::open(settings(by, &proxy.address(), Duration::from_secs(20)));
    let registry = ZooKeeper::new(client, &site.config, Beats { master: Duration::MAX, worker: Duration::MAX });
    let lease = |beat| Lease { incarnation: 1, beat, length_ms: 0, fenced: false };
    let first = registry.post("w", &lease(1), None).await.unwrap();
    let near = client_of(&site);
    // The answer to the look before the write has to come through, so the write is made below the registry.
    let path = format!("{}/leases/w", site.root());
    let through = Client::open(settings(by, &proxy.address(), Duration::from_secs(20)));
    through.exists(&path).await.unwrap();
    proxy.swallow_answers();
    let data = serde_json::to_vec(&lease(2)).unwrap();
    assert!(matches!(through.set(&path, &data, Some(0)).await, Err(crate::zookeeper::Error::Unknown(_))));
    until("the write has come through", || async { near.get(&path).await.is_ok_and(|(_, stat)| stat.version == 1) })
        .await;
    proxy.heal();
    until("it is read", || async {
        matches!(registry.lease("w").await, Ok(Some(posted)) if posted.lease == lease(2) && Some(posted.version) != first)
    })
    .await;
    assert_eq!(registry.post("w", &lease(2), first).await.unwrap(), None);
}

fn client_of(site: &Site) -> Client {
    client(site.by, &site.quorum)
}
