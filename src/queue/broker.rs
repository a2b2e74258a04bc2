//! A queue outside of the masters, as a port: where waiting attempts can be seen by every worker.
//!
//! An entry is a hint and no right: a worker that finds one claims it at its owner, who records the grant. Only owners
//! make and remove entries, and whatever is lost or left over there costs a second look.

use super::Rank;
use crate::model::Tag;
use async_trait::async_trait;
use std::collections::BTreeSet;

/// An attempt that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub rank: Rank,
    pub tag: Tag,
    /// The start of the master that drives its instance.
    pub owner: String,
    /// Of the instance.
    pub epoch: i32,
    /// The addresses of the workers that may take it; none: all may.
    pub hosts: BTreeSet<String>,
}

/// The owners' side.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Makes the entries that are not there yet.
    ///
    /// # Errors
    /// A sentence: some may be missing.
    async fn enter(&self, entries: Vec<Entry>) -> Result<(), String>;

    /// Removes entries of ours.
    ///
    /// # Errors
    /// A sentence: some may be there still.
    async fn remove(&self, entries: Vec<Entry>) -> Result<(), String>;

    /// The entries of these owners, read now.
    ///
    /// # Errors
    /// A sentence.
    async fn entries(&self, owned: &(dyn for<'a> Fn(&'a str) -> bool + Sync)) -> Result<Vec<Entry>, String>;

    /// Whether an entry that was found is for the workers that one like this would be for.
    fn is_for_the_same(&self, found: &Entry, wanted: &Entry) -> bool {
        found.hosts == wanted.hosts
    }
}

/// The workers' side.
#[async_trait]
pub trait Lobby: Send + Sync {
    /// Up to `count` of the most urgent entries that this worker may take, without those in `except`.
    async fn best(&self, count: usize, except: &BTreeSet<Tag>) -> Vec<Entry>;

    /// Waits until there are other entries than at the last look.
    async fn changed(&self);
}
