//! The workers as one master knows them: who is connected, who has a free slot, who is certainly dead.

use super::groups::Groups;
use crate::calls::{Hello, Holder, Link, ToWorker};
use crate::queue::Job;
use crate::store::WorkerRow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A free slot that was set aside for one attempt. It must be used, or given back.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub holder: Holder,
    /// The stream that the credit belongs to.
    serial: u64,
    credit: u64,
}

struct Linked {
    hello: Hello,
    link: Link<ToWorker>,
    credits: VecDeque<u64>,
    /// Set aside for attempts, until that is recorded. `true`: the worker has asked for it back, and asks only once; so
    /// it must hear what became of it.
    aside: BTreeMap<u64, bool>,
}

pub(super) struct Workers {
    linked: BTreeMap<u64, Linked>,
    rows: BTreeMap<String, WorkerRow>,
    pub groups: Groups,
    /// One process: its worker takes whatever it is given, and lets it wait by itself.
    sole: bool,
}

impl Workers {
    pub fn new(sole: bool) -> Workers {
        Workers { linked: BTreeMap::new(), rows: BTreeMap::new(), groups: Groups::default(), sole }
    }

    /// Whether the only worker lets attempts wait by itself.
    pub fn is_sole(&self) -> bool {
        self.sole
    }

    pub fn linked(&mut self, hello: Hello, link: Link<ToWorker>) {
        self.linked.insert(link.serial, Linked { hello, link, credits: VecDeque::new(), aside: BTreeMap::new() });
    }

    /// The stream ended, and its credits with it.
    pub fn unlinked(&mut self, serial: u64) {
        self.linked.remove(&serial);
    }

    pub fn holder(&self, serial: u64) -> Option<&Holder> {
        self.linked.get(&serial).map(|linked| &linked.hello.holder)
    }

    pub fn credit(&mut self, serial: u64, number: u64) {
        if let Some(linked) = self.linked.get_mut(&serial) {
            linked.credits.push_back(number);
        }
    }

    /// The worker wants the credit back. One that is set aside goes back if it is not used.
    pub fn withdraw(&mut self, serial: u64, number: u64) {
        let Some(linked) = self.linked.get_mut(&serial) else { return };
        if let Some(wanted) = linked.aside.get_mut(&number) {
            *wanted = true;
            return;
        }
        linked.credits.retain(|credit| *credit != number);
        // If its grant is on the way, the worker gets that first, and the credit is spent.
        linked.link.say(ToWorker::Void { credit: number });
    }

    /// A credit for one very attempt, which the worker has claimed: no other may have it.
    pub fn seat(&mut self, serial: u64, credit: u64) -> Option<Seat> {
        let linked = self.linked.get_mut(&serial)?;
        linked.aside.insert(credit, true);
        Some(Seat { holder: linked.hello.holder.clone(), serial, credit })
    }

    /// Sets a slot aside for an attempt of this group, if there is one.
    pub fn reserve(&mut self, group: i32) -> Option<Seat> {
        let serial = self.richest(|serial| self.allows(serial, group))?;
        self.take(serial)
    }

    /// Sets a slot aside for whatever [`Workers::allows`] at that worker; `spent` are streams to be passed over. The
    /// second value is the stream.
    pub fn reserve_any(&mut self, spent: &BTreeSet<u64>) -> Option<(Seat, u64)> {
        let serial = self.richest(|serial| !spent.contains(&serial))?;
        Some((self.take(serial)?, serial))
    }

    /// The living worker with the most free slots.
    fn richest(&self, wanted: impl Fn(u64) -> bool) -> Option<u64> {
        let able = self.linked.iter().filter(|(serial, linked)| {
            (self.sole || !linked.credits.is_empty()) && wanted(**serial) && !self.is_dead(&linked.hello.holder)
        });
        able.max_by_key(|(_, linked)| linked.credits.len()).map(|(serial, _)| *serial)
    }

    fn take(&mut self, serial: u64) -> Option<Seat> {
        let linked = self.linked.get_mut(&serial)?;
        let mut credit = 0;
        if !self.sole {
            credit = linked.credits.pop_front()?;
            linked.aside.insert(credit, false);
        }
        Some(Seat { holder: linked.hello.holder.clone(), serial, credit })
    }

    /// Whether an attempt of this group may run at the worker of that stream.
    pub fn allows(&self, serial: u64, group: i32) -> bool {
        self.sole || self.linked.get(&serial).is_some_and(|linked| self.groups.allows(group, &linked.hello.host))
    }

