//! The next step of an instance: decided by the engine, recorded, acted upon.

use super::driver::{AGAIN, Done, Driver};
use super::family::Family;
use super::step::{Deed, Draft, Drafting};
use crate::calls::{Report, ToWorker, What};
use crate::engine::{Action, Note, Phase};
use crate::model::{InstanceId, Time};
use crate::store::{Error, Recorded};
use std::sync::Arc;
use std::time::Duration;

/// How long the news that an attempt has started may wait for a write that is due anyway.
const SOFT: Duration = Duration::from_millis(20);

impl Driver {
    /// Takes the next step of an instance, if there is one and no write is under way.
    pub fn advance(&mut self, id: InstanceId) {
        let now = self.now();
        let Some(run) = self.runs.get_mut(&id) else { return };
        if run.writing {
            return;
        }
        let soft_is_due = run.soft_due.is_some_and(|due| due <= now);
        let mut actions = std::mem::take(&mut run.soft);
        let (mut acknowledge, mut orders, mut grants) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(item) = run.inbox.pop_front() {
            orders.extend(item.order);
            acknowledge.extend(item.acknowledge);
            grants.extend(item.grant);
            let place = item.place;
            let decided = item.event.map(|event| run.engine.step(event, now)).unwrap_or_default();
            actions.extend(decided.into_iter().map(|action| (action, place.clone())));
        }
        let is_soft = |(action, _): &(Action, _)| matches!(action, Action::Note { note: Note::Started { .. }, .. });
        let only_soft = acknowledge.is_empty() && orders.is_empty() && grants.is_empty() && !run.must_write;
        if only_soft && actions.iter().all(is_soft) && !soft_is_due {
            run.soft = actions;
            run.soft_due = (!run.soft.is_empty()).then(|| run.soft_due.unwrap_or(now + SOFT));
            return self.set_alarm(id);
        }
        run.soft_due = None;
        let must_write = std::mem::take(&mut run.must_write);
        let mut drafting = Drafting::new(run, &mut self.workers, now);
        orders.into_iter().for_each(|order| drafting.order(order));
        for (action, place) in actions {
            drafting.action(action, place);
        }
        grants.into_iter().for_each(|(seat, job)| drafting.grant(seat, job));
        acknowledge.into_iter().for_each(|report| drafting.acknowledge(report));
        let draft = drafting.finish();
        if draft.is_empty() && !must_write {
            // Doubled reports: what they tell was recorded before.
            draft.deeds.into_iter().for_each(|deed| self.act(id, deed, &Recorded::default(), now));
            return self.set_alarm(id);
        }
        self.write(id, draft);
        self.set_alarm(id);
    }

    fn write(&mut self, id: InstanceId, mut draft: Draft) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.writing = true;
        let family = draft.needs_children().then(|| Family::of(run));
        let (records, clock) = (self.means.records.clone(), self.means.clock.clone());
        let (settings, log) = (self.settings.clone(), self.offices.log());
        self.work.spawn(async move {
            loop {
                let recorded = async {
                    if let Some(family) = &family {
                        draft.describe_children(&*records, family, &settings).await?;
                    }
                    records.record(Arc::new(draft.step.clone())).await
                };
                match recorded.await {
                    // Frozen: nothing is acted upon, the same write is repeated until it is answered.
                    Err(Error::Unavailable(error)) => {
                        log.complain(&error);
                        clock.sleep(AGAIN).await;
                    }
                    recorded => return Done::Written { id, draft: Box::new(draft), recorded },
                }
            }
        });
    }

    pub fn written(&mut self, id: InstanceId, draft: Draft, recorded: Result<Recorded, Error>) {
        draft.step.orders.iter().for_each(|(command, _)| self.commands.release(*command));
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(error) => {
                match error {
                    Error::Conflict(_) => tracing::warn!(instance = %id, "the instance has another owner now"),
                    error => tracing::error!(instance = %id, "the step was not recorded: {error}"),
                }
                self.forget_slots(&draft);
                // If it is ours after all, the next sweep takes it into hand again.
                self.forget(id);
                return;
            }
        };
        self.answered_at = self.means.clock.boot();
        self.offices.log().relieve();
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.writing = false;
        run.new = false;
        run.loaded.revision += 1;
        let at = draft.step.at;
        for deed in draft.deeds {
            self.act(id, deed, &recorded, at);
        }
        self.advance(id);
        let touched = self.hand_out();
        touched.into_iter().for_each(|id| self.advance(id));
        self.load_suspect();
    }

    /// The slots that were set aside in a write that came to nothing.
    fn forget_slots(&mut self, draft: &Draft) {
        for deed in &draft.deeds {
            match deed {
                Deed::Offer { seat: Some(seat), .. } | Deed::Grant { seat, .. } => self.workers.void(seat),
                _ => {}
            }
        }
    }

    /// Rings when the engine wants to be told the time, or soft news is due.
    fn set_alarm(&mut self, id: InstanceId) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let next = match (run.engine.next_alarm(), run.soft_due) {
            (Some(alarm), Some(soft)) => Some(alarm.min(soft)),
            (alarm, soft) => alarm.or(soft),
        };
        if run.alarm == next {
            return;
        }
        if let Some(at) = run.alarm.take() {
            self.alarms.remove(&(at, id));
        }
        if let Some(at) = next.filter(|_| !matches!(run.engine.phase(), Phase::Ended(_))) {
            run.alarm = Some(at);
            self.alarms.insert((at, id));
        }
    }

    pub fn ring(&mut self) {
        let now: Time = self.now();
        while let Some(&(at, id)) = self.alarms.first()
            && at <= now
        {
            self.alarms.pop_first();
            if let Some(run) = self.runs.get_mut(&id) {
                run.alarm = None;
                if run.engine.next_alarm().is_some_and(|at| at <= now) {
                    run.inbox.push_back(crate::engine::Event::Tick.into());
                }
                self.advance(id);
            }
        }
    }

    /// Takes an instance out of hand. What it was told and has not recorded goes back to where it came from.
    pub fn forget(&mut self, id: InstanceId) -> Option<super::run::Run> {
        let mut run = self.runs.remove(&id)?;
        if let Some(at) = run.alarm {
            self.alarms.remove(&(at, id));
        }
        for tag in run.tags.keys().filter(|tag| !run.holders.contains_key(tag)) {
            self.board.withdraw(*tag);
        }
        for item in run.inbox.drain(..) {
            // An order that came too late is looked at again, and found to have no effect.
            if let Some((command, _)) = item.order {
                self.commands.release(command);
            }
            if let Some((seat, _)) = item.grant {
                self.workers.give_back(seat);
            }
            if let Some((tag, from)) = item.acknowledge {
                self.stray(from, Report { instance: id, tag, what: What::NotHere });
            }
        }
        Some(run)
    }

    /// Says something to a worker: over its stream, or through another master.
    pub fn say(&self, worker: &str, what: ToWorker) {
        if !self.workers.say(worker, what.clone()) && !self.workers.is_sole() {
            self.means.colleagues.pass(worker, what);
        }
    }
}
