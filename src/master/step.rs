//! From what the engine decided to one write, and to what is done after it.

use super::alerts;
use super::bean::bean;
use super::family::Family;
use super::run::{Ill, Run};
use super::workers::{Seat, Workers};
use crate::calls::{Holder, Place};
use crate::dag::NodeIx;
use crate::engine::{Action, Alert, Attempt, Note, Order, Work};
use crate::model::{CommandId, CommandType, DefinitionId, InstanceId, State, Tag, TaskId, Time};
use crate::queue::Job;
use crate::store::{ChildStart, Error, NewTask, Records, Step, TaskChange};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A write and its consequences.
pub(super) struct Draft {
    pub step: Step,
    /// SUB_PROCESS attempts whose children are still to be described.
    spawns: Vec<Spawn>,
    pub deeds: Vec<Deed>,
}

struct Spawn {
    /// Its place in [`Step::inserts`].
    insert: usize,
    definition: DefinitionId,
    /// The child of an earlier attempt of the node, which is revived.
    former: Option<InstanceId>,
}

/// What is done once the write is committed.
#[derive(Debug)]
pub(super) enum Deed {
    /// The attempt waits, or has been granted in the same write.
    Offer {
        node: NodeIx,
        attempt: Attempt,
        seat: Option<Seat>,
    },
    /// An attempt that has waited is granted.
    Grant {
        seat: Seat,
        job: Arc<Job>,
    },
    /// The attempt's row exists, and nobody has to be told.
    Enrol {
        node: NodeIx,
        tag: Tag,
    },
    Adopt {
        node: NodeIx,
        tag: Tag,
    },
    /// A DEPENDENT attempt waits from now on.
    Watch {
        node: NodeIx,
        tag: Tag,
    },
    /// A DEPENDENT attempt waits no more, because the instance is paused.
    Shelve {
        node: NodeIx,
        tag: Tag,
    },
    Kill {
        tag: Tag,
        now: bool,
    },
    /// The report was recorded, or needs no record.
    Acknowledge {
        tag: Tag,
        to: Holder,
    },
    OrderChild {
        tag: Tag,
        order: Order,
        /// A stop that is repeated to skip the time of grace.
        now: bool,
    },
    Finish(State),
}

/// Puts actions into one write.
pub(super) struct Drafting<'a> {
    run: &'a mut Run,
    workers: &'a mut Workers,
    /// Since the machine has started.
    boot: Duration,
    draft: Draft,
    changes: BTreeMap<TaskId, TaskChange>,
    lost: Vec<NodeIx>,
    alerts: Vec<Alert>,
}

impl<'a> Drafting<'a> {
    pub fn new(run: &'a mut Run, workers: &'a mut Workers, now: Time, boot: Duration) -> Self {
        let step = Step {
            instance: run.id(),
            epoch: run.loaded.epoch,
            revision: run.loaded.revision,
            at: now,
            state: None,
            warned: false,
            orders: vec![],
            inserts: vec![],
            changes: vec![],
            superseded: vec![],
            alerts: vec![],
        };
        let draft = Draft { step, spawns: vec![], deeds: vec![] };
        Drafting { run, workers, boot, draft, changes: BTreeMap::new(), lost: vec![], alerts: vec![] }
    }

    pub fn order(&mut self, order: (CommandId, CommandType)) {
        self.draft.step.orders.push(order);
    }

    pub fn acknowledge(&mut self, (tag, to): (Tag, Holder)) {
        self.draft.deeds.push(Deed::Acknowledge { tag, to });
    }

    /// Grants an attempt that has waited, unless it is not wanted any more.
    pub fn grant(&mut self, seat: Seat, job: Arc<Job>) {
        let tag = job.tag;
        let task = self.run.tags.get(&tag).and_then(|node| self.run.rows.get(node)).copied();
        let wanted = !self.run.holders.contains_key(&tag) && !self.run.unwanted.contains(&tag);
        let Some(task) = task.filter(|_| wanted) else { return self.workers.give_back(seat) };
        self.change(task).holder = Some(seat.holder.clone());
        self.run.granted(tag, seat.holder.clone(), self.boot);
        self.draft.deeds.push(Deed::Grant { seat, job });
    }

    /// How the items of a DEPENDENT attempt stand, unless it has ended meanwhile.
    pub fn looked(&mut self, (tag, text): (Tag, String)) {
        let task = self.run.tags.get(&tag).and_then(|node| self.run.rows.get(node)).copied();
        if let Some(task) = task {
            self.change(task).dependent = Some(text);
        }
    }

    fn work(&self, node: NodeIx) -> Work {
        self.run.engine.plan().node(node).work
    }

    fn change(&mut self, task: TaskId) -> &mut TaskChange {
        self.changes.entry(task).or_insert_with(|| TaskChange { task: task.0, ..TaskChange::default() })
    }

