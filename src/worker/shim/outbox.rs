//! Exit statuses that the worker has not yet recorded: one file each, there by rename or not at all.
//!
//! Nothing is flushed: a power cut ends the task as well. A file that is no longer needed is not deleted
//! but kept under another name for the next status, because making and deleting files is dear on some disks
//! (ext4 without a journal looks for an inode that was not deleted lately) and renaming is not.

use super::protocol::Status;
use crate::model::Tag;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Statuses are filled up with blanks to this size, so that one overwrites another whole.
const SIZE: usize = 512;

/// So many files wait for their next use at most.
const SPARE: usize = 1024;

/// The statuses of one folder, in memory and on disk.
pub(super) struct Outbox {
    dir: OwnedFd,
    held: HashMap<Tag, Status>,
    /// What the disk refused; tried again.
    unsaved: HashSet<Tag>,
    spare: Vec<String>,
    names: u64,
}

impl Outbox {
    /// Opens the folder and reads what earlier shims left in it.
    pub fn open(path: &Path) -> io::Result<Outbox> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let dir = nix::fcntl::open(path, flags, Mode::empty())?;
        let (held, unsaved, spare) = Default::default();
        let mut outbox = Outbox { dir, held, unsaved, spare, names: 0 };
        for entry in std::fs::read_dir(path)? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            match (name.strip_prefix(".spare-"), Tag::parse(&name)) {
                (Some(number), _) => {
                    outbox.names = outbox.names.max(number.parse().unwrap_or(0) + 1);
                    outbox.spare.push(name);
                }
                (None, Some(tag)) => match outbox.load(&name) {
                    Ok(status) => drop(outbox.held.insert(tag, status)),
                    Err(error) => say!("the status {name} cannot be read: {error}"),
                },
                (None, None) => {}
            }
        }
        Ok(outbox)
    }

    fn load(&self, name: &str) -> io::Result<Status> {
        let mut text = Vec::new();
        File::from(openat(&self.dir, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?)
            .read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }

    pub fn get(&self, tag: Tag) -> Option<&Status> {
        self.held.get(&tag)
    }

    pub fn all(&self) -> Vec<Status> {
        self.held.values().cloned().collect()
    }

    /// Holds a status until it is forgotten. A disk that refuses (it is full) is tried again later: the
    /// worker is told all the same, and only the death of this process could lose the status.
    pub fn save(&mut self, status: Status) {
        let tag = status.tag;
        if let Err(error) = self.write(&status) {
            say!("the status of {tag} cannot be written: {error}");
            self.unsaved.insert(tag);
        }
        self.held.insert(tag, status);
    }

    /// Tries again what could not be written.
    pub fn save_rest(&mut self) {
        for tag in self.unsaved.clone() {
            let Some(status) = self.held.get(&tag).cloned() else { continue };
            if self.write(&status).is_ok() {
                self.unsaved.remove(&tag);
            }
        }
    }

    /// Whether something waits for the disk.
    pub fn waits(&self) -> bool {
        !self.unsaved.is_empty()
    }

    fn write(&mut self, status: &Status) -> io::Result<()> {
        let mut text = serde_json::to_vec(status)?;
        text.resize(text.len().max(SIZE), b' ');
        let name = self.spare.pop().unwrap_or_else(|| self.draw());
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let written = openat(&self.dir, name.as_str(), flags, Mode::from_bits_truncate(0o600))
            .map_err(io::Error::from)
            .and_then(|file| File::from(file).write_all_at(&text, 0))
            .and_then(|()| Ok(renameat(&self.dir, name.as_str(), &self.dir, status.tag.to_string().as_str())?));
        if written.is_err() {
            let _ = unlinkat(&self.dir, name.as_str(), UnlinkatFlags::NoRemoveDir);
        }
        written
    }

    /// The worker has recorded this status.
    pub fn forget(&mut self, tag: Tag) {
        let Some(status) = self.held.remove(&tag) else { return };
        self.unsaved.remove(&tag);
        let name = tag.to_string();
        let plain = serde_json::to_vec(&status).is_ok_and(|text| text.len() <= SIZE);
        if plain && self.spare.len() < SPARE {
            let spare = self.draw();
            if renameat(&self.dir, name.as_str(), &self.dir, spare.as_str()).is_ok() {
                self.spare.push(spare);
                return;
            }
        }
        let _ = unlinkat(&self.dir, name.as_str(), UnlinkatFlags::NoRemoveDir);
    }

    fn draw(&mut self) -> String {
        self.names += 1;
        format!(".spare-{}", self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::Exit;
    use super::*;
    use crate::model::Time;

    fn status(tag: u64, exit: Exit) -> Status {
        Status {
            tag: Tag(tag),
            exit,
            started_at: Time(1),
            ended_at: Time(2),
            pid: Some(3),
            killed: None,
            note: String::new(),
        }
    }

    #[test]
    fn a_status_is_held_across_lives_until_it_is_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::open(place.path()).unwrap();
        let long = status(1, Exit::NotStarted("x".repeat(2000)));
        outbox.save(long.clone());
        outbox.save(status(2, Exit::Code(3)));

        let mut again = Outbox::open(place.path()).unwrap();
        assert_eq!(again.get(Tag(1)), Some(&long));
        assert_eq!(again.get(Tag(2)), Some(&status(2, Exit::Code(3))));
        again.forget(Tag(1));
        again.forget(Tag(2));
        again.forget(Tag(2));
        assert!(Outbox::open(place.path()).unwrap().all().is_empty());
    }

    #[test]
    fn files_are_used_again() {
        let place = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::open(place.path()).unwrap();
        for tag in 0..50 {
            outbox.save(status(tag, Exit::Signal(9)));
            outbox.forget(Tag(tag));
        }
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
        outbox = Outbox::open(place.path()).unwrap();
        outbox.save(status(7, Exit::Code(0)));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
        assert!(!outbox.waits());
    }

    #[test]
    fn a_full_disk_is_tried_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("status");
        std::fs::create_dir(&folder).unwrap();
        let mut outbox = Outbox::open(&folder).unwrap();
        std::fs::remove_dir(&folder).unwrap();
        outbox.save(status(1, Exit::Code(0)));
        assert!(outbox.waits() && outbox.get(Tag(1)).is_some());
        outbox.save_rest();
        assert!(outbox.waits());
        outbox.forget(Tag(1));
        assert!(!outbox.waits());
    }
}
