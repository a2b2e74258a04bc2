//! The words of a cluster. Masters and workers are connected by streams, one from each worker to each master; what
//! is not tied to a stream is a call.

use super::Report;
use crate::model::{DefinitionId, InstanceId, ProjectId, Tag, TaskId};
use crate::queue::Job;
use async_trait::async_trait;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// Who holds attempts: a worker, in one incarnation (one life of its shim).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The worker's name: never that of another data folder.
    pub worker: String,
    /// Later ones of the same worker are greater.
    pub incarnation: u64,
}

impl fmt::Display for Holder {
    /// `name@incarnation`, the latter as 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:016x}", self.worker, self.incarnation)
    }
}

impl std::str::FromStr for Holder {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (worker, incarnation) = text.rsplit_once('@').ok_or(())?;
        let incarnation = u64::from_str_radix(incarnation, 16).map_err(drop)?;
        Ok(Holder { worker: worker.to_owned(), incarnation })
    }
}

/// Where an attempt belongs: enough to find its files without its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub project: ProjectId,
    pub definition: DefinitionId,
    pub instance: InstanceId,
    pub task: TaskId,
    pub tag: Tag,
    /// The epoch of the instance's owner; a worker obeys no lower one than it has seen.
    pub epoch: i32,
}

/// What a worker says on its stream to a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToMaster {
    /// One slot is free for this master. The number is never used twice by one worker process; the credit ends with
    /// the stream, with the process, or when it is used.
    Credit { number: u64 },
    /// A slot is free for this very attempt, which the worker has found in the queue; otherwise as a credit.
    Claim { number: u64, instance: InstanceId, tag: Tag },
    /// Takes a credit back that was not used.
    Withdraw { number: u64 },
    /// Repeated until it is acknowledged, to any master.
    Report(Report),
    /// Everything that the worker has, running or ended and not acknowledged.
    Holding { tags: Vec<Tag> },
}

/// What a master says to a worker: on its stream, or passed on by another master.
#[derive(Clone, Debug)]
pub enum ToWorker {
    /// Start this attempt in the slot of that credit. It is recorded that this worker holds it.
    Grant { credit: u64, epoch: i32, job: Arc<Job> },
    /// The claim came to nothing, or the master leaves: the credit is void.
    Void { credit: u64 },
    /// What about this attempt? Answered by a report: started, ended, or not here.
    Ask { attempt: Address },
    /// End the attempt; `now` skips the time of grace. If it never started, say so.
    Kill { attempt: Address, now: bool },
    /// The report of its end is recorded, or nobody waits for it.
    Acknowledge { tag: Tag },
    /// The instance with these ids (project, definition, instance) has ended: its execution folders may go.
    Clear { ids: [i32; 3] },
    /// This incarnation is over: kill everything at once.
    Fenced { incarnation: u64 },
}

/// What a worker tells about itself when it opens a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub holder: Holder,
    /// The address that worker groups name.
    pub host: String,
    /// The start of the worker's process.
    pub start: String,
}

/// The next serial for a [`Link`].
pub(super) fn next_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The sending end of a stream. Sending to a stream that is gone loses the message, as any network may. Whoever drops
/// all of them ends a stream that crosses the network.
pub struct Link<M> {
    /// Never the same twice in one process.
    pub serial: u64,
    say: Arc<dyn Fn(M) + Send + Sync>,
}

impl<M> Link<M> {
    /// A link into a channel.
    pub fn new(serial: u64, sender: UnboundedSender<M>) -> Self
    where
        M: Send + 'static,
    {
        // Whoever waits for an effect says it again.
        Link::with(serial, move |what| drop(sender.send(what)))
    }

    pub fn with(serial: u64, say: impl Fn(M) + Send + Sync + 'static) -> Self {
        Link { serial, say: Arc::new(say) }
    }

    pub fn say(&self, what: M) {
        (self.say)(what);
    }
}

impl<M> Clone for Link<M> {
    fn clone(&self) -> Self {
        Link { serial: self.serial, say: self.say.clone() }
    }
}

impl<M> fmt::Debug for Link<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.serial)
    }
}

/// What comes to a master from outside.
#[derive(Debug)]
pub enum MasterMail {
    Linked {
        hello: Hello,
        link: Link<ToWorker>,
    },
    Said {
        serial: u64,
        what: ToMaster,
    },
    Unlinked {
        serial: u64,
    },
    /// A report that another master passed on, because this one owns the instance.
    Letter {
        from: Holder,
        report: Report,
    },
    /// Another master cannot reach this worker: say it for him. Not passed on a second time.
    Pass {
        worker: String,
        what: ToWorker,
    },
    /// Runs of these definitions, or nodes of them, have ended at another master.
    Ended {
        definitions: Vec<DefinitionId>,
    },
}

/// What comes to a worker from masters. `master` is the start of a master's process.
#[derive(Debug)]
pub enum WorkerMail {
    Linked { master: String, link: Link<ToMaster> },
    Said { master: String, what: ToWorker },
    Unlinked { master: String, serial: u64 },
}

/// How a worker reaches the masters.
pub trait Masters: Send + Sync {
    /// Keeps a stream to every living master, and introduces itself on each. Ends them when the receiver is dropped.
    fn attend(&self, hello: Hello) -> UnboundedReceiver<WorkerMail>;
}

/// A worker begins an incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    pub holder: Holder,
    pub host: String,
    /// Of the worker's own service.
    pub address: Option<SocketAddr>,
    pub pid: u32,
    pub lease_ms: u64,
}

/// A renewal of a lease at the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    pub holder: Holder,
    /// The beat that this one follows; compared before it is moved.
    pub after: u64,
    pub lease_ms: u64,
}

/// How the database has answered a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The lease stands at this beat. It was moved by this very call only if `moved`.
    Lives { beat: u64, moved: bool },
    /// This incarnation was declared dead: kill everything.
    Fenced,
    /// A later incarnation of the same worker has signed in.
    Superseded,
    /// There is no such incarnation: sign in first.
    Unknown,
}

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody answered, or too late: whether it had an effect is not known.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The other side cannot do it now.
    #[error("it cannot be done now: {0}")]
    Unavailable(String),
    /// The other side does not take us for one of the cluster.
    #[error("refused: {0}")]
    Refused(String),
}

/// The calls that a worker makes to any master: each is one guarded write in the database.
#[async_trait]
pub trait Registrar: Send + Sync {
    /// Begins an incarnation, and declares the worker's former ones dead. Repeating it changes nothing and renews
    /// nothing.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn sign_in(&self, who: SignIn) -> Result<Standing, Failure>;

    /// Renews the lease.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn beat(&self, beat: Beat) -> Result<Standing, Failure>;
}

/// The calls of a master to another one, named by its start.
#[async_trait]
pub trait Colleagues: Send + Sync {
    /// Hands a report to the owner of its instance.
    fn letter(&self, master: &str, from: Holder, report: Report);

    /// Asks every other master to say this to a worker.
    fn pass(&self, worker: &str, what: ToWorker);

    /// Tells every other master that runs of these definitions, or nodes of them, have ended. If it is lost, whoever
    /// waits for them looks by himself now and then.
    fn ended(&self, definitions: Vec<DefinitionId>);
}
