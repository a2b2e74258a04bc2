//! The loop of a master: waits for something to happen, lets the engine decide, records, acts.
//!
//! One write per instance is under way at a time; what comes meanwhile forms the next step. All work
//! that waits for the database runs beside the loop and comes back as an [`Done`].

use super::Settings;
use super::claim::{Begun, Commands, Found, Outcome};
use super::dependents::Dependents;
use super::endings::Endings;
use super::groups::{Addresses, Read};
use super::intake::Swept;
use super::offices::Offices;
use super::places::Places;
use super::run::{Item, Run};
use super::step::Draft;
use super::timer::Rings;
use super::workers::Workers;
use crate::calls::{Bell, Colleagues, Holder, MasterMail, Report};
use crate::clock::Clock;
use crate::dependency::Answers;
use crate::model::{InstanceId, State, Time};
use crate::queue::{Board, Broker};
use crate::registry::{self, Membership, Registry};
use crate::store::{Error, Loaded, Recorded, Records, Standpoint, WorkerRow};
use crate::work::Work;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// How often rows are compared with memory, in case a wake-up was lost.
const SWEEP: Duration = Duration::from_secs(5);
/// How often the database is asked again while it does not answer.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// A wall clock that differs by so many milliseconds from what it should show was set; less is its drift.
const SET: i64 = 500;

/// What a master acts through.
#[derive(Clone)]
pub(super) struct Means {
    pub records: Arc<dyn Records>,
    pub registry: Arc<dyn Registry>,
    pub colleagues: Arc<dyn Colleagues>,
    pub bell: Arc<dyn Bell>,
    pub clock: Arc<dyn Clock>,
    pub broker: Option<Arc<dyn Broker>>,
    pub membership: Arc<Membership>,
    pub places: Arc<Places>,
    /// Wakes the timer.
    pub rings: Arc<Rings>,
}

pub(super) struct Driver {
    pub means: Means,
    pub settings: Arc<Settings>,
    pub workers: Workers,
    /// Attempts that wait for a free slot.
    pub board: Board,
    pub runs: BTreeMap<InstanceId, Run>,
    /// How many of them are of the first generation.
    pub top_level: usize,
    /// Instances that are being read, and what came for them meanwhile.
    pub loading: BTreeMap<InstanceId, Vec<Item>>,
    /// Instances that wait until everybody else is in hand, and their former owners.
    pub suspects: VecDeque<(InstanceId, Option<Option<String>>)>,
    /// Instances whose rows make no sense: left alone until the next start.
    pub unreadable: HashSet<InstanceId>,
    /// Reports about instances that are being read.
    pub early: HashMap<InstanceId, Vec<(Holder, Report)>>,
    pub commands: Commands,
    pub dependents: Dependents,
    pub endings: Endings,
    /// The living masters (their starts), in an order that is the same for all of them.
    pub masters: Vec<String>,
    pub work: Work<Done>,
    pub offices: Offices,
    /// By the time since the machine has started: the wall clock may jump.
    pub alarms: BTreeSet<(Duration, InstanceId)>,
    /// How far the wall clock is ahead of the time since the machine has started, in milliseconds.
    pub ahead: i64,
    /// When the last write to the registry that was acknowledged had been sent.
    pub signed_at: Option<Duration>,
    /// When the database has last answered.
    pub answered_at: Duration,
    /// Draws the seeds of instances.
    pub dice: StdRng,
}

/// What comes back from beside the loop.
pub(super) enum Done {
    Commands(Result<Found, Error>),
    /// Commands were claimed, or could not be.
    Claimed(Vec<Outcome>),
    Swept(Result<Swept, Error>),
    /// Worker groups were read for an instance that names unknown ones.
    Grouped {
        loaded: Box<Loaded>,
        read: Read,
        groups: Addresses,
    },
    /// Entries were made or removed.
    Brokered,
    Beaten {
        sent: Duration,
        outcome: Result<(), registry::Error>,
    },
    Loaded {
        id: InstanceId,
        loaded: Box<Result<Option<Loaded>, Error>>,
    },
    Written {
        id: InstanceId,
        draft: Box<Draft>,
        recorded: Result<Recorded, Error>,
    },
    /// Runs were looked for that DEPENDENT nodes wait for.
    Seen(Result<Answers, Error>),
    Child {
        parent: InstanceId,
        child: InstanceId,
        state: Result<Option<State>, Error>,
    },
    /// A report about an attempt that no instance in hand knows.
    Stray {
        from: Holder,
        report: Report,
        /// Its end is recorded, or there is no such attempt.
        settled: bool,
        standpoint: Option<Standpoint>,
    },
}

impl Driver {
    pub fn new(means: Means, settings: Arc<Settings>, work: Work<Done>, seed: u64) -> Driver {
        Driver {
            workers: Workers::new(settings.sole),
            board: Board::default(),
            runs: BTreeMap::new(),
            top_level: 0,
            loading: BTreeMap::new(),
            suspects: VecDeque::new(),
            unreadable: HashSet::new(),
            early: HashMap::new(),
            commands: Commands::default(),
            dependents: Dependents::default(),
            endings: Endings::default(),
            masters: Vec::new(),
            work,
            offices: Offices::default(),
            alarms: BTreeSet::new(),
            ahead: ahead(&*means.clock),
            signed_at: None,
            answered_at: means.clock.boot(),
            dice: StdRng::seed_from_u64(seed),
            settings,
            means,
        }
    }

