//! The loop of a master: waits for something to happen, lets the engine decide, records, acts.
//!
//! One write per instance is under way at a time; what comes meanwhile forms the next step. All work
//! that waits for the database runs beside the loop and comes back as an [`Done`].

use super::Settings;
use super::claim::Claimed;
use super::family::Family;
use super::offices::Offices;
use super::run::{Item, Run};
use super::step::{Draft, Drafting};
use crate::calls::{Bell, Order as WorkerOrder, Report, What};
use crate::engine::{Action, Note, Phase};
use crate::model::{Command, CommandId, InstanceId, State, Time};
use crate::queue::Queue;
use crate::store::{Error, Live, Loaded, Recorded, Store};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long the news that an attempt has started may wait for a write that is due anyway.
const SOFT: Duration = Duration::from_millis(20);
/// How often rows are compared with memory, in case a wake-up was lost.
const SWEEP: Duration = Duration::from_secs(5);
/// How often the database is asked again while it does not answer.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Driver {
    pub store: Store,
    pub queue: Arc<dyn Queue>,
    pub bell: Arc<dyn Bell>,
    pub settings: Arc<Settings>,
    pub orders: UnboundedSender<WorkerOrder>,
    pub runs: HashMap<InstanceId, Run>,
    /// Instances that are being read, and what came for them meanwhile.
    pub loading: HashMap<InstanceId, Vec<Item>>,
    /// Instances that wait until everybody else is in hand, and their former owners.
    pub suspects: VecDeque<(InstanceId, Option<Option<String>>)>,
    /// Instances whose rows make no sense: left alone until the next start.
    pub unreadable: HashSet<InstanceId>,
    /// Reports about instances that are being read.
    pub early: HashMap<InstanceId, Vec<Report>>,
    /// Commands in hand: claimed, or waiting in an instance's inbox.
    pub taken: HashSet<CommandId>,
    /// Every instance that was live at the start is in hand, and the worker was told.
    pub resumed: bool,
    /// Start commands that are being claimed.
    pub claiming: usize,
    pub work: JoinSet<Done>,
    pub offices: Offices,
    pub alarms: BTreeSet<(Time, InstanceId)>,
}

/// What comes back from beside the loop.
pub(super) enum Done {
    Commands(Result<Vec<Command>, Error>),
    /// A command was claimed: this instance is to be loaded.
    Claimed {
        command: CommandId,
        start: bool,
        claimed: Option<Claimed>,
    },
    Live(Result<Vec<Live>, Error>),
    Loaded {
        id: InstanceId,
        loaded: Box<Result<Option<Loaded>, Error>>,
    },
    Written {
        id: InstanceId,
        draft: Box<Draft>,
        recorded: Result<Recorded, Error>,
    },
    Child {
        parent: InstanceId,
        child: InstanceId,
        state: Result<Option<State>, Error>,
    },
    /// A report about an attempt that no instance in hand knows: whether its end is recorded.
    Stray {
        report: Report,
        settled: bool,
    },
}

impl Driver {
    pub fn new(
        store: Store,
        queue: Arc<dyn Queue>,
        bell: Arc<dyn Bell>,
        settings: Settings,
        orders: UnboundedSender<WorkerOrder>,
    ) -> Driver {
        Driver {
            store,
            queue,
            bell,
            settings: Arc::new(settings),
            orders,
            runs: HashMap::new(),
            loading: HashMap::new(),
            suspects: VecDeque::new(),
            unreadable: HashSet::new(),
            early: HashMap::new(),
            taken: HashSet::new(),
            resumed: false,
            claiming: 0,
            work: JoinSet::new(),
            offices: Offices::default(),
            alarms: BTreeSet::new(),
        }
    }

