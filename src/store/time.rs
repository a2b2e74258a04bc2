//! Instants in the original's columns: UTC with milliseconds.

use crate::model::Time;
use chrono::{DateTime, NaiveDateTime, Utc};

/// The instant as a column holds it. What lies beyond the calendar becomes its end.
pub fn utc(time: Time) -> NaiveDateTime {
    let end = if time.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_millis(time.0).unwrap_or(end).naive_utc()
}

/// Reverses [`utc`].
pub fn instant(column: NaiveDateTime) -> Time {
    Time(column.and_utc().timestamp_millis())
}
