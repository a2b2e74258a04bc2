//! Worker groups as one master knows them: read from time to time, and once more whenever an instance comes into hand
//! that names one which was not among them. Whoever has just made a group and starts a workflow in it is not to see
//! its tasks at other workers because the last look was a few seconds ago.

use super::driver::{AGAIN, Done, Driver};
use super::run::Run;
use crate::store::Loaded;
use std::collections::{BTreeSet, HashMap};

/// The groups that have addresses, and those.
pub(super) type Addresses = HashMap<i32, BTreeSet<String>>;

/// The number of a read: those that begin later have greater ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Read(u64);

/// When groups were last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// Before the instance came that names them.
    Before,
    /// After it came.
    JustNow,
}

#[derive(Default)]
pub(super) struct Groups {
    /// `None` until they were read.
    known: Option<Addresses>,
    /// The newest read that has begun.
    begun: Read,
    /// The read that `known` is from: answers may overtake each other.
    answered: Read,
}

impl Groups {
    /// Whether all of these are known. Who names others has to read them again: they may be new.
    pub fn knows(&self, groups: impl IntoIterator<Item = i32>) -> bool {
        let known = |group: i32| group <= 0 || self.known.as_ref().is_some_and(|known| known.contains_key(&group));
        groups.into_iter().all(known)
    }

    /// A read begins now.
    pub fn begin(&mut self) -> Read {
        self.begun.0 += 1;
        self.begun
    }

    /// What a read has shown.
    pub fn learn(&mut self, read: Read, groups: Addresses) {
        if read > self.answered {
            self.answered = read;
            self.known = Some(groups);
        }
    }

    /// The addresses that attempts of a group are limited to; an empty set: all workers may take them, as those of a
    /// group that does not exist or has no addresses. `None` as long as nobody can say.
    pub fn hosts(&self, group: i32) -> Option<BTreeSet<String>> {
        self.limits(group).map(|hosts| hosts.cloned().unwrap_or_default())
    }

    /// Whether attempts of a group may run at this address. As long as nobody can say, they may not.
    pub fn allows(&self, group: i32, host: &str) -> bool {
        self.limits(group).is_some_and(|hosts| hosts.is_none_or(|hosts| hosts.contains(host)))
    }

    fn limits(&self, group: i32) -> Option<Option<&BTreeSet<String>>> {
        match &self.known {
            Some(known) => Some(known.get(&group)),
            None => (group <= 0).then_some(None),
        }
    }
}

impl Driver {
    /// Whether it is known who may take the attempts of an instance.
    pub fn knows_groups_of(&self, run: &Run) -> bool {
        #[cfg(feature = "sim")]
        if crate::planted::is("young-group") {
            return true;
        }
        self.workers.is_sole() || self.workers.groups.knows(run.groups())
    }

    /// Reads the groups for an instance that names unknown ones; until then it is in nobody's hand, and nobody's way.
    /// The read begins after the instance has come: a group that is absent from it does not exist.
    pub fn read_groups_for(&mut self, loaded: Loaded) {
        let (records, clock, log) = (self.means.records.clone(), self.means.clock.clone(), self.offices.log());
        let read = self.workers.groups.begin();
        self.work.spawn(async move {
            loop {
                match records.worker_groups().await {
                    Ok(groups) => return Done::Grouped { loaded: Box::new(loaded), read, groups },
                    Err(error) => {
                        log.complain(&error);
                        clock.sleep(AGAIN).await;
                    }
                }
            }
        });
    }

    pub fn grouped(&mut self, loaded: Loaded, read: Read, groups: Addresses) {
        self.answered_at = self.means.clock.boot();
        self.workers.groups.learn(read, groups);
        // If nobody waits for it, it was read twice, and the other answer was faster.
        if let Some(mail) = self.loading.remove(&loaded.id) {
            let early = self.early.remove(&loaded.id).unwrap_or_default();
            self.make(loaded, mail, early, Looked::JustNow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(groups: &[(i32, &str)]) -> Addresses {
        groups.iter().map(|(group, host)| (*group, BTreeSet::from([(*host).to_owned()]))).collect()
    }

    fn after_a_read(groups: &[(i32, &str)]) -> Groups {
        let mut all = Groups::default();
        let read = all.begin();
        all.learn(read, addresses(groups));
        all
    }

    /// Which of two hosts may take attempts of group 7.
    fn may(groups: &Groups) -> [bool; 2] {
        ["here", "there"].map(|host| groups.allows(7, host))
    }

    #[test]
    fn nobody_takes_attempts_of_a_group_before_groups_were_read() {
        let groups = Groups::default();
        assert!(!groups.knows([7]));
        assert_eq!((may(&groups), groups.hosts(7)), ([false, false], None));
        assert!(groups.knows([-1]) && groups.allows(-1, "here"));
    }

    #[test]
    fn a_group_that_was_read_is_bound_to_its_addresses() {
        let groups = after_a_read(&[(7, "here")]);
        assert!(groups.knows([7, -1, 0]));
        assert_eq!((may(&groups), groups.hosts(7)), ([true, false], Some(BTreeSet::from(["here".to_owned()]))));
    }

    #[test]
    fn a_group_that_does_not_exist_stands_for_all_workers_and_is_looked_for_each_time() {
        let mut groups = after_a_read(&[(8, "here")]);
        for _ in 0..2 {
            assert!(!groups.knows([8, 7]));
            let read = groups.begin();
            groups.learn(read, addresses(&[(8, "here")]));
            assert_eq!((may(&groups), groups.hosts(7)), ([true, true], Some(BTreeSet::new())));
        }
    }

    #[test]
    fn an_answer_that_was_overtaken_changes_nothing() {
        let mut groups = after_a_read(&[]);
        let (slow, quick) = (groups.begin(), groups.begin());
        groups.learn(quick, addresses(&[(7, "here")]));
        groups.learn(slow, addresses(&[]));
        assert_eq!(may(&groups), [true, false]);
    }
}
