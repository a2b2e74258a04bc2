//! Ends what somebody who is gone has begun. The rows are the truth: what they name is put in its place, what they do
//! not name goes.

use super::{Error, Resources, Shared, path};
use crate::model::Time;
use crate::store::{Change, ChangeId};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often to look.
const EVERY: Duration = Duration::from_secs(60);
/// How long after its last sign of life a change is given up for lost.
const LOST: Duration = Duration::from_secs(600);

impl Resources {
    /// Looks for unfinished changes and uploads now and then, until told to stop.
    pub async fn tidy(&self, stop: CancellationToken) {
        loop {
            self.tidy_once(Time(Time::now().0 - LOST.as_millis() as i64)).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Ends the changes that nobody has said to be under way since then, and removes abandoned uploads.
    pub(super) async fn tidy_once(&self, before: Time) {
        let shared = self.shared.clone();
        // It is tried again soon, whatever became of it.
        let _ = tokio::task::spawn_blocking(move || shared.staging.tidy()).await;
        if let Err(error) = self.shared.end_lost(before).await {
            tracing::warn!(%error, "could not look for changes of resources that others have begun; it is tried again");
        }
    }
}

impl Shared {
    async fn end_lost(self: &Arc<Self>, before: Time) -> Result<(), Error> {
        if self.storage.is_none() {
            return Ok(());
        }
        for begun in self.store.open_changes(before).await? {
            tracing::info!(change = ?begun.change, "ending a change of a resource that was begun and not ended");
            if let Err(error) = self.settle(begun.id).await {
                tracing::warn!(%error, change = %begun.id, "could not end the change; it is tried again");
            }
        }
        Ok(())
    }

    /// Makes row and file agree again, and ends the change.
    pub(super) async fn settle(&self, id: ChangeId) -> Result<(), Error> {
        let Some(change) = self.store.open_change(id).await? else { return Ok(()) };
        let storage = self.storage()?;
        let between = path::unfinished(change.kind, &change.tenant, id)?;
        let (mut sizes, mut others) = (vec![], vec![between]);
        let mut kept = vec![];
        for name in names(&change) {
            let path = path::at(change.kind, &change.tenant, name)?;
            match self.store.named_resource(change.kind, name).await? {
                Some(resource) if path::of(&resource)? == path => kept.push((resource.id, path)),
                _ => others.push(path),
            }
        }
        for (resource, path) in kept {
            let mut size = storage.size(&path).await?;
            // It may have been on its way from or to another name.
            for other in others.iter().rev() {
                if size.is_none() && storage.size(other).await?.is_some() {
                    storage.rename(other, &path).await?;
                    size = storage.size(&path).await?;
                }
            }
            sizes.extend(size.map(|size| (resource, size)));
        }
        for path in others {
            storage.remove(&path).await?;
        }
        Ok(self.store.settle_change(id, sizes).await?)
    }
}

/// The names that a change is about, each once.
fn names(change: &Change) -> impl Iterator<Item = &str> {
    let to = change.to.as_deref().filter(|to| Some(*to) != change.from.as_deref());
    change.from.as_deref().into_iter().chain(to)
}
