//! What the worker and the shim say to each other, and what a status file holds.
//!
//! A message is its length (four bytes, little endian) and that many bytes of JSON. The version is told in
//! both hellos. Fields and messages are only ever added: a field that is not known is passed over, and so
//! is a message, so that a newer worker gets on with an older shim until that one's tasks are done.

use crate::model::{Tag, Time};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version that this build speaks.
pub(super) const VERSION: u32 = 1;

/// Which release this is.
pub(super) const BUILD: &str = env!("CARGO_PKG_VERSION");

/// The oldest shim that this build still understands.
pub(super) const OLDEST: u32 = 1;

/// No message is longer; a longer one means that the other side does not speak this protocol.
const LONGEST: usize = 64 << 20;

/// A wish to start one attempt of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The attempt; it is started once, however often it is told.
    pub tag: Tag,
    /// The program and its arguments. A program without a slash is looked for in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// Where it starts; entered as the task's account.
    #[serde(serialize_with = "lossy")]
    pub dir: PathBuf,
    /// Its whole environment, but for the two markers that the shim adds.
    pub env: Vec<(String, String)>,
    /// The file that is its standard output and standard error, appended to.
    #[serde(serialize_with = "lossy")]
    pub log: PathBuf,
    /// Whom it runs as; `None` is the shim's own account.
    pub account: Option<Account>,
    /// After this long it is ended (`TERM`, grace, `KILL`).
    pub limit: Option<Duration>,
    /// The most bytes that the log may occupy; beyond, its middle is cut out. 0 is without a limit.
    pub log_max: u64,
    /// How long it may take to leave after `TERM`.
    pub grace: Duration,
    /// The worker's own words about the attempt, told back with whatever becomes of it.
    #[serde(default)]
    pub note: String,
}

/// A path that is no text comes out as one that does not exist, and so does not start; it must not fail here.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// A system account, already looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
    /// The supplementary groups; usually `gid` is among them.
    pub groups: Vec<u32>,
}

/// How an attempt ended. This is also what a status file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub tag: Tag,
    pub exit: Exit,
    pub started_at: Time,
    /// When its first process ended. What that left behind is gone too by the time the status is there.
    pub ended_at: Time,
    /// `None` if it was not started.
    #[serde(default)]
    pub pid: Option<u32>,
    /// Why it was killed, if it was. An exit by `KILL` without a cause is a failure like any other.
    #[serde(default)]
    pub killed: Option<Cause>,
    /// See [`Start::note`].
    #[serde(default)]
    pub note: String,
}

/// The end of the first process of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    Code(i32),
    Signal(i32),
    /// The program never ran; the text says why.
    NotStarted(String),
}

impl Exit {
    /// The code as a shell would tell it: 128 and the signal for a signal, 127 for what did not start.
    pub fn code(&self) -> i32 {
        match self {
            Exit::Code(code) => *code,
            Exit::Signal(signal) => 128 + signal,
            Exit::NotStarted(_) => 127,
        }
    }
}

/// Why the shim ended an attempt; the first cause stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The worker asked.
    Asked,
    /// It ran longer than [`Start::limit`].
    TimeLimit,
    /// The shim itself had to end: its lease was over, or it was told to by `TERM`. The attempt was lost, it
    /// did not fail.
    Over,
}

/// How an attempt is to be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kill {
    /// `TERM`, the attempt's grace, `KILL`.
    Gently,
    /// `KILL`, also of one that is being killed gently.
    Now,
}

/// One life of a shim, drawn when it starts: the worker signs in with it. The upper half counts the lives of the
/// folder, so that a later one is greater; the lower half is random, for a folder that was restored from a copy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({self})")
    }
}

/// An attempt that is running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub tag: Tag,
    pub pid: u32,
    pub started_at: Time,
    /// See [`Start::note`].
    #[serde(default)]
    pub note: String,
}

