//! Instances come into hand: the live ones at a start, new ones when their command is claimed.

use super::driver::{AGAIN, Done, Driver};
use super::offices::Office;
use super::run::{Item, Run};
use crate::calls::Order as WorkerOrder;
use crate::engine::{Event, Order, Phase, Work};
use crate::model::InstanceId;
use crate::store::{Error, Live, Loaded};

/// Takeovers without a recorded step after which an instance may be what its masters die of. It is taken over
/// alone, when all others are in hand, so that it takes nobody else along.
const SUSPECT: i32 = 3;
/// Takeovers without a recorded step after which a suspect is set aside. Many, because a master that is killed
/// from outside again and again looks the same, and a suspect that is taken over last does little harm.
const POISONED: i32 = 20;

impl Driver {
    /// Rows against memory: owned but not held → load; owner gone → take over.
    pub fn sweep(&mut self) {
        self.look_for_commands();
        if self.offices.enter(Office::Sweep) {
            let store = self.store.clone();
            self.work.spawn(async move { Done::Live(store.live_instances().await) });
        }
    }

    pub fn live(&mut self, live: Result<Vec<Live>, Error>) {
        self.offices.leave(Office::Sweep);
        let Ok(live) = self.offices.answered(live) else { return };
        if !self.resumed
            && self.loading.is_empty()
            && live.iter().all(|live| self.runs.contains_key(&live.id) || self.unreadable.contains(&live.id))
        {
            self.resumed = true;
            self.tell(WorkerOrder::Resumed);
        }
        let mut suspects = Vec::new();
        for Live { id, owner, takeovers } in live {
            if !self.runs.contains_key(&id) && !self.loading.contains_key(&id) && !self.unreadable.contains(&id) {
                // One data folder, one process: whoever else owned it is gone.
                let from = (owner.as_deref() != Some(&self.settings.owner)).then_some(owner);
                if from.is_some() && takeovers >= SUSPECT {
                    suspects.push((takeovers, id, from));
                } else {
                    self.load(id, from);
                }
            }
        }
        // The most suspect come last.
        suspects.sort_unstable();
        self.suspects = suspects.into_iter().map(|(_, id, from)| (id, from)).collect();
        self.load_suspect();
        self.look_at_children();
        self.kill_again();
    }

    /// A wish that is not confirmed is said again: what lay between may have died. Children get theirs from
    /// their own instance.
    fn kill_again(&self) {
        for (id, run) in &self.runs {
            let now = match run.engine.phase() {
                Phase::Stopping { now } => now,
                Phase::Failing => false,
                Phase::Running | Phase::Pausing | Phase::Ended(_) => continue,
            };
            for (node, tag) in run.engine.active() {
                if let Some(task) = run.rows.get(&node)
                    && run.engine.plan().node(node).work == Work::Task
                {
                    self.tell(WorkerOrder::Kill { instance: *id, task: *task, tag, now });
                }
            }
        }
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
        let (store, owner, log) = (self.store.clone(), self.settings.owner.clone(), self.offices.log());
        self.work.spawn(async move {
            loop {
                let loaded = async {
                    if let Some(from) = from.clone()
                        && !store.take_over(id, from, owner.clone()).await?
                    {
                        return Ok(None);
                    }
                    store.load(id).await.map(Some)
                };
                match loaded.await {
                    // What comes for the instance meanwhile is kept, so nothing is lost by waiting.
                    Err(Error::Unavailable(error)) => {
                        log.complain(&error);
                        tokio::time::sleep(AGAIN).await;
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
        let loaded = match self.offices.answered(loaded) {
            Ok(Some(loaded)) if !loaded.state.is_finished() => loaded,
            Ok(_) => {
                early.into_iter().for_each(|report| self.stray(report));
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
        let mut run = match Run::new(loaded.clone(), &self.settings, rand::random()) {
            Ok(run) => run,
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                tracing::error!(instance = %id, "the instance cannot run: {}", problems.join("; "));
                return self.give_up(&loaded);
            }
        };
        let wishes = self.wishes_of_parent(&run);
        // What the parent has said meanwhile is part of what it wants now.
        run.inbox.extend(mail.into_iter().filter(|item| !item.is_of_parent()));
        run.inbox.extend(wishes.into_iter().map(|order| Item::from(Event::Order(order))));
        let jobs = run.jobs_under_way();
        if !jobs.is_empty() {
            self.tell(WorkerOrder::Resume { jobs });
        }
        // The rows are the engine's now; a large document need not be in memory twice.
        run.loaded.document = String::new();
        run.loaded.tasks = Vec::new();
        self.runs.insert(id, run);
        for report in early {
            self.reported(report);
        }
        self.advance(id);
        self.look_at_children();
        // Orders that came while it was not in hand.
        self.look_for_commands();
        if !self.resumed && self.loading.is_empty() {
            // The last of those that were live at the start, perhaps; then the worker is to know.
            self.sweep();
        }
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
