//! Free slots on offer: each to one master at a time, as a numbered credit.
//!
//! A number is never used twice by one process, and a credit ends with its stream. So a grant that comes late, or
//! from a stream that is gone, finds no credit, and is refused.

use crate::calls::{Link, ToMaster};
use crate::model::{InstanceId, Tag};
use std::collections::BTreeMap;
use std::time::Duration;

/// A credit that was not used for so long may be wanted elsewhere.
const IDLE: Duration = Duration::from_millis(200);

struct Credit {
    master: String,
    since: Duration,
    /// Asked back; whatever comes first, a grant or the word that it is void.
    withdrawn: bool,
    /// It is for this very attempt.
    tag: Option<Tag>,
}

/// `now` is always the time since the machine has started.
pub(super) struct Credits {
    /// The last number.
    last: u64,
    open: BTreeMap<u64, Credit>,
    masters: BTreeMap<String, Link<ToMaster>>,
    /// The last number that each master got.
    given: BTreeMap<String, u64>,
    /// How many one master may have at a time (`worker.fetch.task.num`).
    each: usize,
}

impl Credits {
    pub fn new(each: usize) -> Credits {
        Credits { last: 0, open: BTreeMap::new(), masters: BTreeMap::new(), given: BTreeMap::new(), each: each.max(1) }
    }

    pub fn linked(&mut self, master: String, link: Link<ToMaster>) {
        self.open.retain(|_, credit| credit.master != master);
        self.masters.insert(master, link);
    }

    pub fn unlinked(&mut self, master: &str, serial: u64) {
        if self.masters.get(master).is_some_and(|link| link.serial == serial) {
            self.masters.remove(master);
            self.given.remove(master);
            self.open.retain(|_, credit| credit.master != master);
        }
    }

    /// Nothing is on offer any more, and nobody is there to offer it to.
    pub fn clear(&mut self) {
        self.open.clear();
        self.masters.clear();
        self.given.clear();
    }

    /// How many slots are on offer.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Offers up to `free` slots, each to the master that has the fewest, and of those to the one that waits longest.
    pub fn fill(&mut self, free: usize, now: Duration) {
        for _ in 0..free {
            let counts = self.counts();
            let wait = |master: &String| self.given.get(master).copied().unwrap_or(0);
            let poorest = counts.iter().min_by_key(|(master, count)| (**count, wait(master)));
            let Some((master, count)) = poorest else { return };
            if *count >= self.each {
                return;
            }
            let number = self.open_for(master.clone(), None, now);
            self.say(master, ToMaster::Credit { number });
        }
    }

    /// Claims an attempt that waits at its owner, if that is connected.
    pub fn claim(&mut self, master: &str, instance: InstanceId, tag: Tag, now: Duration) -> bool {
        if !self.masters.contains_key(master) {
            return false;
        }
        let number = self.open_for(master.to_owned(), Some(tag), now);
        self.say(master, ToMaster::Claim { number, instance, tag });
        true
    }

    fn open_for(&mut self, master: String, tag: Option<Tag>, now: Duration) -> u64 {
        self.last += 1;
        self.given.insert(master.clone(), self.last);
        self.open.insert(self.last, Credit { master, since: now, withdrawn: false, tag });
        self.last
    }

    /// A grant names its credit; whether it was open for that master. It is not any more.
    pub fn spend(&mut self, master: &str, number: u64) -> bool {
        match self.open.get(&number) {
            Some(credit) if credit.master == master => self.open.remove(&number).is_some(),
            _ => false,
        }
    }

    /// The master has given it back; the attempt that was claimed with it, if it was a claim.
    pub fn void(&mut self, master: &str, number: u64) -> Option<Tag> {
        let claimed = self.open.get(&number).and_then(|credit| credit.tag);
        let was_open = self.spend(master, number);
        claimed.filter(|_| was_open)
    }

    /// The attempts that are claimed at the moment.
    pub fn claimed(&self) -> impl Iterator<Item = Tag> {
        self.open.values().filter_map(|credit| credit.tag)
    }