    pub async fn run(mut self, mut reports: UnboundedReceiver<Report>, stop: CancellationToken) {
        let bell = self.bell.clone();
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.look_for_commands();
        loop {
            let alarm = self.alarms.first().map(|(at, _)| *at);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = self.work.join_next(), if !self.work.is_empty() => match done {
                    Ok(done) => self.done(done),
                    Err(error) => tracing::error!(%error, "work of the master broke off"),
                },
                Some(report) = reports.recv() => {
                    let mut touched = BTreeSet::new();
                    let mut next = Some(report);
                    // What has come together is recorded together.
                    while let Some(report) = next {
                        touched.extend(self.reported(report));
                        next = reports.try_recv().ok();
                    }
                    touched.into_iter().for_each(|id| self.advance(id));
                }
                () = bell.rung() => self.look_for_commands(),
                _ = sweep.tick() => self.sweep(),
                () = until(alarm) => self.ring(),
            }
        }
        self.leave().await;
    }

    /// Waits for the writes under way; what they would have caused, the next start makes good.
    async fn leave(mut self) {
        while let Some(done) = self.work.join_next().await {
            if let Ok(Done::Written { id, recorded: Ok(_), .. }) = &done {
                tracing::debug!(instance = %id, "recorded while leaving");
            }
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Commands(commands) => self.commands(commands),
            Done::Claimed { command, start, claimed } => self.claimed(command, start, claimed),
            Done::Live(live) => self.live(live),
            Done::Loaded { id, loaded } => {
                // If its maker was faster, what was read is old, and it may even have ended since.
                if self.loading.contains_key(&id) {
                    self.loaded(id, *loaded);
                }
            }
            Done::Written { id, draft, recorded } => self.written(id, *draft, recorded),
            Done::Child { parent, child, state } => self.child_seen(parent, child, state),
            Done::Stray { report, settled } => {
                if settled {
                    self.tell(WorkerOrder::Acknowledge { tag: report.tag });
                }
            }
        }
    }

    pub fn tell(&self, order: WorkerOrder) {
        // The worker is gone only when the process is leaving, and will be told again.
        let _ = self.orders.send(order);
    }

    /// Takes the next step of an instance, if there is one and no write is under way.
    pub fn advance(&mut self, id: InstanceId) {
        let settings = self.settings.clone();
        let Some(run) = self.runs.get_mut(&id) else { return };
        if run.writing {
            return;
        }
        let now = Time::now();
        let soft_is_due = run.soft_due.is_some_and(|due| due <= now);
        let mut actions = std::mem::take(&mut run.soft);
        let mut acknowledge = Vec::new();
        let mut orders = Vec::new();
        while let Some(item) = run.inbox.pop_front() {
            orders.extend(item.order);
            acknowledge.extend(item.acknowledge);
            let place = item.place;
            actions.extend(run.engine.step(item.event, now).into_iter().map(|action| (action, place.clone())));
        }
        let is_soft = |(action, _): &(Action, _)| matches!(action, Action::Note { note: Note::Started { .. }, .. });
        let waits = acknowledge.is_empty() && orders.is_empty() && !run.must_write && actions.iter().all(is_soft);
        if waits && !soft_is_due {
            run.soft = actions;
            run.soft_due = (!run.soft.is_empty()).then(|| run.soft_due.unwrap_or(now + SOFT));
            return self.set_alarm(id);
        }
        run.soft_due = None;
        let must_write = std::mem::take(&mut run.must_write);
        let mut drafting = Drafting::new(run, &settings, now);
        orders.into_iter().for_each(|order| drafting.order(order));
        for (action, place) in actions {
            drafting.action(action, place);
        }
        acknowledge.into_iter().for_each(|tag| drafting.acknowledge(tag));
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
        let (store, settings, log) = (self.store.clone(), self.settings.clone(), self.offices.log());
        self.work.spawn(async move {
            loop {
                let recorded = async {
                    if let Some(family) = &family {
                        draft.describe_children(&store, family, &settings).await?;
                    }
                    store.record(Arc::new(draft.step.clone())).await
                };
                match recorded.await {
                    // Frozen: nothing is acted upon, the same write is repeated until it is answered.
                    Err(Error::Unavailable(error)) => {
                        log.complain(&error);
                        tokio::time::sleep(AGAIN).await;
                    }
                    recorded => return Done::Written { id, draft: Box::new(draft), recorded },
                }
            }
        });
    }

    fn written(&mut self, id: InstanceId, draft: Draft, recorded: Result<Recorded, Error>) {
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(error) => {
                tracing::error!(instance = %id, "the instance is dropped, its step was not recorded: {error}");
                draft.step.orders.iter().for_each(|(command, _)| {
                    self.taken.remove(command);
                });
                // The next sweep takes it into hand again.
                self.forget(id);
                return;
            }
        };
        self.offices.log().relieve();
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.writing = false;
        run.new = false;
        run.loaded.revision += 1;
        draft.step.orders.iter().for_each(|(command, _)| {
            self.taken.remove(command);
        });
        let jobs = super::step::offers(run, &draft.deeds, &recorded);
        if !jobs.is_empty() {
            self.queue.offer(jobs);
        }
        let at = draft.step.at;
        for deed in draft.deeds {
            self.act(id, deed, &recorded, at);
        }
        self.advance(id);
        self.load_suspect();
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

    pub fn forget(&mut self, id: InstanceId) -> Option<Run> {
        let run = self.runs.remove(&id)?;
        if let Some(at) = run.alarm {
            self.alarms.remove(&(at, id));
        }
        for item in &run.inbox {
            // An order that came too late is looked at again, and found to have no effect.
            if let Some((command, _)) = item.order {
                self.taken.remove(&command);
            }
            if let Some(tag) = item.acknowledge {
                self.stray(Report { instance: id, tag, what: What::NotHere });
            }
        }
        Some(run)
    }
}

/// Waits until the wall clock shows `at`; for ever if there is nothing to wait for.
async fn until(at: Option<Time>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(Time::now())).await,
        None => std::future::pending().await,
    }
}