/// What the worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Always the first; makes this connection the worker's and ends an earlier one.
    Hello {
        version: u32,
    },
    Start(Box<Start>),
    Kill {
        tag: Tag,
        mode: Kill,
    },
    Forget {
        tag: Tag,
    },
    /// Kill everything and end at this instant of `CLOCK_BOOTTIME`, unless a later one is told or was told before.
    Lease {
        until: Duration,
    },
    /// As a lease, but for a later end that was told before: it counts no more.
    Cap {
        until: Duration,
    },
    /// Kill everything at once, and end.
    End,
    /// End if nothing runs.
    Leave,
}

/// What the shim says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// The answer to a hello: everything that the shim holds.
    Hello {
        version: u32,
        #[serde(default)]
        build: String,
        incarnation: Incarnation,
        pid: u32,
        cgroup: bool,
        running: Vec<Running>,
        ended: Vec<Status>,
    },
    Started(Running),
    Ended(Status),
    /// A kill was asked of an attempt that this incarnation neither runs nor remembers.
    Missing {
        tag: Tag,
    },
    /// A newer worker connected; nothing more comes.
    Displaced,
}

/// Appends a message to what waits to be sent.
pub(super) fn encode(message: &impl Serialize, out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    serde_json::to_writer(&mut *out, message).expect("these types have no maps, and no serializer that fails");
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// What the first bytes of a buffer are.
pub(super) enum Frame<M> {
    /// More bytes have to come first.
    Partial,
    /// A message, and how many bytes it took.
    Whole(M, usize),
    /// A message that this build does not know, and how many bytes it took.
    Foreign(usize),
    /// Not this protocol.
    Garbled(String),
}

/// Reads the first message of a buffer.
pub(super) fn decode<M: DeserializeOwned>(buffer: &[u8]) -> Frame<M> {
    let Some((head, rest)) = buffer.split_first_chunk::<4>() else { return Frame::Partial };
    let length = u32::from_le_bytes(*head) as usize;
    if length > LONGEST {
        return Frame::Garbled(format!("a message of {length} bytes"));
    }
    let Some(body) = rest.get(..length) else { return Frame::Partial };
    match serde_json::from_slice(body) {
        Ok(message) => Frame::Whole(message, 4 + length),
        Err(_) if serde_json::from_slice::<IgnoredAny>(body).is_ok() => Frame::Foreign(4 + length),
        Err(error) => Frame::Garbled(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_whole_or_not_at_all() {
        let mut buffer = Vec::new();
        encode(&Request::Kill { tag: Tag(7), mode: Kill::Now }, &mut buffer);
        for cut in 0..buffer.len() {
            assert!(matches!(decode::<Request>(&buffer[..cut]), Frame::Partial));
        }
        let size = buffer.len();
        buffer.push(9);
        let Frame::Whole(Request::Kill { tag: Tag(7), mode: Kill::Now }, used) = decode(&buffer) else { panic!() };
        assert_eq!(used, size);
        assert!(matches!(decode::<Request>(&[255; 8]), Frame::Garbled(_)));
    }

    #[test]
    fn a_newer_message_is_passed_over() {
        for (text, known) in [(r#""dance""#, false), (r#"{"dance":{"tag":1}}"#, false), (r#""leave""#, true)] {
            let mut buffer = (text.len() as u32).to_le_bytes().to_vec();
            buffer.extend_from_slice(text.as_bytes());
            match decode::<Request>(&buffer) {
                Frame::Whole(..) => assert!(known),
                Frame::Foreign(used) => assert!(!known && used == buffer.len()),
                _ => panic!("{text}"),
            }
        }
    }

    #[test]
    fn a_status_file_of_an_older_build_is_read() {
        let text = r#"{"tag":"00000000000000ff","exit":{"signal":9},"started_at":1,"ended_at":2,"extra":0}"#;
        let status: Status = serde_json::from_str(text).unwrap();
        assert_eq!(status.exit.code(), 137);
        assert_eq!(status.killed, None);
    }
}
