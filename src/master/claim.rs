//! Commands: starts become instances, orders reach the instance that they are about.

use super::claiming::{self, Start};
use super::driver::{Done, Driver};
use super::inbox::is_live;
use super::offices::Office;
use super::places::Held;
use super::run::{Item, child_ended};
use crate::calls::ToWorker;
use crate::engine::{Event, Order};
use crate::model::{Command, CommandId, CommandType, InstanceId, State, Time};
use crate::store::{Error, Loaded, Records};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// An instance that is to come into hand.
pub(super) enum Claimed {
    /// Made just now; nothing of it need be read.
    New(Box<Loaded>),
    Known(InstanceId),
}

/// What became of a command.
pub(super) struct Outcome {
    pub command: CommandId,
    pub claimed: Option<Claimed>,
    /// The place of a start; `None` for an order.
    pub place: Option<Held>,
}

/// Instances that were made without a command, because their schedules fired.
pub(super) struct Begun {
    pub instances: Vec<Claimed>,
    pub places: Held,
}

/// What a look at the commands has found.
pub(super) struct Found {
    commands: Vec<Command>,
    /// There may be more starts than these.
    more: bool,
}

/// How many rows are read at a time.
const BATCH: u64 = 500;
/// How many starts are claimed in one write.
const TOGETHER: usize = 100;
/// How long a start is left to the master whose turn it is.
const COURTESY: Duration = Duration::from_secs(1);

/// The commands that a master knows of.
#[derive(Default)]
pub(super) struct Commands {
    /// In hand: being claimed, or waiting in an instance's inbox.
    taken: HashSet<CommandId>,
    /// Somebody else's turn, and since when they are seen (since the machine has started).
    others: BTreeMap<CommandId, Duration>,
    /// When they were last asked for, on the same clock.
    asked_at: Duration,
}

impl Commands {
    pub fn release(&mut self, command: CommandId) {
        self.taken.remove(&command);
    }

    /// When the first of the others becomes everybody's.
    /// Never sooner after the last look: an answer may take long, or not come.
    pub fn look_at(&self) -> Option<Duration> {
        self.others.values().min().map(|seen| *seen.max(&self.asked_at) + COURTESY)
    }
}

impl Driver {
    pub fn look_for_commands(&mut self) {
        self.commands.asked_at = self.means.clock.boot();
        self.count();
        if self.offices.enter(Office::Commands) {
            let store = self.means.records.clone();
            // Those in hand are still rows; reading past them finds the others.
            let beyond = self.commands.taken.len() as u64;
            let room = self.means.places.free() as u64;
            self.work.spawn(async move {
                let found = async {
                    let mut commands = store.orders(BATCH + beyond).await?;
                    let asked = BATCH.min(room) + beyond;
                    let starts = if room > 0 { store.starts(asked).await? } else { vec![] };
                    let more = room == 0 || starts.len() as u64 >= asked;
                    commands.extend(starts);
                    Ok(Found { commands, more })
                };
                Done::Commands(found.await)
            });
        }
    }

    pub fn commands(&mut self, found: Result<Found, Error>) {
        let again = self.offices.leave(Office::Commands);
        if let Ok(Found { commands, mut more }) = self.answered(found) {
            self.count();
            let mut starts = Vec::new();
            let seen: HashSet<CommandId> = commands.iter().map(|command| command.id).collect();
            self.commands.others.retain(|id, _| seen.contains(id));
            for command in commands {
                if !self.commands.taken.contains(&command.id) {
                    more |= !self.command(command, &mut starts);
                }
            }
            self.claim_starts(starts);
            self.means.places.set_queue(more);
        }
        if again {
            self.look_for_commands();
        }
    }

    /// Tells how many instances are in hand.
    pub fn count(&self) {
        self.means.places.take(self.top_level + self.loading.len());
    }

    /// False: it stays a row, because there is no place for its instance until another one ends.
    fn command(&mut self, command: Command, starts: &mut Vec<Start>) -> bool {
        let again = match (command.kind, command.instance) {
            (CommandType::Pause | CommandType::Stop, Some(instance)) => {
                self.order(command, instance);
                return true;
            }
            (
                CommandType::Repeat
                | CommandType::RecoverSuspended
                | CommandType::StartFailure
                | CommandType::RecoverFault
                | CommandType::RecoverWaitingThread,
                instance,
            ) => instance,
            _ => None,
        };
        if self.means.places.free() == 0 {
            return false;
        }
        if !self.is_our_turn(command.id) && !self.is_due(command.id) {
            return true;
        }
        let place = self.means.places.hold(1);
        if place.count == 0 {
            return false;
        }
        self.commands.others.remove(&command.id);
        self.commands.taken.insert(command.id);
        match again {
            Some(instance) => self.claim_again(command, instance, place),
            None => starts.push((command, place)),
        }
        true
    }

