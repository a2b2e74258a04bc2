//! The attempts in this worker's hands, and what is done with each.

use super::Settings;
use super::attempts::{Held, Stage, from_note, note, outcome};
use super::credits::Credits;
use super::recent::Recent;
use super::shim::{self, Event, Inventory, Running, Status};
use super::supervise::Supervise;
use super::workplace::{Prepared, Unprepared};
use super::workshop::Workshop;
use crate::calls::{Address, Exit, Report, ToMaster, ToWorker, What, WorkerMail};
use crate::clock::Clock;
use crate::host::Gauge;
use crate::model::{InstanceId, Tag};
use crate::queue::{Board, Entry, Job, Lobby};
use crate::work::Work;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How soon an attempt is prepared again after the disk was full, and how often that is said.
const AGAIN: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// How long an entry whose claim came to nothing is passed over.
const SPURNED: Duration = Duration::from_secs(1);

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

    /// A task of an earlier worker process goes on.
    fn adopt(&mut self, running: Running) {
        #[cfg(feature = "sim")]
        if crate::planted::is("forgets-start") {
            return;
        }
        let Some(attempt) = from_note(running.tag, &running.note) else {
            tracing::warn!(tag = %running.tag, pid = running.pid, "nobody knows whose task this is; it is ended");
            return self.shim.kill(running.tag, shim::Kill::Gently);
        };
        let place = self.workshop.place(&attempt, Some(running.pid));
        let stage = Stage::Handed { started_at: Some(running.started_at) };
        self.held.insert(running.tag, Held { attempt, place, stage, master: None });
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

    pub(super) fn receive(&mut self, mail: WorkerMail) {
        match mail {
            WorkerMail::Linked { master, link } => {
                self.credits.linked(master.clone(), link);
                self.list(&master);
                self.introduce(&master);
            }
            WorkerMail::Unlinked { master, serial } => self.credits.unlinked(&master, serial),
            WorkerMail::Said { master, what } => self.said(&master, what),
        }
    }

    fn said(&mut self, master: &str, what: ToWorker) {
        match what {
            ToWorker::Grant { credit, epoch, job } => self.granted(master, credit, epoch, job),
            ToWorker::Void { credit } => {
                if let Some(tag) = self.credits.void(master, credit) {
                    self.spurned.insert(tag, self.clock.boot());
                }
                self.stale = true;
            }
            ToWorker::Ask { attempt } => self.asked(master, attempt),
            ToWorker::Kill { attempt, now } => self.kill(master, attempt, now),
            ToWorker::Acknowledge { tag } => self.acknowledged(tag),
            ToWorker::Clear { ids } => self.workshop.discard(ids),
            // Seen to by the loop, which knows which incarnation this is.
            ToWorker::Fenced { .. } => {}
        }
    }

    /// A tag is started once, however often it is told, and only if this very process has asked for it.
    fn granted(&mut self, master: &str, credit: u64, epoch: i32, job: Arc<Job>) {
        let asked_for = if credit == 0 { self.settings.sole } else { self.credits.spend(master, credit) };
        if let Some(held) = self.held.get_mut(&job.tag) {
            held.master = Some(master.to_owned());
            return;
        }
        let attempt = address(&job, epoch);
        #[cfg(feature = "sim")]
        let asked_for = asked_for || crate::planted::is("empty-promise");
        #[cfg(feature = "sim")]
        if crate::planted::is("empty-promise") {
            self.refused.remove(job.tag);
        }
        if !asked_for || self.refused.contains(&job.tag) || !self.is_newest(&attempt) {
            return self.refuse(master, &attempt);
        }
        if credit == 0 {
            self.waiting.offer(-1, job);
            self.pump();
        } else {
            self.prepare(job, epoch, master);
        }
    }

    /// Whether no higher epoch of the instance was seen; remembers this one.
    fn is_newest(&mut self, attempt: &Address) -> bool {
        if self.epochs.len() > REMEMBERED {
            self.epochs.clear();
        }
        let seen = self.epochs.entry(attempt.instance).or_insert(attempt.epoch);
        *seen = attempt.epoch.max(*seen);
        *seen == attempt.epoch
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
                self.complain(&why);
                self.spawn_preparation(job, AGAIN);
            }
            Err(Unprepared::Never(_)) => {
                let now = self.clock.now();
                let what = What::Ended { exit: Exit::Failed, started_at: now, at: now, place: held.place.clone() };
                self.end(job.tag, what);
            }
        }
    }

    /// The task is not to blame for a full disk.
    fn complain(&mut self, why: &str) {
        let now = self.clock.boot();
        if self.complained.is_none_or(|at| now.saturating_sub(at) >= MINUTE) {
            self.complained = Some(now);
            tracing::error!("tasks wait until there is room on the disk again: {why}");
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

    /// What the shim tells.
    ///
    /// # Errors
    /// The shim has gone over to another worker, so this one has nothing to do any more.
    pub(super) fn happened(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Started(running) => self.started(running),
            Event::Ended(status) => self.ended(status),
            // Neither running nor ended: it is certainly not there.
            Event::Missing(tag) => self.end(tag, What::Lost),
            Event::Gone { tags, .. } => tags.into_iter().for_each(|tag| self.end(tag, What::Lost)),
            Event::Trouble(error) => tracing::error!("{error}; tasks cannot be started until it is mended"),
            Event::Displaced => return Err("another worker has taken the shim of this data folder over".into()),
        }
        Ok(())
    }

    fn started(&mut self, running: Running) {
        let Some(held) = self.held.get_mut(&running.tag) else { return };
        if let Stage::Handed { started_at } = &mut held.stage {
            *started_at = Some(running.started_at);
            held.place.pid = Some(running.pid);
            self.tell(running.tag);
        }
    }

    fn ended(&mut self, status: Status) {
        let tag = status.tag;
        if !self.held.contains_key(&tag) {
            // Of an earlier worker process.
            let Some(attempt) = from_note(tag, &status.note) else { return self.shim.forget(tag) };
            let place = self.workshop.place(&attempt, status.pid);
            let stage = Stage::Handed { started_at: None };
            self.held.insert(tag, Held { attempt, place, stage, master: None });
        }
        let held = self.held.get_mut(&tag).expect("it was put there if it was missing");
        if matches!(held.stage, Stage::Ended(_)) {
            return;
        }
        held.place.pid = status.pid;
        let what = outcome(&status, held.place.clone());
        if let (shim::Exit::NotStarted(why), Some(log)) = (&status.exit, &held.place.log_path) {
            self.workshop.explain(Path::new(log), why);
        }
        self.end(tag, what);
    }

    /// The attempt is over; reported until the owner has recorded it.
    fn end(&mut self, tag: Tag, what: What) {
        let Some(held) = self.held.get_mut(&tag) else { return };
        if let Stage::Ended(_) = held.stage {
            return;
        }
        held.stage = Stage::Ended(what);
        self.stale = true;
        self.tell(tag);
        self.pump();
    }

    fn acknowledged(&mut self, tag: Tag) {
        if let Some(Held { stage: Stage::Ended(_), .. }) = self.held.get(&tag) {
            self.held.remove(&tag);
            self.shim.forget(tag);
        }
    }

    fn asked(&mut self, master: &str, attempt: Address) {
        self.is_newest(&attempt);
        match self.held.get_mut(&attempt.tag) {
            Some(held) => {
                held.master = Some(master.to_owned());
                self.tell(attempt.tag);
            }
            None if self.waiting.contains(attempt.tag) => {}
            None => self.refuse(master, &attempt),
        }
    }

    fn kill(&mut self, master: &str, attempt: Address, now: bool) {
        let tag = attempt.tag;
        self.is_newest(&attempt);
        match self.held.get(&tag).map(|held| &held.stage) {
            Some(Stage::Preparing) => {
                self.held.remove(&tag);
                self.refuse(master, &attempt);
            }
            Some(Stage::Handed { .. }) => {
                self.shim.kill(tag, if now { shim::Kill::Now } else { shim::Kill::Gently });
            }
            Some(Stage::Ended(_)) => self.tell(tag),
            None => {
                self.waiting.withdraw(tag);
                self.refuse(master, &attempt);
            }
        }
    }

    /// "Not here" is a promise: from now on the tag is never started.
    fn refuse(&mut self, master: &str, attempt: &Address) {
        self.refused.insert(attempt.tag);
        let report = Report { instance: attempt.instance, tag: attempt.tag, what: What::NotHere };
        if !self.credits.say(master, ToMaster::Report(report.clone())) {
            self.say_to_any(report);
        }
    }

    /// Tells what is known of an attempt, to its master if that is connected.
    fn tell(&mut self, tag: Tag) {
        let Some((report, master)) = self.report(tag) else { return };
        let told = master.is_some_and(|master| self.credits.say(&master, ToMaster::Report(report.clone())));
        if !told {
            self.say_to_any(report);
        }
        #[cfg(feature = "sim")]
        if crate::planted::is("outbox-forgets") {
            self.acknowledged(tag);
        }
    }

    fn report(&self, tag: Tag) -> Option<(Report, Option<String>)> {
        let held = self.held.get(&tag)?;
        let what = match &held.stage {
            Stage::Preparing | Stage::Handed { started_at: None } => return None,
            Stage::Handed { started_at: Some(at) } => What::Started { at: *at, place: held.place.clone() },
            Stage::Ended(what) => what.clone(),
        };
        Some((Report { instance: held.attempt.instance, tag, what }, held.master.clone()))
    }

    /// Any master is a letter box; one after the other is tried.
    fn say_to_any(&mut self, report: Report) {
        let count = self.credits.masters().count().max(1);
        let master = self.credits.masters().nth(self.rounds % count).map(str::to_owned);
        if let Some(master) = master {
            self.credits.say(&master, ToMaster::Report(report));
        }
    }

    /// What is said from time to time: what is held, to every master; and ends that nobody has acknowledged.
    pub(super) fn round(&mut self) {
        self.pump();
        self.stale = true;
        self.rounds += 1;
        let masters: Vec<String> = self.credits.masters().map(str::to_owned).collect();
        masters.iter().for_each(|master| self.list(master));
        let ended: Vec<Tag> =
            self.held.iter().filter(|(_, held)| matches!(held.stage, Stage::Ended(_))).map(|(tag, _)| *tag).collect();
        for tag in ended {
            match self.rounds % 2 {
                0 => self.tell(tag),
                _ => {
                    if let Some((report, _)) = self.report(tag) {
                        self.say_to_any(report);
                    }
                }
            }
        }
    }

    fn list(&self, master: &str) {
        let waiting = self.waiting.iter().map(|(_, job)| job.tag);
        let tags = self.held.keys().copied().chain(waiting).collect();
        self.credits.say(master, ToMaster::Holding { tags });
    }

    /// A master that has just come hears of all that has no master yet.
    fn introduce(&mut self, master: &str) {
        let orphans = self.held.iter().filter(|(_, held)| held.master.is_none());
        let orphans: Vec<Tag> = orphans.map(|(tag, _)| *tag).collect();
        for tag in orphans {
            if let Some((report, _)) = self.report(tag) {
                self.credits.say(master, ToMaster::Report(report));
            }
        }
    }

    /// Whether the machine has room for more; if nothing runs here, it is not our work that fills it.
    fn may_take(&self) -> bool {
        self.running() == 0 || self.gauge.has_room()
    }

    /// Offers the slots that are free.
    pub(super) fn offer(&mut self) {
        if self.settings.sole {
            return;
        }
        let now = self.clock.boot();
        match self.lobby.clone() {
            Some(lobby) => self.look(lobby, now),
            None if self.may_take() => self.credits.fill(self.free(), now),
            None => {}
        }
        self.credits.level(now);
    }

    /// There are other entries than at the last look.
    pub(super) fn lobby_changed(&mut self) {
        self.stale = true;
    }

    /// Looks for entries that can be claimed.
    fn look(&mut self, lobby: Arc<dyn Lobby>, now: Duration) {
        let count = self.free().min(self.settings.fetch);
        if self.looking || !self.stale || count == 0 || !self.may_take() {
            return;
        }
        self.spurned.retain(|_, at| now.saturating_sub(*at) < SPURNED);
        let mut except: BTreeSet<Tag> = self.held.keys().chain(self.spurned.keys()).copied().collect();
        except.extend(self.credits.claimed());
        self.looking = true;
        self.stale = false;
        self.work.spawn(async move { Done::Looked(lobby.best(count, &except).await) });
    }

    fn claim(&mut self, entries: Vec<Entry>) {
        self.looking = false;
        self.stale |= !entries.is_empty();
        let now = self.clock.boot();
        for entry in entries {
            if self.free() > 0 && !self.credits.claim(&entry.owner, entry.rank.instance, entry.tag, now) {
                // Its owner is not connected; a later one may be.
                self.spurned.insert(entry.tag, now);
            }
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
