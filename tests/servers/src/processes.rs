//! The processes of a server: those that work inside its folder. Each of the servers changes into its data folder, and
//! what it forks stays there; process groups would miss PostgreSQL's, which start sessions of their own.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;

/// The processes that work inside `folder`.
pub(crate) fn inside(folder: &Path) -> Vec<Pid> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder)))
        .map(Pid::from_raw)
        .collect()
}

/// Sends the signal to every process inside `folder`, those included that are started meanwhile.
pub(crate) fn signal(folder: &Path, signal: Signal) {
    let mut told = Vec::new();
    loop {
        let new: Vec<_> = inside(folder).into_iter().filter(|pid| !told.contains(pid)).collect();
        if new.is_empty() {
            return;
        }
        for pid in &new {
            // It may have ended by itself.
            let _ = kill(*pid, signal);
        }
        told.extend(new);
    }
}
