//! What happens outside, on its way into the inbox of its instance.

use super::driver::{Done, Driver};
use super::run::Item;
use crate::calls::{Exit as ReportedExit, Report, What};
use crate::engine::{Event, Exit};
use crate::model::{InstanceId, Time};

impl Driver {
    /// Puts a report into its instance's inbox; returns the instance if it is in hand.
    pub fn reported(&mut self, report: Report) -> Option<InstanceId> {
        if self.loading.contains_key(&report.instance) {
            self.early.entry(report.instance).or_default().push(report);
            return None;
        }
        let Some(run) = self.runs.get_mut(&report.instance) else {
            self.stray(report);
            return None;
        };
        let Some(&node) = run.tags.get(&report.tag) else {
            self.stray(report);
            return None;
        };
        let tag = report.tag;
        let mut item = |event, place, acknowledge| {
            run.inbox.push_back(Item { event, place, acknowledge, order: None });
        };
        match report.what {
            What::Started { at, place } => item(Event::Started { node, tag, at }, Some(place), None),
            What::Ended { exit, started_at, at, place } => {
                let exit = match exit {
                    ReportedExit::Success => Exit::Success,
                    ReportedExit::Failed => Exit::Failed,
                    ReportedExit::TimedOut => Exit::TimedOut,
                };
                item(Event::Started { node, tag, at: started_at }, Some(place.clone()), None);
                item(Event::Finished { node, tag, exit, at }, Some(place), Some(tag));
            }
            What::NotHere => item(Event::Refused { node, tag }, None, Some(tag)),
            What::Lost => item(Event::Lost { node, tag }, None, Some(tag)),
        }
        Some(report.instance)
    }

    /// A report that no instance in hand waits for is acknowledged only after a look at the rows: an
    /// older attempt, an ended instance, a deleted one.
    pub fn stray(&mut self, report: Report) {
        if let What::Started { .. } = report.what {
            return;
        }
        let store = self.store.clone();
        self.work.spawn(async move {
            let settled = store.attempt_is_settled(report.instance, report.tag).await.unwrap_or(false);
            Done::Stray { report, settled }
        });
    }

    pub fn ring(&mut self) {
        let now = Time::now();
        while let Some(&(at, id)) = self.alarms.first()
            && at <= now
        {
            self.alarms.pop_first();
            if let Some(run) = self.runs.get_mut(&id) {
                run.alarm = None;
                if run.engine.next_alarm().is_some_and(|at| at <= now) {
                    run.inbox.push_back(Event::Tick.into());
                }
                self.advance(id);
            }
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