    /// A pause or a stop: taken by the owner of the instance only, deleted in the write of its step.
    fn order(&mut self, command: Command, instance: InstanceId) {
        if self.loading.contains_key(&instance) {
            return; // looked at again once it is loaded
        }
        if self.runs.contains_key(&instance) {
            self.commands.taken.insert(command.id);
            let order = if command.kind == CommandType::Stop { Order::Stop } else { Order::Pause };
            let order = (order, (command.id, command.kind));
            self.post(instance, Item { order: Some(order.1), ..Item::from(Event::Order(order.0)) });
            return;
        }
        // Not in hand: its owner takes it, or it came too late.
        if !self.is_due(command.id) {
            return;
        }
        self.commands.taken.insert(command.id);
        let (store, log) = (self.means.records.clone(), self.offices.log());
        self.work.spawn(async move {
            let standpoint = store.standpoint(instance).await;
            let live = standpoint.is_err() || standpoint.is_ok_and(|standpoint| is_live(standpoint.as_ref()));
            if !live && let Err(error) = store.drop_command(command.id).await {
                log.complain(&error);
            }
            let claimed = live.then_some(Claimed::Known(instance));
            Done::Claimed(vec![Outcome { command: command.id, claimed, place: None }])
        });
    }

    /// Starts are divided among the living masters; without an answer from the registry they are everybody's.
    fn is_our_turn(&self, command: CommandId) -> bool {
        let masters = &self.masters;
        let own = masters.iter().position(|start| *start == self.settings.owner);
        own.is_none_or(|own| command.0.unsigned_abs() as usize % masters.len() == own)
    }

    /// Whether somebody else had his chance.
    fn is_due(&mut self, command: CommandId) -> bool {
        let now = self.means.clock.boot();
        let seen = *self.commands.others.entry(command).or_insert(now);
        if now.saturating_sub(seen) < COURTESY {
            return false;
        }
        // If it stays, it is looked at again later, and not at once.
        self.commands.others.insert(command, now);
        true
    }

    fn claim_starts(&mut self, starts: Vec<Start>) {
        let mut starts = starts.into_iter();
        loop {
            let some: Vec<Start> = starts.by_ref().take(TOGETHER).collect();
            if some.is_empty() {
                return;
            }
            let (means, settings, log) = (self.means.clone(), self.settings.clone(), self.offices.log());
            let claim = async move { claiming::claim_starts(&means, &settings, &log, some).await };
            self.work.spawn(async move { Done::Claimed(claim.await) });
        }
    }

    fn claim_again(&mut self, command: Command, instance: InstanceId, place: Held) {
        let (store, settings, log) = (self.means.records.clone(), self.settings.clone(), self.offices.log());
        self.work.spawn(async move {
            let id = command.id;
            let claimed = match claim_again(&*store, command, instance, &settings).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    claiming::fail(&*store, &log, id, error).await;
                    None
                }
            };
            Done::Claimed(vec![Outcome { command: id, claimed, place: Some(place) }])
        });
    }

    pub fn claimed(&mut self, outcomes: Vec<Outcome>) {
        let mut places = Vec::with_capacity(outcomes.len());
        for Outcome { command, claimed, place } in outcomes {
            self.commands.release(command);
            if let Some(claimed) = claimed {
                self.take(claimed, place.is_some());
            }
            places.extend(place);
        }
        self.free(places);
    }

    /// Counts what is in hand before places are free again; commands may have waited for them.
    fn free<T>(&mut self, places: T) {
        self.count();
        drop(places);
        if self.means.places.is_awaited() {
            self.look_for_commands();
        }
    }

    /// Schedules have fired, and their instances are made.
    pub fn begun(&mut self, begun: Begun) {
        let Begun { instances, places } = begun;
        instances.into_iter().for_each(|instance| self.take(instance, true));
        self.free(places);
    }

    fn take(&mut self, claimed: Claimed, start: bool) {
        match claimed {
            // The sweep may have found it already, and is reading it: whoever comes first is taken.
            Claimed::New(loaded) => self.loaded(loaded.id, Ok(Some(*loaded))),
            // Held already, by the sweep that found it, or still from before it had other owners.
            Claimed::Known(id) if self.runs.contains_key(&id) || self.loading.contains_key(&id) => self.sweep(),
            Claimed::Known(id) if start => self.load(id, None),
            // An order for an instance that we do not hold. If its owner is gone, it is taken over first, and asked
            // for orders then.
            Claimed::Known(_) => self.sweep(),
        }
    }

    /// The instance has ended: its parent hears of it, and its place is free.
    pub fn finish(&mut self, id: InstanceId, state: State, at: Time) {
        let Some(run) = self.forget(id) else { return };
        tracing::info!(instance = %id, name = run.loaded.name, %state, "the instance ended");
        let ids = [run.loaded.project.0, run.loaded.definition.0, id.0];
        for worker in &run.hosts {
            self.workers.say(worker, ToWorker::Clear { ids });
        }
        if let Some(parent) = run.parent() {
            let child = self.runs.get_mut(&parent.instance).and_then(|parent| parent.children.remove(&id));
            if let Some((node, tag)) = child {
                self.post(parent.instance, child_ended(node, tag, state, at).into());
            }
        }
        // A firing of its schedule may have waited for it.
        self.means.rings.ended.notify_one();
        self.look_for_commands();
    }
}

/// A repetition or a recovery of an ended instance.
async fn claim_again(
    store: &dyn Records,
    command: Command,
    instance: InstanceId,
    settings: &super::Settings,
) -> Result<Option<Claimed>, Error> {
    let id = command.id;
    if store.claim_again(command, instance, settings.owner.clone()).await? {
        return Ok(Some(Claimed::Known(instance)));
    }
    tracing::warn!(command = %id, %instance, "the command has no effect: the instance is not ended, or gone");
    Ok(None)
}
