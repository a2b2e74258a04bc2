//! The worker: offers its free slots to masters, prepares what they grant, and lets its shim start it.
//!
//! It decides nothing about instances and knows no database. What it must remember across a crash, the
//! shim and its folder remember: after a restart the worker finds there what runs and what has ended, and whose it
//! is. It holds attempts by a lease, which it renews and its shim watches; an incarnation, which is one life of the
//! shim, ends with it for good.

pub mod account;
mod attempts;
mod credits;
mod desk;
pub mod environment;
mod executor;
mod lease;
mod recent;
pub mod shim;
mod supervise;
pub mod workplace;
mod workshop;

pub use executor::Interpreters;
pub use supervise::Supervise;
pub use workshop::Workshop;

use crate::calls::{Hello, Holder, Masters, Registrar, SignIn, ToWorker, WorkerMail};
use crate::clock::Clock;
use crate::host::Gauge;
use crate::queue::Lobby;
use crate::registry::Registry;
use crate::work::Work;
use desk::{Desk, Surroundings};
use lease::{Keeper, News};
use shim::{Event, Inventory};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long the execution folders of an ended instance lie aside before they are removed.
const TRASH_AGE: Duration = Duration::from_secs(600);

/// How long an idle shim is waited for when the worker leaves.
const LEAVING: Duration = Duration::from_secs(2);

/// How often a worker tells what it has, and repeats what was not acknowledged.
const ROUND: Duration = Duration::from_secs(2);

/// How often free slots that nobody has used are offered to others.
const LEVEL: Duration = Duration::from_millis(200);

/// What the worker is handed.
pub struct Worker {
    pub masters: Arc<dyn Masters>,
    pub registrar: Arc<dyn Registrar>,
    pub registry: Arc<dyn Registry>,
    pub workshop: Arc<dyn Workshop>,
    pub clock: Arc<dyn Clock>,
    pub gauge: Arc<dyn Gauge>,
    /// Where attempts wait, if not at the masters.
    pub lobby: Option<Arc<dyn Lobby>>,
    pub settings: Settings,
}

pub struct Settings {
    /// Names the worker: that of its data folder.
    pub name: String,
    /// The address that worker groups name, and that tasks show as theirs.
    pub host: String,
    /// The start of this process.
    pub start: String,
    /// Where the logs of its tasks can be asked for.
    pub address: Option<SocketAddr>,
    /// How many attempts run at once (`worker.exec.threads`).
    pub slots: usize,
    /// How many slots are offered to one master at a time (`worker.fetch.task.num`).
    pub fetch: usize,
    /// How long an attempt that is to stop may take to leave (`worker.kill.grace`).
    pub grace: Duration,
    /// Bytes of a task's log that are kept (`worker.log.max.size`).
    pub log_max: u64,
    /// How long one beat lasts (`worker.lease`); zero is for ever. `None`: one process, whose locked data folder
    /// stands for it.
    pub lease: Option<Duration>,
    /// How long tasks may go on without us when we are told to stop (`worker.restart.lease`).
    pub restart_lease: Duration,
    /// One process: the only master grants without asking for credits.
    pub sole: bool,
    /// All work stays within the loop, for who has to hold it still.
    pub inline: bool,
}

/// The shim that the worker found or started, and what it tells.
pub struct Attached {
    pub shim: Arc<dyn Supervise>,
    pub inventory: Inventory,
    pub events: mpsc::Receiver<Event>,
}

impl Attached {
    /// See [`shim::Shim::attach`].
    ///
    /// # Errors
    /// The shim cannot be started or reached.
    pub async fn to(options: shim::Options) -> Result<Attached, Error> {
        let (shim, inventory, events) = shim::Shim::attach(options).await?;
        Ok(Attached { shim: Arc::new(shim), inventory, events })
    }
}

/// Why the worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Shim(#[from] shim::Error),
    #[error("{0}")]
    Displaced(String),
    #[error(
        "a later life of this worker ({0}) is known: its data folder was restored from an older copy, or is used twice; \
        give it a new, empty folder"
    )]
    Superseded(String),
}

/// How many attempts go on when the worker has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub running: usize,
}

/// How a life of the shim ended for its worker.
enum Next {
    Stop,
    Reborn(u64),
}

impl Worker {
    /// Works until told to stop; then takes nothing new and leaves. Tasks go on: they are the shim's.
    ///
    /// # Errors
    /// The shim was taken away, or this is an old copy of the worker.
    pub async fn run(self, attached: Attached, stop: CancellationToken) -> Result<Left, Error> {
        let Attached { shim, inventory, mut events } = attached;
        let mut incarnation = inventory.incarnation.0;
        let settings = Arc::new(self.settings);
        let means = lease::Means {
            registrar: self.registrar,
            registry: self.registry,
            clock: self.clock.clone(),
            shim: shim.clone(),
        };
        let work = if settings.inline { Work::inline() } else { Work::spawned() };
        let surroundings = Surroundings {
            shim: shim.clone(),
            workshop: self.workshop,
            clock: self.clock,
            gauge: self.gauge,
            lobby: self.lobby.clone(),
            settings: settings.clone(),
        };
        let mut desk = Desk::new(surroundings, inventory, work);
        loop {
            let holder = Holder { worker: settings.name.clone(), incarnation };
            let lobby = self.lobby.as_deref();
            let mut life = Life { holder, settings: &settings, means: &means, masters: &*self.masters, lobby };
            match life.live(&mut desk, &mut events, &stop).await? {
                Next::Stop => break,
                Next::Reborn(next) => {
                    tracing::warn!("the former incarnation of this worker is over; a new one begins");
                    incarnation = next;
                }
            }
        }
        let left = Left { running: desk.running() };
        if left.running == 0 {
            shim.leave();
            // It hangs up when it is gone. If it stays, it has a reason, and ends by itself later.
            let gone = async { while events.recv().await.is_some() {} };
            tokio::select! {
                biased;
                () = gone => {}
                () = means.clock.sleep(LEAVING) => {}
            }
        }
        Ok(left)
    }
}

