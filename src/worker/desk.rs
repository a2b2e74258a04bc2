//! The attempts in this worker's hands, and what is done with each.

use super::Settings;
use super::memory::Memory;
use super::shim::{self, Event, Inventory, Running, Shim, Status};
use super::workplace::{self, Prepared, Unprepared, Workplace};
use crate::calls::{Exit, Order, Place, Report, What};
use crate::model::{InstanceId, Tag, Time};
use crate::queue::{Job, Queue};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{JoinError, JoinSet};

type Preparation = (Arc<Job>, Result<Prepared, Unprepared>);

/// How soon an attempt is prepared again after the disk was full, and how often that is said.
const AGAIN: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

pub(super) struct Desk {
    shim: Shim,
    reports: UnboundedSender<Report>,
    workplace: Arc<Workplace>,
    settings: Settings,
    queue: Arc<dyn Queue>,
    held: HashMap<Tag, Held>,
    /// What the shim held when this worker came, until a master claims it.
    found: HashMap<Tag, Found>,
    /// Tags of which "not here" was said: they are never started.
    refused: HashSet<Tag>,
    memory: Memory,
    /// Lost attempts whose loss is not recorded yet.
    losses: usize,
    /// When it was said that the disk is full.
    complained: Option<Instant>,
    pub(super) preparing: JoinSet<Preparation>,
    cleaning: JoinSet<()>,
}

/// An attempt between being taken and being acknowledged.
struct Held {
    instance: InstanceId,
    place: Place,
    stage: Stage,
}

enum Stage {
    Preparing,
    /// The shim has it.
    Handed {
        started_at: Option<Time>,
    },
    Ended(What),
}

enum Found {
    Running(Running),
    Ended(Status),
}

impl Desk {
    pub(super) fn new(
        shim: Shim,
        inventory: Inventory,
        reports: UnboundedSender<Report>,
        workplace: Arc<Workplace>,
        settings: Settings,
        queue: Arc<dyn Queue>,
    ) -> Desk {
        let memory = Memory::open(settings.memory.clone(), inventory.incarnation);
        let running = inventory.running.into_iter().map(|running| (running.tag, Found::Running(running)));
        let ended = inventory.ended.into_iter().map(|status| (status.tag, Found::Ended(status)));
        Desk {
            shim,
            reports,
            workplace,
            settings,
            queue,
            held: HashMap::new(),
            found: running.chain(ended).collect(),
            refused: HashSet::new(),
            memory,
            losses: 0,
            complained: None,
            preparing: JoinSet::new(),
            cleaning: JoinSet::new(),
        }
    }

    /// Removes old execution folders, beside the work.
    pub(super) fn clean(&mut self, age: Duration) {
        let workplace = self.workplace.clone();
        self.cleaning.spawn_blocking(move || workplace.empty_trash(age));
        while self.cleaning.try_join_next().is_some() {}
        // An end is told until it is acknowledged.
        let ended = self.held.iter().filter(|(_, held)| matches!(held.stage, Stage::Ended(_)));
        ended.for_each(|(tag, _)| self.repeat(*tag));
    }

    /// Nothing runs, and nothing more will be started by this worker.
    pub(super) fn leave(&mut self) {
        self.memory.leave();
    }

    pub(super) fn free(&self) -> usize {
        self.settings.slots.saturating_sub(self.running())
    }

    pub(super) fn running(&self) -> usize {
        let held = self.held.values().filter(|held| !matches!(held.stage, Stage::Ended(_))).count();
        held + self.found.values().filter(|found| matches!(found, Found::Running(_))).count()
    }

    /// Starts to prepare attempts. A tag that is in hand already, or was refused, is not started again.
    pub(super) fn take(&mut self, jobs: Vec<Arc<Job>>) {
        for job in jobs {
            if self.held.contains_key(&job.tag) || self.refused.contains(&job.tag) {
                continue;
            }
            self.hold(&job, Stage::Preparing);
            let workplace = self.workplace.clone();
            self.preparing.spawn_blocking(move || prepare(&workplace, job));
        }
    }

    fn hold(&mut self, job: &Job, stage: Stage) {
        let held = Held { instance: job.instance(), place: self.workplace.place(job), stage };
        self.held.insert(job.tag, held);
    }

