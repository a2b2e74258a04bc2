//! Who is certainly dead (design: fence).
//!
//! A worker renews its lease at the registry or, if that is silent, at the database; each renewal moves a beat. An
//! incarnation whose beat has moved at neither place for as long as its lease lasts, counted from the answer that
//! first showed the beat to this very process, has killed its tasks by then, whatever became of its clock: rates
//! differ by 2 % at most. To rule out that it renews at the last moment, the beat is fenced by compare-and-set at
//! both places, first in the registry. A mark that somebody else has left counts; if either place refuses, the
//! worker lives.

use crate::calls::Holder;
use crate::clock::Clock;
use crate::registry::{self, Lease, Posted, Registry};
use crate::store::{self, Records, WorkerRow};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// How often both places are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What a place showed of a holder, and since when it shows the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sight<T> {
    shown: T,
    since: Duration,
}

/// Remembers since when something is the same.
fn see<T: PartialEq>(sight: &mut Option<Sight<T>>, shown: T, now: Duration) {
    if sight.as_ref().is_none_or(|sight| sight.shown != shown) {
        *sight = Some(Sight { shown, since: now });
    }
}

/// What this process has seen of one holder.
#[derive(Default)]
struct Observed {
    /// Beat and length of its lease at the database.
    database: Option<Sight<(u64, u64)>>,
    /// The node at the registry, whatever incarnation it names.
    registry: Option<Sight<Option<Posted>>>,
}

/// Watches all leases and fences those that are over.
pub(super) struct Observer {
    fence: Fence,
    clock: Arc<dyn Clock>,
    rows: UnboundedSender<Vec<WorkerRow>>,
    seen: BTreeMap<Holder, Observed>,
}

impl Observer {
    /// Tells `rows` what the database shows after every look.
    pub fn new(
        records: Arc<dyn Records>,
        registry: Arc<dyn Registry>,
        clock: Arc<dyn Clock>,
        rows: UnboundedSender<Vec<WorkerRow>>,
    ) -> Observer {
        Observer { fence: Fence { records, registry }, clock, rows, seen: BTreeMap::new() }
    }

    pub async fn run(mut self) {
        loop {
            self.look().await;
            self.clock.sleep(LOOK).await;
        }
    }

    async fn look(&mut self) {
        let (rows, leases) = futures::join!(self.fence.records.workers(), self.fence.registry.leases());
        let now = self.clock.boot();
        let Ok(rows) = rows else { return };
        let living: Vec<WorkerRow> = rows.iter().filter(|row| !row.fenced).cloned().collect();
        self.seen.retain(|holder, _| living.iter().any(|row| row.holder == *holder));
        for row in &living {
            let seen = self.seen.entry(row.holder.clone()).or_default();
            see(&mut seen.database, (row.beat, row.lease_ms), now);
            if let Ok(leases) = &leases {
                let node = leases.iter().find(|posted| posted.worker == row.holder.worker);
                see(&mut seen.registry, node.cloned(), now);
            }
        }
        // What is read is passed on before anything is fenced: attempts of those that are fenced already are lost.
        let _ = self.rows.send(rows);
        let mut fenced = false;
        for row in living {
            fenced |= self.judge(&row, now).await;
        }
        if fenced && let Ok(rows) = self.fence.records.workers().await {
            let _ = self.rows.send(rows);
        }
    }

    /// Fences a holder whose lease is over at both places; whether it is fenced.
    async fn judge(&self, row: &WorkerRow, now: Duration) -> bool {
        let Some(seen) = self.seen.get(&row.holder) else { return false };
        let (Some(database), Some(registry)) = (seen.database, &seen.registry) else { return false };
        let over = |since: Duration, length_ms: u64| {
            // 1.05 is more than what two clocks, 2 % apart in each direction, can make of it.
            length_ms > 0 && now.saturating_sub(since) > Duration::from_millis(length_ms + length_ms / 20)
        };
        let (_, lease_ms) = database.shown;
        if !over(database.since, lease_ms) {
            return false;
        }
        #[cfg(feature = "sim")]
        if crate::planted::is("one-fence")
            || (crate::planted::is("mixed-fence") && registry.shown.as_ref().is_some_and(|node| node.lease.fenced))
        {
            return self.fence.records.fence(row.holder.clone(), row.beat).await.unwrap_or(false);
        }
        let is_over = match registry.shown.as_ref().map(|node| &node.lease) {
            Some(own) if own.incarnation == row.holder.incarnation && own.fenced => true,
            // Its worker was started again with a lease that does not end.
            Some(own) if own.incarnation == row.holder.incarnation && own.length_ms == 0 => false,
            lease => over(registry.since, lease_ms.max(lease.map_or(0, |lease| lease.length_ms))),
        };
        if !is_over {
            return false;
        }
        match self.fence.set(row, registry.shown.as_ref()).await {
            Ok(fenced) => {
                if fenced {
                    tracing::warn!(holder = %row.holder, host = row.host, "the worker is declared dead: its lease is over");
                }
                fenced
            }
            Err(error) => {
                tracing::debug!("could not fence: {error}");
                false
            }
        }
    }
}

/// A place did not answer; whether the mark was set there is not known.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    #[error(transparent)]
    Registry(#[from] registry::Error),
    #[error(transparent)]
    Database(#[from] store::Error),
}

/// The mark that ends an incarnation.
#[derive(Clone)]
pub(super) struct Fence {
    pub records: Arc<dyn Records>,
    pub registry: Arc<dyn Registry>,
}

impl Fence {
    /// Marks a holder at both places by compare-and-set on what they have shown, first in the registry. A mark that
    /// stands already counts. `false`: one of them refuses, so it lives, or its worker has begun a later life.
    pub async fn set(&self, row: &WorkerRow, node: Option<&Posted>) -> Result<bool, Unanswered> {
        let incarnation = row.holder.incarnation;
        let mark = |beat| Lease { incarnation, beat, length_ms: row.lease_ms, fenced: true };
        let (mark, over) = match node {
            Some(node) if node.lease.incarnation > incarnation => return Ok(false),
            Some(node) if node.lease.incarnation == incarnation && node.lease.fenced => {
                return Ok(self.records.fence(row.holder.clone(), row.beat).await?);
            }
            // It may be of an earlier incarnation: then this one has never renewed there, and must not begin to.
            Some(node) => (mark(node.lease.beat), Some(node.version)),
            None => (mark(0), None),
        };
        if self.registry.post(&row.holder.worker, &mark, over).await?.is_none() {
            return Ok(false);
        }
        Ok(self.records.fence(row.holder.clone(), row.beat).await?)
    }
}
