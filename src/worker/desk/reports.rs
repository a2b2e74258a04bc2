//! What masters are told, until they have recorded it.

use super::Desk;
use crate::calls::{Address, Report, ToMaster, What};
use crate::model::Tag;
use crate::worker::attempts::{Held, Stage};

impl Desk {
    pub(super) fn acknowledged(&mut self, tag: Tag) {
        if let Some(Held { stage: Stage::Ended(_), .. }) = self.held.get(&tag) {
            self.held.remove(&tag);
            self.shim.forget(tag);
        }
    }

    /// "Not here" is a promise: from now on the tag is never started.
    pub(super) fn refuse(&mut self, master: &str, attempt: &Address) {
        self.refused.insert(attempt.tag);
        let report = Report { instance: attempt.instance, tag: attempt.tag, what: What::NotHere };
        if !self.credits.say(master, ToMaster::Report(report.clone())) {
            self.say_to_any(report);
        }
    }

    /// Tells what is known of an attempt, to its master if that is connected.
    pub(super) fn tell(&mut self, tag: Tag) {
        let Some((report, master)) = self.report(tag) else { return };
        let told = master.is_some_and(|master| self.credits.say(&master, ToMaster::Report(report.clone())));
        if !told {
            self.say_to_any(report);
        }
        #[cfg(feature = "sim")]
        if crate::planted::is("outbox-forgets") {
            self.acknowledged(tag);
        }
    }

    fn report(&self, tag: Tag) -> Option<(Report, Option<String>)> {
        let held = self.held.get(&tag)?;
        let what = match &held.stage {
            Stage::Preparing | Stage::Handed { started_at: None } => return None,
            Stage::Handed { started_at: Some(at) } => What::Started { at: *at, place: held.place.clone() },
            Stage::Ended(what) => what.clone(),
        };
        Some((Report { instance: held.attempt.instance, tag, what }, held.master.clone()))
    }

    /// Any master is a letter box; one after the other is tried.
    fn say_to_any(&mut self, report: Report) {
        let count = self.credits.masters().count().max(1);
        let master = self.credits.masters().nth(self.rounds % count).map(str::to_owned);
        if let Some(master) = master {
            self.credits.say(&master, ToMaster::Report(report));
        }
    }

    /// What is said from time to time: what is held, to every master; and ends that nobody has acknowledged.
    pub(in crate::worker) fn round(&mut self) {
        self.pump();
        self.stale = true;
        self.rounds += 1;
        let masters: Vec<String> = self.credits.masters().map(str::to_owned).collect();
        masters.iter().for_each(|master| self.list(master));
        let ended: Vec<Tag> =
            self.held.iter().filter(|(_, held)| matches!(held.stage, Stage::Ended(_))).map(|(tag, _)| *tag).collect();
        for tag in ended {
            match self.rounds % 2 {
                0 => self.tell(tag),
                _ => {
                    if let Some((report, _)) = self.report(tag) {
                        self.say_to_any(report);
                    }
                }
            }
        }
    }

    pub(super) fn list(&self, master: &str) {
        let waiting = self.waiting.iter().map(|(_, job)| job.tag);
        let tags = self.held.keys().copied().chain(waiting).collect();
        self.credits.say(master, ToMaster::Holding { tags });
    }

    /// A master that has just come hears of all that has no master yet.
    pub(super) fn introduce(&mut self, master: &str) {
        let orphans = self.held.iter().filter(|(_, held)| held.master.is_none());
        let orphans: Vec<Tag> = orphans.map(|(tag, _)| *tag).collect();
        for tag in orphans {
            if let Some((report, _)) = self.report(tag) {
                self.credits.say(master, ToMaster::Report(report));
            }
        }
    }
}
