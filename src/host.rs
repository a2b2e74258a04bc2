//! How busy this machine is: whether more may be taken on (`*.max.cpuload.avg`, `*.reserved.memory`).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use sysinfo::System;

/// How long a look at the machine counts.
const FRESH: Duration = Duration::from_secs(1);

const GIB: f64 = (1u64 << 30) as f64;

/// Asked before more is taken on. Whoever has nothing in hand does not ask: a limit that the machine never meets
/// must not stop it for good.
pub trait Gauge: Send + Sync {
    fn has_room(&self) -> bool;
}

/// Without limits.
pub struct NoLimit;

impl Gauge for NoLimit {
    fn has_room(&self) -> bool {
        true
    }
}

/// The limits of one role; 0 is none.
pub struct Limits {
    /// Who is held up, for the log.
    role: &'static str,
    /// The one-minute load average above which nothing is taken on.
    load: f64,
    /// GiB of memory below which nothing is taken on.
    reserved: f64,
    last: Mutex<Option<Look>>,
}

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    room: bool,
}

impl Limits {
    pub fn new(role: &'static str, load: f64, reserved: f64) -> Limits {
        Limits { role, load, reserved, last: Mutex::new(None) }
    }

    /// Why there is no room, if so.
    pub fn shortage(&self) -> Option<String> {
        if self.load > 0.0
            && let Ok(now) = System::load_average()
            && now.one > self.load
        {
            return Some(format!("the load average is {:.2}, the limit {:.2}", now.one, self.load));
        }
        if self.reserved > 0.0
            && let Some(free) = available()
            && free < self.reserved
        {
            return Some(format!("{free:.2} GiB of memory are available, {:.2} GiB are reserved", self.reserved));
        }
        None
    }
}

impl Gauge for Limits {
    fn has_room(&self) -> bool {
        if self.load <= 0.0 && self.reserved <= 0.0 {
            return true;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = last.as_ref().filter(|look| look.at.elapsed() < FRESH) {
            return look.room;
        }
        let shortage = self.shortage();
        match (&shortage, last.is_none_or(|look| look.room)) {
            (Some(why), true) => tracing::warn!("the {} takes nothing more on for now: {why}", self.role),
            (None, false) => tracing::info!("the {} takes work on again", self.role),
            _ => {}
        }
        *last = Some(Look { at: Instant::now(), room: shortage.is_none() });
        shortage.is_none()
    }
}

/// GiB that can still be had, of the machine or of the control group that we live in.
fn available() -> Option<f64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let machine = system.available_memory() as f64 / GIB;
    Some(group_room().map_or(machine, |room| room.min(machine)))
}

/// What the limit of our own control group (version 2) leaves.
fn group_room() -> Option<f64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?.trim_start_matches('/').to_owned();
    let folder = std::path::Path::new("/sys/fs/cgroup").join(path);
    let number = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = (number("memory.max")?, number("memory.current")?);
    Some(limit.saturating_sub(used) as f64 / GIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_and_none_does_not() {
        assert!(Limits::new("worker", 0.0, 0.0).has_room());
        assert!(Limits::new("worker", 1e9, 0.001).has_room());
        assert!(!Limits::new("worker", 0.0, 1e9).has_room());
    }
}
