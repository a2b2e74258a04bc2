//! Calendars that were read before: an expression is read anew neither for each schedule that has it nor for each
//! instant.

use crate::calendar::Calendar;
use crate::model::{DstGap, DstOverlap, Schedule};
use chrono_tz::Tz;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many are kept.
const KEPT: usize = 1000;

/// What a calendar is made of.
type Key = (String, Option<String>, DstGap, DstOverlap);

pub(super) struct Calendars {
    /// The zone of schedules that name none.
    zone: Tz,
    known: Mutex<HashMap<Key, Arc<Calendar>>>,
}

impl Calendars {
    pub fn new(zone: Tz) -> Calendars {
        Calendars { zone, known: Mutex::default() }
    }

    /// The calendar of a schedule.
    ///
    /// # Errors
    /// A sentence about its expression or its zone.
    pub fn of(&self, schedule: &Schedule) -> Result<Arc<Calendar>, String> {
        let key = (schedule.crontab.clone(), schedule.zone.clone(), schedule.gap, schedule.overlap);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calendar) = known.get(&key) {
            return Ok(calendar.clone());
        }
        let calendar = Arc::new(Calendar::of(schedule, self.zone)?);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, calendar.clone());
        Ok(calendar)
    }
}
