//! Instances come into hand: the live ones at a start, new ones when their command is claimed.

use super::driver::{AGAIN, Done, Driver};
use super::groups::{Addresses, Looked, Read};
use super::offices::Office;
use super::run::{Item, Run};
use crate::calls::{Holder, Report};
use crate::engine::{Event, Order, Phase};
use crate::model::InstanceId;
use crate::registry::{self, Member, Role};
use crate::store::{Error, Live, Loaded};
use rand::RngExt;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Takeovers without a recorded step after which an instance may be what its masters die of. It is taken over
/// alone, when all others are in hand, so that it takes nobody else along.
const SUSPECT: i32 = 3;
/// Takeovers without a recorded step after which a suspect is set aside. Many, because a master that is killed
/// from outside again and again looks the same, and a suspect that is taken over last does little harm.
const POISONED: i32 = 20;

/// What a sweep has found.
pub(super) struct Swept {
    /// When it began, by the time since the machine has started.
    begun: Duration,
    live: Vec<Live>,
    read: Read,
    groups: Addresses,
    masters: Result<Vec<Member>, registry::Error>,
}

impl Driver {
    /// Rows against memory: owned but not held → load; owner gone → take over.
    pub fn sweep(&mut self) {
        self.look_for_commands();
        if self.offices.enter(Office::Sweep) {
            let (records, registry) = (self.means.records.clone(), self.means.registry.clone());
            let (begun, read) = (self.means.clock.boot(), self.workers.groups.begin());
            self.work.spawn(async move {
                // First, so that whoever is not among them has been gone before the rows were read.
                let masters = registry.members(Role::Master).await;
                let swept = async {
                    let (groups, live) = (records.worker_groups().await?, records.live_instances().await?);
                    Ok(Swept { begun, read, groups, live, masters })
                };
                Done::Swept(swept.await)
            });
        }
    }

    pub fn swept(&mut self, swept: Result<Swept, Error>) {
        let again = self.offices.leave(Office::Sweep);
        if let Ok(Swept { begun, live, read, groups, masters }) = self.answered(swept) {
            self.workers.groups.learn(read, groups);
            self.drop_superseded(&live, begun);
            let sound = self.sound_masters(masters);
            self.take_in(live, sound.as_ref());
            self.look_at_children();
            self.kill_again();
            self.tidy_entries();
            self.ask_again();
            let touched = self.hand_out();
            touched.into_iter().for_each(|id| self.advance(id));
        }
        if again {
            self.sweep();
        }
    }

    /// The masters that can do their part; `None` if we are in no position to say who is gone: the registry does not
    /// answer, or has not taken a write of ours lately.
    fn sound_masters(&mut self, masters: Result<Vec<Member>, registry::Error>) -> Option<BTreeSet<String>> {
        let masters = masters.inspect_err(|error| tracing::debug!(%error, "could not read the masters")).ok()?;
        let sound: BTreeSet<String> =
            masters.into_iter().filter(|master| master.sound).map(|master| master.start).collect();
        self.masters = sound.iter().cloned().collect();
        let age = self.means.clock.boot().saturating_sub(self.signed_at?);
        (age < self.settings.lease).then_some(sound)
    }

    /// Forgets what others have taken over or ended meanwhile. Whoever has nothing to write hears of it by no conflict,
    /// and would take the instance for held, should it become his again.
    fn drop_superseded(&mut self, live: &[Live], begun: Duration) {
        let epochs: HashMap<InstanceId, i32> = live.iter().map(|it| (it.id, it.epoch)).collect();
        let superseded = |(id, run): &(&InstanceId, &Run)| match epochs.get(id) {
            Some(epoch) => *epoch > run.loaded.epoch,
            None => !run.writing && run.held_since < begun,
        };
        let superseded: Vec<_> = self.runs.iter().filter(superseded).map(|(id, _)| *id).collect();
        for id in superseded {
            tracing::warn!(instance = %id, "the instance is not ours any more");
            self.forget(id);
        }
    }

