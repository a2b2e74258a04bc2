//! Against guessing passwords: after some failed log-ins in a row, from one address or with one user name, the next
//! ones have to wait. Right ones cost nothing, and what is remembered has a limit.
//!
//! Each address and each name has so many tries; a failed one uses one up, and time gives it back. The check costs
//! nothing, so a flood of guesses does not even reach the slow hash.

use super::origin::household;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many addresses, and how many names, are remembered.
const REMEMBERED: usize = 20_000;

/// What the operator may choose. Zero tries means no limit.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub per_address: u32,
    pub per_name: u32,
    /// In which all tries come back.
    pub window: Duration,
}

/// Counts failed log-ins.
pub struct Guard {
    limits: Limits,
    addresses: Mutex<Tries<IpAddr>>,
    /// By the hash of the name: names may be long.
    names: Mutex<Tries<[u8; 32]>>,
}

impl Guard {
    pub fn new(limits: Limits) -> Guard {
        Guard { limits, addresses: Mutex::default(), names: Mutex::default() }
    }

    /// Whether both have a try left; else how long to wait for one. Asked once more when it is the log-in's turn, so
    /// that of many at once no more are let through than are looked at together.
    pub fn check(&self, address: IpAddr, name: &str, now: Instant) -> Result<(), Duration> {
        let Limits { per_address, per_name, window } = self.limits;
        locked(&self.addresses).check(&household(address), per_address, window, now)?;
        locked(&self.names).check(&key(name), per_name, window, now)
    }

    /// Uses up a try of both.
    pub fn failed(&self, address: IpAddr, name: &str, now: Instant) {
        let Limits { per_address, per_name, window } = self.limits;
        locked(&self.addresses).take(household(address), per_address, window, now);
        locked(&self.names).take(key(name), per_name, window, now);
    }
}

fn key(name: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(name.as_bytes()).into()
}

fn locked<T>(tries: &Mutex<T>) -> MutexGuard<'_, T> {
    tries.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When all tries of each will have come back.
struct Tries<K>(HashMap<K, Instant>);

impl<K> Default for Tries<K> {
    fn default() -> Self {
        Tries(HashMap::new())
    }
}

impl<K: Hash + Eq> Tries<K> {
    fn check(&self, key: &K, limit: u32, window: Duration, now: Instant) -> Result<(), Duration> {
        let Some(full) = self.0.get(key).filter(|_| limit > 0) else { return Ok(()) };
        match (*full + window / limit).saturating_duration_since(now + window) {
            Duration::ZERO => Ok(()),
            wait => Err(wait),
        }
    }

    fn take(&mut self, key: K, limit: u32, window: Duration, now: Instant) {
        if limit == 0 {
            return;
        }
        if self.0.len() >= REMEMBERED && !self.0.contains_key(&key) {
            self.make_room(now);
        }
        let full = self.0.entry(key).or_insert(now);
        // Some that were let through together may fail together: none waits longer for that than for all tries.
        *full = ((*full).max(now) + window / limit).min(now + window);
    }

    /// Forgets whoever has all tries; if nobody has, the half that has most.
    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, full| *full > now);
        if self.0.len() >= REMEMBERED {
            let mut times: Vec<Instant> = self.0.values().copied().collect();
            let half = times.len() / 2;
            let (_, median, _) = times.select_nth_unstable(half);
            let median = *median;
            let mut room = half;
            self.0.retain(|_, full| {
                let kept = *full > median || room == 0;
                room -= usize::from(!kept);
                kept
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn guard(per_address: u32, per_name: u32) -> Guard {
        Guard::new(Limits { per_address, per_name, window: MINUTE })
    }

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// A log-in that fails, if it is let in.
    fn fails(guard: &Guard, address: u8, name: &str, now: Instant) -> Result<(), Duration> {
        guard.check(ip(address), name, now)?;
        guard.failed(ip(address), name, now);
        Ok(())
    }

    #[test]
    fn a_name_runs_out_of_tries_and_time_gives_them_back() {
        let (guard, start) = (guard(0, 3), Instant::now());
        for address in 0..3 {
            assert_eq!(fails(&guard, address, "alice", start), Ok(()));
        }
        assert_eq!(fails(&guard, 9, "alice", start), Err(MINUTE / 3));
        assert_eq!(fails(&guard, 9, "bob", start), Ok(()), "others are not concerned");
        assert_eq!(fails(&guard, 9, "alice", start + MINUTE / 3), Ok(()));
        assert!(fails(&guard, 9, "alice", start + MINUTE / 3).is_err(), "one came back, not all");
        for _ in 0..3 {
            assert_eq!(fails(&guard, 9, "alice", start + 3 * MINUTE), Ok(()));
        }
    }

    #[test]
    fn an_address_runs_out_of_tries_whatever_name_it_gives() {
        let (guard, start) = (guard(2, 0), Instant::now());
        assert_eq!(fails(&guard, 1, "a", start), Ok(()));
        assert_eq!(fails(&guard, 1, "b", start), Ok(()));
        assert_eq!(fails(&guard, 1, "c", start), Err(MINUTE / 2));
        assert_eq!(fails(&guard, 2, "c", start), Ok(()));
    }

    #[test]
    fn who_is_not_let_in_uses_up_no_try() {
        let (guard, start) = (guard(3, 1), Instant::now());
        assert_eq!(fails(&guard, 1, "alice", start), Ok(()));
        for _ in 0..5 {
            assert!(fails(&guard, 1, "alice", start).is_err());
        }
        assert_eq!(fails(&guard, 1, "bob", start), Ok(()));
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let (guard, start) = (guard(0, 2), Instant::now());
        for _ in 0..2 {
            let _ = fails(&guard, 1, "alice", start);
        }
        for number in 0..3 * REMEMBERED {
            let _ = fails(&guard, 1, &number.to_string(), start);
            assert!(locked(&guard.names).0.len() <= REMEMBERED);
        }
        assert!(fails(&guard, 1, "alice", start).is_err(), "who has failed most is remembered longest");
    }

    #[test]
    fn zero_is_no_limit() {
        let (guard, start) = (guard(0, 0), Instant::now());
        assert!((0..1000).all(|_| fails(&guard, 1, "alice", start).is_ok()));
        assert!(locked(&guard.names).0.is_empty());
    }
}
