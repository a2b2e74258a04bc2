//! Commands: starts become instances, orders reach the instance that they are about.

use super::driver::{Done, Driver, Means};
use super::family::new_instance;
use super::inbox::is_live;
use super::offices::Office;
use super::run::{Item, child_ended};
use crate::admission::{self, Refusal};
use crate::calls::ToWorker;
use crate::engine::{Event, Order};
use crate::model::{Command, CommandId, CommandType, InstanceId, State, Time, param};
use crate::params::{Moment, cure};
use crate::store::{Error, Loaded, Records};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// An instance that is to come into hand.
pub(super) enum Claimed {
    /// Made just now; nothing of it need be read.
    New(Box<Loaded>),
    Known(InstanceId),
}

/// How many rows are read at a time.
const BATCH: u64 = 500;
/// How long a start is left to the master whose turn it is.
const COURTESY: Duration = Duration::from_secs(1);

/// The commands that a master knows of.
#[derive(Default)]
pub(super) struct Commands {
    /// In hand: being claimed, or waiting in an instance's inbox.
    taken: HashSet<CommandId>,
    /// Start commands that are being claimed.
    claiming: usize,
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
        if self.offices.enter(Office::Commands) {
            let store = self.means.records.clone();
            // Those in hand are still rows; reading past them finds the others.
            let beyond = self.commands.taken.len() as u64;
            let room = self.room() as u64;
            self.work.spawn(async move {
                let commands = async {
                    let mut commands = store.orders(BATCH + beyond).await?;
                    if room > 0 {
                        commands.extend(store.starts(BATCH.min(room) + beyond).await?);
                    }
                    Ok(commands)
                };
                Done::Commands(commands.await)
            });
        }
    }

    pub fn commands(&mut self, commands: Result<Vec<Command>, Error>) {
        let again = self.offices.leave(Office::Commands);
        if let Ok(commands) = self.answered(commands) {
            let mut room = self.room();
            let seen: HashSet<CommandId> = commands.iter().map(|command| command.id).collect();
            self.commands.others.retain(|id, _| seen.contains(id));
            for command in commands {
                if !self.commands.taken.contains(&command.id) {
                    self.command(command, &mut room);
                }
            }
        }
        if again {
            self.look_for_commands();
        }
    }

    /// How many more top-level instances may be taken into hand. A master without any takes one, however busy the
    /// machine is: it is not its work that fills it.
    fn room(&self) -> usize {
        let top_level = self.runs.values().filter(|run| run.is_top_level()).count();
        if !self.runs.is_empty() && !self.means.gauge.has_room() {
            return 0;
        }
        self.settings.instances.saturating_sub(top_level + self.loading.len() + self.commands.claiming)
    }

    fn command(&mut self, command: Command, room: &mut usize) {
        match (command.kind, command.instance) {
            (CommandType::Pause | CommandType::Stop, Some(instance)) => self.order(command, instance),
            (
                CommandType::Repeat
                | CommandType::RecoverSuspended
                | CommandType::StartFailure
                | CommandType::RecoverFault
                | CommandType::RecoverWaitingThread,
                Some(instance),
            ) => self.claim(command, Some(instance), room),
            _ => self.claim(command, None, room),
        }
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
            Done::Claimed { command: command.id, start: false, claimed: live.then_some(Claimed::Known(instance)) }
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

    fn claim(&mut self, command: Command, instance: Option<InstanceId>, room: &mut usize) {
        if *room == 0 {
            return; // stays a row until an instance ends
        }
        if !self.is_our_turn(command.id) && !self.is_due(command.id) {
            return;
        }
        *room -= 1;
        self.commands.others.remove(&command.id);
        self.commands.claiming += 1;
        self.commands.taken.insert(command.id);
        let (means, settings, log) = (self.means.clone(), self.settings.clone(), self.offices.log());
        self.work.spawn(async move {
            let id = command.id;
            let store = &*means.records;
            let claimed = match instance {
                Some(instance) => claim_again(store, command, instance, &settings).await,
                None => claim_start(&means, command, &settings).await,
            };
            let claimed = match claimed {
                Ok(claimed) => claimed,
                Err(Error::Unavailable(error)) => {
                    log.complain(&error);
                    None
                }
                // Trying again is useless, and would hold up the others.
                Err(error) => {
                    tracing::error!(command = %id, "could not claim the command: {error}");
                    let rejected = store.reject_command(id, error.to_string()).await;
                    rejected.unwrap_or_else(|error| tracing::error!(command = %id, "nor reject it: {error}"));
                    None
                }
            };
            Done::Claimed { command: id, start: true, claimed }
        });
    }

    pub fn claimed(&mut self, command: CommandId, start: bool, claimed: Option<Claimed>) {
        self.commands.release(command);
        self.commands.claiming -= usize::from(start);
        match claimed {
            None => {}
            // The sweep may have found it already, and is reading it: whoever comes first is taken.
            Some(Claimed::New(loaded)) => self.loaded(loaded.id, Ok(Some(*loaded))),
            // Held already, by the sweep that found it, or still from before it had other owners.
            Some(Claimed::Known(id)) if self.runs.contains_key(&id) || self.loading.contains_key(&id) => self.sweep(),
            Some(Claimed::Known(id)) if start => self.load(id, None),
            // An order for an instance that we do not hold. If its owner is gone, it is taken over first, and asked
            // for orders then.
            Some(Claimed::Known(_)) => self.sweep(),
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
        self.means.timer.notify_one();
        self.look_for_commands();
    }
}

/// A start. What cannot be started goes to the error table, with the reason.
async fn claim_start(means: &Means, command: Command, settings: &super::Settings) -> Result<Option<Claimed>, Error> {
    let store = &*means.records;
    let refuse = |why: String| {
        tracing::warn!(command = %command.id, "the command is refused: {why}");
        store.reject_command(command.id, why)
    };
    let kind = command.kind;
    if matches!(kind, CommandType::Pause | CommandType::Stop) {
        refuse(format!("{kind} does not say which instance it is about")).await?;
        return Ok(None);
    }
    let start_nodes = command.param(param::START_NODES).unwrap_or_default();
    let admitted = match admission::check(store, command.definition, &start_nodes, command.depend).await {
        Ok(admitted) => admitted,
        Err(Refusal::Store(error)) => return Err(error),
        Err(refusal) => {
            refuse(refusal.to_string()).await?;
            return Ok(None);
        }
    };
    let now = means.clock.now();
    let moment = Moment::of_history(kind.name(), command.schedule_time, now, command.zone.as_deref(), settings.zone);
    let globals = match cure(&admitted.document.global_params, &moment) {
        Ok(globals) => globals,
        Err(why) => {
            refuse(why.to_string()).await?;
            return Ok(None);
        }
    };
    let new = new_instance(command, &admitted, globals, settings, now);
    let Some(id) = store.claim_start(new.clone()).await? else { return Ok(None) };
    // If this cannot be read now, the sweep finds the instance and reads it whole.
    let loaded = store.loaded_fresh(id, new, &admitted.definition).await;
    Ok(Some(loaded.map_or(Claimed::Known(id), |loaded| Claimed::New(Box::new(loaded)))))
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
