//! The names of entries (`EasyScheduler 1.0.1: entry name`), and what is written into them.

use crate::model::{InstanceId, Priority, Tag, TaskId};
use crate::queue::{Entry, Rank};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// What the name of an entry's node tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// First, for the order of entries is that of their ranks.
    pub(super) rank: Rank,
    pub(super) workers: Workers,
}

impl Name {
    pub(super) fn of(entry: &Entry) -> Name {
        Name { rank: entry.rank, workers: Workers::of(&entry.hosts) }
    }

    /// The entry with what stands in its node.
    pub(super) fn with(&self, ticket: Ticket) -> Entry {
        let hosts = match &self.workers {
            Workers::Any => BTreeSet::new(),
            Workers::At(addresses) => addresses.iter().map(Ipv4Addr::to_string).collect(),
        };
        Entry { rank: self.rank, tag: ticket.tag, owner: ticket.owner, epoch: ticket.epoch, hosts }
    }
}

/// Who may take an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Workers {
    Any,
    /// Those with one of these addresses.
    At(Vec<Ipv4Addr>),
}

impl Workers {
    /// No host is no restriction, as in the original. Names have room for IPv4 addresses only: a group without any
    /// must not become one of all workers, so nobody has its address.
    fn of(hosts: &BTreeSet<String>) -> Workers {
        if hosts.is_empty() {
            return Workers::Any;
        }
        let mut addresses: Vec<Ipv4Addr> = hosts.iter().filter_map(|host| host.parse().ok()).collect();
        if addresses.is_empty() {
            addresses.push(Ipv4Addr::UNSPECIFIED);
        }
        addresses.sort_unstable();
        Workers::At(addresses)
    }

    /// No worker has such an address.
    pub(super) fn is_nobody(&self) -> bool {
        *self == Workers::At(vec![Ipv4Addr::UNSPECIFIED])
    }

    pub(super) fn include(&self, address: Option<Ipv4Addr>) -> bool {
        match self {
            Workers::Any => true,
            Workers::At(addresses) => address.is_some_and(|address| addresses.contains(&address)),
        }
    }
}

impl fmt::Display for Workers {
    /// `-1`, or addresses as unsigned numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Workers::At(addresses) = self else { return f.write_str("-1") };
        let numbers: Vec<String> = addresses.iter().map(|address| u32::from(*address).to_string()).collect();
        f.write_str(&numbers.join(","))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rank { instance_priority, instance, task_priority, task } = self.rank;
        write!(f, "{}_{instance}_{}_{task}_{}", instance_priority.code(), task_priority.code(), self.workers)
    }
}

/// A name that is no entry's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foreign;

impl FromStr for Name {
    type Err = Foreign;

    /// Four parts are those of release 1.0.1, which knows no groups.
    fn from_str(name: &str) -> Result<Self, Foreign> {
        let parts: Vec<&str> = name.split('_').collect();
        let (numbers, workers) = match parts[..] {
            [a, b, c, d] => ([a, b, c, d], "-1"),
            [a, b, c, d, workers] => ([a, b, c, d], workers),
            _ => return Err(Foreign),
        };
        let numbers: Vec<i32> = numbers.into_iter().map(number).collect::<Result<_, _>>()?;
        let priority = |code| Priority::from_code(code).ok_or(Foreign);
        let rank = Rank {
            instance_priority: priority(numbers[0])?,
            instance: InstanceId(numbers[1]),
            task_priority: priority(numbers[2])?,
            task: TaskId(numbers[3]),
        };
        Ok(Name { rank, workers: addresses(workers)? })
    }
}

/// Plain decimals: no sign.
fn number(text: &str) -> Result<i32, Foreign> {
    if text.starts_with('+') || text.starts_with('-') { Err(Foreign) } else { text.parse().map_err(|_| Foreign) }
}

fn addresses(text: &str) -> Result<Workers, Foreign> {
    if text == "-1" {
        return Ok(Workers::Any);
    }
    let address = |number: &str| number.parse::<u32>().map(Ipv4Addr::from).map_err(|_| Foreign);
    Ok(Workers::At(text.split(',').map(address).collect::<Result<_, _>>()?))
}

/// What stands in an entry, for the worker that claims it. The original has the entry's name there, which no monitor
/// reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    pub(super) tag: Tag,
    pub(super) owner: String,
    pub(super) epoch: i32,
}

impl Ticket {
    pub(super) fn of(entry: &Entry) -> Ticket {
        Ticket { tag: entry.tag, owner: entry.owner.clone(), epoch: entry.epoch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Result<Name, Foreign> {
        name.parse()
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["2_1234_2_5678_-1", "0_1_4_2147483647_3232235777,3232235778", "4_7_0_9_0"] {
            assert_eq!(read(name).unwrap().to_string(), name);
        }
        let found = read("2_1234_2_5678_3232235777,3232235778").unwrap();
        assert!(found.workers.include(Some(Ipv4Addr::new(192, 168, 1, 1))));
        assert!(found.workers.include(Some(Ipv4Addr::new(192, 168, 1, 2))));
        assert!(!found.workers.include(Some(Ipv4Addr::new(192, 168, 1, 3))));
    }

    #[test]
    fn the_four_parts_of_release_1_0_1_are_for_any_worker() {
        assert_eq!(read("2_1234_2_5678").unwrap(), read("2_1234_2_5678_-1").unwrap());
    }

    #[test]
    fn what_is_no_entry_is_told_apart() {
        for name in [
            "",
            "lock",
            "2_1234_2",
            "5_1_2_3_-1",
            "2_x_2_3",
            "2_-1_2_3",
            "2_1_2_3_",
            "2_1_2_3_-2",
            "2_1_2_3_1,",
            "1_2_3_4_5_6",
        ] {
            assert_eq!(read(name), Err(Foreign), "{name}");
        }
    }

    #[test]
    fn the_order_is_process_priority_instance_task_priority_task() {
        let names = ["1_2_4_9_-1", "2_9_0_1_-1", "2_9_0_10_-1", "2_9_1_2_1", "2_10_0_1_-1", "3_1_0_1_-1"];
        let mut found: Vec<Name> = names.iter().rev().map(|name| read(name).unwrap()).collect();
        found.sort();
        assert_eq!(found.iter().map(Name::to_string).collect::<Vec<_>>(), names);
    }

    #[test]
    fn a_group_without_addresses_is_no_restriction_but_one_of_names_is() {
        let of = |hosts: &[&str]| Workers::of(&hosts.iter().map(|host| host.to_string()).collect()).to_string();
        assert_eq!(of(&[]), "-1");
        assert_eq!(of(&["192.168.1.2", "192.168.1.1", "ark0"]), "3232235777,3232235778");
        assert_eq!(of(&["ark0"]), "0");
    }
}
