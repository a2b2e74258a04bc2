//! The suite: each case gets a world of its own, and as many processes in it as it wants.

use super::member;
use crate::model::Time;
use crate::registry::{Lease, Muster, Posted, Registry, Role, Server};
use crate::zookeeper::tests::until;
use futures::future::join_all;
use std::sync::Arc;

/// Where registries meet.
pub trait World {
    /// That of one more process.
    fn registry(&self) -> Arc<dyn Registry>;

    /// What shows its members to people.
    fn muster(&self) -> Arc<dyn Muster>;
}

pub async fn run<W: World>(world: impl Fn() -> W) {
    members_are_there_from_joining_to_dropping(&world()).await;
    a_member_says_itself_that_it_is_unsound(&world()).await;
    changes_of_members_are_told(&world()).await;
    masters_and_workers_are_shown_to_people(&world()).await;
    leaving_signs_everybody_out(&world()).await;
    a_lease_is_made_only_once(&world()).await;
    a_lease_is_moved_only_by_who_has_seen_it(&world()).await;
    of_many_who_move_a_lease_one_wins(&world()).await;
    a_lease_outlives_its_process(&world()).await;
    workers_may_have_any_name(&world()).await;
}

/// The starts of the members of a role, in order.
async fn starts(registry: &Arc<dyn Registry>, role: Role) -> Vec<String> {
    let members = registry.members(role).await.unwrap_or_default();
    let mut starts: Vec<String> = members.into_iter().map(|member| member.start).collect();
    starts.sort();
    starts
}

async fn see(registry: &Arc<dyn Registry>, role: Role, expected: &[&str]) {
    until(&format!("{role}s are {expected:?}"), || async { starts(registry, role).await == expected }).await;
}

async fn members_are_there_from_joining_to_dropping(world: &impl World) {
    let (one, other) = (world.registry(), world.registry());
    let first = one.join(member(Role::Master, "m1")).await;
    let second = other.join(member(Role::Master, "m:2/~%")).await;
    let third = other.join(member(Role::Worker, "w1")).await;
    for registry in [&one, &other] {
        see(registry, Role::Master, &["m1", "m:2/~%"]).await;
        see(registry, Role::Worker, &["w1"]).await;
        see(registry, Role::Api, &[]).await;
    }
    assert_eq!(other.members(Role::Worker).await.unwrap(), [member(Role::Worker, "w1")]);
    drop(first);
    see(&one, Role::Master, &["m:2/~%"]).await;
    see(&other, Role::Master, &["m:2/~%"]).await;
    drop((second, third));
    see(&one, Role::Master, &[]).await;
    see(&one, Role::Worker, &[]).await;
}

async fn a_member_says_itself_that_it_is_unsound(world: &impl World) {
    let (one, other) = (world.registry(), world.registry());
    let membership = one.join(member(Role::Master, "m1")).await;
    for sound in [true, false, true] {
        until("the beat is acknowledged", || async { membership.beat(sound).await.is_ok() }).await;
        until("it is seen", || async {
            other.members(Role::Master).await.is_ok_and(|members| members.len() == 1 && members[0].sound == sound)
        })
        .await;
    }
}

async fn changes_of_members_are_told(world: &impl World) {
    let (one, other) = (world.registry(), world.registry());
    let mut changes = other.changes();
    let mut seen = Vec::new();
    let membership = one.join(member(Role::Api, "a1")).await;
    while seen != ["a1"] {
        changes.changed().await.unwrap();
        seen = starts(&other, Role::Api).await;
    }
    drop(membership);
    while !seen.is_empty() {
        changes.changed().await.unwrap();
        seen = starts(&other, Role::Api).await;
    }
}

async fn masters_and_workers_are_shown_to_people(world: &impl World) {
    let (registry, muster) = (world.registry(), world.muster());
    let before = Time::now();
    let first = registry.join(member(Role::Master, "m1")).await;
    let second = registry.join(member(Role::Master, "m2")).await;
    let others = [registry.join(member(Role::Worker, "w1")).await, registry.join(member(Role::Api, "a1")).await];
    let shown = async |role| muster.servers(role).await.unwrap_or_default();
    until("two masters are shown", || async { shown(Role::Master).await.len() == 2 }).await;
    until("a worker is shown", || async { shown(Role::Worker).await.len() == 1 }).await;
    let masters = shown(Role::Master).await;
    assert_ne!(masters[0].number, masters[1].number);
    for server in &masters {
        assert_eq!((&*server.host, server.pid), ("10.0.0.1", 4711));
        assert!((0.0..=1.0).contains(&server.cpu) && (0.0..=1.0).contains(&server.memory), "{server:?}");
        // Two clocks of whole seconds are compared here.
        let near = |time: Time| (time.0 - before.0).abs() < 600_000;
        assert!(near(server.started) && near(server.beat) && server.started <= server.beat, "{server:?}");
    }
    assert_eq!(shown(Role::Api).await, []);
    drop((first, second, others));
    let gone = |servers: Vec<Server>| servers.is_empty();
    until("nobody is shown", || async { gone(shown(Role::Master).await) && gone(shown(Role::Worker).await) }).await;
}

