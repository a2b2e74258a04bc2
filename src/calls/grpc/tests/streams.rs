//! Streams between workers and masters.

use super::member::{Master, Setup, Worker, member, pair, registry};
use super::proxy::Unplugged;
use super::{attempt, hello, masters, pool};
use crate::calls::grpc::wire::hello_words;
use crate::calls::grpc::{MESSAGE_MAX, Roster};
use crate::calls::{Address, MasterMail, Place, Report, ToMaster, ToWorker, What, WorkerMail};
use crate::model::{InstanceId, Tag, Time};
use crate::registry::{self, Lease, Membership, Posted, Registry, Role, Version};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;

fn kill(number: u64) -> ToWorker {
    let attempt = Address { tag: Tag(number), ..attempt() };
    ToWorker::Kill { attempt, now: true }
}

#[tokio::test]
async fn the_order_is_kept_both_ways_and_the_end_is_told_once() {
    let (mut master, to_worker, mut worker, to_master, _joined) = pair(Setup::default()).await;
    for number in 0..5_000 {
        to_master.say(ToMaster::Credit { number });
        to_worker.say(kill(number));
    }
    for number in 0..5_000 {
        assert_eq!(master.heard().await, ToMaster::Credit { number });
        let ToWorker::Kill { attempt, now: true } = worker.heard().await else { panic!("another word") };
        assert_eq!(attempt.tag, Tag(number));
    }
    let left = worker.leave().await;
    assert!(matches!(&left[..], [WorkerMail::Unlinked { serial, .. }] if *serial == to_master.serial), "{left:?}");
    assert_eq!(master.unlinked().await, to_worker.serial);
    assert!(master.leave().await.is_empty());
}

#[tokio::test]
async fn a_master_that_leaves_is_told_of_the_end_of_each_stream() {
    let (master, to_worker, mut worker, to_master, _joined) = pair(Setup::default()).await;
    let left = master.leave().await;
    assert!(matches!(&left[..], [MasterMail::Unlinked { serial }] if *serial == to_worker.serial), "{left:?}");
    assert_eq!(worker.unlinked().await, to_master.serial);
    assert!(worker.leave().await.is_empty());
}

#[tokio::test]
async fn a_stream_is_made_again_when_the_master_is_back_under_its_address() {
    let network = Unplugged::new().await;
    let at = |start, listen| Setup { start, listen, behind: Some(network.address), ..Setup::default() };
    let mut master = at("m1", ([127, 0, 0, 1], 0).into()).serve().await;
    let (socket, setups) = (master.socket, (at("m2", master.socket), at("m1", master.socket)));
    let (registry, _joined) = registry([master.member()]).await;
    let proxy = network.plug(socket);
    let mut worker = Worker::start(pool(), masters(&registry));
    master.linked().await;
    let (_, before) = worker.linked().await;
    master.leave().await;
    assert_eq!(worker.unlinked().await, before.serial);

    // The same address, but another process: it is not the member that is meant.
    let mut other = setups.0.serve().await;
    proxy.called(2).await;
    assert!(worker.mail.try_recv().is_err() && other.mail.try_recv().is_err(), "the second is taken for the first");
    other.leave().await;

    let mut again = setups.1.serve().await;
    let (start, after) = worker.linked().await;
    assert_eq!((start.as_str(), after.serial != before.serial), ("m1", true));
    let (_, to_worker) = again.linked().await;
    to_worker.say(kill(1));
    assert!(matches!(worker.heard().await, ToWorker::Kill { .. }));
}

#[tokio::test]
async fn masters_that_come_are_linked_and_those_that_left_are_not_tried() {
    let mut first = Setup::default().serve().await;
    let (registry, mut joined) = registry([first.member()]).await;
    let mut worker = Worker::start(pool(), masters(&registry));
    first.linked().await;
    assert_eq!(worker.linked().await.0, "m1");

    let mut second = Setup { start: "m2", ..Setup::default() }.serve().await;
    joined.push(registry.join(second.member()).await);
    assert_eq!(worker.linked().await.0, "m2");
    let (_, to_worker) = second.linked().await;

    // No member any more, but its connection stands: it is still listened to.
    joined.pop();
    to_worker.say(kill(7));
    assert!(matches!(worker.heard().await, ToWorker::Kill { .. }));
    let address = second.address;
    second.leave().await;
    worker.unlinked().await;
    let mut again = Setup { start: "m2", listen: address, ..Setup::default() }.serve().await;
    // What comes after it has come.
    let third = Setup { start: "m3", ..Setup::default() }.serve().await;
    joined.push(registry.join(third.member()).await);
    assert_eq!(worker.linked().await.0, "m3");
    assert!(again.mail.try_recv().is_err());
}

