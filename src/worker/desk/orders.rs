//! What masters want.

use super::{Desk, REMEMBERED, address};
use crate::calls::{Address, ToWorker, WorkerMail};
use crate::queue::Job;
use crate::worker::attempts::Stage;
use crate::worker::shim;
use std::sync::Arc;

impl Desk {
    pub(in crate::worker) fn receive(&mut self, mail: WorkerMail) {
        match mail {
            WorkerMail::Linked { master, link } => {
                self.credits.linked(master.clone(), link);
                self.list(&master);
                self.introduce(&master);
            }
            WorkerMail::Unlinked { master, serial } => self.credits.unlinked(&master, serial),
            WorkerMail::Said { master, what } => self.said(&master, what),
        }
    }

    fn said(&mut self, master: &str, what: ToWorker) {
        match what {
            ToWorker::Grant { credit, epoch, job } => self.granted(master, credit, epoch, job),
            ToWorker::Void { credit } => {
                if let Some(tag) = self.credits.void(master, credit) {
                    self.spurned.insert(tag, self.clock.boot());
                }
                self.stale = true;
            }
            ToWorker::Ask { attempt } => self.asked(master, attempt),
            ToWorker::Kill { attempt, now } => self.kill(master, attempt, now),
            ToWorker::Acknowledge { tag } => self.acknowledged(tag),
            ToWorker::Clear { ids } => self.workshop.discard(ids),
            // Seen to by the loop, which knows which incarnation this is.
            ToWorker::Fenced { .. } => {}
        }
    }

    /// A tag is started once, however often it is told, and only if this very process has asked for it.
    fn granted(&mut self, master: &str, credit: u64, epoch: i32, job: Arc<Job>) {
        let asked_for = if credit == 0 { self.settings.sole } else { self.credits.spend(master, credit) };
        if let Some(held) = self.held.get_mut(&job.tag) {
            held.master = Some(master.to_owned());
            return;
        }
        let attempt = address(&job, epoch);
        #[cfg(feature = "sim")]
        let asked_for = asked_for || crate::planted::is("empty-promise");
        #[cfg(feature = "sim")]
        if crate::planted::is("empty-promise") {
            self.refused.remove(job.tag);
        }
        if !asked_for || self.refused.contains(&job.tag) || !self.is_newest(&attempt) {
            return self.refuse(master, &attempt);
        }
        if credit == 0 {
            self.waiting.offer(-1, job);
            self.pump();
        } else {
            self.prepare(job, epoch, master);
        }
    }

    /// Whether no higher epoch of the instance was seen; remembers this one.
    fn is_newest(&mut self, attempt: &Address) -> bool {
        if self.epochs.len() > REMEMBERED {
            self.epochs.clear();
        }
        let seen = self.epochs.entry(attempt.instance).or_insert(attempt.epoch);
        *seen = attempt.epoch.max(*seen);
        *seen == attempt.epoch
    }

    fn asked(&mut self, master: &str, attempt: Address) {
        self.is_newest(&attempt);
        match self.held.get_mut(&attempt.tag) {
            Some(held) => {
                held.master = Some(master.to_owned());
                self.tell(attempt.tag);
            }
            None if self.waiting.contains(attempt.tag) => {}
            None => self.refuse(master, &attempt),
        }
    }

    fn kill(&mut self, master: &str, attempt: Address, now: bool) {
        let tag = attempt.tag;
        self.is_newest(&attempt);
        match self.held.get(&tag).map(|held| &held.stage) {
            Some(Stage::Preparing) => {
                self.held.remove(&tag);
                self.refuse(master, &attempt);
            }
            Some(Stage::Handed { .. }) => {
                self.shim.kill(tag, if now { shim::Kill::Now } else { shim::Kill::Gently });
            }
            Some(Stage::Ended(_)) => self.tell(tag),
            None => {
                self.waiting.withdraw(tag);
                self.refuse(master, &attempt);
            }
        }
    }
}
