//! What an operator knows of workers and no master can find out: that one is dead although its lease does not end, or
//! before it does.

use super::fence::{Fence, Unanswered};
use crate::calls::Holder;
use crate::clock::Clock;
use crate::model::Time;
use crate::registry::{Posted, Registry};
use crate::store::{Records, WorkerRow};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often both places are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often a worker renews a lease that never ends.
const SLOW: Duration = Duration::from_secs(2);
/// For how long a worker is watched at most.
const LONGEST_WATCH: Duration = Duration::from_secs(30);

/// A worker as both places show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    row: WorkerRow,
    node: Option<Posted>,
}

impl Found {
    pub fn holder(&self) -> &Holder {
        &self.row.holder
    }

    pub fn host(&self) -> &str {
        &self.row.host
    }

    /// Whether it was declared dead already, at both places.
    pub fn is_fenced(&self) -> bool {
        self.row.fenced
    }

    /// When it has last moved its beat, by the clock of who has noted that.
    pub fn heard_at(&self) -> Option<Time> {
        let own = self.own_node().map(|node| node.written_at);
        own.into_iter().chain(self.row.heard_at).max()
    }

    /// How long its beat lasts; `None`: for ever.
    pub fn lease(&self) -> Option<Duration> {
        let millis = self.own_node().map_or(self.row.lease_ms, |node| node.lease.length_ms);
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// For how long it is watched: three renewals, the first of which might have failed.
    pub fn watch(&self) -> Duration {
        let pace = self.lease().map_or(SLOW, |lease| lease / 5);
        (3 * pace + Duration::from_secs(1)).min(LONGEST_WATCH)
    }

    /// The node at the registry, if it is not that of an earlier life.
    fn own_node(&self) -> Option<&Posted> {
        self.node.as_ref().filter(|node| node.lease.incarnation >= self.row.holder.incarnation)
    }

    /// What moves as long as it lives.
    fn beat(&self) -> (u64, Option<i128>) {
        (self.row.beat, self.node.as_ref().map(|node| node.version.0))
    }
}

/// Looks at workers, and fences them as masters do (see [`fence`](super::fence)).
pub struct Coroner {
    fence: Fence,
    clock: Arc<dyn Clock>,
}

impl Coroner {
    pub fn new(records: Arc<dyn Records>, registry: Arc<dyn Registry>, clock: Arc<dyn Clock>) -> Coroner {
        Coroner { fence: Fence { records, registry }, clock }
    }

    /// All workers that have ever signed in.
    ///
    /// # Errors
    /// One of the two places does not answer.
    pub async fn workers(&self) -> Result<Vec<Found>, Unanswered> {
        let (rows, leases) = futures::join!(self.fence.records.workers(), self.fence.registry.leases());
        let mut nodes: BTreeMap<String, Posted> =
            leases?.into_iter().map(|posted| (posted.worker.clone(), posted)).collect();
        let found = rows?.into_iter().map(|row| Found { node: nodes.remove(&row.holder.worker), row });
        Ok(found.collect())
    }

    /// Watches these until one of them moves its beat, begins a new life, or has shown nothing for long enough: the
    /// first that lives.
    ///
    /// # Errors
    /// One of the two places does not answer.
    pub async fn first_sign_of_life(&self, found: &[Found]) -> Result<Option<Holder>, Unanswered> {
        let end = self.clock.boot() + found.iter().map(Found::watch).max().unwrap_or_default();
        while self.clock.boot() < end {
            self.clock.sleep(LOOK).await;
            let now = self.workers().await?;
            let moved = |before: &&Found| {
                let same = |now: &&Found| now.holder().worker == before.holder().worker;
                now.iter().find(same).is_some_and(|now| now.beat() != before.beat() && !now.is_fenced())
            };
            if let Some(living) = found.iter().find(moved) {
                return Ok(Some(living.holder().clone()));
            }
        }
        Ok(None)
    }

    /// Declares a worker dead, unless it has moved its beat since it was found. Whether it is dead now.
    ///
    /// # Errors
    /// One of the two places does not answer; the mark may stand at the first of them.
    pub async fn declare_dead(&self, found: &Found) -> Result<bool, Unanswered> {
        self.fence.set(&found.row, found.node.as_ref()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::{Beat, SignIn, Standing};
    use crate::clock::SystemClock;
    use crate::registry::{Lease, Memory};
    use crate::store::Store;

    /// A worker whose lease never ends, signed in at both places.
    async fn world() -> (Store, Memory, Coroner, Holder) {
        let (store, registry) = (Store::memory().await.unwrap(), Memory::default());
        let holder = Holder { worker: "here-1".into(), incarnation: 7 };
        let who = SignIn { holder: holder.clone(), host: "here".into(), address: None, pid: 1, lease_ms: 0 };
        assert_eq!(store.sign_in_worker(who).await.unwrap(), Standing::Lives { beat: 0, moved: false });
        registry.post("here-1", &lease(1, false), None).await.unwrap().unwrap();
        let coroner = Coroner::new(Arc::new(store.clone()), Arc::new(registry.clone()), Arc::new(SystemClock));
        (store, registry, coroner, holder)
    }

    fn lease(beat: u64, fenced: bool) -> Lease {
        Lease { incarnation: 7, beat, length_ms: 0, fenced }
    }

    #[tokio::test]
    async fn a_worker_that_shows_nothing_is_marked_at_both_places() {
        let (store, registry, coroner, holder) = world().await;
        let found = coroner.workers().await.unwrap();
        assert_eq!((found[0].holder(), found[0].lease(), found[0].is_fenced()), (&holder, None, false));
        assert!(coroner.declare_dead(&found[0]).await.unwrap());
        assert!(store.workers().await.unwrap()[0].buries(&holder));
        assert_eq!(registry.lease("here-1").await.unwrap().unwrap().lease, lease(1, true));
        let again = coroner.workers().await.unwrap();
        assert!(again[0].is_fenced() && coroner.declare_dead(&again[0]).await.unwrap());
    }

    #[tokio::test]
    async fn a_worker_that_has_moved_either_beat_meanwhile_is_not_marked_as_dead() {
        let (store, registry, coroner, holder) = world().await;
        let found = coroner.workers().await.unwrap();
        store.renew(Beat { holder: holder.clone(), after: 0, lease_ms: 0 }).await.unwrap();
        assert!(!coroner.declare_dead(&found[0]).await.unwrap());
        assert!(!store.workers().await.unwrap()[0].fenced);

        let (store, registry_2, coroner, _) = world().await;
        let found = coroner.workers().await.unwrap();
        let version = registry_2.lease("here-1").await.unwrap().unwrap().version;
        registry_2.post("here-1", &lease(2, false), Some(version)).await.unwrap().unwrap();
        assert!(!coroner.declare_dead(&found[0]).await.unwrap());
        assert!(!store.workers().await.unwrap()[0].fenced);
        drop(registry);
    }

    #[tokio::test]
    async fn a_sign_of_life_at_either_place_is_seen() {
        for at_database in [true, false] {
            let (store, registry, coroner, holder) = world().await;
            let found = coroner.workers().await.unwrap();
            let renew = async {
                match at_database {
                    true => drop(store.renew(Beat { holder: holder.clone(), after: 0, lease_ms: 0 }).await.unwrap()),
                    false => {
                        let version = registry.lease("here-1").await.unwrap().unwrap().version;
                        registry.post("here-1", &lease(2, false), Some(version)).await.unwrap().unwrap();
                    }
                }
            };
            let (seen, ()) = futures::join!(coroner.first_sign_of_life(&found), renew);
            assert_eq!(seen.unwrap(), Some(holder));
        }
    }
}
