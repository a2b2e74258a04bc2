//! The master: commands become instances, events go through the engine, are recorded, then acted upon.
//!
//! It owns instances by epoch and revision and drives them event by event; nothing here waits for a
//! poll. What it forgets in a crash, the rows and the workers remember: whoever takes its instances over asks the
//! holders what became of their attempts.
//!
//! An attempt waits on the [`Board`](crate::queue::Board) until a worker has a free slot, is granted in a write, and
//! only then told to that worker. If a slot is free when a node becomes ready, both are one write.

mod alerts;
mod bean;
mod brokerage;
mod children;
mod claim;
mod claiming;
mod coroner;
mod deeds;
mod dependents;
mod driver;
mod endings;
mod family;
mod fence;
mod groups;
mod hands;
mod inbox;
mod intake;
mod offices;
mod places;
mod registrar;
mod run;
#[cfg(test)]
mod stage;
mod starts;
mod step;
mod steps;
mod surrender;
mod timer;
mod workers;

pub use coroner::{Coroner, Found};
pub use fence::Unanswered;
pub use registrar::StoreRegistrar;

use crate::calls::{Bell, Colleagues, MasterMail};
use crate::clock::Clock;
use crate::dependency::Missing;
use crate::host::Gauge;
use crate::queue::Broker;
use crate::registry::{Membership, Registry};
use crate::store::{Records, Timetable};
use crate::work::Work;
use chrono_tz::Tz;
use driver::{Driver, Means};
use places::Places;
use std::sync::Arc;
use std::time::Duration;
use timer::{Follower, Rings, Timer};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// What the master is handed.
pub struct Master {
    pub records: Arc<dyn Records>,
    pub registry: Arc<dyn Registry>,
    pub membership: Membership,
    pub colleagues: Arc<dyn Colleagues>,
    pub bell: Arc<dyn Bell>,
    pub clock: Arc<dyn Clock>,
    pub gauge: Arc<dyn Gauge>,
    /// Where waiting attempts can be seen by workers, if not here.
    pub broker: Option<Arc<dyn Broker>>,
    /// Schedules, if they fire here.
    pub timetable: Option<Arc<dyn Timetable>>,
    pub mail: UnboundedReceiver<MasterMail>,
    pub settings: Settings,
}

#[derive(Clone, Debug)]
pub struct Settings {
    /// Names this start of a process: the owner of the instances that it drives.
    pub owner: String,
    pub host: String,
    pub zone: Tz,
    /// How many top-level instances are driven at once (`master.exec.threads`).
    pub instances: usize,
    /// How many attempts of one instance may be submitted at once (`master.exec.task.number`).
    pub places: usize,
    /// One process: the only worker is beside us, its folder is locked, and it lets attempts wait by itself.
    pub sole: bool,
    /// How late a schedule may fire before its misfire policy decides (`schedule.misfire.threshold`).
    pub grace: Duration,
    /// What becomes of a run that a DEPENDENT node waits for and that does not exist (`dependent.missing`).
    pub missing: Missing,
    /// How old our last word to the registry may be for us to say who is gone (`worker.lease`).
    pub lease: Duration,
    /// Where the seeds of attempts come from.
    pub seed: u64,
    /// All work stays within the loop, for who has to hold it still.
    pub inline: bool,
}

impl Master {
    /// Drives instances until told to stop; then takes nothing new, waits for the writes under way, and
    /// leaves.
    pub async fn run(self, stop: CancellationToken) {
        let Master { records, registry, membership, colleagues, bell, clock, gauge, broker, timetable, mail, settings } =
            self;
        let membership = Arc::new(membership);
        let work = if settings.inline { Work::inline() } else { Work::spawned() };
        let (rows, seen) = tokio::sync::mpsc::unbounded_channel();
        let observer = fence::Observer::new(records.clone(), registry.clone(), clock.clone(), rows);
        let watches = !settings.sole;
        let seed = settings.seed;
        let (settings, rings) = (Arc::new(settings), Arc::new(Rings::default()));
        let places = Arc::new(Places::new(settings.instances, gauge));
        let (begun, begun_there) = tokio::sync::mpsc::unbounded_channel();
        let follower = timetable.clone().map(|it| Follower::new(it, clock.clone(), bell.clone(), rings.clone()));
        let timer = timetable.map(|timetable| {
            Timer::new(timer::Means {
                timetable,
                records: records.clone(),
                registry: registry.clone(),
                clock: clock.clone(),
                bell: bell.clone(),
                rings: rings.clone(),
                places: places.clone(),
                begun,
                settings: settings.clone(),
            })
        });
        let means = Means { records, registry, colleagues, bell, clock, broker, membership, places, rings };
        let driver = Driver::new(means, settings, work, seed).run(mail, seen, begun_there, stop);
        let watch = async move {
            if watches {
                observer.run().await
            } else {
                // Nobody else could hold anything; but the channel must stay open.
                let _observer = observer;
                std::future::pending().await
            }
        };
        let timer = async move {
            match timer {
                Some(timer) => timer.run().await,
                None => std::future::pending().await,
            }
        };
        let follower = async move {
            match follower {
                Some(follower) => follower.run().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = driver => {}
            () = watch => {}
            () = timer => {}
            () = follower => {}
        }
    }
}