    /// If a master has none, asks those that leave theirs unused for all but one.
    pub fn level(&mut self, now: Duration) {
        let counts = self.counts();
        if counts.values().all(|count| *count > 0) {
            return;
        }
        // With fewer slots on offer than there are masters, each gets its turn.
        let scarce = self.open.len() < counts.len();
        for (master, count) in counts {
            let idle = self.open.iter_mut().filter(|(_, credit)| {
                credit.master == master
                    && credit.tag.is_none()
                    && !credit.withdrawn
                    && now.saturating_sub(credit.since) >= IDLE
            });
            let spare = if scarce { count } else { count.saturating_sub(1) };
            let asked: Vec<u64> = idle
                .take(spare)
                .map(|(number, credit)| {
                    credit.withdrawn = true;
                    *number
                })
                .collect();
            for number in asked {
                self.say(&master, ToMaster::Withdraw { number });
            }
        }
    }

    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts: BTreeMap<String, usize> = self.masters.keys().map(|master| (master.clone(), 0)).collect();
        for credit in self.open.values() {
            if let Some(count) = counts.get_mut(&credit.master) {
                *count += 1;
            }
        }
        counts
    }

    /// Says something to a master, if it is connected.
    pub fn say(&self, master: &str, what: ToMaster) -> bool {
        self.masters.get(master).map(|link| link.say(what)).is_some()
    }

    /// The connected masters, in an order of their own.
    pub fn masters(&self) -> impl Iterator<Item = &str> {
        self.masters.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    type Said = Arc<Mutex<Vec<String>>>;

    const SOON: Duration = Duration::from_millis(1);

    fn link(said: &Said, master: &'static str, serial: u64) -> Link<ToMaster> {
        let said = said.clone();
        Link::with(serial, move |what| {
            let word = match what {
                ToMaster::Credit { number } => format!("{master} gets {number}"),
                ToMaster::Withdraw { number } => format!("{master} asked for {number}"),
                ToMaster::Claim { number, tag, .. } => format!("{master} claim {number} of {tag}"),
                other => format!("{master} {other:?}"),
            };
            said.lock().unwrap().push(word);
        })
    }

    fn told(said: &Said) -> Vec<String> {
        std::mem::take(&mut said.lock().unwrap())
    }

    #[test]
    fn slots_are_divided_and_none_is_offered_twice() {
        let (said, mut credits) = (Said::default(), Credits::new(2));
        credits.fill(5, SOON);
        assert_eq!(credits.open(), 0, "there is nobody to offer them to");
        credits.linked("a".into(), link(&said, "a", 1));
        credits.linked("b".into(), link(&said, "b", 2));
        credits.fill(5, SOON);
        assert_eq!(told(&said), ["a gets 1", "b gets 2", "a gets 3", "b gets 4"], "two at a time each");
        assert!(!credits.spend("b", 1) && credits.spend("a", 1) && !credits.spend("a", 1));
        credits.fill(1, SOON);
        assert_eq!(told(&said), ["a gets 5"]);
    }

    #[test]
    fn a_stream_takes_its_credits_along() {
        let (said, mut credits) = (Said::default(), Credits::new(9));
        credits.linked("a".into(), link(&said, "a", 1));
        credits.fill(2, SOON);
        credits.unlinked("a", 7);
        assert_eq!(credits.open(), 2, "that was an earlier stream");
        credits.linked("a".into(), link(&said, "a", 8));
        assert_eq!(credits.open(), 0);
        assert!(!credits.spend("a", 1), "a grant that comes late finds no credit");
        credits.fill(1, SOON);
        credits.unlinked("a", 8);
        assert_eq!((credits.open(), credits.masters().count()), (0, 0));
    }

    #[test]
    fn who_has_none_gets_what_others_leave_unused() {
        let (said, mut credits) = (Said::default(), Credits::new(9));
        credits.linked("a".into(), link(&said, "a", 1));
        credits.fill(3, SOON);
        credits.linked("b".into(), link(&said, "b", 2));
        told(&said);
        credits.level(SOON);
        assert_eq!(told(&said), [""; 0], "they are not idle yet");
        credits.level(SOON + IDLE);
        assert_eq!(told(&said), ["a asked for 1", "a asked for 2"], "one is left to it");
        assert_eq!(credits.open(), 3, "until they are void, they may be used");
        assert!(credits.spend("a", 1), "a grant was faster");
        assert_eq!(credits.void("a", 2), None);
        credits.fill(1, SOON + IDLE);
        assert_eq!(told(&said), ["b gets 4"]);
        credits.level(SOON + 2 * IDLE);
        assert_eq!(told(&said), [""; 0], "everybody has one");
    }

    #[test]
    fn with_one_slot_each_master_gets_its_turn() {
        let (said, mut credits) = (Said::default(), Credits::new(9));
        for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
            credits.linked(name.into(), link(&said, name, at as u64));
        }
        let mut turns = Vec::new();
        for round in 1..=6u32 {
            let now = round * 2 * IDLE;
            credits.fill(1 - credits.open(), now);
            credits.level(now + IDLE);
            let said = told(&said);
            let master = said[0].split(' ').next().unwrap().to_owned();
            assert_eq!(said[1], format!("{master} asked for {round}"));
            credits.void(&master, u64::from(round));
            turns.push(master);
        }
        assert_eq!(turns, ["a", "b", "c", "a", "b", "c"]);
    }

    #[test]
    fn a_claim_is_a_credit_for_one_attempt() {
        let (said, mut credits) = (Said::default(), Credits::new(1));
        credits.linked("a".into(), link(&said, "a", 1));
        assert!(!credits.claim("b", InstanceId(1), Tag(7), SOON));
        assert!(credits.claim("a", InstanceId(1), Tag(7), SOON));
        assert_eq!(told(&said), ["a claim 1 of 0000000000000007"]);
        assert_eq!(credits.claimed().collect::<Vec<_>>(), [Tag(7)]);
        assert_eq!(credits.void("a", 1), Some(Tag(7)));
        assert_eq!(credits.open(), 0);
    }
}
