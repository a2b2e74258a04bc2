//! Processes as `/proc` shows them: who belongs to a site, and what is left of it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// A process, dead ones that wait to be reaped included.
#[derive(Clone, Debug)]
pub struct Process {
    pub pid: i32,
    parent: i32,
    /// Nothing of it runs any more.
    pub dead: bool,
    stopped: bool,
    pub arguments: Vec<String>,
}

pub fn everybody() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted");
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(read).collect()
}

fn read(pid: i32) -> Option<Process> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let fields: Vec<&str> = std::str::from_utf8(&stat[after..]).ok()?.split_ascii_whitespace().collect();
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        dead: matches!(*fields.first()?, "Z" | "X"),
        stopped: *fields.first()? == "T",
        arguments: arguments.collect(),
    })
}

/// Living processes with this word among their arguments.
pub fn with_argument(word: &str) -> Vec<Process> {
    let found = everybody().into_iter();
    found.filter(|process| !process.dead && process.arguments.iter().any(|argument| argument == word)).collect()
}

/// The living shim of a data folder.
pub fn shim(data: &Path) -> Option<i32> {
    let folder = data.join("shim").to_string_lossy().into_owned();
    with_argument(&folder).first().map(|process| process.pid)
}

/// Everything that a site has started: what descends from its shim, or carries its mark.
pub fn tasks(data: &Path) -> Vec<Process> {
    let all = everybody();
    let mark = std::fs::read_to_string(data.join("shim/id")).unwrap_or_default();
    let mark = mark.split(' ').next().filter(|id| !id.is_empty()).map(|id| format!("ESCHEDULER_SHIM={id}"));
    let mut found: HashSet<i32> = shim(data).into_iter().collect();
    let root = found.clone();
    found.extend(
        all.iter().filter(|process| mark.as_ref().is_some_and(|mark| is_marked(process.pid, mark))).map(|p| p.pid),
    );
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    all.iter().for_each(|process| children.entry(process.parent).or_default().push(process.pid));
    let mut open: Vec<i32> = found.iter().copied().collect();
    while let Some(pid) = open.pop() {
        let below = children.get(&pid).into_iter().flatten().copied();
        open.extend(below.filter(|child| found.insert(*child)).collect::<Vec<_>>());
    }
    all.into_iter().filter(|process| found.contains(&process.pid) && !root.contains(&process.pid)).collect()
}

fn is_marked(pid: i32, mark: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
}

pub fn send(pid: i32, signal: Signal) {
    // It may have ended by itself.
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Stops a process, and returns when it does nothing any more.
pub fn freeze(pid: i32) {
    send(pid, Signal::SIGSTOP);
    while read(pid).is_some_and(|process| !process.dead && !process.stopped) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

pub fn lives(pid: i32) -> bool {
    read(pid).is_some_and(|process| !process.dead)
}

/// Ends whatever a site has left, its shim included; returns whom, those included that were dead already and
/// not reaped.
pub fn end_all(data: &Path) -> Vec<i32> {
    let mut ended = Vec::new();
    let shim = shim(data);
    // Frozen, so that it neither starts nor records anything while its tasks die.
    shim.into_iter().for_each(freeze);
    loop {
        let left = tasks(data);
        ended.extend(left.iter().map(|process| process.pid));
        let living: Vec<i32> = left.iter().filter(|process| !process.dead).map(|process| process.pid).collect();
        if living.is_empty() {
            break;
        }
        living.into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    shim.into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
    while shim.is_some_and(lives) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    ended.sort_unstable();
    ended.dedup();
    ended
}

/// A number of seconds by which the processes of one test are known.
pub fn token() -> String {
    format!("{}.{:09}", 100_000 + std::process::id() % 100_000, rand::random::<u32>() % 1_000_000_000)
}