async fn leaving_signs_everybody_out(world: &impl World) {
    let (one, other) = (world.registry(), world.registry());
    let memberships = [one.join(member(Role::Alert, "x")).await, one.join(member(Role::Logger, "x")).await];
    see(&other, Role::Alert, &["x"]).await;
    see(&other, Role::Logger, &["x"]).await;
    drop(memberships);
    one.close().await;
    // Not only soon: now.
    assert_eq!(starts(&other, Role::Alert).await, [""; 0]);
    assert_eq!(starts(&other, Role::Logger).await, [""; 0]);
}

fn lease(incarnation: u64, beat: u64) -> Lease {
    Lease { incarnation, beat, length_ms: 10_000, fenced: false }
}

async fn a_lease_is_made_only_once(world: &impl World) {
    let (one, other) = (world.registry(), world.registry());
    assert_eq!(one.lease("w1").await.unwrap(), None);
    assert_eq!(one.leases().await.unwrap(), []);
    let version = one.post("w1", &lease(7, 1), None).await.unwrap().unwrap();
    assert_eq!(other.post("w1", &lease(8, 1), None).await.unwrap(), None);
    let found = one.lease("w1").await.unwrap().unwrap();
    let posted = Posted { worker: "w1".into(), lease: lease(7, 1), version, written_at: found.written_at };
    assert_eq!(found, posted);
    assert_eq!(one.leases().await.unwrap(), [posted]);
}

async fn a_lease_is_moved_only_by_who_has_seen_it(world: &impl World) {
    let registry = world.registry();
    let first = registry.post("w1", &lease(7, 1), None).await.unwrap().unwrap();
    let second = registry.post("w1", &lease(7, 2), Some(first)).await.unwrap().unwrap();
    assert_ne!(first, second);
    let fenced = Lease { fenced: true, ..lease(7, 1) };
    assert_eq!(registry.post("w1", &fenced, Some(first)).await.unwrap(), None);
    assert_eq!(registry.lease("w1").await.unwrap().unwrap().lease, lease(7, 2));
    assert_eq!(registry.post("w2", &lease(7, 2), Some(second)).await.unwrap(), None);
    assert_eq!(registry.lease("w2").await.unwrap(), None);
    let fenced = Lease { fenced: true, ..lease(7, 2) };
    assert!(registry.post("w1", &fenced, Some(second)).await.unwrap().is_some());
    assert_eq!(registry.post("w1", &lease(7, 3), Some(second)).await.unwrap(), None);
    assert_eq!(registry.lease("w1").await.unwrap().unwrap().lease, fenced);
}

async fn of_many_who_move_a_lease_one_wins(world: &impl World) {
    let registries: Vec<_> = (0..4).map(|_| world.registry()).collect();
    let mut version = registries[0].post("w1", &lease(0, 0), None).await.unwrap();
    for round in 1..=20 {
        let posts = registries.iter().zip(0..).map(|(registry, who)| {
            let over = version;
            async move { (who, registry.post("w1", &lease(who, round), over).await.unwrap()) }
        });
        let won: Vec<_> = join_all(posts).await.into_iter().filter(|(_, version)| version.is_some()).collect();
        assert_eq!(won.len(), 1, "round {round}");
        let stands = registries[0].lease("w1").await.unwrap().unwrap();
        // The others may see it a moment later; who asks the one that has written it sees it at once.
        let (winner, winning) = won[0];
        let told = registries[winner as usize].lease("w1").await.unwrap().unwrap();
        assert_eq!((told.lease, Some(told.version)), (lease(winner, round), winning));
        assert!(stands.lease.beat <= round);
        version = winning;
    }
}

async fn a_lease_outlives_its_process(world: &impl World) {
    let (one, other) = (world.registry(), world.registry());
    one.post("w1", &lease(7, 1), None).await.unwrap().unwrap();
    one.close().await;
    drop(one);
    assert_eq!(other.lease("w1").await.unwrap().unwrap().lease, lease(7, 1));
}

async fn workers_may_have_any_name(world: &impl World) {
    let registry = world.registry();
    let names = ["", ".", "..", "10.0.0.1", "a b", "a/b", "ä%", "~"];
    for (name, beat) in names.iter().zip(0..) {
        registry.post(name, &lease(1, beat), None).await.unwrap().unwrap();
    }
    let mut found: Vec<_> = registry.leases().await.unwrap().into_iter().map(|it| (it.lease.beat, it.worker)).collect();
    found.sort();
    let found: Vec<_> = found.into_iter().map(|(_, worker)| worker).collect();
    assert_eq!(found, names);
    assert_eq!(registry.lease("a/b").await.unwrap().unwrap().lease, lease(1, 5));
}
