//! The task logs below one folder of this host.

mod data;
mod lines;
#[cfg(test)]
mod tests;

use super::{Error, Logs};
use async_trait::async_trait;
use bytes::Bytes;
use data::Data;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

/// Where an answer ends, in bytes, however much was asked for.
pub const ANSWER_MAX: usize = 16 << 20;

/// What is shown of one line, in bytes. A line cannot be told in two answers, because whoever reads on counts
/// lines; so the rest of a longer one is left out, and a note at its end says how much that is.
pub const LINE_MAX: usize = 1 << 20;

/// Reads the logs that lie below a folder of this host, whatever host is asked for.
///
/// - A log whose middle was cut out has a hole there. Holes are passed over, by both ways of reading: they cost
///   nothing, and show nothing. So lines and bytes are counted as if the file had never held what was cut out;
///   when a log is cut while somebody follows it, what follows moves forward by as much.
/// - An answer holds what the log held when it was opened. What the task appends meanwhile is in the next one.
/// - [`lines`](Logs::lines) may answer fewer lines than were asked for although more follow: it stops after the
///   line that makes the answer exceed [`ANSWER_MAX`]. A line beyond [`LINE_MAX`] is shown in part.
/// - [`bytes`](Logs::bytes) counts `from` in bytes that can be read: after an answer, the next ones begin at
///   `from` plus its length. It answers at most [`ANSWER_MAX`] bytes; only an empty answer means the end.
#[derive(Clone, Debug)]
pub struct Local {
    root: PathBuf,
}

impl Local {
    /// The logs below `root`. The folder need not be there yet.
    pub fn new(root: PathBuf) -> Local {
        Local { root }
    }

    /// Opens a log. `path` is absolute, or starts at the folder of the logs.
    ///
    /// The file is found first and opened only when it is known to be a plain file below the folder: opening a
    /// pipe or a device does something to it. Nothing can be put in its place between the two steps.
    fn open(&self, path: &str) -> Result<File, Error> {
        let unreadable = |why| Error::Unreadable { path: path.to_owned(), why };
        let wanted = self.root.join(path);
        let found = match File::options().read(true).custom_flags(libc::O_PATH).open(&wanted) {
            Ok(found) => found,
            Err(why) if is_missing(&why) && self.would_hold(&wanted) => return Err(Error::Missing(path.to_owned())),
            Err(why) if is_missing(&why) => return Err(Error::Outside(path.to_owned())),
            Err(why) => return Err(unreadable(why)),
        };
        let handle = format!("/proc/self/fd/{}", found.as_raw_fd());
        let real = std::fs::read_link(&handle).map_err(unreadable)?;
        let root = self.root.canonicalize().map_err(unreadable)?;
        if !real.starts_with(root) || !found.metadata().map_err(unreadable)?.is_file() {
            return Err(Error::Outside(path.to_owned()));
        }
        File::open(handle).map_err(unreadable)
    }

    /// Whether a path that leads to nothing reads like that of a log.
    fn would_hold(&self, path: &Path) -> bool {
        path.starts_with(&self.root) && !path.components().any(|part| part == Component::ParentDir)
    }

    /// Reads a log where waiting for a disk holds nobody up.
    async fn read<T: Send + 'static>(
        &self,
        path: &str,
        read: impl FnOnce(Data) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (local, name) = (self.clone(), path.to_owned());
        let reading = tokio::task::spawn_blocking(move || {
            let file = local.open(&name)?;
            Data::of(file).and_then(read).map_err(|why| Error::Unreadable { path: name, why })
        });
        match reading.await {
            Ok(answer) => answer,
            Err(why) => Err(Error::Unreadable { path: path.to_owned(), why: io::Error::other(why) }),
        }
    }
}

#[async_trait]
impl Logs for Local {
    async fn lines(&self, _host: &str, path: &str, skip: u64, limit: u64) -> Result<String, Error> {
        self.read(path, move |log| lines::read(log, skip, limit)).await
    }

    async fn bytes(&self, _host: &str, path: &str, from: u64, max: usize) -> Result<Bytes, Error> {
        self.read(path, move |mut log| {
            log.skip(from)?;
            let mut answer = Vec::new();
            log.take(max.min(ANSWER_MAX) as u64).read_to_end(&mut answer)?;
            Ok(answer.into())
        })
        .await
    }
}

fn is_missing(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
