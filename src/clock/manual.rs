//! A clock that stands still until a test moves it.

use super::Clock;
use crate::model::Time;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

#[derive(Clone, Copy)]
struct Hands {
    wall: Time,
    boot: Duration,
}

/// Clones are the same clock.
#[derive(Clone)]
pub struct ManualClock {
    hands: Arc<watch::Sender<Hands>>,
}

impl ManualClock {
    pub fn at(wall: Time) -> ManualClock {
        ManualClock { hands: Arc::new(watch::Sender::new(Hands { wall, boot: Duration::from_secs(1000) })) }
    }

    /// Time passes.
    pub fn advance(&self, span: Duration) {
        self.hands.send_modify(|hands| {
            hands.wall = hands.wall + span;
            hands.boot += span;
        });
    }

    /// Somebody sets the wall clock; no time passes.
    pub fn set(&self, wall: Time) {
        self.hands.send_modify(|hands| hands.wall = wall);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        self.hands.borrow().wall
    }

    fn boot(&self) -> Duration {
        self.hands.borrow().boot
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let mut hands = self.hands.subscribe();
        let until = self.boot() + span;
        Box::pin(async move {
            // A clock that is gone never comes so far.
            if hands.wait_for(|hands| hands.boot >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