#[tokio::test]
async fn a_worker_that_is_another_incarnation_greets_anew() {
    let (mut master, first, mut worker, _, _joined) = pair(Setup::default()).await;
    worker.attend(2);
    let mut ended = Vec::new();
    let greeted = loop {
        match master.next().await {
            MasterMail::Unlinked { serial } => ended.push(serial),
            MasterMail::Linked { hello, link } => break (hello, link),
            other => panic!("{other:?}"),
        }
    };
    worker.linked().await;
    assert_eq!(greeted.0, hello(2));
    if ended.is_empty() {
        ended.push(master.unlinked().await);
    }
    assert_eq!(ended, [first.serial]);
}

#[tokio::test]
async fn a_link_that_its_master_drops_is_over() {
    let (mut master, to_worker, mut worker, to_master, _joined) = pair(Setup::default()).await;
    let serial = to_worker.serial;
    drop(to_worker);
    master.links.clear();
    assert_eq!(master.unlinked().await, serial);
    assert_eq!(worker.unlinked().await, to_master.serial);
    worker.linked().await;
}

#[tokio::test]
async fn a_peer_that_is_silently_gone_is_noticed_on_both_sides() {
    let network = Unplugged::new().await;
    let mut master = Setup { behind: Some(network.address), ..Setup::default() }.serve().await;
    let (registry, _joined) = registry([member(Role::Master, "m1", "h", network.address)]).await;
    let proxy = network.plug(master.socket);
    let mut worker = Worker::start(pool(), masters(&registry));
    let (_, to_worker) = master.linked().await;
    let (_, to_master) = worker.linked().await;

    proxy.freeze();
    assert_eq!(worker.unlinked().await, to_master.serial);
    assert_eq!(master.unlinked().await, to_worker.serial);
    proxy.thaw();
    worker.linked().await;
    let (_, to_worker) = master.linked().await;
    to_worker.say(kill(1));
    assert!(matches!(worker.heard().await, ToWorker::Kill { .. }));
}

#[tokio::test]
async fn a_worker_that_does_not_read_loses_its_stream_and_not_our_memory() {
    let mut master = Setup::default().serve().await;
    let mut calls = pool().connect(master.address).await.unwrap();
    let (speaking, said) = tokio::sync::mpsc::channel(1);
    speaking.send(hello_words(hello(1), "m1".into())).await.unwrap();
    let unread = calls.attend(ReceiverStream::new(said)).await.unwrap();
    let (_, to_worker) = master.linked().await;
    // Far more than the network and the queues of both ends hold.
    (0..300_000).for_each(|number| to_worker.say(kill(number)));
    assert_eq!(master.unlinked().await, to_worker.serial);
    drop((unread, speaking));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_that_is_too_large_is_not_sent_and_breaks_nothing() {
    let (mut master, _, _worker, to_master, _joined) = pair(Setup::default()).await;
    let report = |length: usize| {
        let place = Place { host: "x".repeat(length), ..Place::default() };
        let what = What::Started { at: Time(1), place };
        ToMaster::Report(Report { instance: InstanceId(1), tag: Tag(1), what })
    };
    to_master.say(report(MESSAGE_MAX));
    to_master.say(report(MESSAGE_MAX - 100));
    to_master.say(ToMaster::Credit { number: 1 });
    assert!(master.heard().await == report(MESSAGE_MAX - 100));
    assert_eq!(master.heard().await, ToMaster::Credit { number: 1 });
}

/// A registry that can be made not to answer.
struct Absent {
    inner: registry::Memory,
    away: AtomicBool,
}

#[async_trait]
impl Registry for Absent {
    async fn join(&self, member: registry::Member) -> Membership {
        self.inner.join(member).await
    }

    async fn members(&self, role: Role) -> Result<Vec<registry::Member>, registry::Error> {
        if self.away.load(Ordering::Relaxed) {
            return Err(registry::Error::Unavailable("it is away".into()));
        }
        self.inner.members(role).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes()
    }

    async fn lease(&self, worker: &str) -> Result<Option<Posted>, registry::Error> {
        self.inner.lease(worker).await
    }

    async fn leases(&self) -> Result<Vec<Posted>, registry::Error> {
        self.inner.leases().await
    }

    async fn post(
        &self,
        worker: &str,
        lease: &Lease,
        over: Option<Version>,
    ) -> Result<Option<Version>, registry::Error> {
        self.inner.post(worker, lease, over).await
    }
}

#[tokio::test]
async fn masters_are_found_again_while_the_registry_is_away() {
    let absent = Arc::new(Absent { inner: registry::Memory::default(), away: AtomicBool::new(false) });
    let mut master: Master = Setup::default().serve().await;
    let joined = absent.join(master.member()).await;
    let mut worker = Worker::start(pool(), Roster::new(absent.clone(), Role::Master));
    master.linked().await;
    worker.linked().await;

    absent.away.store(true, Ordering::Relaxed);
    drop(joined);
    let address = master.address;
    master.leave().await;
    worker.unlinked().await;
    let mut again = Setup { listen: address, ..Setup::default() }.serve().await;
    again.linked().await;
    assert_eq!(worker.linked().await.0, "m1");
}