/// One incarnation of the worker.
struct Life<'a> {
    holder: Holder,
    settings: &'a Arc<Settings>,
    means: &'a lease::Means,
    masters: &'a dyn Masters,
    lobby: Option<&'a dyn Lobby>,
}

impl Life<'_> {
    async fn live(
        &mut self,
        desk: &mut Desk,
        events: &mut mpsc::Receiver<Event>,
        stop: &CancellationToken,
    ) -> Result<Next, Error> {
        let settings = self.settings.clone();
        let mut keeper = Keeper::new(self.means.clone(), self.sign_in(), settings.lease);
        let next = self.serve(&mut keeper, desk, events, stop).await?;
        if matches!(next, Next::Stop) && desk.running() > 0 && !keeper.prolong(settings.restart_lease).await {
            tracing::warn!("the lease could not be prolonged: running tasks are ended if no worker comes back in time");
        }
        Ok(next)
    }

    fn sign_in(&self) -> SignIn {
        SignIn {
            holder: self.holder.clone(),
            host: self.settings.host.clone(),
            address: self.settings.address,
            pid: std::process::id(),
            lease_ms: self.settings.lease.unwrap_or_default().as_millis() as u64,
        }
    }

    async fn serve(
        &mut self,
        keeper: &mut Keeper,
        desk: &mut Desk,
        events: &mut mpsc::Receiver<Event>,
        stop: &CancellationToken,
    ) -> Result<Next, Error> {
        let (clock, settings) = (self.means.clock.clone(), self.settings.clone());
        let (tell, mut news) = mpsc::unbounded_channel();
        let keep = keeper.keep(&tell);
        tokio::pin!(keep);
        let mut mail: Option<mpsc::UnboundedReceiver<WorkerMail>> = None;
        let mut cleaning = clock.sleep(Duration::ZERO);
        let mut round = clock.sleep(ROUND);
        let mut level = clock.sleep(LEVEL);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Next::Stop),
                () = &mut keep => {}
                Some(event) = events.recv() => {
                    let reborn = match &event {
                        Event::Gone { incarnation, .. } if incarnation.0 != self.holder.incarnation => Some(*incarnation),
                        _ => None,
                    };
                    if reborn.is_some() {
                        desk.reborn();
                    }
                    desk.happened(event).map_err(Error::Displaced)?;
                    if let Some(next) = reborn {
                        self.means.shim.follow(next);
                        return Ok(Next::Reborn(next.0));
                    }
                }
                Some(news) = news.recv() => match news {
                    News::Signed => mail = Some(self.masters.attend(self.hello())),
                    News::Fenced => self.give_up(),
                    News::Superseded => return Err(Error::Superseded(self.holder.worker.clone())),
                },
                Some(first) = hear(&mut mail) => {
                    let mut next = Some(first);
                    // What has come together is answered together.
                    while let Some(letter) = next {
                        self.hear(&letter);
                        desk.receive(letter);
                        next = mail.as_mut().and_then(|mail| mail.try_recv().ok());
                    }
                }
                done = desk.work.next() => desk.done(done),
                () = changed(self.lobby) => desk.lobby_changed(),
                () = &mut round => {
                    round = clock.sleep(ROUND);
                    desk.round();
                }
                () = &mut level, if !settings.sole => level = clock.sleep(LEVEL),
                () = &mut cleaning => {
                    cleaning = clock.sleep(TRASH_AGE / 10);
                    desk.clean(TRASH_AGE);
                }
            }
            if mail.is_some() {
                desk.offer();
            }
        }
    }

    fn hello(&self) -> Hello {
        let (holder, host) = (self.holder.clone(), self.settings.host.clone());
        Hello { holder, host, start: self.settings.start.clone() }
    }

    fn hear(&self, letter: &WorkerMail) {
        if let WorkerMail::Said { what: ToWorker::Fenced { incarnation }, .. } = letter
            && *incarnation == self.holder.incarnation
        {
            self.give_up();
        }
    }

    /// This incarnation is over: its shim ends everything, and the next one begins.
    fn give_up(&self) {
        tracing::error!(holder = %self.holder, "this worker was declared dead; its tasks are ended");
        self.means.shim.end();
    }
}

/// Waits for other entries, if there are any to be looked at.
async fn changed(lobby: Option<&dyn Lobby>) {
    match lobby {
        Some(lobby) => lobby.changed().await,
        None => std::future::pending().await,
    }
}

/// What masters say, while there are any.
async fn hear(mail: &mut Option<mpsc::UnboundedReceiver<WorkerMail>>) -> Option<WorkerMail> {
    match mail {
        Some(mail) => mail.recv().await,
        None => std::future::pending().await,
    }
}
