//! What renews a lease, and what only looks like it.

use super::*;
use crate::calls::{Failure, Holder};
use crate::model::{Tag, Time};
use crate::registry::{self, Member, Membership, Memory, Posted, Role};
use crate::worker::shim::{Incarnation, Kill, Start};
use async_trait::async_trait;
use futures::future::BoxFuture;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use tokio::sync::watch;

const LENGTH: Duration = Duration::from_secs(10);
const INCARNATION: u64 = 7;

/// A clock that moves by as much as somebody sleeps, so that a test takes no time.
#[derive(Default)]
struct Virtual(AtomicU64);

impl Virtual {
    fn pass(&self, span: Duration) {
        self.0.fetch_add(span.as_millis() as u64, Relaxed);
    }
}

impl Clock for Arc<Virtual> {
    fn now(&self) -> Time {
        Time(self.0.load(Relaxed) as i64)
    }
    fn boot(&self) -> Duration {
        Duration::from_millis(self.0.load(Relaxed))
    }
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            tokio::task::yield_now().await;
            clock.pass(span);
        })
    }
}

/// What the shim was told: the instants at which it kills.
#[derive(Default)]
struct Told {
    leases: Mutex<Vec<Duration>>,
}

impl Supervise for Told {
    fn follow(&self, _: Incarnation) {}
    fn start(&self, _: Start) {}
    fn kill(&self, _: Tag, _: Kill) {}
    fn forget(&self, _: Tag) {}
    fn lease(&self, until: Duration) {
        self.leases.lock().unwrap().push(until);
    }
    fn cap(&self, _: Duration) {}
    fn end(&self) {}
    fn leave(&self) {}
}

/// The database through a master; each answer may be lost after its effect.
#[derive(Default)]
struct Master {
    beat: AtomicU64,
    loses_answers: AtomicBool,
    asked: AtomicU64,
}

#[async_trait]
impl Registrar for Master {
    async fn sign_in(&self, _: SignIn) -> Result<Standing, Failure> {
        Ok(Standing::Lives { beat: self.beat.load(Relaxed), moved: false })
    }

    async fn beat(&self, beat: Beat) -> Result<Standing, Failure> {
        self.asked.fetch_add(1, Relaxed);
        let moved = self.beat.compare_exchange(beat.after, beat.after + 1, Relaxed, Relaxed).is_ok();
        if self.loses_answers.load(Relaxed) {
            return Err(Failure::Unavailable("the answer was lost".into()));
        }
        Ok(Standing::Lives { beat: self.beat.load(Relaxed), moved })
    }
}

/// A registry that can be silent, before or after a write had its effect.
#[derive(Default)]
struct Flaky {
    inner: Memory,
    away: AtomicBool,
    loses_answers: AtomicBool,
}

impl Flaky {
    fn answer<T>(&self, answer: T) -> Result<T, registry::Error> {
        match self.away.load(Relaxed) || self.loses_answers.load(Relaxed) {
            true => Err(registry::Error::Unavailable("silent".into())),
            false => Ok(answer),
        }
    }
}

#[async_trait]
impl Registry for Flaky {
    async fn join(&self, member: Member) -> Membership {
        self.inner.join(member).await
    }
    async fn members(&self, role: Role) -> Result<Vec<Member>, registry::Error> {
        self.inner.members(role).await
    }
    fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes()
    }
    async fn lease(&self, worker: &str) -> Result<Option<Posted>, registry::Error> {
        // Reads are answered while only the answers of writes are lost.
        match self.away.load(Relaxed) {
            true => self.answer(None),
            false => self.inner.lease(worker).await,
        }
    }
    async fn leases(&self) -> Result<Vec<Posted>, registry::Error> {
        self.inner.leases().await
    }
    async fn post(
        &self,
        worker: &str,
        lease: &Lease,
        over: Option<Version>,
    ) -> Result<Option<Version>, registry::Error> {
        if self.away.load(Relaxed) {
            return self.answer(None);
        }
        let posted = self.inner.post(worker, lease, over).await?;
        self.answer(posted)
    }
}

struct World {
    clock: Arc<Virtual>,
    shim: Arc<Told>,
    master: Arc<Master>,
    registry: Arc<Flaky>,
    keeper: Keeper,
}

