//! Who belongs to an attempt, and signals that hit nobody else.
//!
//! While a shim lives, every process of an attempt descends from the shim: it is a subreaper, so what loses
//! its parent becomes its child. Walking down from the leader and from the orphans therefore meets the whole
//! tree, whatever it did to its session, its group or its environment.
//!
//! To tell whose orphan one is, and to find what a dead shim left, each attempt carries a **marker** that is
//! inherited: `RLIMIT_LOCKS`, a limit that no kernel since 2.4.26 looks at. The soft limit is the identity of
//! the folder, the hard limit is the tag. It survives `execve` with another environment, double forks and
//! sessions, can be read of anybody's process, and cannot be raised again without privilege. Where the limit
//! could not be set (a shim that itself runs under the marker of another), the same two numbers in the
//! environment speak.

use super::folder::Identity;
use super::handle::Handle;
use crate::model::Tag;
use nix::sys::signal::Signal;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

/// The names of the marker in a task's environment.
pub(super) const SHIM_VARIABLE: &str = "ESCHEDULER_SHIM";
pub(super) const TAG_VARIABLE: &str = "ESCHEDULER_TASK_TAG";

/// Set in every hard limit, so that it is never below the soft one.
const HIGH: u64 = 1 << 63;

/// The marker as limits, soft and hard.
pub(super) fn limits(identity: Identity, tag: Tag) -> (u64, u64) {
    (identity.0 & !HIGH, tag.0 | HIGH)
}

/// The marker of a process, if it has one of this folder: the hard limit that its attempt was given.
fn marker(pid: i32, identity: Identity) -> Option<u64> {
    limit_marker(pid, identity).or_else(|| environment_marker(pid, identity))
}

fn limit_marker(pid: i32, identity: Identity) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max file locks"))?;
    let mut fields = line.split_ascii_whitespace();
    let soft: u64 = fields.next()?.parse().ok()?;
    let hard: u64 = fields.next()?.parse().ok()?;
    (soft == identity.0 & !HIGH && hard & HIGH != 0).then_some(hard)
}

fn environment_marker(pid: i32, identity: Identity) -> Option<u64> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = |name: &str| {
        bytes.split(|byte| *byte == 0).find_map(|variable| {
            let rest = std::str::from_utf8(variable).ok()?.strip_prefix(name)?;
            rest.strip_prefix('=')
        })
    };
    (value(SHIM_VARIABLE)? == identity.to_string()).then_some(())?;
    Some(Tag::parse(value(TAG_VARIABLE)?)?.0 | HIGH)
}

/// What `/proc/PID/stat` says, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stat {
    pub parent: i32,
    pub session: i32,
    /// Nothing of it runs any more; it waits to be reaped.
    pub dead: bool,
    pub start: u64,
}

impl Stat {
    pub fn of(pid: i32) -> Option<Stat> {
        // The second field is the program's name, which may hold blanks and parentheses, and needs no UTF-8.
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let after = text.iter().rposition(|byte| *byte == b')')? + 1;
        let fields: Vec<&str> = std::str::from_utf8(&text[after..]).ok()?.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
        let alone = number(17)? <= 1;
        Some(Stat {
            parent: number(1)? as i32,
            session: number(3)? as i32,
            dead: matches!(*fields.first()?, "Z" | "X" | "x") && alone,
            start: fields.get(19)?.parse().ok()?,
        })
    }
}

/// The children of a process, those of all its threads.
fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let texts = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    texts.flat_map(|text| numbers(&text)).collect()
}

fn numbers(text: &str) -> Vec<i32> {
    text.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Reads a file of the kernel's from its beginning.
fn read(file: &File) -> io::Result<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match file.read_at(&mut buffer, text.len() as u64)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            n => text.extend_from_slice(&buffer[..n]),
        }
    }
}

/// Every process that can be seen, with what its `stat` says.
fn everybody() -> Vec<(i32, Stat)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, Stat::of(pid)?))).collect()
}

/// Finds the children of processes; a kernel without the list of children is asked the slow way.
pub(super) struct Tree {
    /// The kernel's list of our own children, kept open because it is read at every end.
    own: Option<File>,
    me: i32,
}

impl Tree {
    pub fn new() -> Tree {
        let me = nix::unistd::getpid().as_raw();
        Tree { own: File::open(format!("/proc/{me}/task/{me}/children")).ok(), me }
    }

    /// The children of this process, which has one thread. They leave the list only when it reaps them, so
    /// none is ever missed.
    pub fn own_children(&self) -> Vec<i32> {
        if let Some(own) = &self.own
            && let Ok(text) = read(own)
        {
            return numbers(&text);
        }
        everybody().into_iter().filter(|(_, stat)| stat.parent == self.me).map(|(pid, _)| pid).collect()
    }

