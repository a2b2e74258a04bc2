//! One cgroup (v2) per running attempt, where such a tree can be written: it ends a whole tree at once,
//! also one that forks faster than it can be walked.
//!
//! A cgroup is a name for a slot, not for an attempt: when it is empty the next attempt gets it, because
//! making and removing one costs more than all the rest of a start. Only one that was killed is not used
//! again: a kernel (6.18) kills whatever is born into it later, unless the parent's cgroup was killed as often.

use super::folder::{Folder, Identity};
use super::spawn::Starter;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// The name under which the folder remembers where its cgroups are.
const NOTE: &str = "cgroup";

/// The cgroups of one shim.
pub(super) struct Groups {
    root: PathBuf,
    free: Vec<Group>,
    made: usize,
    /// Killed, and not yet removed.
    worn: Vec<PathBuf>,
}

/// The cgroup of one attempt.
pub(super) struct Group {
    path: PathBuf,
    dir: OwnedFd,
    events: File,
    worn: Cell<bool>,
}

impl Groups {
    /// Makes the place for the cgroups below the one that we are in. Fails where that cannot be done.
    pub fn make(folder: &Folder, identity: Identity, starter: &Starter) -> io::Result<Groups> {
        let root = own()?.join(format!("escheduler-{identity}"));
        // Noted before it is there, so that it is found whatever happens.
        folder.note(NOTE, root.to_str().ok_or(io::ErrorKind::InvalidFilename)?)?;
        fs::create_dir(&root).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        })?;
        let mut groups = Groups { root, free: Vec::new(), made: 0, worn: Vec::new() };
        let first = groups.take()?;
        if !starter.can_use(&first) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no process can be born into one"));
        }
        groups.give(first);
        Ok(groups)
    }

    /// An empty cgroup.
    pub fn take(&mut self) -> io::Result<Group> {
        if let Some(group) = self.free.pop() {
            return Ok(group);
        }
        let path = self.root.join(format!("slot-{}-{}", std::process::id(), self.made));
        fs::create_dir(&path)?;
        self.made += 1;
        let dir = nix::fcntl::open(&path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        // A kernel before 5.14 has no such file, and cgroups would not help us there.
        path.join("cgroup.kill").metadata()?;
        let events = File::open(path.join("cgroup.events"))?;
        Ok(Group { path, dir, events, worn: Cell::new(false) })
    }

    /// Gives back a cgroup that is empty.
    pub fn give(&mut self, group: Group) {
        if group.worn.get() {
            // The kernel may need a moment more; then the next one takes it along.
            self.worn.push(group.path);
            self.worn.retain(|path| fs::remove_dir(path).is_err());
        } else {
            self.free.push(group);
        }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        remove(&self.root);
    }
}

impl Group {
    /// Where a process can be born in.
    pub fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Whether a process lives in it or below. What cannot be read is taken for inhabited.
    pub fn inhabited(&self) -> bool {
        let mut text = [0; 128];
        !self.events.read_at(&mut text, 0).is_ok_and(|n| String::from_utf8_lossy(&text[..n]).contains("populated 0"))
    }

    /// Kills everything in it.
    pub fn kill(&self) {
        self.worn.set(true);
        if let Err(error) = fs::write(self.path.join("cgroup.kill"), "1") {
            say!("a cgroup cannot be killed: {error}");
        }
    }
}

/// Kills what the last shim of the folder left in its cgroups. True if nothing is left there.
pub(super) fn kill_left(folder: &Folder) -> bool {
    let Some(root) = folder.noted(NOTE).map(PathBuf::from) else { return true };
    if !root.exists() {
        return true;
    }
    let _ = fs::write(root.join("cgroup.kill"), "1");
    let events = fs::read_to_string(root.join("cgroup.events")).unwrap_or_default();
    if !events.contains("populated 0") {
        return false;
    }
    remove(&root);
    true
}

/// Removes a cgroup and those below it; they have to be empty.
fn remove(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).for_each(|entry| {
        remove(&entry.path());
    });
    for _ in 0..100 {
        match fs::remove_dir(root) {
            // What was reaped may be counted for a moment more.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => sleep(Duration::from_millis(1)),
            Err(error) => return say!("the cgroup {} cannot be removed: {error}", root.display()),
            Ok(()) => return,
        }
    }
    say!("the cgroup {} is not empty", root.display());
}

/// The folder of the cgroup that this process is in.
fn own() -> io::Result<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let mount = mounts.lines().filter(|line| line.contains(" - cgroup2 ")).find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        Some((fields.next()?, fields.next()?))
    });
    let (Some(group), Some((root, place))) = (group, mount) else {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "no cgroup v2 tree is mounted"));
    };
    let below = group.strip_prefix(root.trim_end_matches('/')).unwrap_or(group);
    Ok(Path::new(place).join(below.trim_start_matches('/')))
}
