//! What a worker has to remember across its own death.
//!
//! An attempt that the shim does not know was either never started, and may be, or it died with an earlier
//! shim, and must not be started again. Which of the two is told by whether every loss of the earlier shims was
//! recorded before: only then is the shim's name written down. A crash in between makes an attempt that never
//! started count as lost, which costs a number and nothing else.

use super::shim::Incarnation;
use std::path::PathBuf;

/// Noted when a worker leaves and nothing runs.
const LEFT: &str = "left";

pub(super) struct Memory {
    file: PathBuf,
    incarnation: Incarnation,
    settled: bool,
    /// Masters have named every attempt that they wait for.
    pub resumed: bool,
}

impl Memory {
    pub fn open(file: PathBuf, incarnation: Incarnation) -> Memory {
        let noted = std::fs::read_to_string(&file).unwrap_or_default();
        let settled = noted.trim() == incarnation.to_string();
        let mut memory = Memory { file, incarnation, settled, resumed: false };
        if noted.trim() == LEFT {
            // Before anything is started, or a crash would make what has started look as if it never had.
            memory.settle();
        }
        memory
    }

    /// Whether what the shim does not know may have died with an earlier one.
    pub fn is_reborn(&self) -> bool {
        !self.settled
    }

    /// A new shim has taken the place of the last one.
    pub fn reborn(&mut self, incarnation: Incarnation) {
        self.settled = self.settled && self.incarnation == incarnation;
        self.incarnation = incarnation;
    }

    pub fn may_settle(&self) -> bool {
        self.resumed && !self.settled
    }

    /// The worker leaves, and nothing runs below the shim: whatever a later shim does not know never started.
    pub fn leave(&mut self) {
        if self.settled {
            self.note(LEFT);
        }
    }

    /// Every loss is recorded.
    pub fn settle(&mut self) {
        // If it cannot be noted, it is tried again with the next attempt that is acknowledged.
        self.settled = self.note(&self.incarnation.to_string());
    }

    fn note(&self, word: &str) -> bool {
        let new = self.file.with_extension("new");
        let noted = std::fs::write(&new, format!("{word}\n")).and_then(|()| std::fs::rename(&new, &self.file));
        if let Err(error) = &noted {
            tracing::debug!(%error, "could not note whether the shim is settled with");
        }
        noted.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shim_is_settled_with_only_once_that_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settled");
        let (first, second) = (Incarnation(1), Incarnation(2));
        let mut memory = Memory::open(file.clone(), first);
        assert!(memory.is_reborn());
        memory.resumed = true;
        memory.settle();
        assert!(!memory.is_reborn());
        assert!(!Memory::open(file.clone(), first).is_reborn(), "the next worker finds the same shim");

        memory.reborn(second);
        assert!(memory.is_reborn() && memory.may_settle());
        assert!(Memory::open(file.clone(), second).is_reborn(), "a crash before the losses are recorded");
        memory.settle();
        assert!(!Memory::open(file, second).is_reborn());
    }

    #[test]
    fn after_an_orderly_end_a_new_shim_has_nothing_to_answer_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settled");
        let mut memory = Memory::open(file.clone(), Incarnation(1));
        memory.settle();
        memory.leave();
        assert!(!Memory::open(file.clone(), Incarnation(2)).is_reborn());
        assert!(Memory::open(file, Incarnation(3)).is_reborn(), "the second shim may have started something");
    }
}
