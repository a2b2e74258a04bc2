//! Where files wait before they become resources: on the local disk, so that nothing unfinished ever reaches the
//! storage.
//!
//! A waiting file is locked by its process and removed when nobody holds it any more. What a process that was killed
//! has left is known by its lock being free.

use super::Error;
use bytes::Bytes;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::io::AsyncWriteExt;

const PREFIX: &str = "upload-";
/// A file younger than this may not be locked yet.
const YOUNG: Duration = Duration::from_secs(60);
/// How much is in memory between the network and the disk.
const BUFFER: usize = 256 << 10;

/// The folder.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    max: u64,
}

/// A file that is being written.
#[derive(Debug)]
pub struct Staged {
    file: tokio::fs::File,
    path: Waiting,
    size: u64,
    max: u64,
}

/// A file that goes when it is let go of.
#[derive(Debug)]
pub(super) struct Waiting {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Staging {
    pub(super) fn new(folder: PathBuf, max: u64) -> Staging {
        Staging { folder, max }
    }

    /// The largest file, in bytes.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// A new empty file.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn file(&self) -> Result<Staged, Error> {
        let path = self.folder.join(format!("{PREFIX}{}", uuid::Uuid::new_v4()));
        let made = tokio::task::spawn_blocking(move || {
            if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            let file = File::options().create_new(true).write(true).mode(0o600).open(&path)?;
            let second = file.try_clone()?;
            let lock = Flock::lock(second, FlockArg::LockExclusiveNonblock);
            let lock = lock.map_err(|(_, errno)| std::io::Error::from(errno))?;
            Ok((file, Waiting { path, _lock: lock }))
        });
        let (file, path) = made.await.map_err(std::io::Error::other)?.map_err(|error: std::io::Error| {
            Error::Storage(format!("{} cannot be written to: {error}", self.folder.display()))
        })?;
        let mut file = tokio::fs::File::from_std(file);
        file.set_max_buf_size(BUFFER);
        Ok(Staged { file, path, size: 0, max: self.max })
    }

    /// A file with that content.
    ///
    /// # Errors
    /// It cannot be written, or is too large.
    pub async fn text(&self, content: &str) -> Result<Staged, Error> {
        let mut staged = self.file().await?;
        staged.write(&Bytes::copy_from_slice(content.as_bytes())).await?;
        Ok(staged)
    }

    /// Removes what killed processes have left behind.
    pub(super) fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
            if is_ours && is_old(&entry.path()) && is_free(&entry.path()) {
                tracing::info!(file = %entry.path().display(), "removing an upload that was never completed");
                remove(&entry.path());
            }
        }
    }
}

fn is_old(path: &Path) -> bool {
    let age = |changed: SystemTime| SystemTime::now().duration_since(changed).unwrap_or_default();
    fs::metadata(path).and_then(|it| it.modified()).is_ok_and(|changed| age(changed) >= YOUNG)
}

fn is_free(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok())
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(file = %path.display(), %error, "could not remove an upload");
        }
        _ => {}
    }
}

impl Staged {
    /// Adds to the file.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or the disk is full.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), Error> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.max {
            return Err(Error::TooLarge(self.max));
        }
        Ok(self.file.write_all(bytes).await?)
    }

    /// How large it is, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the writing: what was written is on the disk.
    pub(super) async fn sync(mut self) -> Result<(Waiting, u64), Error> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok((self.path, self.size))
    }
}

impl Waiting {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Waiting {
    /// Unless it was moved to its place.
    fn drop(&mut self) {
        remove(&self.path);
    }
}
