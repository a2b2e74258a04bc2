//! The worker's end of a connection: finds the living shim of a folder, or starts one.

use super::folder::Folder;
use super::protocol::{BUILD, Frame, Incarnation, OLDEST, Reply, Request, Running, Status, VERSION, decode, encode};
use super::{READY, TAKEN};
use bytes::{Buf, BytesMut};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::Child;

/// How soon it is tried again to reach a shim that is neither there nor gone, at first and at most.
pub(super) const AGAIN: Duration = Duration::from_millis(5);
pub(super) const AGAIN_AT_MOST: Duration = Duration::from_millis(500);

/// How long a new shim may take before it is worth a line in the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the shim is and how one is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The shim's own folder; nobody else writes there.
    pub dir: PathBuf,
    /// The executable, as an absolute path: usually `/proc/self/exe`.
    pub program: PathBuf,
    /// Whether a cgroup is used per attempt, where that can be done.
    pub cgroup: bool,
    /// Whether nothing may be started outside of a lease.
    pub leased: bool,
}

/// Why there is no shim.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder, the program or the connection.
    #[error("the shim in {} cannot be reached: {source}", dir.display())]
    Unreachable { dir: PathBuf, source: io::Error },
    /// A new shim ended before it was ready; its log says why.
    #[error("the shim did not start, see {}", log.display())]
    Stillborn { log: PathBuf },
    /// The living shim is too old; its tasks have to end first.
    #[error("the shim speaks version {0}, which is no longer understood")]
    Version(u32),
}

/// What the shim holds at the moment of attaching.
///
/// A tag that is in neither list is not running and never will be, unless it is started: if it ran, it is
/// surely dead, because what an earlier shim left was killed, and was seen to be gone, before this answer.
#[derive(Debug)]
pub struct Inventory {
    pub incarnation: Incarnation,
    /// This shim was not started by this call: an attempt in neither list was never started by it, or its
    /// status was forgotten. If false, it may have run in an earlier incarnation.
    pub found: bool,
    /// Whether attempts get a cgroup.
    pub cgroup: bool,
    pub pid: u32,
    pub running: Vec<Running>,
    /// Statuses that nobody has yet [forgotten](Shim::forget).
    pub ended: Vec<Status>,
}

/// One connection, past its hello.
pub(super) struct Link {
    stream: UnixStream,
    buffer: BytesMut,
    /// If it was us who started the shim: to be reaped.
    child: Option<Child>,
}

impl Link {
    /// Finds a shim or starts one, however long another takes to die.
    pub async fn open(options: &Options) -> Result<(Link, Inventory), Error> {
        let unreachable = |source| Error::Unreachable { dir: options.dir.clone(), source };
        let folder = Folder::open(&options.dir).map_err(unreachable)?;
        let mut child = None;
        let mut wait = AGAIN;
        loop {
            if let Some((mut link, inventory)) = Link::reach(&folder, child.is_none()).await? {
                link.child = child;
                return Ok((link, inventory));
            }
            if let Some(newborn) = launch(options, &folder).await? {
                child = Some(newborn);
            } else {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(AGAIN_AT_MOST);
            }
        }
    }

    /// Says hello to who listens; nobody may, who is about to, or about to end.
    async fn reach(folder: &Folder, found: bool) -> Result<Option<(Link, Inventory)>, Error> {
        let Ok(mut stream) = UnixStream::connect(folder.socket()).await else { return Ok(None) };
        let mut hello = Vec::new();
        encode(&Request::Hello { version: VERSION }, &mut hello);
        if stream.write_all(&hello).await.is_err() {
            return Ok(None);
        }
        let mut link = Link { stream, buffer: BytesMut::new(), child: None };
        match link.next().await {
            Ok(Reply::Hello { version, .. }) if version < OLDEST => Err(Error::Version(version)),
            // A shim of another release goes on until its tasks have ended, and no longer.
            Ok(Reply::Hello { build, running, .. }) if build != BUILD && running.is_empty() => {
                let mut leave = Vec::new();
                encode(&Request::Leave, &mut leave);
                link.send(&leave).await;
                while link.next().await.is_ok() {}
                Ok(None)
            }
            Ok(Reply::Hello { version: _, build: _, incarnation, pid, cgroup, running, ended }) => {
                Ok(Some((link, Inventory { incarnation, found, cgroup, pid, running, ended })))
            }
            _ => Ok(None),
        }
    }

    /// Sends what was encoded. That it cannot be sent is noticed by reading.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next reply. May be dropped and called again without a loss.
    pub async fn next(&mut self) -> io::Result<Reply> {
        loop {
            match decode(&self.buffer) {
                Frame::Whole(reply, used) => {
                    self.buffer.advance(used);
                    return Ok(reply);
                }
                Frame::Foreign(used) => self.buffer.advance(used),
                Frame::Garbled(what) => return Err(io::Error::new(io::ErrorKind::InvalidData, what)),
                Frame::Partial => {
                    if self.stream.read_buf(&mut self.buffer).await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }
}

/// Starts a shim and waits until it can be connected to; `None` if another one holds the folder.
async fn launch(options: &Options, folder: &Folder) -> Result<Option<Child>, Error> {
    let unreachable = |source| Error::Unreachable { dir: options.dir.clone(), source };
    let stillborn = || Error::Stillborn { log: folder.path("shim.log") };
    let log = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(folder.path("shim.log"));
    let mut command = tokio::process::Command::new(&options.program);
    command.arg("shim").arg("--dir").arg(&options.dir);
    if !options.cgroup {
        command.arg("--no-cgroup");
    }
    if options.leased {
        command.arg("--leased");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.map_err(unreachable)?);
    let mut child = command.spawn().map_err(unreachable)?;
    let mut word = String::new();
    let out = child.stdout.take().ok_or_else(stillborn)?;
    let mut out = BufReader::new(out);
    let said = out.read_line(&mut word);
    tokio::pin!(said);
    loop {
        tokio::select! {
            said = &mut said => {
                said.map_err(unreachable)?;
                break;
            }
            () = tokio::time::sleep(PATIENCE) => {
                tracing::warn!(dir = %options.dir.display(), "the new shim still waits for what an earlier one left to die");
            }
        }
    }
    match word.trim_end() {
        READY => Ok(Some(child)),
        TAKEN => {
            let _ = child.wait().await;
            Ok(None)
        }
        _ => Err(stillborn()),
    }
}