    /// The slot was not used after all: it is there for other attempts, or, if the worker wants it back, the worker's.
    pub fn give_back(&mut self, seat: Seat) {
        let Some(linked) = self.linked.get_mut(&seat.serial) else { return };
        match linked.aside.remove(&seat.credit) {
            Some(true) => linked.link.say(ToWorker::Void { credit: seat.credit }),
            Some(false) => linked.credits.push_front(seat.credit),
            None => {}
        }
    }

    /// The slot cannot be used by us any more: the worker may offer it elsewhere.
    pub fn void(&mut self, seat: &Seat) {
        if let Some(linked) = self.linked.get_mut(&seat.serial)
            && linked.aside.remove(&seat.credit).is_some()
        {
            linked.link.say(ToWorker::Void { credit: seat.credit });
        }
    }

    /// Sends a grant over the stream that its credit came from.
    pub fn grant(&mut self, seat: &Seat, epoch: i32, job: Arc<Job>) {
        // If the stream is gone, so is the credit: the worker does not list the attempt, and is asked.
        if let Some(linked) = self.linked.get_mut(&seat.serial) {
            linked.aside.remove(&seat.credit);
            linked.link.say(ToWorker::Grant { credit: seat.credit, epoch, job });
        }
    }

    pub fn is_linked(&self, worker: &str) -> bool {
        self.linked.values().any(|linked| linked.hello.holder.worker == worker)
    }

    /// Says something to a worker, over its newest stream; `false` if there is none.
    pub fn say(&self, worker: &str, what: ToWorker) -> bool {
        let linked = self.linked.values().rev().find(|linked| linked.hello.holder.worker == worker);
        linked.map(|linked| linked.link.say(what)).is_some()
    }

    /// What the database shows. Whoever is connected and was declared dead hears of it.
    pub fn rows(&mut self, rows: Vec<WorkerRow>) {
        self.rows = rows.into_iter().map(|row| (row.holder.worker.clone(), row)).collect();
        for linked in self.linked.values().filter(|linked| self.is_dead(&linked.hello.holder)) {
            linked.link.say(ToWorker::Fenced { incarnation: linked.hello.holder.incarnation });
        }
    }

    /// Whether nothing of this holder lives any more, and nobody can tell how it ended.
    pub fn is_dead(&self, holder: &Holder) -> bool {
        self.rows.get(&holder.worker).is_some_and(|row| row.buries(holder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A worker with one stream, and what it is told.
    fn one_worker() -> (Workers, Arc<Mutex<Vec<u64>>>) {
        let (mut workers, voided) = (Workers::new(false), Arc::new(Mutex::new(Vec::new())));
        let holder = Holder { worker: "w".into(), incarnation: 1 };
        let heard = voided.clone();
        let link = Link::with(7, move |what| {
            if let ToWorker::Void { credit } = what {
                heard.lock().unwrap().push(credit);
            }
        });
        workers.linked(Hello { holder, host: "here".into(), start: "s".into() }, link);
        (workers, voided)
    }

    #[test]
    fn an_offered_slot_that_was_not_used_is_there_for_the_next() {
        let (mut workers, voided) = one_worker();
        workers.credit(7, 1);
        let seat = workers.reserve(-1).unwrap();
        assert!(workers.reserve(-1).is_none());
        workers.give_back(seat);
        assert!(workers.reserve(-1).is_some());
        assert_eq!(*voided.lock().unwrap(), [0; 0]);
    }

    #[test]
    fn a_slot_that_claimed_an_attempt_goes_back_to_its_worker() {
        // Kept here it would be lost to everybody: the worker waits for a grant or a word.
        let (mut workers, voided) = one_worker();
        let seat = workers.seat(7, 3).unwrap();
        workers.give_back(seat);
        assert_eq!(*voided.lock().unwrap(), [3]);
        assert!(workers.reserve(-1).is_none());
    }

    #[test]
    fn a_slot_that_was_asked_back_while_set_aside_goes_back_unless_used() {
        // Kept here it would be lost to everybody: the worker asks only once.
        let (mut workers, voided) = one_worker();
        workers.credit(7, 4);
        let seat = workers.reserve(-1).unwrap();
        workers.withdraw(7, 4);
        assert_eq!(*voided.lock().unwrap(), [0; 0], "it may be used yet");
        workers.give_back(seat);
        assert_eq!(*voided.lock().unwrap(), [4]);
        assert!(workers.reserve(-1).is_none());
    }

    #[test]
    fn a_slot_that_is_asked_back_is_answered_for_once() {
        let (mut workers, voided) = one_worker();
        workers.credit(7, 5);
        workers.withdraw(7, 5);
        assert_eq!(*voided.lock().unwrap(), [5]);
        workers.credit(7, 6);
        let seat = workers.reserve(-1).unwrap();
        workers.void(&seat);
        workers.void(&seat);
        assert_eq!(*voided.lock().unwrap(), [5, 6]);
    }
}
