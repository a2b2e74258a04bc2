//! The queue outside of the masters: entries in the registry, that are hints and no rights.

use crate::registry::Client;
use async_trait::async_trait;
use escheduler::model::Tag;
use escheduler::queue::{Broker, Entry, Lobby};
use std::collections::BTreeSet;
use tokio::sync::{Mutex, watch};

pub struct Owners {
    pub client: Client,
}

#[async_trait]
impl Broker for Owners {
    async fn enter(&self, entries: Vec<Entry>) -> Result<(), String> {
        let entered = self.client.ask(false, move |w| {
            for entry in entries {
                w.registry.queue.insert((entry.rank, entry.tag), entry);
            }
            w.registry.queue_changes.retain(|changes| !changes.is_closed());
            w.registry.queue_changes.iter().for_each(|changes| changes.send_modify(|count| *count += 1));
        });
        entered.await.map_err(|error| error.to_string())
    }

    async fn remove(&self, entries: Vec<Entry>) -> Result<(), String> {
        let removed = self.client.ask(false, move |w| {
            for entry in entries {
                w.registry.queue.remove(&(entry.rank, entry.tag));
            }
        });
        removed.await.map_err(|error| error.to_string())
    }

    async fn entries(&self, owned: &(dyn for<'a> Fn(&'a str) -> bool + Sync)) -> Result<Vec<Entry>, String> {
        let all = self.client.ask(true, |w| w.registry.queue.values().cloned().collect::<Vec<_>>());
        let all = all.await.map_err(|error| error.to_string())?;
        Ok(all.into_iter().filter(|entry| owned(&entry.owner)).collect())
    }
}

pub struct Claimants {
    pub client: Client,
    pub host: String,
    pub changes: Mutex<watch::Receiver<u64>>,
}

#[async_trait]
impl Lobby for Claimants {
    async fn best(&self, count: usize, except: &BTreeSet<Tag>) -> Vec<Entry> {
        let all = self.client.ask(true, |w| w.registry.queue.values().cloned().collect::<Vec<_>>());
        let wanted = |entry: &Entry| {
            !except.contains(&entry.tag) && (entry.hosts.is_empty() || entry.hosts.contains(&self.host))
        };
        // What cannot be read now is looked at again.
        all.await.unwrap_or_default().into_iter().filter(wanted).take(count).collect()
    }

    async fn changed(&self) {
        // Told at once, also to whom it should not reach: what is told is only that a look may be worth it.
        if self.changes.lock().await.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
