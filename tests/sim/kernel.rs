//! Virtual time: what happens when, and who is woken by it. One seed runs on one thread; nothing here waits.

use crate::world::World;
use escheduler::clock::Clock;
use escheduler::model::Time;
use futures::future::BoxFuture;
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Microseconds since the beginning of the world.
pub type Micros = u64;
pub const SECOND: Micros = 1_000_000;
pub const MILLI: Micros = 1_000;

/// Something that happens to the world.
pub type Act = Box<dyn FnOnce(&mut World) + Send>;

pub enum What {
    Act(Act),
    Wake(Arc<Alarm>),
}

struct Entry {
    at: Micros,
    serial: u64,
    what: What,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}

/// What is going to happen. Shared by the world and the ports that processes were handed.
#[derive(Default)]
pub struct Queue {
    now: AtomicU64,
    inner: Mutex<(u64, BinaryHeap<Reverse<Entry>>)>,
}

impl Queue {
    pub fn now(&self) -> Micros {
        self.now.load(Relaxed)
    }

    fn inner(&self) -> MutexGuard<'_, (u64, BinaryHeap<Reverse<Entry>>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, at: Micros, what: What) {
        let mut inner = self.inner();
        inner.0 += 1;
        let serial = inner.0;
        inner.1.push(Reverse(Entry { at, serial, what }));
    }

    pub fn at(&self, at: Micros, act: impl FnOnce(&mut World) + Send + 'static) {
        self.push(at.max(self.now()), What::Act(Box::new(act)));
    }

    pub fn after(&self, span: Micros, act: impl FnOnce(&mut World) + Send + 'static) {
        self.at(self.now() + span, act);
    }

    /// The next thing to happen; time goes on to it.
    pub fn next(&self) -> Option<What> {
        let Reverse(entry) = self.inner().1.pop()?;
        self.now.store(entry.at, Relaxed);
        Some(entry.what)
    }

    /// Nothing more happens: what was to happen may hold on to those who hold the queue.
    pub fn clear(&self) {
        let rest = std::mem::take(&mut self.inner().1);
        drop(rest);
    }
}

/// Wakes a sleeper.
#[derive(Default)]
pub struct Alarm {
    rang: AtomicBool,
    sleeper: Mutex<Option<Waker>>,
}

impl Alarm {
    pub fn ring(self: Arc<Alarm>) {
        // Nobody else holds it if the sleeper was dropped.
        if Arc::strong_count(&self) > 1 {
            self.rang.store(true, Relaxed);
            if let Some(waker) = self.sleeper.lock().unwrap_or_else(PoisonError::into_inner).take() {
                waker.wake();
            }
        }
    }
}

struct Sleep(Arc<Alarm>);

impl Future for Sleep {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.rang.load(Relaxed) {
            return Poll::Ready(());
        }
        *self.0.sleeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The processes that have something to do.
pub type Ready = Arc<Mutex<VecDeque<usize>>>;

/// Remembers that a process was woken.
pub struct Flag {
    pub pid: usize,
    pub queued: AtomicBool,
    pub ready: Ready,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Relaxed) {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.pid);
        }
    }
}

/// The clock of one machine: its rate is its own, and its wall clock may jump.
pub struct MachineClock {
    pub queue: Arc<Queue>,
    pub rate: f64,
    /// Microseconds since its boot, at the beginning.
    pub boot: Micros,
    /// What its wall clock is wrong by, in milliseconds.
    pub wrong: AtomicI64,
    /// How much sooner than asked its sleepers are woken: slow polls hide mistakes.
    pub haste: f64,
}

/// The wall clock at the beginning of the world.
pub const EPOCH_MS: i64 = 1_800_000_000_000;

impl MachineClock {
    pub fn boot_micros(&self) -> Micros {
        self.boot + (self.queue.now() as f64 * self.rate) as Micros
    }

    /// Somebody sets its wall clock; it is `off` by so many milliseconds then.
    pub fn put_right(&self, off: i64) {
        let passed = (self.boot_micros().saturating_sub(self.boot) / MILLI) as i64;
        self.wrong.store((self.queue.now() / MILLI) as i64 - passed + off, Relaxed);
    }

    /// When its boot clock shows this, in the time of the world.
    pub fn when(&self, boot: Duration) -> Micros {
        let boot = u64::try_from(boot.as_micros()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4);
        (boot.saturating_sub(self.boot) as f64 / self.rate).ceil() as Micros
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Time {
        Time(EPOCH_MS + self.boot_micros().saturating_sub(self.boot) as i64 / 1000 + self.wrong.load(Relaxed))
    }

    fn boot(&self) -> Duration {
        Duration::from_micros(self.boot_micros())
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let alarm = Arc::new(Alarm::default());
        let micros = (span.as_micros().min(u128::from(u64::MAX / 8)) as f64 / self.rate * self.haste).ceil() as Micros;
        // Timers are not finer than a millisecond.
        let at = self.queue.now() + if micros == 0 { 0 } else { micros.max(MILLI) };
        self.queue.push(at, What::Wake(alarm.clone()));
        Box::pin(Sleep(alarm))
    }
}
