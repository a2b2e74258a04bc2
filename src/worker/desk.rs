//! The attempts in this worker's hands, and what is done with each.

mod offers;
mod orders;
mod reports;
mod tasks;

use super::Settings;
use super::attempts::{Held, Stage, note};
use super::credits::Credits;
use super::recent::Recent;
use super::shim::{self, Inventory};
use super::supervise::Supervise;
use super::workplace::{Prepared, Unprepared};
use super::workshop::Workshop;
use crate::calls::{Address, Exit, What};
use crate::clock::Clock;
use crate::host::Gauge;
use crate::model::{InstanceId, Tag};
use crate::queue::{Board, Entry, Job, Lobby};
use crate::work::Work;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How soon an attempt is prepared again after the disk was full, and how often that is said.
const AGAIN: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// How many refused tags and seen epochs are remembered: whatever is told twice comes within far fewer others.
const REMEMBERED: usize = 1 << 16;

/// What comes back from beside the loop.
pub(super) enum Done {
    Prepared(Arc<Job>, Result<Prepared, Unprepared>),
    /// The entries that may be claimed.
    Looked(Vec<Entry>),
    Cleaned,
}

/// What a desk stands among.
pub(super) struct Surroundings {
    pub shim: Arc<dyn Supervise>,
    pub workshop: Arc<dyn Workshop>,
    pub clock: Arc<dyn Clock>,
    pub gauge: Arc<dyn Gauge>,
    pub lobby: Option<Arc<dyn Lobby>>,
    pub settings: Arc<Settings>,
}

pub(super) struct Desk {
    shim: Arc<dyn Supervise>,
    workshop: Arc<dyn Workshop>,
    clock: Arc<dyn Clock>,
    gauge: Arc<dyn Gauge>,
    lobby: Option<Arc<dyn Lobby>>,
    /// The lobby is being looked at.
    looking: bool,
    /// It may hold something that was not there, or not for us, at the last look.
    stale: bool,
    /// Attempts whose claims came to nothing a moment ago, and when.
    spurned: BTreeMap<Tag, Duration>,
    settings: Arc<Settings>,
    pub(super) credits: Credits,
    held: BTreeMap<Tag, Held>,
    /// Granted without a credit, by the only master: waits for a free slot here.
    waiting: Board,
    /// Tags of which "not here" was said: they are never started.
    refused: Recent<Tag>,
    /// The highest epoch seen of each instance.
    epochs: HashMap<InstanceId, i32>,
    /// When it was said that the disk is full.
    complained: Option<Duration>,
    pub(super) work: Work<Done>,
    /// How often reports were repeated, to try one master after the other.
    rounds: usize,
}

impl Desk {
    pub(super) fn new(among: Surroundings, inventory: Inventory, work: Work<Done>) -> Desk {
        let Surroundings { shim, workshop, clock, gauge, lobby, settings } = among;
        let mut desk = Desk {
            shim,
            workshop,
            clock,
            gauge,
            lobby,
            looking: false,
            stale: true,
            spurned: BTreeMap::new(),
            credits: Credits::new(settings.fetch),
            settings,
            held: BTreeMap::new(),
            waiting: Board::default(),
            refused: Recent::new(REMEMBERED),
            epochs: HashMap::new(),
            complained: None,
            work,
            rounds: 0,
        };
        inventory.running.into_iter().for_each(|running| desk.adopt(running));
        inventory.ended.into_iter().for_each(|status| desk.ended(status));
        desk
    }

    /// Removes old execution folders, beside the work.
    pub(super) fn clean(&mut self, age: Duration) {
        let workshop = self.workshop.clone();
        self.work.spawn(async move {
            workshop.empty_trash(age).await;
            Done::Cleaned
        });
    }

    pub(super) fn free(&self) -> usize {
        self.settings.slots.saturating_sub(self.running() + self.credits.open())
    }

    pub(super) fn running(&self) -> usize {
        self.held.values().filter(|held| !matches!(held.stage, Stage::Ended(_))).count()
    }

