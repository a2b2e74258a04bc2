//! When a definition runs by itself.

use super::codes::*;
use super::ids::*;
use super::run::Command;
use super::time::Time;
use std::time::Duration;

/// A schedule that is on line (`t_escheduler_schedules`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub id: ScheduleId,
    pub definition: DefinitionId,
    /// A Quartz expression.
    pub crontab: String,
    /// An IANA zone; `None`: the server's.
    pub zone: Option<String>,
    pub gap: DstGap,
    pub overlap: DstOverlap,
    /// The first and the last instant at which it may fire.
    pub start: Time,
    pub end: Time,
    pub misfire: MisfirePolicy,
    pub overlapping: OverlapPolicy,
    /// A firing comes late by less than this, so that not all of an hour begin at once.
    pub jitter: Duration,
    /// The next instant at which it fires.
    pub next: Option<Time>,
    pub user: UserId,
    pub strategy: FailureStrategy,
    pub warning: WarningType,
    pub warning_group: i32,
    pub priority: Priority,
    pub worker_group: i32,
}

impl Schedule {
    /// The wish that a firing makes (`EasyScheduler 1.1.0: firing semantics`).
    pub fn command(&self, at: Time, now: Time) -> Command {
        Command {
            kind: CommandType::Scheduler,
            strategy: self.strategy,
            warning: self.warning,
            warning_group: self.warning_group,
            schedule_time: Some(at),
            created_at: now,
            priority: self.priority,
            worker_group: self.worker_group,
            schedule: Some(self.id),
            zone: self.zone.clone(),
            ..Command::start(self.definition, self.user)
        }
    }
}

/// How late the firing of an instant comes: the same for everybody who asks, and spread evenly below `jitter`.
pub fn lateness(schedule: ScheduleId, at: Time, jitter: Duration) -> Duration {
    let span = u64::try_from(jitter.as_millis()).unwrap_or(u64::MAX);
    if span == 0 {
        return Duration::ZERO;
    }
    // SplitMix64: neighbours come out far from each other.
    let mut hash = (at.0 as u64).wrapping_add((schedule.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    Duration::from_millis((hash ^ (hash >> 31)) % span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_spreads_and_is_the_same_for_everybody() {
        let late = |id| lateness(ScheduleId(id), Time(1_700_000_000_000), Duration::from_secs(60));
        let all: Vec<Duration> = (0..1000).map(late).collect();
        assert!(all.iter().all(|late| *late < Duration::from_secs(60)));
        let early = all.iter().filter(|late| **late < Duration::from_secs(30)).count();
        assert!((400..600).contains(&early), "{early}");
        assert_eq!(late(7), late(7));
        assert_eq!(lateness(ScheduleId(7), Time(1), Duration::ZERO), Duration::ZERO);
    }
}
