//! Entries on a real server.

use super::name::{Name, Ticket};
use super::{Listing, Offers};
use crate::model::Tag;
use crate::queue::{Broker, Entry, Lobby};
use crate::zookeeper::tests::{client, node, until, with_both_crates};
use crate::zookeeper::{Client, Crate, Mode};
use servers::Zookeeper;
use std::collections::BTreeSet;

with_both_crates!(
    workers_see_the_most_urgent_entries_first,
    entries_for_others_are_left_alone,
    an_offer_may_be_repeated,
    a_stale_entry_is_replaced_and_told_of,
    only_the_owner_removes_an_entry,
    an_owner_finds_its_own_entries,
    foreign_entries_disturb_nobody,
    entries_outlive_a_restart_of_the_server,
);

const WORKER: &str = "192.168.1.1";

/// A queue of its own, its owners and its worker.
struct Site {
    near: Client,
    queue: String,
    offers: Offers,
    listing: Listing,
}

impl Site {
    fn new(by: Crate, server: &str) -> Site {
        let (near, root) = (client(by, server), node());
        let offers = Offers::new(client(by, server), &root);
        let listing = Listing::new(client(by, server), &root, WORKER);
        Site { near, queue: format!("{root}/tasks_queue"), offers, listing }
    }

    async fn best(&self, count: usize) -> Vec<String> {
        let found = self.listing.best(count, &BTreeSet::new()).await;
        found.iter().map(|entry| Name::of(entry).to_string()).collect()
    }

    async fn sees(&self, names: &[&str]) {
        until(&format!("the worker sees {names:?}"), || async { self.best(100).await == names }).await;
    }

    /// What stands in the queue, whoever has written it.
    async fn all(&self) -> Vec<String> {
        let mut names = self.near.children(&self.queue).await.unwrap();
        names.sort();
        names
    }
}

fn entry(name: &str, tag: u64, owner: &str, epoch: i32) -> Entry {
    name.parse::<Name>().unwrap().with(Ticket { tag: Tag(tag), owner: owner.into(), epoch })
}

fn entries(names: &[&str]) -> Vec<Entry> {
    names.iter().zip(1..).map(|(name, tag)| entry(name, tag, "m1", 1)).collect()
}

async fn workers_see_the_most_urgent_entries_first(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let site = Site::new(by, &zookeeper.address());
    assert_eq!(site.best(3).await, [""; 0]);
    let names = ["1_2_4_9_-1", "2_9_0_1_-1", "2_9_0_10_-1", "2_9_1_2_-1", "2_10_0_1_-1", "3_1_0_1_-1"];
    let mut unordered = entries(&names);
    unordered.rotate_left(3);
    site.offers.enter(unordered).await.unwrap();
    site.sees(&names).await;
    assert_eq!(site.best(2).await, names[..2]);
    let found = site.listing.best(2, &[Tag(1), Tag(3)].into()).await;
    assert_eq!(found.iter().map(|entry| entry.tag).collect::<Vec<_>>(), [Tag(2), Tag(4)]);
}

async fn entries_for_others_are_left_alone(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let site = Site::new(by, &zookeeper.address());
    let names = ["2_1_2_1_3232235777", "2_1_2_2_3232235778", "2_1_2_3_3232235777,3232235786", "2_1_2_4"];
    site.offers.enter(entries(&names)).await.unwrap();
    site.sees(&["2_1_2_1_3232235777", "2_1_2_3_3232235777,3232235786", "2_1_2_4_-1"]).await;
}

async fn an_offer_may_be_repeated(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let site = Site::new(by, &zookeeper.address());
    for _ in 0..2 {
        site.offers.enter(entries(&["2_1_2_1_-1", "2_1_2_2_-1"])).await.unwrap();
    }
    assert_eq!(site.all().await, ["2_1_2_1_-1", "2_1_2_2_-1"]);
    for name in site.all().await {
        let stat = site.near.exists(&format!("{}/{name}", site.queue)).await.unwrap().unwrap();
        assert_eq!((stat.version, stat.owner), (0, 0));
    }
    let kills = site.queue.replace("tasks_queue", "tasks_kill");
    assert!(site.near.exists(&kills).await.unwrap().is_some());
}