    /// Another incarnation begins: what was not handed to the shim yet belongs to the former one, which is over. No
    /// master is known any more.
    pub(super) fn reborn(&mut self) {
        let preparing = self.held.iter().filter(|(_, held)| matches!(held.stage, Stage::Preparing));
        let tags: Vec<Tag> = preparing.map(|(tag, _)| *tag).collect();
        for tag in tags {
            self.held.remove(&tag);
            self.refused.insert(tag);
        }
        self.waiting = Board::default();
        self.credits.clear();
        // Told to the first master that comes.
        self.held.values_mut().for_each(|held| held.master = None);
    }

    /// Takes what waits into free slots.
    fn pump(&mut self) {
        while self.free() > 0
            && self.may_take()
            && let Some(job) = self.waiting.take(|_| true)
        {
            let master = self.credits.masters().next().map(str::to_owned).unwrap_or_default();
            self.prepare(job, 0, &master);
        }
    }

    fn prepare(&mut self, job: Arc<Job>, epoch: i32, master: &str) {
        let attempt = address(&job, epoch);
        let place = self.workshop.place(&attempt, None);
        let held = Held { attempt, place, stage: Stage::Preparing, master: Some(master.to_owned()) };
        self.held.insert(job.tag, held);
        self.spawn_preparation(job, Duration::ZERO);
    }

    fn spawn_preparation(&mut self, job: Arc<Job>, after: Duration) {
        let (workshop, clock) = (self.workshop.clone(), self.clock.clone());
        self.work.spawn(async move {
            if !after.is_zero() {
                clock.sleep(after).await;
            }
            let prepared = workshop.prepare(job.clone()).await;
            Done::Prepared(job, prepared)
        });
    }

    pub(super) fn done(&mut self, done: Done) {
        let (job, prepared) = match done {
            Done::Prepared(job, prepared) => (job, prepared),
            Done::Looked(entries) => return self.claim(entries),
            Done::Cleaned => return,
        };
        let Some(held) = self.held.get_mut(&job.tag).filter(|held| matches!(held.stage, Stage::Preparing)) else {
            return;
        };
        match prepared {
            Ok(prepared) => {
                held.stage = Stage::Handed { started_at: None };
                let start = self.start(&job, prepared);
                self.shim.start(start);
            }
            Err(Unprepared::NoRoom(why)) => {
                self.complain("tasks wait until there is room on the disk again", &why);
                self.spawn_preparation(job, AGAIN);
            }
            Err(Unprepared::NotNow(why)) => {
                self.complain("tasks wait until their resources can be looked up again", &why);
                self.spawn_preparation(job, AGAIN);
            }
            Err(Unprepared::Never(_)) => {
                let now = self.clock.now();
                let what = What::Ended { exit: Exit::Failed, started_at: now, at: now, place: held.place.clone() };
                self.end(job.tag, what);
            }
        }
    }

    /// The task is not to blame for a full disk or a silent database.
    fn complain(&mut self, what: &str, why: &str) {
        let now = self.clock.boot();
        if self.complained.is_none_or(|at| now.saturating_sub(at) >= MINUTE) {
            self.complained = Some(now);
            tracing::error!("{what}: {why}");
        }
    }

    fn start(&self, job: &Job, prepared: Prepared) -> shim::Start {
        let held = &self.held[&job.tag];
        shim::Start {
            tag: job.tag,
            argv: prepared.argv,
            dir: prepared.folder,
            env: prepared.environment,
            log: held.place.log_path.clone().unwrap_or_default().into(),
            account: prepared.account.map(|account| shim::Account {
                uid: account.uid,
                gid: account.gid,
                groups: account.groups.clone(),
            }),
            limit: job.limit,
            log_max: self.settings.log_max,
            grace: self.settings.grace,
            note: note(&held.attempt),
        }
    }
}

fn address(job: &Job, epoch: i32) -> Address {
    Address {
        project: job.project,
        definition: job.definition,
        instance: job.instance(),
        task: job.task(),
        tag: job.tag,
        epoch,
    }
}