    pub fn action(&mut self, action: Action, place: Option<Place>) {
        match action {
            Action::Submit { node, attempt } => {
                let seat = self.workers.reserve(self.run.group(node));
                let holder = seat.as_ref().map(|seat| seat.holder.clone());
                if let Some(holder) = holder.clone() {
                    self.run.granted(attempt.tag, holder, self.boot);
                }
                self.insert(node, attempt, State::Submitted, holder);
                self.draft.deeds.push(Deed::Offer { node, attempt, seat });
            }
            Action::Spawn { node, attempt } => self.spawn(node, attempt),
            Action::Watch { node, attempt } => {
                self.insert(node, attempt, State::Running, None);
                self.draft.deeds.push(Deed::Watch { node, tag: attempt.tag });
            }
            Action::Shelve { node, attempt, state } => {
                self.insert(node, attempt, state, None);
                self.draft.deeds.push(Deed::Enrol { node, tag: attempt.tag });
            }
            Action::Note { node, tag, note } => self.note(node, tag, note, place),
            Action::Kill { node, tag, now } => self.kill(node, tag, now),
            Action::Pause { node, tag } => self.draft.deeds.push(match self.work(node) {
                Work::Dependency => Deed::Shelve { node, tag },
                _ => Deed::OrderChild { tag, order: Order::Pause, now: false },
            }),
            Action::Alert(Alert::FaultTolerance { node }) => self.lost.push(node),
            Action::Alert(Alert::InstanceTimeout) => {
                self.draft.step.warned = true;
                self.alerts.push(Alert::InstanceTimeout);
            }
            Action::Alert(alert) => self.alerts.push(alert),
            Action::Become(state) => {
                self.draft.step.state = Some(state);
                if state.is_finished() {
                    self.draft.deeds.push(Deed::Finish(state));
                }
            }
        }
    }

    fn insert(&mut self, ix: NodeIx, attempt: Attempt, state: State, holder: Option<Holder>) {
        let node = &self.run.nodes[ix as usize];
        self.draft.step.superseded.extend(self.run.rows.remove(&ix));
        self.run.ill.remove(&ix);
        self.draft.step.inserts.push(NewTask {
            name: node.name.clone(),
            kind: node.kind.name(),
            definition: self.run.loaded.definition.0,
            json: bean(node).into(),
            state,
            tag: attempt.tag,
            attempt: attempt.number,
            retries: attempt.retries,
            max_retries: node.max_retries,
            retry_interval: node.retry_interval,
            priority: node.priority.code(),
            worker_group: node.worker_group,
            holder,
            child: None,
        });
    }

    fn spawn(&mut self, node: NodeIx, attempt: Attempt) {
        self.insert(node, attempt, State::Running, None);
        let described = &self.run.nodes[node as usize];
        let again = matches!(
            self.run.loaded.command,
            CommandType::Repeat | CommandType::RecoverSuspended | CommandType::StartFailure
        );
        let former = self.run.loaded.children.get(&described.name).filter(|_| again).map(|child| child.instance);
        self.draft.spawns.push(Spawn {
            insert: self.draft.step.inserts.len() - 1,
            definition: DefinitionId(described.sub_definition().unwrap_or_default()),
            former,
        });
        self.draft.deeds.push(Deed::Adopt { node, tag: attempt.tag });
    }

    fn note(&mut self, node: NodeIx, tag: Tag, note: Note, place: Option<Place>) {
        let Some(&task) = self.run.rows.get(&node) else { return };
        let change = self.change(task);
        if place.is_some() {
            change.place = place;
        }
        match note {
            Note::Started { at } => {
                change.state = Some(State::Running);
                change.started_at = Some(at);
            }
            Note::Warned => change.warned = true,
            Note::Ended { state, at } => {
                change.state = Some(state);
                change.ended_at = Some(at);
                let place = change.place.clone().unwrap_or_default();
                let started_at = change.started_at;
                self.run.ended(tag);
                if state != State::Success {
                    let host = Some(place.host).filter(|host| !host.is_empty());
                    let ended_at = Some(at);
                    self.run
                        .ill
                        .insert(node, Ill { task, state, started_at, ended_at, host, log_path: place.log_path });
                }
            }
        }
    }

    fn kill(&mut self, node: NodeIx, tag: Tag, now: bool) {
        if self.work(node) == Work::Child {
            self.draft.deeds.push(Deed::OrderChild { tag, order: Order::Stop, now });
            return;
        }
        if self.work(node) == Work::Task && !self.run.holders.contains_key(&tag) {
            self.run.unwanted.insert(tag);
        }
        self.draft.deeds.push(Deed::Kill { tag, now });
    }

    /// The finished draft.
    pub fn finish(mut self) -> Draft {
        self.draft.step.changes = self.changes.into_values().collect();
        for alert in self.alerts {
            self.draft.step.alerts.extend(alerts::of(self.run, alert, self.draft.step.at));
        }
        if !self.lost.is_empty() {
            self.draft.step.alerts.push(alerts::fault_tolerance(self.run, &self.lost));
        }
        self.draft
    }
}

impl Draft {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let step = &self.step;
        step.state.is_none()
            && !step.warned
            && step.orders.is_empty()
            && step.inserts.is_empty()
            && step.changes.is_empty()
            && step.alerts.is_empty()
    }

    /// Describes the children of SUB_PROCESS attempts, which takes reading their definitions.
    ///
    /// # Errors
    /// The database cannot be read. A child that cannot be begun is no error: its attempt stays without.
    pub async fn describe_children(
        &mut self,
        store: &dyn Records,
        family: &Family,
        settings: &super::Settings,
    ) -> Result<(), Error> {
        for spawn in &self.spawns {
            let child = match spawn.former {
                Some(instance) => Some(ChildStart::Revive {
                    instance,
                    kind: family.command,
                    owner: settings.owner.clone(),
                    root: family.root,
                }),
                None => family.begin(store, spawn.definition, settings, self.step.at).await?,
            };
            self.step.inserts[spawn.insert].child = child;
        }
        Ok(())
    }

    pub fn needs_children(&self) -> bool {
        !self.spawns.is_empty()
    }
}
