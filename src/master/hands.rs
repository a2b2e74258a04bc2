//! What goes out to workers: grants, questions, kills.

use super::driver::Driver;
use super::run::{Item, Run};
use super::workers::Seat;
use crate::calls::{Holder, ToWorker};
use crate::dag::NodeIx;
use crate::engine::{Attempt, Event, Exit, Phase, Work};
use crate::model::{InstanceId, Tag};
use crate::queue::Job;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// An attempt that its holder does not list is asked for only so long after it was last spoken of: the list may
/// have been on the way.
const PATIENCE: Duration = Duration::from_secs(1);

impl Driver {
    /// Gives free slots to what waits, the most urgent first; returns the instances that have to record it.
    pub fn hand_out(&mut self) -> BTreeSet<InstanceId> {
        let mut touched = BTreeSet::new();
        let mut spent = BTreeSet::new();
        while !self.board.is_empty()
            && let Some((seat, serial)) = self.workers.reserve_any(&spent)
        {
            let workers = &self.workers;
            match self.board.take(|group| workers.allows(serial, group)) {
                Some(job) => touched.extend(self.give(seat, job)),
                None => {
                    self.workers.give_back(seat);
                    spent.insert(serial);
                }
            }
        }
        touched
    }

    /// Puts a slot for a waiting attempt into the inbox of its instance.
    pub fn give(&mut self, seat: Seat, job: Arc<Job>) -> Option<InstanceId> {
        let id = job.instance();
        let Some(run) = self.runs.get_mut(&id) else {
            self.workers.give_back(seat);
            return None;
        };
        run.inbox.push_back(Item::of_grant(seat, job));
        Some(id)
    }

    /// A recorded attempt: sent if it was granted in the same write, else it waits for a slot.
    pub fn offer(&mut self, id: InstanceId, node: NodeIx, attempt: Attempt, seat: Option<Seat>) {
        let row = self.runs.get(&id).and_then(|run| Some((run, run.rows.get(&node).copied()?)));
        let Some((run, task)) = row else {
            return seat.into_iter().for_each(|seat| self.workers.give_back(seat));
        };
        let job = Arc::new(run.job(node, task, attempt.tag, attempt.number));
        match seat {
            Some(seat) => self.grant(id, seat, job),
            None => {
                let group = run.group(node);
                self.board.offer(group, job.clone());
                self.enter(group, &[job]);
            }
        }
    }

    /// Sends what is recorded as granted.
    pub fn grant(&mut self, id: InstanceId, seat: Seat, job: Arc<Job>) {
        let Some(run) = self.runs.get(&id) else { return self.workers.give_back(seat) };
        self.workers.grant(&seat, run.loaded.epoch, job.clone());
        self.unenter(&job);
    }

