//! Instants as the pure rooms see them.

use chrono::DateTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};
use std::time::Duration;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// The instant the machine's wall clock shows. The pure rooms get it as an argument.
    pub fn now() -> Self {
        Time(chrono::Utc::now().timestamp_millis())
    }

    /// What clocks in a zone show at this instant: `2019-06-01 00:00:00`. Empty for years that no clock shows.
    pub fn on_the_clock_of(self, zone: Tz) -> String {
        let at = DateTime::from_timestamp_millis(self.0);
        at.map(|at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    }

    /// How much later this instant is than `earlier`; zero if it is not later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, span: Duration) -> Time {
        Time(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}
