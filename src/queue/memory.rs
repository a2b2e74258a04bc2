//! The queue of one process.

use super::{Job, Queue, Rank};
use crate::model::Tag;
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// An ordered map behind a lock that is held for a few map operations only.
#[derive(Default)]
pub struct Memory {
    entries: Mutex<Entries>,
    more: Notify,
}

#[derive(Default)]
struct Entries {
    by_rank: BTreeMap<Rank, Arc<Job>>,
    rank_of: HashMap<Tag, Rank>,
}

impl Memory {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_take(&self, count: usize) -> Vec<Arc<Job>> {
        let mut entries = self.entries();
        let mut taken = Vec::new();
        while taken.len() < count
            && let Some((_, job)) = entries.by_rank.pop_first()
        {
            entries.rank_of.remove(&job.tag);
            taken.push(job);
        }
        taken
    }
}

#[async_trait]
impl Queue for Memory {
    fn offer(&self, jobs: Vec<Arc<Job>>) {
        let mut entries = self.entries();
        for job in jobs {
            if let Some(former) = entries.rank_of.insert(job.tag, job.rank) {
                entries.by_rank.remove(&former);
            }
            entries.by_rank.insert(job.rank, job);
        }
        drop(entries);
        self.more.notify_one();
    }

    async fn take(&self, count: usize) -> Vec<Arc<Job>> {
        loop {
            let more = self.more.notified();
            let taken = self.try_take(count);
            if !taken.is_empty() {
                // Several takers may wait, and one permit wakes one of them.
                if !self.entries().by_rank.is_empty() {
                    self.more.notify_one();
                }
                return taken;
            }
            more.await;
        }
    }

    async fn withdraw(&self, tag: Tag) -> bool {
        let mut entries = self.entries();
        let Some(rank) = entries.rank_of.remove(&tag) else { return false };
        entries.by_rank.remove(&rank).is_some()
    }
}
