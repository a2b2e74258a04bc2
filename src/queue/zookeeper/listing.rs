//! The workers' side.

use super::QUEUE;
use super::name::Name;
use crate::model::Tag;
use crate::queue::{Entry, Lobby};
use crate::zookeeper::{Children, Client, Error};
use async_trait::async_trait;
use futures::future::join_all;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// After a look that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// The entries that one worker may take, always at hand. It is as fresh as the last connection: who takes an entry
/// asks its owner anyhow.
pub struct Listing {
    client: Client,
    queue: String,
    waiting: watch::Receiver<Waiting>,
    /// The number of the listing that was looked at last.
    looked: AtomicU64,
    _task: AbortOnDropHandle<()>,
}

/// What waits, in its order.
#[derive(Clone, Default)]
struct Waiting {
    number: u64,
    /// With the names as they stand there: four-part ones are not written as they were read.
    names: Arc<Vec<(Name, String)>>,
}

impl Listing {
    /// Follows the entries for a worker with this address, until it is dropped. One whose address is not IPv4 takes
    /// only what is for all.
    pub fn new(client: Client, root: &str, host: &str) -> Listing {
        let queue = format!("{root}/{QUEUE}");
        let children = client.follow(&queue);
        let (sender, waiting) = watch::channel(Waiting::default());
        let task = AbortOnDropHandle::new(tokio::spawn(sort(children, host.parse().ok(), sender)));
        Listing { client, queue, waiting, looked: AtomicU64::new(0), _task: task }
    }

    async fn find(&self, names: &[(Name, String)], count: usize, except: &BTreeSet<Tag>) -> Result<Vec<Entry>, Error> {
        let mut best = Vec::new();
        for some in names.chunks(count.max(1)) {
            if best.len() >= count {
                break;
            }
            for found in join_all(some.iter().map(|(name, text)| self.read(name, text))).await {
                best.extend(found?.filter(|entry| !except.contains(&entry.tag)));
            }
        }
        best.truncate(count);
        Ok(best)
    }

    /// `None` if it is gone, or not ours.
    async fn read(&self, name: &Name, text: &str) -> Result<Option<Entry>, Error> {
        match self.client.get(&format!("{}/{text}", self.queue)).await {
            Ok((data, _)) => Ok(serde_json::from_slice(&data).ok().map(|ticket| name.with(ticket))),
            Err(Error::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Lobby for Listing {
    async fn best(&self, count: usize, except: &BTreeSet<Tag>) -> Vec<Entry> {
        let waiting = self.waiting.borrow().clone();
        match self.find(&waiting.names, count, except).await {
            Ok(best) => {
                self.looked.fetch_max(waiting.number, Ordering::SeqCst);
                best
            }
            Err(error) => {
                tracing::debug!("the entries in ZooKeeper are looked at again soon: {error}");
                tokio::time::sleep(PAUSE).await;
                Vec::new()
            }
        }
    }

    async fn changed(&self) {
        let looked = self.looked.load(Ordering::SeqCst);
        let newer = |waiting: &Waiting| waiting.number > looked;
        if self.waiting.clone().wait_for(newer).await.is_err() {
            // Nobody follows the entries any more: the process leaves.
            std::future::pending::<()>().await;
        }
    }
}

/// Keeps the entries for one address, in their order.
async fn sort(children: Children, address: Option<Ipv4Addr>, waiting: watch::Sender<Waiting>) {
    let mut seen = children.seen();
    while seen.changed().await.is_ok() {
        let names = seen.borrow_and_update().clone().unwrap_or_default();
        let names = Arc::new(addressed(&names, address));
        waiting.send_modify(|waiting| *waiting = Waiting { number: waiting.number + 1, names });
    }
}

fn addressed(names: &BTreeSet<String>, address: Option<Ipv4Addr>) -> Vec<(Name, String)> {
    let parsed = names.iter().filter_map(|text| Some((text.parse::<Name>().ok()?, text.clone())));
    let mut mine: Vec<_> = parsed.filter(|(name, _)| name.workers.include(address)).collect();
    mine.sort();
    mine
}
