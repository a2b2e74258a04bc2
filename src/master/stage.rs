//! A master's loop on an empty site, for tests that call its parts one by one.

use super::Settings;
use super::driver::{Driver, Means};
use super::places::Places;
use crate::calls::{Colleagues, LocalBell};
use crate::clock::ManualClock;
use crate::dependency::Missing;
use crate::host::NoLimit;
use crate::model::Time;
use crate::registry::{Member, Memory, Registry, Role};
use crate::store::Store;
use crate::work::Work;
use std::sync::Arc;
use std::time::Duration;

pub fn settings() -> Settings {
    Settings {
        owner: "me".into(),
        host: "here".into(),
        zone: chrono_tz::UTC,
        instances: 10,
        places: 10,
        sole: false,
        grace: Duration::from_secs(60),
        missing: Missing::Wait,
        lease: Duration::from_secs(10),
        seed: 1,
        inline: true,
    }
}

pub async fn driver(colleagues: Arc<dyn Colleagues>, settings: Settings) -> (Driver, ManualClock) {
    let clock = ManualClock::at(Time(1_700_000_000_000));
    let registry = Arc::new(Memory::default());
    let means = Means {
        records: Arc::new(Store::memory().await.unwrap()),
        registry: registry.clone(),
        colleagues,
        bell: Arc::new(LocalBell::default()),
        clock: Arc::new(clock.clone()),
        broker: None,
        membership: Arc::new(registry.join(member(&settings.owner)).await),
        places: Arc::new(Places::new(settings.instances, Arc::new(NoLimit))),
        rings: Arc::default(),
    };
    (Driver::new(means, Arc::new(settings), Work::inline(), 1), clock)
}

pub fn member(start: &str) -> Member {
    Member { role: Role::Master, start: start.to_owned(), host: "here".into(), pid: 1, address: None, sound: true }
}