    fn take_in(&mut self, live: Vec<Live>, sound: Option<&BTreeSet<String>>) {
        let owners: HashMap<InstanceId, Option<String>> = live.iter().map(|it| (it.id, it.owner.clone())).collect();
        let own = Some(&self.settings.owner);
        let gone = |owner: &Option<String>| {
            owner.as_ref() != own && sound.is_some_and(|sound| owner.as_ref().is_none_or(|it| !sound.contains(it)))
        };
        let mut suspects = Vec::new();
        let mut wanted = Vec::new();
        for Live { id, owner, root, takeovers, .. } in live {
            if self.runs.contains_key(&id) || self.loading.contains_key(&id) || self.unreadable.contains(&id) {
                continue;
            }
            // A family has one owner: that of its first instance, if it lives.
            let head = owners.get(&root).filter(|_| root != id);
            match (owner.as_ref() == own, gone(&owner), head) {
                #[cfg(feature = "sim")]
                (true, ..) if crate::planted::is("no-sweep") => {}
                (true, ..) => wanted.push((id, None)),
                (false, true, Some(head)) if head.as_ref() != own => {}
                (false, true, _) if takeovers >= SUSPECT => suspects.push((takeovers, id, Some(owner))),
                (false, true, _) => wanted.push((id, Some(owner))),
                (false, false, _) => {}
            }
        }
        wanted.into_iter().for_each(|(id, from)| self.load(id, from));
        // The most suspect come last.
        suspects.sort_unstable();
        self.suspects = suspects.into_iter().map(|(_, id, from)| (id, from)).collect();
        self.load_suspect();
    }

    /// Takes the next suspect over, if everybody else has recorded a step.
    pub fn load_suspect(&mut self) {
        if !self.suspects.is_empty()
            && self.loading.is_empty()
            && !self.runs.values().any(|run| run.new)
            && let Some((id, from)) = self.suspects.pop_front()
        {
            self.load(id, from);
        }
    }

    /// Reads an instance, after taking it over if `from` tells its former owner.
    pub fn load(&mut self, id: InstanceId, from: Option<Option<String>>) {
        self.loading.entry(id).or_default();
        let (store, owner, log) = (self.means.records.clone(), self.settings.owner.clone(), self.offices.log());
        let clock = self.means.clock.clone();
        self.work.spawn(async move {
            loop {
                let loaded = async {
                    #[cfg(feature = "sim")]
                    if let (true, Some(from)) = (crate::planted::is("read-then-bump"), from.clone()) {
                        let mut loaded = store.load(id).await?;
                        let taken = store.take_over(id, from, owner.clone()).await?;
                        loaded.epoch += 1;
                        return Ok(Some(loaded).filter(|_| taken));
                    }
                    if let Some(from) = from.clone()
                        && !store.take_over(id, from, owner.clone()).await?
                    {
                        return Ok(None);
                    }
                    // Somebody may have taken it over since: his epoch is no right of ours.
                    let loaded = store.load(id).await?;
                    Ok(Some(loaded).filter(|loaded| loaded.owner.as_ref() == Some(&owner)))
                };
                match loaded.await {
                    // What comes for the instance meanwhile is kept, so nothing is lost by waiting.
                    Err(Error::Unavailable(error)) => {
                        log.complain(&error);
                        clock.sleep(AGAIN).await;
                    }
                    loaded => return Done::Loaded { id, loaded: Box::new(loaded) },
                }
            }
        });
    }

