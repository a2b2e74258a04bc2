//! When a schedule fires: a Quartz expression on the wall clock of a zone.
//!
//! Knows no clock: the instant to go on from is handed in. One routine answers for preview, firing and backfill, so
//! that they cannot differ.
//!
//! Twice a year most clocks are put. A time that the clock then skips (a *gap*) or shows twice (an *overlap*) is
//! decided by the schedule, see [`Gap`] and [`Overlap`], if the expression names the hours. If its hour field has
//! a `*` or a step ("every hour", "every two hours"), it follows the time that passes: it fires at every instant at
//! which the clock shows a time of the expression. Then there is nothing to catch up after a gap, and an overlap
//! fires in both passes. Changes of a zone's offset that are no summer time are treated alike.

mod backfill;
mod expression;
#[cfg(test)]
mod rules;
mod timeline;

pub use backfill::business_dates;
pub use expression::{Error, Expression, Hours};

pub use crate::model::{DstGap as Gap, DstOverlap as Overlap};
use crate::model::{Schedule, Time};
use chrono_tz::{TZ_VARIANTS, Tz};
use expression::Wall;
use timeline::Stretch;

/// When a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub expression: Expression,
    pub zone: Tz,
    pub gap: Gap,
    pub overlap: Overlap,
}

impl Calendar {
    /// The calendar of a schedule; `server` is the zone of those that name none.
    ///
    /// # Errors
    /// A sentence about its expression or its zone.
    pub fn of(schedule: &Schedule, server: Tz) -> Result<Calendar, String> {
        let (expression, zone) = parts(&schedule.crontab, schedule.zone.as_deref())?;
        Ok(Calendar { expression, zone: zone.unwrap_or(server), gap: schedule.gap, overlap: schedule.overlap })
    }

    /// The first instant after this one at which it fires, a whole second; `None` if there is none until 2099.
    ///
    /// The work is bounded by the years, also for a date that never comes: tens of microseconds at most.
    pub fn next_after(&self, instant: Time) -> Option<Time> {
        let first = instant.0.div_euclid(1000) + 1;
        let next = timeline::from(self.zone, first).iter().find_map(|stretch| self.next_in(stretch, first))?;
        Some(Time(next * 1000))
    }

    /// The instants at which it fires after this one, in order.
    pub fn after(&self, instant: Time) -> impl Iterator<Item = Time> {
        std::iter::successors(self.next_after(instant), |last| self.next_after(*last))
    }

    /// The instants from one to another, both included, at which it fires: as a schedule's start and end count.
    pub fn between(&self, from: Time, until: Time) -> impl Iterator<Item = Time> {
        self.after(Time(from.0.saturating_sub(1))).take_while(move |instant| *instant <= until)
    }

    /// The first instant of a stretch, `first` or later, at which it fires.
    fn next_in(&self, stretch: &Stretch, first: i64) -> Option<i64> {
        let (mut from, mut until) = (stretch.start.max(first) + stretch.offset, stretch.end_wall());
        if self.expression.hours() == Hours::Fixed {
            if first <= stretch.start && self.is_shifted_to(stretch) {
                return Some(stretch.start);
            }
            match self.overlap {
                Overlap::First => from = from.max(stretch.shown_before),
                Overlap::Second => until = until.min(stretch.shown_again),
                Overlap::Both => {}
            }
        }
        self.next_wall(from, until).map(|wall| wall - stretch.offset)
    }

    /// Whether a time of the expression lies in the gap before a stretch.
    fn is_shifted_to(&self, stretch: &Stretch) -> bool {
        let gap = (stretch.shown_before, stretch.first_wall());
        self.gap == Gap::Shift && stretch.shown_before != Wall::MIN && self.next_wall(gap.0, gap.1).is_some()
    }

    fn next_wall(&self, from: Wall, until: Wall) -> Option<Wall> {
        if from < until { self.expression.next(from, until) } else { None }
    }
}

/// What keeps an expression or a zone from being read, if something does.
pub fn problem(crontab: &str, zone: Option<&str>) -> Option<String> {
    parts(crontab, zone).err()
}

fn parts(crontab: &str, name: Option<&str>) -> Result<(Expression, Option<Tz>), String> {
    let expression = Expression::parse(crontab).map_err(|why| why.to_string())?;
    Ok((expression, name.map(zone).transpose()?))
}

/// Reads the name of a zone, as in `Europe/Berlin` or `UTC`.
///
/// # Errors
/// A sentence with the name that was perhaps meant.
pub fn zone(name: &str) -> Result<Tz, String> {
    let name = name.trim();
    name.parse().map_err(|_| {
        let likeness = |zone: &Tz| strsim::jaro_winkler(&zone.name().to_lowercase(), &name.to_lowercase());
        let nearest = TZ_VARIANTS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let hint =
            nearest.filter(|zone| likeness(zone) > 0.8).map_or(String::new(), |zone| format!(" (is {zone} meant?)"));
        format!("`{name}` is no time zone; zones have names such as Europe/Berlin, Asia/Shanghai or UTC{hint}")
    })
}