    pub(super) fn prepared(&mut self, preparation: Result<Preparation, JoinError>) {
        let (job, prepared) = match preparation {
            Ok(preparation) => preparation,
            // A panic is caught in `prepare`; what is left is that the process is leaving.
            Err(error) => return tracing::error!(%error, "the preparation of a task broke off"),
        };
        let Some(held) = self.held.get_mut(&job.tag) else { return };
        match prepared {
            Ok(prepared) => {
                held.stage = Stage::Handed { started_at: None };
                self.shim.start(self.start(&job, prepared));
            }
            Err(Unprepared::NoRoom(why)) => self.wait_for_room(job, &why),
            Err(Unprepared::Never(_)) => {
                let now = Time::now();
                let what = What::Ended { exit: Exit::Failed, started_at: now, at: now, place: held.place.clone() };
                self.end(job.tag, what);
            }
        }
    }

    /// The task is not to blame for a full disk.
    fn wait_for_room(&mut self, job: Arc<Job>, why: &str) {
        if self.complained.is_none_or(|at| at.elapsed() >= MINUTE) {
            self.complained = Some(Instant::now());
            tracing::error!("tasks wait until there is room on the disk again: {why}");
        }
        let workplace = self.workplace.clone();
        self.preparing.spawn(async move {
            tokio::time::sleep(AGAIN).await;
            let again = job.clone();
            let prepared = tokio::task::spawn_blocking(move || prepare(&workplace, again)).await;
            prepared.unwrap_or_else(|error| (job, Err(Unprepared::NoRoom(error.to_string()))))
        });
    }

    fn start(&self, job: &Job, prepared: Prepared) -> shim::Start {
        shim::Start {
            tag: job.tag,
            argv: prepared.argv,
            dir: prepared.folder,
            env: prepared.environment,
            log: self.workplace.log(job),
            account: prepared.account.map(|account| shim::Account {
                uid: account.uid,
                gid: account.gid,
                groups: account.groups.clone(),
            }),
            limit: job.limit,
            log_max: self.settings.log_max,
            grace: self.settings.grace,
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
            // Asked to be killed, but neither running nor ended: it is certainly not there.
            Event::Missing(tag) => self.lost(tag),
            Event::Gone { tags, incarnation } => {
                self.memory.reborn(incarnation);
                tags.into_iter().for_each(|tag| self.lost(tag));
            }
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
            let what = What::Started { at: running.started_at, place: held.place.clone() };
            let instance = held.instance;
            self.report(instance, running.tag, what);
        }
    }

    fn ended(&mut self, status: Status) {
        let tag = status.tag;
        match self.held.get_mut(&tag) {
            Some(Held { stage: Stage::Ended(_), .. }) => {}
            Some(held) => {
                held.place.pid = status.pid;
                let what = outcome(&status, held.place.clone());
                if let (shim::Exit::NotStarted(why), Some(log)) = (&status.exit, &held.place.log_path)
                    && let Err(error) = workplace::explain(Path::new(log), why)
                {
                    tracing::warn!(%tag, %error, "could not write why a task was not started: {why}");
                }
                self.end(tag, what);
            }
            // A stranger's end, see `drop_strangers`.
            None if self.memory.resumed => {
                self.found.remove(&tag);
                self.shim.forget(tag);
            }
            None => {
                self.found.insert(tag, Found::Ended(status));
            }
        }
    }

    fn lost(&mut self, tag: Tag) {
        self.found.remove(&tag);
        self.end(tag, What::Lost);
    }

    /// The attempt is over; reported until the owner has recorded it.
    fn end(&mut self, tag: Tag, what: What) {
        let Some(held) = self.held.get_mut(&tag) else { return };
        if let Stage::Ended(_) = held.stage {
            return;
        }
        held.stage = Stage::Ended(what.clone());
        self.losses += usize::from(what == What::Lost);
        let instance = held.instance;
        self.report(instance, tag, what);
    }

    pub(super) async fn ordered(&mut self, order: Order) {
        match order {
            Order::Kill { instance, tag, now, .. } => self.kill(instance, tag, now).await,
            Order::Acknowledge { tag } => {
                if let Some(Held { stage: Stage::Ended(what), .. }) = self.held.get(&tag) {
                    self.losses -= usize::from(*what == What::Lost);
                    self.held.remove(&tag);
                    self.shim.forget(tag);
                }
                self.refused.remove(&tag);
                self.settle();
            }
            Order::Clear { ids } => self.workplace.discard(ids),
            Order::Resume { jobs } => self.resume(jobs).await,
            Order::Resumed => self.drop_strangers(),
        }
    }