    /// `rows` are the workers as the database has them, read from time to time by somebody else; `begun` come from the
    /// timer.
    pub async fn run(
        mut self,
        mut mail: UnboundedReceiver<MasterMail>,
        mut rows: UnboundedReceiver<Vec<WorkerRow>>,
        mut begun: UnboundedReceiver<Begun>,
        stop: CancellationToken,
    ) {
        let Means { bell, clock, registry, .. } = self.means.clone();
        let mut changes = registry.changes();
        let mut sweep = clock.sleep(Duration::ZERO);
        let mut beat = clock.sleep(Duration::ZERO);
        loop {
            let alarm = after(&*clock, self.alarms.first().map(|(at, _)| *at));
            let look = after(&*clock, self.commands.look_at());
            let look_for_runs = after(&*clock, self.dependents.look_at);
            let tell = after(&*clock, self.endings.tell_at());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                done = self.work.next() => self.done(done),
                Some(begun) = begun.recv() => {
                    self.mind_the_clock();
                    self.begun(begun);
                }
                Some(first) = mail.recv() => {
                    self.mind_the_clock();
                    let mut touched = BTreeSet::new();
                    let mut next = Some(first);
                    // What has come together is recorded together.
                    while let Some(letter) = next {
                        touched.extend(self.receive(letter));
                        next = mail.try_recv().ok();
                    }
                    touched.extend(self.hand_out());
                    touched.into_iter().for_each(|id| self.advance(id));
                }
                Some(rows) = rows.recv() => {
                    self.mind_the_clock();
                    self.workers.rows(rows);
                    self.bury_the_dead();
                }
                () = bell.rung() => {
                    self.look_for_commands();
                    self.means.rings.changed.notify_one();
                    self.means.rings.ended.notify_one();
                }
                Ok(()) = changes.changed() => {
                    self.sweep();
                    // Whoever has left may have ended something and told nobody.
                    self.look_for_what_has_ended();
                }
                () = &mut sweep => {
                    sweep = clock.sleep(SWEEP);
                    self.sweep();
                }
                () = &mut beat => {
                    beat = clock.sleep(self.settings.lease / 5);
                    self.beat();
                }
                () = alarm => self.ring(),
                () = look => self.look_for_commands(),
                () = look_for_runs => self.look_for_runs(),
                () = tell => self.tell_others(),
            }
        }
        self.leave().await;
    }

    /// Waits for the writes under way; what they would have caused, the next owner makes good.
    async fn leave(mut self) {
        while !self.work.is_empty() {
            if let Done::Written { id, recorded: Ok(_), .. } = self.work.next().await {
                tracing::debug!(instance = %id, "recorded while leaving");
            }
        }
    }

    /// If somebody has set the wall clock, retries and time-outs are not to come an hour late or early. To be called
    /// before anything is done that reads the clock: the two times must not meet in one step.
    pub fn mind_the_clock(&mut self) {
        let by = ahead(&*self.means.clock) - self.ahead;
        if by.abs() < SET {
            return;
        }
        self.ahead += by;
        self.runs.values_mut().for_each(|run| run.clock_was_set(by));
        let ids: Vec<_> = self.runs.keys().copied().collect();
        ids.into_iter().for_each(|id| self.set_alarm(id));
    }

    fn done(&mut self, done: Done) {
        self.mind_the_clock();
        match done {
            Done::Commands(found) => self.commands(found),
            Done::Claimed(outcomes) => self.claimed(outcomes),
            Done::Swept(swept) => self.swept(swept),
            Done::Seen(seen) => self.seen(seen),
            Done::Grouped { loaded, read, groups } => self.grouped(*loaded, read, groups),
            Done::Brokered => {
                self.offices.leave(super::offices::Office::Broker);
            }
            Done::Beaten { sent, outcome } => self.beaten(sent, outcome),
            Done::Loaded { id, loaded } => {
                // If its maker was faster, what was read is old, and it may even have ended since.
                if self.loading.contains_key(&id) {
                    self.loaded(id, *loaded);
                }
            }
            Done::Written { id, draft, recorded } => self.written(id, *draft, recorded),
            Done::Child { parent, child, state } => self.child_seen(parent, child, state),
            Done::Stray { from, report, settled, standpoint } => self.stray_seen(from, report, settled, standpoint),
        }
    }

    pub fn now(&self) -> Time {
        self.means.clock.now()
    }

    /// Passes on what the database answered; that it did not, is said once a minute.
    pub fn answered<T>(&mut self, answer: Result<T, Error>) -> Result<T, ()> {
        if !matches!(answer, Err(Error::Unavailable(_))) {
            self.answered_at = self.means.clock.boot();
        }
        self.offices.answered(answer)
    }

    /// Writes into the registry that we live, and whether the database answers us.
    fn beat(&mut self) {
        if self.offices.enter(super::offices::Office::Beat) {
            let (clock, membership) = (self.means.clock.clone(), self.means.membership.clone());
            let sent = clock.boot();
            let sound = sent.saturating_sub(self.answered_at) < self.settings.lease.max(2 * SWEEP);
            self.work.spawn(async move { Done::Beaten { sent, outcome: membership.beat(sound).await } });
        }
    }

    fn beaten(&mut self, sent: Duration, outcome: Result<(), registry::Error>) {
        self.offices.leave(super::offices::Office::Beat);
        match outcome {
            Ok(()) => self.signed_at = Some(sent),
            Err(error) => tracing::debug!(%error, "could not beat"),
        }
    }
}

/// How far the wall clock is ahead of the time since the machine has started, in milliseconds.
pub(super) fn ahead(clock: &dyn Clock) -> i64 {
    clock.now().0 - clock.boot().as_millis() as i64
}

/// Waits until the machine has been up for so long; for ever if there is nothing to wait for.
async fn after(clock: &dyn Clock, boot: Option<Duration>) {
    match boot {
        Some(boot) => clock.sleep(boot.saturating_sub(clock.boot())).await,
        None => std::future::pending().await,
    }
}
