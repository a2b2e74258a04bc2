//! The owners' side.

use super::name::{Name, Ticket};
use super::{ABREAST, KILLS, QUEUE};
use crate::model::Tag;
use crate::queue::{Broker, Entry};
use crate::zookeeper::{Client, Error, Mode, Stat};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// What owners do with entries.
pub struct Offers {
    client: Client,
    queue: String,
    kills: String,
    /// What monitors expect is there.
    monitored: OnceCell<()>,
    /// The names of entries that were made or seen here: who removes one may not know any more which workers it was
    /// for.
    names: Mutex<HashMap<Tag, String>>,
}

impl Offers {
    /// `root` is `zookeeper.escheduler.root`.
    pub fn new(client: Client, root: &str) -> Offers {
        Offers {
            client,
            queue: format!("{root}/{QUEUE}"),
            kills: format!("{root}/{KILLS}"),
            monitored: OnceCell::new(),
            names: Mutex::default(),
        }
    }

    fn names(&self) -> MutexGuard<'_, HashMap<Tag, String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.queue)
    }

    /// One that is there already stays as it is; a stale one of the same name is replaced, one of a later owner is
    /// not.
    async fn make(&self, entry: &Entry) -> Result<(), Error> {
        // By whoever comes first to the queue, which may be a worker that follows it.
        self.monitored.get_or_try_init(|| self.client.ensure(&self.kills)).await?;
        let (name, ticket) = (Name::of(entry), Ticket::of(entry));
        if name.workers.is_nobody() {
            let hosts = &entry.hosts;
            tracing::warn!(?hosts, "a worker group without IPv4 addresses gets nothing through ZooKeeper");
        }
        let name = name.to_string();
        let (path, data) = (self.path(&name), text(&ticket));
        loop {
            match self.client.create(&path, &data, Mode::Persistent).await {
                Ok(_) => break,
                Err(Error::Missing) => {
                    self.client.ensure(&self.queue).await?;
                    continue;
                }
                Err(Error::Exists) => {}
                Err(error) => return Err(error),
            }
            match self.ticket(&path).await? {
                // It was taken away in between.
                None => {}
                Some((Some(there), _)) if there == ticket => break,
                Some((Some(there), _)) if there.epoch > ticket.epoch => return Ok(()),
                // Deleted and made anew, not written over: workers are told of names only.
                Some((_, stat)) => match self.client.delete(&path, Some(stat.version)).await {
                    Ok(()) | Err(Error::Version | Error::Missing) => {}
                    Err(error) => return Err(error),
                },
            }
        }
        self.names().insert(entry.tag, name);
        Ok(())
    }

    /// By version, and only what this very owner has written: a successor may have made it anew.
    async fn take_away(&self, entry: &Entry) -> Result<(), Error> {
        let known = self.names().get(&entry.tag).cloned();
        let path = self.path(&known.unwrap_or_else(|| Name::of(entry).to_string()));
        while let Some((Some(there), stat)) = self.ticket(&path).await? {
            if there.tag != entry.tag || there.owner != entry.owner {
                break;
            }
            match self.client.delete(&path, Some(stat.version)).await {
                Ok(()) | Err(Error::Missing) => break,
                Err(Error::Version) => {}
                Err(error) => return Err(error),
            }
        }
        self.names().remove(&entry.tag);
        Ok(())
    }

    /// Only those of these owners.
    async fn read(&self, name: &str, owned: &(dyn for<'a> Fn(&'a str) -> bool + Sync)) -> Result<Option<Entry>, Error> {
        let Ok(parsed) = name.parse::<Name>() else { return Ok(None) };
        let Some((Some(ticket), _)) = self.ticket(&self.path(name)).await? else { return Ok(None) };
        if !owned(&ticket.owner) {
            return Ok(None);
        }
        self.names().insert(ticket.tag, name.to_owned());
        Ok(Some(parsed.with(ticket)))
    }

    /// What stands in an entry, if it is there; no ticket if that is foreign.
    async fn ticket(&self, path: &str) -> Result<Option<(Option<Ticket>, Stat)>, Error> {
        match self.client.get(path).await {
            Ok((data, stat)) => Ok(Some((serde_json::from_slice(&data).ok(), stat))),
            Err(Error::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Broker for Offers {
    async fn enter(&self, entries: Vec<Entry>) -> Result<(), String> {
        all(abreast(entries.iter().map(|entry| self.make(entry)).collect()).await)
    }

    async fn remove(&self, entries: Vec<Entry>) -> Result<(), String> {
        all(abreast(entries.iter().map(|entry| self.take_away(entry)).collect()).await)
    }

    async fn entries(&self, owned: &(dyn for<'a> Fn(&'a str) -> bool + Sync)) -> Result<Vec<Entry>, String> {
        let names = match self.client.children(&self.queue).await {
            Err(Error::Missing) => return Ok(Vec::new()),
            read => read.map_err(|error| error.to_string())?,
        };
        let read = abreast(names.iter().map(|name| self.read(name, owned)).collect()).await;
        let mut entries = Vec::new();
        for entry in read {
            entries.extend(entry.map_err(|error| error.to_string())?);
        }
        entries.sort_by_key(|entry| entry.rank);
        Ok(entries)
    }

    /// As far as names tell.
    fn is_for_the_same(&self, found: &Entry, wanted: &Entry) -> bool {
        Name::of(found) == Name::of(wanted)
    }
}

fn text(ticket: &Ticket) -> Vec<u8> {
    // Cannot fail: a ticket has neither maps nor anything that refuses to be written.
    serde_json::to_vec(ticket).unwrap_or_default()
}

/// Makes calls, some at once.
async fn abreast<T>(calls: Vec<impl Future<Output = T>>) -> Vec<T> {
    stream::iter(calls).buffer_unordered(ABREAST).collect().await
}

/// All were tried; tells the first failure.
fn all(outcomes: Vec<Result<(), Error>>) -> Result<(), String> {
    outcomes.into_iter().collect::<Result<(), Error>>().map_err(|error| error.to_string())
}