impl World {
    fn new() -> World {
        let (clock, shim, master) = (Arc::new(Virtual::default()), Arc::<Told>::default(), Arc::<Master>::default());
        let registry = Arc::<Flaky>::default();
        let means = Means {
            registrar: master.clone(),
            registry: registry.clone(),
            clock: Arc::new(clock.clone()),
            shim: shim.clone(),
        };
        let holder = Holder { worker: "w".into(), incarnation: INCARNATION };
        let lease_ms = LENGTH.as_millis() as u64;
        let who = SignIn { holder, host: "here".into(), address: None, pid: 1, lease_ms };
        World { keeper: Keeper::new(means, who, Some(LENGTH)), clock, shim, master, registry }
    }

    /// One try of the keeper, a fifth of the lease after the one before.
    async fn renew(&mut self) -> bool {
        self.clock.pass(LENGTH / 5);
        self.keeper.renew_once(LENGTH).await.unwrap()
    }

    fn leases(&self) -> Vec<Duration> {
        self.shim.leases.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_renewal_lasts_from_before_it_was_sent() {
    let mut world = World::new();
    assert!(world.renew().await);
    let sent = LENGTH / 5;
    assert_eq!(world.leases(), [sent + LENGTH - MARGIN]);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_renews_nothing_and_neither_does_seeing_it_afterwards() {
    let mut world = World::new();
    assert!(world.renew().await);
    let known = world.leases();
    world.registry.loses_answers.store(true, Relaxed);
    assert!(!world.renew().await, "it is not known whether the beat was moved");
    assert_eq!(world.leases(), known);
    let stands = world.registry.inner.lease("w").await.unwrap().unwrap().lease.beat;
    assert_eq!(stands, 2, "it was");
    // The next one is a write of its own, and lasts from its own sending.
    world.registry.loses_answers.store(false, Relaxed);
    assert!(world.renew().await);
    assert_eq!(world.leases().last(), Some(&(3 * (LENGTH / 5) + LENGTH - MARGIN)));
    assert_eq!(world.registry.inner.lease("w").await.unwrap().unwrap().lease.beat, 3);
}

#[tokio::test]
async fn a_beat_at_the_database_that_an_earlier_call_has_moved_is_no_renewal() {
    let mut world = World::new();
    world.registry.away.store(true, Relaxed);
    world.master.loses_answers.store(true, Relaxed);
    assert!(!world.renew().await && !world.renew().await);
    assert_eq!(world.master.beat.load(Relaxed), 1, "the answer was lost, not the effect");
    // What it is told now is that the beat is 1, and not that this call has moved it.
    world.master.loses_answers.store(false, Relaxed);
    assert!(!world.renew().await);
    assert!(world.leases().is_empty());
    assert!(world.renew().await);
    assert_eq!(world.leases(), [4 * (LENGTH / 5) + LENGTH - MARGIN]);
}

#[tokio::test]
async fn the_database_is_asked_when_the_registry_has_been_silent_for_two_renewals_and_not_later() {
    let mut world = World::new();
    assert!(world.renew().await);
    world.registry.away.store(true, Relaxed);
    assert!(!world.renew().await);
    assert_eq!(world.master.asked.load(Relaxed), 0, "one renewal without an answer is no silence yet");
    assert!(world.renew().await, "the second one goes to the database at once");
    assert_eq!(world.master.asked.load(Relaxed), 1);
    world.registry.away.store(false, Relaxed);
    assert!(world.renew().await && world.renew().await);
    let asked = world.master.asked.load(Relaxed);
    assert!(world.renew().await);
    assert_eq!(world.master.asked.load(Relaxed), asked, "the registry answers again");
}

#[tokio::test]
async fn a_fence_at_the_registry_ends_the_incarnation() {
    let mut world = World::new();
    assert!(world.renew().await);
    let stands = world.registry.inner.lease("w").await.unwrap().unwrap();
    let fenced = Lease { fenced: true, ..stands.lease };
    world.registry.inner.post("w", &fenced, Some(stands.version)).await.unwrap().unwrap();
    assert!(!world.renew().await, "what stands there is not what was seen");
    world.clock.pass(LENGTH / 5);
    assert_eq!(world.keeper.renew_once(LENGTH).await, Err(News::Fenced));
}