    async fn kill(&mut self, instance: InstanceId, tag: Tag, now: bool) {
        match self.held.get_mut(&tag).map(|held| &mut held.stage) {
            Some(Stage::Preparing) => self.refuse(instance, tag),
            Some(Stage::Handed { .. }) => {
                self.shim.kill(tag, if now { shim::Kill::Now } else { shim::Kill::Gently });
            }
            Some(Stage::Ended(what)) => {
                let what = what.clone();
                self.report(instance, tag, what);
            }
            None if self.found.contains_key(&tag) => self.shim.kill(tag, shim::Kill::Gently),
            None => {
                self.queue.withdraw(tag).await;
                self.refuse(instance, tag);
            }
        }
    }

    /// "Not here" is a promise: from now on the tag is never started.
    fn refuse(&mut self, instance: InstanceId, tag: Tag) {
        self.held.remove(&tag);
        self.refused.insert(tag);
        self.report(instance, tag, What::NotHere);
    }

    /// A master has loaded these attempts: what the shim has of them goes on, what has ended is reported,
    /// what never started is queued.
    async fn resume(&mut self, jobs: Vec<Arc<Job>>) {
        let mut unknown = Vec::new();
        for job in jobs {
            if self.held.contains_key(&job.tag) {
                self.repeat(job.tag);
                continue;
            }
            match self.found.remove(&job.tag) {
                Some(Found::Running(running)) => {
                    self.hold(&job, Stage::Handed { started_at: None });
                    self.started(running);
                }
                Some(Found::Ended(status)) => {
                    self.hold(&job, Stage::Handed { started_at: None });
                    self.ended(status);
                }
                // What still waits in the queue of this process never started, whatever became of the shim.
                None if self.memory.is_reborn() && !self.queue.withdraw(job.tag).await => {
                    self.hold(&job, Stage::Handed { started_at: None });
                    self.end(job.tag, What::Lost);
                }
                None => unknown.push(job),
            }
        }
        self.queue.offer(unknown);
    }

    /// Every attempt that a living instance waits for was claimed. What is left nobody will ask for: ends
    /// that were recorded just before a crash, and processes of instances that are gone.
    fn drop_strangers(&mut self) {
        for (tag, found) in &self.found {
            match found {
                Found::Ended(_) => self.shim.forget(*tag),
                Found::Running(running) => {
                    tracing::warn!(%tag, pid = running.pid, "no instance knows this task any more; it is ended");
                    self.shim.kill(*tag, shim::Kill::Gently);
                }
            }
        }
        self.found.retain(|_, found| matches!(found, Found::Running(_)));
        self.memory.resumed = true;
        self.settle();
    }

    /// Tells again what is known of an attempt: its owner has loaded it anew, and may have missed it.
    fn repeat(&self, tag: Tag) {
        let Some(held) = self.held.get(&tag) else { return };
        let what = match &held.stage {
            Stage::Preparing | Stage::Handed { started_at: None } => return,
            Stage::Handed { started_at: Some(at) } => What::Started { at: *at, place: held.place.clone() },
            Stage::Ended(what) => what.clone(),
        };
        self.report(held.instance, tag, what);
    }

    /// Notes that no attempt of an earlier shim is open any more, once that is so.
    fn settle(&mut self) {
        if self.memory.may_settle() && self.losses == 0 {
            self.memory.settle();
        }
    }

    fn report(&self, instance: InstanceId, tag: Tag, what: What) {
        // The receiver is gone only when the process is leaving; the shim's folder keeps the report.
        let _ = self.reports.send(Report { instance, tag, what });
    }
}

fn prepare(workplace: &Workplace, job: Arc<Job>) -> Preparation {
    let prepared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| workplace.prepare(&job)));
    let prepared =
        prepared.unwrap_or_else(|_| Err(Unprepared::Never("its preparation failed inside; see the server log".into())));
    if let Err(Unprepared::Never(why)) = &prepared
        && let Err(error) = workplace::explain(&workplace.log(&job), why)
    {
        tracing::warn!(task = %job.task(), %error, "could not write why a task was not started: {why}");
    }
    (job, prepared)
}

/// How the attempt ended, for its owner. An exit that nobody asked for is a failure, whatever its code
/// (`EasyScheduler 1.0.1: known defects D1`).
fn outcome(status: &Status, place: Place) -> What {
    let exit = match (&status.exit, status.killed) {
        (_, Some(shim::Cause::Over)) => return What::Lost,
        (shim::Exit::Code(0), _) => Exit::Success,
        (_, Some(shim::Cause::TimeLimit)) => Exit::TimedOut,
        _ => Exit::Failed,
    };
    What::Ended { exit, started_at: status.started_at, at: status.ended_at, place }
}