    pub fn loaded(&mut self, id: InstanceId, loaded: Result<Option<Loaded>, Error>) {
        let mail = self.loading.remove(&id).unwrap_or_default();
        let early = self.early.remove(&id).unwrap_or_default();
        if let Err(error) = &loaded
            && !matches!(error, Error::Unavailable(_))
        {
            // Mended by hand at best; the others do not wait for it.
            tracing::error!(instance = %id, "the instance cannot be read: {error}");
            self.unreadable.insert(id);
            return;
        }
        let loaded = match self.answered(loaded) {
            Ok(Some(loaded)) if !loaded.state.is_finished() => loaded,
            Ok(_) => {
                early.into_iter().for_each(|(from, report)| self.stray(from, report));
                self.load_suspect();
                return self.look_at_children();
            }
            // The next sweep finds it again, and the worker repeats its reports then.
            Err(()) => return,
        };
        if self.runs.contains_key(&id) {
            return;
        }
        if loaded.takeovers >= POISONED {
            tracing::error!(instance = %id, "taken over {POISONED} times without a recorded step: it is set aside as failed");
            return self.give_up(&loaded);
        }
        self.make(loaded, mail, early, Looked::Before);
    }

    /// Makes an instance out of its rows, and drives it from now on.
    pub fn make(&mut self, loaded: Loaded, mail: Vec<Item>, early: Vec<(Holder, Report)>, groups: Looked) {
        let (id, seed, now) = (loaded.id, self.dice.random(), self.now());
        match Run::new(loaded.clone(), &self.settings, seed, now) {
            Ok(run) if groups == Looked::JustNow || self.knows_groups_of(&run) => {
                self.take_into_hand(id, run, mail, early);
            }
            Ok(_) => {
                self.loading.insert(id, mail);
                self.early.insert(id, early);
                self.read_groups_for(loaded);
            }
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                tracing::error!(instance = %id, "the instance cannot run: {}", problems.join("; "));
                self.give_up(&loaded);
            }
        }
    }

    /// `mail` has come for the instance while it was being read, and `early` are the reports among that.
    fn take_into_hand(&mut self, id: InstanceId, mut run: Run, mail: Vec<Item>, early: Vec<(Holder, Report)>) {
        let wishes = self.wishes_of_parent(&run);
        // What the parent has said meanwhile is part of what it wants now.
        run.inbox.extend(mail.into_iter().filter(|item| !item.is_of_parent()));
        run.inbox.extend(wishes.into_iter().map(|order| Item::from(Event::Order(order))));
        let jobs = run.jobs_under_way();
        run.held_since = self.means.clock.boot();
        let has_children = !run.children.is_empty();
        // The rows are the engine's now; a large document need not be in memory twice.
        run.loaded.document = "".into();
        run.loaded.tasks = Vec::new();
        self.top_level += usize::from(run.is_top_level());
        self.runs.insert(id, run);
        self.reconcile(id, jobs);
        self.watch_again(id);
        for (from, report) in early {
            self.reported(from, report);
        }
        self.advance(id);
        if has_children {
            // They were taken over with it.
            self.sweep();
        }
        self.look_at_children();
        // Orders that came while it was not in hand.
        self.look_for_commands();
    }

    /// What the parent of a child that comes into hand wants of it, and was not heard yet. The parent may have
    /// said so while the child was in nobody's hand. A second stop would skip the time of grace.
    fn wishes_of_parent(&self, child: &Run) -> Vec<Order> {
        let parent = child.parent().and_then(|parent| self.runs.get(&parent.instance));
        let Some(parent) = parent else { return vec![] };
        match (parent.engine.phase(), child.engine.phase()) {
            (Phase::Pausing, Phase::Running) => vec![Order::Pause],
            (Phase::Stopping { now: true }, Phase::Stopping { now: false }) => vec![Order::Stop],
            (Phase::Stopping { now: true }, Phase::Running | Phase::Pausing | Phase::Failing) => vec![Order::Stop; 2],
            (Phase::Stopping { now: false } | Phase::Failing, Phase::Running | Phase::Pausing) => vec![Order::Stop],
            (Phase::Stopping { now: false }, Phase::Failing) => vec![Order::Stop],
            _ => vec![],
        }
    }
}
