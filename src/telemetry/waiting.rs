//! That something is waited for: said at once, and then ever more seldom.

use crate::model::Time;
use chrono::DateTime;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// The first pause between two lines; it doubles.
const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);

/// Says what is waited for, since when, and what can be done about it.
pub struct Waiting {
    what: &'static str,
    advice: &'static str,
    since: Option<Since>,
}

struct Since {
    at: Time,
    begun: Instant,
    /// When it is said again, counted from the beginning.
    next: Duration,
    pause: Duration,
}

impl Waiting {
    /// `what` can be the subject of a sentence, and `advice` the end of one.
    pub fn new(what: &'static str, advice: &'static str) -> Waiting {
        Waiting { what, advice, since: None }
    }

    /// It is not there.
    pub fn failed(&mut self, why: &dyn Display) {
        let first = || Since { at: Time::now(), begun: Instant::now(), next: Duration::ZERO, pause: FIRST };
        let since = self.since.get_or_insert_with(first);
        let waited = since.begun.elapsed();
        if waited < since.next {
            return;
        }
        since.next = waited + since.pause;
        since.pause = (since.pause * 2).min(LONGEST);
        tracing::warn!(
            "waiting for {} since {} ({} s): {why}; {}",
            self.what,
            clock(since.at),
            waited.as_secs(),
            self.advice
        );
    }

    /// It is there.
    pub fn over(&mut self) {
        if let Some(since) = self.since.take() {
            tracing::info!("{} is there, after {} s; work goes on", self.what, since.begun.elapsed().as_secs());
        }
    }
}

fn clock(at: Time) -> String {
    DateTime::from_timestamp_millis(at.0).map(|at| at.format("%H:%M:%S UTC").to_string()).unwrap_or_default()
}
