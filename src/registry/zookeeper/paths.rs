//! Where everything lies in ZooKeeper: the nodes of the original where its monitors expect them, and our own below its
//! root.

use crate::config;
use crate::registry::Role;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What must not stand in the name of a node, or would be mistaken for something else in it.
const STRANGE: &AsciiSet = &CONTROLS.add(b'/').add(b'%').add(b'~').add(b' ');

pub(super) struct Paths {
    root: String,
    masters: String,
    workers: String,
    /// Those of the original that only have to be there.
    kept: Vec<String>,
}

impl Paths {
    pub(super) fn new(config: &config::Zookeeper) -> Paths {
        let root = config.root.clone();
        let queues = ["tasks_queue", "tasks_kill"].map(|name| format!("{root}/{name}"));
        let kept = [&config.dead_servers].into_iter().chain(&config.locks).chain(&queues).cloned().collect();
        Paths { root, masters: config.masters.clone(), workers: config.workers.clone(), kept }
    }

    /// What monitors expect to be there, and members make when they sign in.
    pub(super) fn expected(&self) -> impl Iterator<Item = &String> {
        [&self.masters, &self.workers].into_iter().chain(&self.kept)
    }

    /// Where monitors look for the members of a role, if they do.
    pub(super) fn monitored(&self, role: Role) -> Option<&str> {
        match role {
            Role::Master => Some(&self.masters),
            Role::Worker => Some(&self.workers),
            Role::Api | Role::Logger | Role::Alert => None,
        }
    }

    pub(super) fn members(&self, role: Role) -> String {
        format!("{}/members/{role}", self.root)
    }

    pub(super) fn leases(&self) -> String {
        format!("{}/leases", self.root)
    }

    pub(super) fn lease(&self, worker: &str) -> String {
        format!("{}/{}", self.leases(), name(worker))
    }
}

/// A text as the name of a node. ZooKeeper takes neither an empty one nor dots alone.
pub(super) fn name(text: &str) -> String {
    match text {
        "" | "." | ".." => format!("%{text}"),
        _ => utf8_percent_encode(text, STRANGE).to_string(),
    }
}

/// Reverses [`name`].
pub(super) fn text(name: &str) -> String {
    match name.strip_prefix('%') {
        Some(rest @ ("" | "." | "..")) => rest.to_owned(),
        _ => percent_decode_str(name).decode_utf8_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_name_and_comes_back() {
        for worker in ["w1", "10.0.0.1", "a/b", "100%", "~", "größe", "", ".", "..", "%", "host:17:00ff"] {
            let name = name(worker);
            assert!(!name.is_empty() && !name.contains('/') && name != "." && name != "..", "{name}");
            assert_eq!(text(&name), worker);
        }
    }
}