async fn a_stale_entry_is_replaced_and_told_of(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let site = Site::new(by, &zookeeper.address());
    let name = "2_1_2_1_-1";
    site.offers.enter(vec![entry(name, 1, "m1", 1)]).await.unwrap();
    site.sees(&[name]).await;
    // Nothing is new until the other owner comes.
    let (changed, entered) =
        tokio::join!(site.listing.changed(), async { site.offers.enter(vec![entry(name, 2, "m2", 2)]).await });
    assert_eq!(((), entered), (changed, Ok(())));
    let expected = [entry(name, 2, "m2", 2)];
    until("the new one is found", || async { site.listing.best(1, &BTreeSet::new()).await == expected }).await;
    // Its former owner comes too late.
    site.offers.enter(vec![entry(name, 1, "m1", 1)]).await.unwrap();
    assert_eq!(site.listing.best(1, &BTreeSet::new()).await, expected);
}

async fn only_the_owner_removes_an_entry(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let site = Site::new(by, &zookeeper.address());
    let name = "2_1_2_1_-1";
    site.offers.enter(vec![entry(name, 2, "m2", 2)]).await.unwrap();
    site.offers.remove(vec![entry(name, 1, "m1", 1)]).await.unwrap();
    assert_eq!(site.all().await, [name]);
    for _ in 0..2 {
        site.offers.remove(vec![entry(name, 2, "m2", 2)]).await.unwrap();
        assert_eq!(site.all().await, [""; 0]);
    }
    site.sees(&[]).await;
}

async fn an_owner_finds_its_own_entries(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let site = Site::new(by, &zookeeper.address());
    assert_eq!(site.offers.entries(&|_| true).await.unwrap(), []);
    let mine = [entry("2_1_2_1_3232235777", 1, "m1", 1), entry("2_10_2_2_-1", 3, "m1", 7)];
    site.offers.enter(mine.to_vec()).await.unwrap();
    site.offers.enter(vec![entry("2_2_2_3_-1", 2, "m2", 1)]).await.unwrap();
    assert_eq!(site.offers.entries(&|owner| owner == "m1").await.unwrap(), mine);
    assert_eq!(site.offers.entries(&|owner| owner == "m3").await.unwrap(), []);
    // It removes them also when it has forgotten which workers and epoch they were for.
    site.offers.remove(vec![entry("2_1_2_1_-1", 1, "m1", 0)]).await.unwrap();
    assert_eq!(site.all().await, ["2_10_2_2_-1", "2_2_2_3_-1"]);
}

async fn foreign_entries_disturb_nobody(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let site = Site::new(by, &zookeeper.address());
    site.near.ensure(&site.queue).await.unwrap();
    for name in ["0_1_2_1", "0_1_2_2_-1", "lock", "9_9_9_9_-1"] {
        let path = format!("{}/{name}", site.queue);
        site.near.create(&path, name.as_bytes(), Mode::Persistent).await.unwrap();
    }
    site.offers.enter(entries(&["2_1_2_3_-1"])).await.unwrap();
    site.sees(&["2_1_2_3_-1"]).await;
    assert_eq!(site.best(1).await, ["2_1_2_3_-1"]);
    site.offers.remove(vec![entry("0_1_2_2_-1", 9, "m1", 1)]).await.unwrap();
    assert_eq!(site.all().await.len(), 5);
    // What has the name of an entry of ours is ours to write.
    site.offers.enter(vec![entry("0_1_2_2_-1", 9, "m1", 1)]).await.unwrap();
    site.sees(&["0_1_2_2_-1", "2_1_2_3_-1"]).await;
}

async fn entries_outlive_a_restart_of_the_server(by: Crate) {
    let Some(zookeeper) = tokio::task::block_in_place(Zookeeper::start) else { return };
    let site = Site::new(by, &zookeeper.address());
    site.offers.enter(entries(&["2_1_2_1_-1", "2_1_2_2_-1"])).await.unwrap();
    site.sees(&["2_1_2_1_-1", "2_1_2_2_-1"]).await;
    tokio::task::block_in_place(|| zookeeper.kill());
    assert!(site.offers.enter(entries(&["2_1_2_3_-1"])).await.is_err());
    tokio::task::block_in_place(|| zookeeper.start());
    until("an offer is taken", || async { site.offers.enter(entries(&["2_1_2_3_-1"])).await.is_ok() }).await;
    site.sees(&["2_1_2_1_-1", "2_1_2_2_-1", "2_1_2_3_-1"]).await;
}
