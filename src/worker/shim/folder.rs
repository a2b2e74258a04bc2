//! The shim's folder: who it is, who holds it, where its socket is.
//!
//! ```text
//! id           the identity of this folder, part of the marker of its tasks
//! boot         the boot of the machine that the last shim lived in
//! life         how many shims have lived in this folder
//! cgroup       the cgroup that the last shim put its tasks in
//! shim.lock    locked by the living shim
//! shim.sock    where the worker connects
//! shim.log     what shims have to say
//! status/TAG   exit statuses that the worker has not yet recorded
//! ```

use super::protocol::Incarnation;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::stat::Mode;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The identity of a folder: two installations on one machine never take each other's processes for theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(pub u64);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// An open folder.
pub(super) struct Folder {
    path: PathBuf,
    dir: OwnedFd,
}

impl Folder {
    /// Opens the folder, made if need be, for nobody but us.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(path)?;
        let path = path.canonicalize()?;
        let found = fs::metadata(&path)?;
        if found.mode() & 0o077 != 0 {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        }
        builder.create(path.join("status"))?;
        let dir = nix::fcntl::open(&path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        Ok(Folder { path, dir })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The socket under a name that is short, however long the path of the folder is.
    pub fn socket(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/shim.sock", self.dir.as_raw_fd()))
    }

    /// Becomes the shim of this folder; `None` if another is, or one of its children is just being born.
    pub fn lock(&self) -> io::Result<Option<Flock<File>>> {
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.path("shim.lock"))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(lock)),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(errno.into()),
        }
    }

    /// The identity, drawn when it is first asked for. It counts for this very file only, so that a copy of
    /// the folder is another folder. Only the holder of the lock may ask.
    pub fn identity(&self) -> io::Result<Identity> {
        let path = self.path("id");
        if let Some(identity) = read_identity(&path) {
            return Ok(identity);
        }
        let identity = Identity(rand::random::<u64>() >> 1);
        let new = self.path(".id");
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        writeln!(file, "{identity} {}", file.metadata()?.ino())?;
        file.sync_all()?;
        fs::rename(new, path)?;
        Ok(identity)
    }

    /// The number of a new life: greater than that of any earlier one. Only the holder of the lock may ask.
    pub fn begin_life(&self) -> io::Result<Incarnation> {
        let last = self.noted("life").and_then(|noted| noted.trim().parse::<u32>().ok()).unwrap_or(0);
        let life = last.checked_add(1).ok_or_else(|| io::Error::other("this folder has had too many lives"))?;
        let new = self.path(".life");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        writeln!(file, "{life}")?;
        // A power cut must not give a number twice.
        file.sync_all()?;
        fs::rename(new, self.path("life"))?;
        File::open(&self.path)?.sync_all()?;
        Ok(Incarnation(u64::from(life) << 32 | u64::from(rand::random::<u32>())))
    }

    /// Remembers a line of text under a name; replaced whole.
    pub fn note(&self, name: &str, text: &str) -> io::Result<()> {
        let new = self.path(&format!(".{name}"));
        fs::write(&new, text)?;
        fs::rename(new, self.path(name))
    }

    /// What was noted under this name.
    pub fn noted(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }
}

fn read_identity(path: &Path) -> Option<Identity> {
    let text = fs::read_to_string(path).ok()?;
    let (identity, inode) = text.trim().split_once(' ')?;
    (inode.parse() == Ok(fs::metadata(path).ok()?.ino())).then_some(())?;
    u64::from_str_radix(identity, 16).ok().map(Identity)
}

/// The running boot of this machine; no process is older.
pub(super) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_identity_and_a_copy_gets_its_own() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("a/shim")).unwrap();
        let identity = folder.identity().unwrap();
        assert_eq!(folder.identity().unwrap(), identity);

        let copy = Folder::open(&place.path().join("b")).unwrap();
        fs::copy(folder.path("id"), copy.path("id")).unwrap();
        assert_ne!(copy.identity().unwrap(), identity);
    }

    #[test]
    fn a_folder_has_one_holder() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let lock = folder.lock().unwrap().expect("nobody holds it");
        assert!(folder.lock().unwrap().is_none());
        drop(lock);
        assert!(folder.lock().unwrap().is_some());
        assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o777, 0o700);
    }
}
