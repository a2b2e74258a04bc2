//! The data folder, and who has it: one process at a time (design: the locked folder stands for the lease).

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The locked file; it holds the number of the process.
const PID: &str = "escheduler.pid";
/// The file with the worker's name.
const WORKER: &str = "worker";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the data folder {} is in use by process {pid}; stop that one, or give this one a folder of its own (ESCHEDULER_DATA_BASEDIR_PATH)",
        path.display()
    )]
    InUse { path: PathBuf, pid: String },
    #[error("the data folder {} cannot be used: {why}", path.display())]
    Unusable { path: PathBuf, why: std::io::Error },
}

/// `data.basedir.path`
pub struct DataFolder {
    path: PathBuf,
}

/// The folder is this process's until this is dropped. The lock is close-on-exec: tasks do not inherit it.
#[derive(Debug)]
pub struct Claimed {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Claimed {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the worker of this folder: its host's, and a number drawn when it is first asked for. The number
    /// counts for this very file only, so that a copy of the folder is another worker.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn worker_name(&self, host: &str) -> Result<String, Error> {
        let unusable = |why: std::io::Error| Error::Unusable { path: self.path.clone(), why };
        let path = self.path.join(WORKER);
        if let Some(name) = read_name(&path) {
            return Ok(name);
        }
        let host: String = host.chars().take(100).collect();
        let name = format!("{host}-{:016x}", rand::random::<u64>());
        let new = self.path.join(".worker");
        let write = || {
            let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
            writeln!(file, "{name} {}", file.metadata()?.ino())?;
            file.sync_all()?;
            std::fs::rename(&new, &path)
        };
        write().map_err(unusable)?;
        Ok(name)
    }
}

fn read_name(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let (name, inode) = text.trim().rsplit_once(' ')?;
    (inode.parse() == Ok(std::fs::metadata(path).ok()?.ino())).then(|| name.to_owned())
}

impl DataFolder {
    pub fn new(path: &Path) -> DataFolder {
        DataFolder { path: path.to_owned() }
    }

    /// Whether another process has the folder now: the error that [`claim`](DataFolder::claim) would give. Makes
    /// nothing.
    pub fn user(&self) -> Option<Error> {
        let file = File::options().read(true).open(self.path.join(PID)).ok()?;
        match Flock::lock(file, FlockArg::LockSharedNonblock) {
            Err((file, Errno::EWOULDBLOCK)) => Some(self.in_use(file)),
            Ok(_) | Err(_) => None,
        }
    }

    fn in_use(&self, mut file: File) -> Error {
        let mut pid = String::new();
        // The number is a courtesy; without it the message is still true.
        let _ = file.read_to_string(&mut pid);
        Error::InUse { path: self.path.clone(), pid: pid.trim().to_owned() }
    }

    /// Makes the folder if need be, and locks it.
    ///
    /// # Errors
    /// Another process has it, or it cannot be written.
    pub fn claim(self) -> Result<Claimed, Error> {
        let unusable = |why: std::io::Error| Error::Unusable { path: self.path.clone(), why };
        // Tenants reach their execution folders through it, and see nothing else in it.
        DirBuilder::new().recursive(true).mode(0o711).create(&self.path).map_err(unusable)?;
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path.join(PID))
            .map_err(unusable)?;
        let mut lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((file, Errno::EWOULDBLOCK)) => return Err(self.in_use(file)),
            Err((_, why)) => return Err(unusable(why.into())),
        };
        let write = |lock: &mut File| {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        write(&mut lock).map_err(unusable)?;
        Ok(Claimed { path: self.path, _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_claim_is_refused_and_told_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataFolder::new(folder.path()).claim().unwrap();
        let error = DataFolder::new(folder.path()).claim().unwrap_err().to_string();
        assert!(error.contains(&format!("in use by process {};", std::process::id())), "{error}");
        let name = first.worker_name("here").unwrap();
        assert_eq!(first.worker_name("here").unwrap(), name);
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(folder.path().join(WORKER), copy.path().join(WORKER)).unwrap();
        let other = DataFolder::new(copy.path()).claim().unwrap();
        assert_ne!(other.worker_name("here").unwrap(), name, "a copy is another worker");
        drop(first);
        assert!(DataFolder::new(folder.path()).claim().is_ok());
    }
}