    /// Sends a signal to these children of ours and to all that descends from them. What is born meanwhile
    /// may be missed: only an empty tree is an end.
    pub fn signal(&self, roots: &[i32], signals: &[Signal]) {
        for (pid, parent) in self.descend(roots) {
            // Between the look and the handle the number may have gone to a stranger; the stranger has
            // another parent. A child of ours keeps its number until we reap it.
            let Some(handle) = Handle::open(pid) else { continue };
            if parent.is_none() || Stat::of(pid).is_some_and(|stat| Some(stat.parent) == parent) {
                signals.iter().for_each(|signal| handle.signal(*signal));
            }
        }
    }

    /// These processes and their descendants, each with the parent that it was met under.
    fn descend(&self, roots: &[i32]) -> Vec<(i32, Option<i32>)> {
        let table = self.own.is_none().then(|| {
            let mut table = HashMap::<i32, Vec<i32>>::new();
            everybody().into_iter().for_each(|(pid, stat)| table.entry(stat.parent).or_default().push(pid));
            table
        });
        let below = |pid: i32| match &table {
            Some(table) => table.get(&pid).cloned().unwrap_or_default(),
            None => children(pid),
        };
        let mut found: Vec<(i32, Option<i32>)> = roots.iter().map(|pid| (*pid, None)).collect();
        let mut seen: HashSet<i32> = roots.iter().copied().collect();
        let mut at = 0;
        while let Some((pid, _)) = found.get(at).copied() {
            found.extend(below(pid).into_iter().filter(|child| seen.insert(*child)).map(|child| (child, Some(pid))));
            at += 1;
        }
        found
    }
}

/// Whose an orphan is.
pub(super) fn owner(pid: i32, identity: Identity, running: &[(Tag, i32)]) -> Option<Tag> {
    let found = match marker(pid, identity) {
        Some(hard) => running.iter().find(|(tag, _)| tag.0 | HIGH == hard),
        // The marker was wiped off, which takes privilege. The session may still be its leader's.
        None => {
            let session = Stat::of(pid)?.session;
            running.iter().find(|(_, leader)| *leader == session)
        }
    };
    found.map(|(tag, _)| *tag)
}

/// Kills what carries the marker of this folder and everything below it, except this process and those it
/// descends from. The answer is how many were still there to be killed: 0 means that nothing is left.
pub(super) fn kill_marked(identity: Identity) -> usize {
    let table: HashMap<i32, Stat> = everybody().into_iter().filter(|(_, stat)| !stat.dead).collect();
    let spared = ancestors(&table);
    let mut condemned: HashSet<i32> =
        table.keys().copied().filter(|pid| !spared.contains(pid) && marker(*pid, identity).is_some()).collect();
    loop {
        let below = |(pid, stat): &(&i32, &Stat)| condemned.contains(&stat.parent) && !spared.contains(*pid);
        let more: Vec<i32> = table.iter().filter(below).map(|(pid, _)| *pid).collect();
        let before = condemned.len();
        condemned.extend(more);
        if condemned.len() == before {
            break;
        }
    }
    condemned
        .into_iter()
        .filter(|pid| {
            let Some(handle) = Handle::open(*pid) else { return false };
            let same = Stat::of(*pid).is_some_and(|now| !now.dead && now.start == table[pid].start);
            if same {
                handle.signal(Signal::SIGKILL);
            }
            same
        })
        .count()
}

/// This process and all it descends from: a scheduler that was started from within a task is not its leftover.
fn ancestors(table: &HashMap<i32, Stat>) -> HashSet<i32> {
    let mut found = HashSet::new();
    let mut pid = nix::unistd::getpid().as_raw();
    while pid > 0 && found.insert(pid) {
        pid = table.get(&pid).map_or(0, |stat| stat.parent);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_proc() {
        let me = std::process::id() as i32;
        let stat = Stat::of(me).unwrap();
        assert_eq!(stat.parent, nix::unistd::getppid().as_raw());
        assert!(!stat.dead);
        assert!(stat.start > 0);
        assert!(Stat::of(i32::MAX).is_none());
        assert_eq!(marker(me, Identity(1)), None);
    }

    #[test]
    fn children_are_found_with_and_without_the_kernels_list() {
        let null = std::process::Stdio::null;
        let mut command = std::process::Command::new("/bin/sh");
        let mut child = command.args(["-c", "sleep 1000 & wait"]).stdout(null()).stderr(null()).spawn().unwrap();
        let pid = child.id() as i32;
        let fast = Tree::new();
        let slow = Tree { own: None, ..Tree::new() };
        while fast.descend(&[pid]).len() < 2 {
            std::thread::yield_now();
        }
        assert_eq!(fast.descend(&[pid]), slow.descend(&[pid]));
        assert!(slow.own_children().contains(&pid));
        let family: Vec<i32> = slow.descend(&[pid]).into_iter().map(|(pid, _)| pid).collect();
        slow.signal(&family, &[Signal::SIGKILL]);
        child.wait().unwrap();
        assert!(fast.descend(&[pid]).len() == 1);
    }

    #[test]
    fn a_marker_is_a_pair_of_limits_in_order() {
        let (soft, hard) = limits(Identity(u64::MAX), Tag(0));
        assert!(soft <= hard);
        assert_eq!(limits(Identity(5), Tag(6)), (5, 6 | HIGH));
    }
}