    /// Ends an attempt: by its holder, or here if it still waits.
    pub fn kill(&mut self, id: InstanceId, tag: Tag, now: bool) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let (Some(node), Some(attempt)) = (run.tags.get(&tag).copied(), run.address(tag)) else { return };
        match run.holders.get(&tag).map(|grant| grant.holder.clone()) {
            Some(holder) if self.workers.is_dead(&holder) => self.post(id, Event::Lost { node, tag }.into()),
            Some(holder) => self.say(&holder.worker, ToWorker::Kill { attempt, now }),
            None if run.engine.plan().node(node).work == Work::Dependency => {
                self.wait_no_more(id, node, tag, Exit::Failed)
            }
            None => {
                if let Some(job) = self.board.withdraw(tag) {
                    self.unenter(&job);
                }
                self.post(id, Event::Refused { node, tag }.into());
            }
        }
    }

    /// A wish that is not confirmed is said again: what lay between may have died. Children get theirs from
    /// their own instance.
    pub fn kill_again(&mut self) {
        let stopping = |run: &Run| match run.engine.phase() {
            Phase::Stopping { now } => Some(now),
            Phase::Failing => Some(false),
            Phase::Running | Phase::Pausing | Phase::Ended(_) => None,
        };
        let wishes: Vec<_> = self
            .runs
            .iter()
            .filter_map(|(id, run)| Some((*id, stopping(run)?, run)))
            .flat_map(|(id, now, run)| {
                let tasks = run.engine.active();
                let tasks = tasks.filter(|(node, _)| run.engine.plan().node(*node).work == Work::Task);
                tasks.map(move |(_, tag)| (id, tag, now))
            })
            .collect();
        wishes.into_iter().for_each(|(id, tag, now)| self.kill(id, tag, now));
    }

    /// Asks a holder about everything of an instance that it was granted, or about all that it does not list.
    fn ask(&mut self, id: InstanceId, wanted: impl Fn(Tag, &Holder, Duration) -> bool) {
        let now = self.means.clock.boot();
        let Some(run) = self.runs.get_mut(&id) else { return };
        let asked = run.holders.iter().filter(|(tag, grant)| wanted(**tag, &grant.holder, grant.told_at));
        let asked: Vec<(Tag, Holder)> = asked.map(|(tag, grant)| (*tag, grant.holder.clone())).collect();
        for (tag, holder) in asked {
            let Some(run) = self.runs.get_mut(&id) else { return };
            let (Some(attempt), Some(grant)) = (run.address(tag), run.holders.get_mut(&tag)) else { continue };
            grant.told_at = now;
            if !self.workers.is_dead(&holder) {
                self.say(&holder.worker, ToWorker::Ask { attempt });
            }
        }
    }

    /// After it was loaded: every holder is asked what became of its attempts, and what waits, waits here.
    pub fn reconcile(&mut self, id: InstanceId, jobs: Vec<Arc<Job>>) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let waiting: Vec<_> = jobs.into_iter().filter(|job| !run.holders.contains_key(&job.tag)).collect();
        let groups: Vec<i32> =
            waiting.iter().map(|job| run.tags.get(&job.tag).map_or(-1, |node| run.group(*node))).collect();
        for (group, job) in groups.into_iter().zip(waiting) {
            self.board.offer(group, job.clone());
            self.enter(group, &[job]);
        }
        self.ask(id, |_, _, _| true);
        self.bury(id);
    }

    /// A stream from this worker has begun: nothing that was said to it before is sure to have arrived.
    pub fn ask_all_of(&mut self, worker: &str) {
        let ids: Vec<_> = self.runs.keys().copied().collect();
        ids.into_iter().for_each(|id| self.ask(id, |_, of, _| of.worker == worker));
        self.bury_the_dead();
    }

    /// What a worker should have and does not list, it is asked for.
    pub fn compare(&mut self, worker: &str, listed: &BTreeSet<Tag>) {
        let before = self.means.clock.boot().saturating_sub(PATIENCE);
        let ids: Vec<_> = self.runs.keys().copied().collect();
        for id in ids {
            self.ask(id, |tag, of, told_at| of.worker == worker && !listed.contains(&tag) && told_at < before);
        }
    }

    /// A known mistake: who cannot be reached is taken for dead.
    #[cfg(feature = "sim")]
    fn take_silence_for_loss(&mut self, id: InstanceId, far: &BTreeSet<String>) {
        let Some(run) = self.runs.get(&id) else { return };
        let lost = run.holders.iter().filter(|(_, grant)| far.contains(&grant.holder.worker));
        let lost: Vec<_> = lost.filter_map(|(tag, _)| Some((*run.tags.get(tag)?, *tag))).collect();
        lost.into_iter().for_each(|(node, tag)| self.post(id, Event::Lost { node, tag }.into()));
    }

    /// Who cannot be reached is asked again, through whom it may be.
    pub fn ask_again(&mut self) {
        let before = self.means.clock.boot().saturating_sub(2 * PATIENCE);
        let ids: Vec<_> = self.runs.keys().copied().collect();
        for id in ids {
            let Some(run) = self.runs.get(&id) else { continue };
            let holders = run.holders.values().map(|grant| grant.holder.worker.clone());
            let far: BTreeSet<String> = holders.filter(|worker| !self.workers.is_linked(worker)).collect();
            #[cfg(feature = "sim")]
            if crate::planted::is("silence-is-loss") {
                self.take_silence_for_loss(id, &far);
            }
            if !far.is_empty() {
                self.ask(id, |_, of, told_at| far.contains(&of.worker) && told_at < before);
            }
        }
    }

    /// Attempts whose holders are certainly dead are lost.
    pub fn bury_the_dead(&mut self) {
        let ids: Vec<_> = self.runs.keys().copied().collect();
        ids.into_iter().for_each(|id| self.bury(id));
    }

    pub fn bury(&mut self, id: InstanceId) {
        let Some(run) = self.runs.get(&id) else { return };
        let dead = run.holders.iter().filter(|(_, grant)| self.workers.is_dead(&grant.holder));
        let lost: Vec<_> = dead.filter_map(|(tag, _)| Some((*run.tags.get(tag)?, *tag))).collect();
        if lost.is_empty() {
            return;
        }
        if let Some(run) = self.runs.get_mut(&id) {
            run.inbox.extend(lost.into_iter().map(|(node, tag)| Item::from(Event::Lost { node, tag })));
        }
        self.advance(id);
    }
}
