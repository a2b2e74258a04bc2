//! Entries of waiting attempts in a queue outside, where there is one.

use super::driver::{Done, Driver};
use super::offices::Office;
use crate::queue::{Broker, Entry, Job};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Driver {
    /// What an attempt looks like in the queue outside; `None` until it is known who may take it.
    fn entry(&self, group: i32, job: &Job) -> Option<Entry> {
        let epoch = self.runs.get(&job.instance()).map_or(0, |run| run.loaded.epoch);
        let hosts = self.workers.groups.hosts(group)?;
        Some(Entry { rank: job.rank, tag: job.tag, owner: self.settings.owner.clone(), epoch, hosts })
    }

    /// Lets workers see that these wait.
    pub fn enter(&mut self, group: i32, jobs: &[Arc<Job>]) {
        let Some(broker) = self.means.broker.clone() else { return };
        let entries = jobs.iter().filter_map(|job| self.entry(group, job)).collect();
        self.work.spawn(async move {
            told(broker.enter(entries).await);
            Done::Brokered
        });
    }

    /// It waits no more.
    pub fn unenter(&mut self, job: &Job) {
        let Some(broker) = self.means.broker.clone() else { return };
        let entry: Vec<Entry> = self.entry(-1, job).into_iter().collect();
        self.work.spawn(async move {
            told(broker.remove(entry).await);
            Done::Brokered
        });
    }

    /// Compares the queue outside with what waits: makes what is missing, removes what is left over of ours, and of
    /// owners that are gone.
    pub fn tidy_entries(&mut self) {
        let Some(broker) = self.means.broker.clone() else { return };
        if !self.offices.enter(Office::Broker) {
            return;
        }
        let waiting = self.board.iter().filter_map(|(group, job)| Some((job.tag, self.entry(group, job)?)));
        let waiting: BTreeMap<_, _> = waiting.collect();
        let (own, living): (String, BTreeSet<String>) =
            (self.settings.owner.clone(), self.masters.iter().cloned().collect());
        self.work.spawn(async move {
            told(tidy(&*broker, waiting, &own, &living).await);
            Done::Brokered
        });
    }
}

async fn tidy(
    broker: &dyn Broker,
    mut waiting: BTreeMap<crate::model::Tag, Entry>,
    own: &str,
    living: &BTreeSet<String>,
) -> Result<(), String> {
    let first = living.first().is_none_or(|first| first == own);
    let ours = |owner: &str| owner == own || (first && !living.contains(owner));
    let there = broker.entries(&ours).await?;
    // What a former owner has entered leads workers to him; and the group may have got other workers: made anew.
    let stands = |entry: &Entry| {
        waiting.get(&entry.tag).is_some_and(|wanted| {
            wanted.owner == entry.owner && wanted.epoch == entry.epoch && broker.is_for_the_same(entry, wanted)
        })
    };
    let (known, left): (Vec<_>, Vec<_>) = there.into_iter().partition(stands);
    for entry in known {
        waiting.remove(&entry.tag);
    }
    if !left.is_empty() {
        broker.remove(left).await?;
    }
    let missing: Vec<Entry> = waiting.into_values().collect();
    if !missing.is_empty() {
        broker.enter(missing).await?;
    }
    Ok(())
}

fn told(outcome: Result<(), String>) {
    if let Err(why) = outcome {
        tracing::debug!("the queue outside is looked at again later: {why}");
    }
}
