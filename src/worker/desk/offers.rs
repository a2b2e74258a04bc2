//! Free slots: offered to masters, or used to claim what waits outside.

use super::{Desk, Done};
use crate::model::Tag;
use crate::queue::{Entry, Lobby};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long an entry whose claim came to nothing is passed over.
const SPURNED: Duration = Duration::from_secs(1);

impl Desk {
    /// Whether the machine has room for more; if nothing runs here, it is not our work that fills it.
    pub(super) fn may_take(&self) -> bool {
        self.running() == 0 || self.gauge.has_room()
    }

    /// Offers the slots that are free.
    pub(in crate::worker) fn offer(&mut self) {
        if self.settings.sole {
            return;
        }
        let now = self.clock.boot();
        match self.lobby.clone() {
            Some(lobby) => self.look(lobby, now),
            None if self.may_take() => self.credits.fill(self.free(), now),
            None => {}
        }
        self.credits.level(now);
    }

    /// There are other entries than at the last look.
    pub(in crate::worker) fn lobby_changed(&mut self) {
        self.stale = true;
    }

    /// Looks for entries that can be claimed.
    fn look(&mut self, lobby: Arc<dyn Lobby>, now: Duration) {
        let count = self.free().min(self.settings.fetch);
        if self.looking || !self.stale || count == 0 || !self.may_take() {
            return;
        }
        self.spurned.retain(|_, at| now.saturating_sub(*at) < SPURNED);
        let mut except: BTreeSet<Tag> = self.held.keys().chain(self.spurned.keys()).copied().collect();
        except.extend(self.credits.claimed());
        self.looking = true;
        self.stale = false;
        self.work.spawn(async move { Done::Looked(lobby.best(count, &except).await) });
    }

    pub(super) fn claim(&mut self, entries: Vec<Entry>) {
        self.looking = false;
        self.stale |= !entries.is_empty();
        let now = self.clock.boot();
        for entry in entries {
            if self.free() > 0 && !self.credits.claim(&entry.owner, entry.rank.instance, entry.tag, now) {
                // Its owner is not connected; a later one may be.
                self.spurned.insert(entry.tag, now);
            }
        }
    }
}
