//! The next step of an instance: decided by the engine, recorded, acted upon.

use super::driver::{AGAIN, Done, Driver};
use super::family::Family;
use super::step::{Deed, Draft, Drafting};
use crate::calls::ToWorker;
use crate::engine::{Action, Note, Phase};
use crate::model::InstanceId;
use crate::store::{Error, Recorded};
use std::sync::Arc;
use std::time::Duration;

/// How long the news that an attempt has started may wait for a write that is due anyway.
const SOFT: Duration = Duration::from_millis(20);

impl Driver {
    /// Takes the next step of an instance, if there is one and no write is under way.
    pub fn advance(&mut self, id: InstanceId) {
        let (wall, boot) = (self.now(), self.means.clock.boot());
        let Some(run) = self.runs.get_mut(&id) else { return };
        if run.writing {
            return;
        }
        // An alarm that rang is due, whatever the wall clock shows by now.
        let now = run.rang.take().map_or(wall, |at| at.max(wall));
        let soft_is_due = run.soft_due.is_some_and(|due| due <= boot);
        let mut actions = std::mem::take(&mut run.soft);
        let (mut acknowledge, mut orders, mut grants, mut looked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        while let Some(item) = run.inbox.pop_front() {
            orders.extend(item.order);
            acknowledge.extend(item.acknowledge);
            grants.extend(item.grant);
            looked.extend(item.looked);
            let place = item.place;
            // The clock may have been set back while it waited.
            let event = item.event.map(|event| event.no_later_than(wall));
            let decided = event.map(|event| run.engine.step(event, now)).unwrap_or_default();
            actions.extend(decided.into_iter().map(|action| (action, place.clone())));
        }
        let is_soft = |(action, _): &(Action, _)| matches!(action, Action::Note { note: Note::Started { .. }, .. });
        let nothing_else = acknowledge.is_empty() && orders.is_empty() && grants.is_empty() && looked.is_empty();
        let only_soft = nothing_else && !run.must_write;
        if only_soft && actions.iter().all(is_soft) && !soft_is_due {
            run.soft = actions;
            run.soft_due = (!run.soft.is_empty()).then(|| run.soft_due.unwrap_or(boot + SOFT));
            return self.set_alarm(id);
        }
        run.soft_due = None;
        let must_write = std::mem::take(&mut run.must_write);
        let mut drafting = Drafting::new(run, &mut self.workers, now, boot);
        orders.into_iter().for_each(|order| drafting.order(order));
        looked.into_iter().for_each(|looked| drafting.looked(looked));
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
        #[cfg(feature = "sim")]
        self.act_too_early(&draft);
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
        // It was forgotten and taken over again meanwhile; this is about what we had before.
        if self.runs.get(&id).is_some_and(|run| run.loaded.epoch != draft.step.epoch) {
            return self.forget_slots(&draft);
        }
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
        // Somebody else has it by now, and asks the holders.
        let Some(run) = self.runs.get_mut(&id) else { return self.forget_slots(&draft) };
        run.writing = false;
        run.new = false;
        run.loaded.revision += 1;
        let definition = run.loaded.definition;
        if draft.step.ends_something() {
            self.ended(definition);
            self.announce(definition);
        }
        let at = draft.step.at;
        for deed in draft.deeds {
            self.act(id, deed, &recorded, at);
        }
        self.advance(id);
        let touched = self.hand_out();
        touched.into_iter().for_each(|id| self.advance(id));
        self.load_suspect();
    }

    /// Known mistakes: acting before the write.
    #[cfg(feature = "sim")]
    fn act_too_early(&mut self, draft: &Draft) {
        for deed in &draft.deeds {
            match deed {
                Deed::Acknowledge { tag, to } if crate::planted::is("ack-before-commit") => {
                    self.say(&to.worker, ToWorker::Acknowledge { tag: *tag });
                }
                Deed::Grant { seat, job } if crate::planted::is("grant-before-record") => {
                    self.workers.grant(seat, draft.step.epoch, job.clone());
                }
                _ => {}
            }
        }
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
    pub fn set_alarm(&mut self, id: InstanceId) {
        let (wall, boot) = (self.now(), self.means.clock.boot());
        let Some(run) = self.runs.get_mut(&id) else { return };
        let wanted = run.engine.next_alarm().filter(|_| !matches!(run.engine.phase(), Phase::Ended(_)));
        if run.engine_due.map(|(at, _)| at) != wanted {
            run.engine_due = wanted.map(|at| (at, boot + at.since(wall)));
        }
        let next = run.engine_due.map(|(_, due)| due).into_iter().chain(run.soft_due).min();
        if run.alarm == next {
            return;
        }
        if let Some(at) = std::mem::replace(&mut run.alarm, next) {
            self.alarms.remove(&(at, id));
        }
        self.alarms.extend(next.map(|at| (at, id)));
    }

    pub fn ring(&mut self) {
        self.mind_the_clock();
        let boot = self.means.clock.boot();
        while let Some(&(due, id)) = self.alarms.first()
            && due <= boot
        {
            self.alarms.pop_first();
            if let Some(run) = self.runs.get_mut(&id) {
                run.alarm = None;
                if let Some((at, _)) = run.engine_due.take_if(|(_, due)| *due <= boot) {
                    run.rang = run.rang.max(Some(at));
                    run.inbox.push_back(crate::engine::Event::Tick.into());
                }
                self.advance(id);
            }
        }
    }

    /// Takes an instance out of hand. Slots and orders that it was given and has not recorded go back to where they
    /// came from; reports come again, because nobody has acknowledged them.
    pub fn forget(&mut self, id: InstanceId) -> Option<super::run::Run> {
        let mut run = self.runs.remove(&id)?;
        self.top_level -= usize::from(run.is_top_level());
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
