//! What happens outside, on its way into the inbox of its instance.

use super::driver::{Done, Driver};
use super::run::Item;
use crate::calls::{Address, Exit as ReportedExit, Holder, MasterMail, Report, ToMaster, ToWorker, What};
use crate::engine::{Event, Exit};
use crate::model::{DefinitionId, InstanceId, ProjectId, State, TaskId};
use crate::store::Standpoint;

impl Driver {
    /// Takes what workers and other masters say; returns the instance that it concerns, if that is in hand.
    pub fn receive(&mut self, mail: MasterMail) -> Option<InstanceId> {
        match mail {
            MasterMail::Linked { hello, link } => {
                let worker = hello.holder.worker.clone();
                tracing::info!(holder = %hello.holder, host = hello.host, "a worker is connected");
                self.workers.linked(hello, link);
                self.ask_all_of(&worker);
                None
            }
            MasterMail::Unlinked { serial } => {
                if let Some(holder) = self.workers.holder(serial) {
                    tracing::info!(%holder, "a worker is not connected any more");
                }
                self.workers.unlinked(serial);
                None
            }
            MasterMail::Said { serial, what } => self.said(serial, what),
            MasterMail::Letter { from, report } => self.reported(from, report),
            MasterMail::Pass { worker, what } => {
                self.workers.say(&worker, what);
                None
            }
            MasterMail::Ended { definitions } => {
                self.ended_elsewhere(&definitions);
                None
            }
        }
    }

    fn said(&mut self, serial: u64, what: ToMaster) -> Option<InstanceId> {
        let holder = self.workers.holder(serial)?.clone();
        match what {
            ToMaster::Credit { number } => self.workers.credit(serial, number),
            ToMaster::Withdraw { number } => self.workers.withdraw(serial, number),
            ToMaster::Claim { number, instance: _, tag } => {
                let seat = self.workers.seat(serial, number)?;
                match self.board.withdraw(tag) {
                    Some(job) => return self.give(seat, job),
                    None => {
                        self.workers.void(&seat);
                        self.tidy_entries();
                    }
                }
            }
            ToMaster::Report(report) => return self.reported(holder, report),
            ToMaster::Holding { tags } => self.compare(&holder.worker, &tags.into_iter().collect()),
        }
        None
    }

    /// Puts a report into its instance's inbox; returns the instance if it is in hand.
    pub fn reported(&mut self, from: Holder, report: Report) -> Option<InstanceId> {
        if self.loading.contains_key(&report.instance) {
            self.early.entry(report.instance).or_default().push((from, report));
            return None;
        }
        let known = self.runs.get_mut(&report.instance).and_then(|run| {
            let node = *run.tags.get(&report.tag)?;
            // An attempt was granted to one holder. Only that one, or its worker in a later life, knows about it.
            let holder = run.holders.get(&report.tag)?.holder.clone();
            let knows = holder.worker == from.worker && holder.incarnation <= from.incarnation;
            knows.then_some((run, node, holder.incarnation < from.incarnation))
        });
        let Some((run, node, later)) = known else {
            #[cfg(feature = "sim")]
            if crate::planted::is("ack-from-memory") {
                self.say(&from.worker, ToWorker::Acknowledge { tag: report.tag });
            }
            self.stray(from, report);
            return None;
        };
        let (tag, now) = (report.tag, self.means.clock.now());
        // Times told by a clock that is ahead would put off retries and time-outs.
        let mut item = |event, place, acknowledge| {
            run.inbox.push_back(Item { place, acknowledge, ..Item::from(event) });
        };
        match report.what {
            What::Started { at, place } => item(Event::Started { node, tag, at: at.min(now) }, Some(place), None),
            What::Ended { exit, started_at, at, place } => {
                let exit = match exit {
                    ReportedExit::Success => Exit::Success,
                    ReportedExit::Failed => Exit::Failed,
                    ReportedExit::TimedOut => Exit::TimedOut,
                };
                let started_at = started_at.min(now);
                item(Event::Started { node, tag, at: started_at }, Some(place.clone()), None);
                item(Event::Finished { node, tag, exit, at: at.min(now) }, Some(place), Some((tag, from)));
            }
            // Whatever a later life does not know has died with an earlier one, started or not.
            What::NotHere if later => item(Event::Lost { node, tag }, None, Some((tag, from))),
            What::NotHere => item(Event::Refused { node, tag }, None, Some((tag, from))),
            What::Lost => item(Event::Lost { node, tag }, None, Some((tag, from))),
        }
        Some(report.instance)
    }

    /// A report that no instance in hand waits for is answered only after a look at the rows: an older attempt, an
    /// ended instance, a deleted one, or one that another master drives.
    pub fn stray(&mut self, from: Holder, report: Report) {
        let records = self.means.records.clone();
        self.work.spawn(async move {
            let settled = records.attempt_is_settled(report.instance, report.tag).await.unwrap_or(false);
            let standpoint = match settled {
                false => records.standpoint(report.instance).await.ok().flatten(),
                true => None,
            };
            Done::Stray { from, report, settled, standpoint }
        });
    }

    pub fn stray_seen(&mut self, from: Holder, report: Report, settled: bool, standpoint: Option<Standpoint>) {
        let started = matches!(report.what, What::Started { .. });
        if settled && started {
            tracing::warn!(tag = %report.tag, holder = %from, "no instance knows this task any more; it is ended");
            let attempt = Address {
                project: ProjectId(0),
                definition: DefinitionId(0),
                instance: report.instance,
                task: TaskId(0),
                tag: report.tag,
                epoch: 0,
            };
            self.say(&from.worker, ToWorker::Kill { attempt, now: false });
        } else if settled {
            self.say(&from.worker, ToWorker::Acknowledge { tag: report.tag });
        } else if let Some(owner) = standpoint.and_then(|standpoint| standpoint.owner)
            && owner != self.settings.owner
        {
            self.means.colleagues.letter(&owner, from, report);
        }
    }

    /// Puts something into an instance's inbox, wherever the instance is.
    pub fn post(&mut self, id: InstanceId, item: Item) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.inbox.push_back(item);
            self.advance(id);
        } else if let Some(mail) = self.loading.get_mut(&id) {
            mail.push(item);
        }
    }
}

/// Whether a state needs an owner.
pub(super) fn is_live(standpoint: Option<&Standpoint>) -> bool {
    standpoint.is_some_and(|standpoint| !State::is_finished(standpoint.state))
}
