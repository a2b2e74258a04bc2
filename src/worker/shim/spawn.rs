//! From a wish to a process: everything that can be made beforehand is made here.

use super::cgroup::Group;
use super::folder::Identity;
use super::protocol::Start;
use super::raw::{self, Plan, Step};
use super::tree;
use crate::model::Tag;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid};
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// Where a program without a slash is looked for if the task has no `PATH`.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Tasks go this much before the worker when memory runs out, and before the shim in any case.
const OOM_ABOVE: i32 = 200;

/// Starts tasks.
pub(super) struct Starter {
    identity: Identity,
    null: File,
    nice: i32,
    files: (u64, u64),
    oom_score_adj: String,
}

/// Why there is no process.
pub(super) enum Refusal {
    /// The text says it.
    NotStarted(String),
    /// Processes cannot be born in that cgroup.
    Cgroup(Errno),
}

impl Starter {
    /// `nice` is what tasks get; what else they get is relative to what this process has now.
    pub fn new(identity: Identity, nice: i32) -> io::Result<Starter> {
        let ours = fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
        let oom_score_adj = (ours.trim().parse().unwrap_or(0) + OOM_ABOVE).min(1000).to_string();
        let files = getrlimit(Resource::RLIMIT_NOFILE)?;
        // Each running attempt takes two of ours, a task gets what there was before.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, files.1, files.1);
        Ok(Starter { identity, null: File::open("/dev/null")?, nice, files, oom_score_adj })
    }

    /// Whether a process that is born into this cgroup lives: it has to get as far as finding no program.
    pub fn can_use(&self, group: &Group) -> bool {
        let start = Start {
            tag: Tag(0),
            argv: vec!["/".into()],
            dir: "/".into(),
            env: Vec::new(),
            log: "/dev/null".into(),
            account: None,
            limit: None,
            log_max: 0,
            grace: Duration::ZERO,
            note: String::new(),
        };
        matches!(self.start(&start, Some(group)), Err(Refusal::NotStarted(_)))
    }

    /// Starts a task; the answer is its pid.
    pub fn start(&self, start: &Start, group: Option<&Group>) -> Result<i32, Refusal> {
        let texts = Texts::new(start, self.identity).map_err(Refusal::NotStarted)?;
        let log = open_log(start)
            .map_err(|error| Refusal::NotStarted(format!("{}: {}", start.log.display(), reason(&error))))?;
        let plan = Plan {
            programs: &texts.programs,
            argv: &texts.argv,
            env: &texts.env,
            dir: &texts.dir,
            null: self.null.as_fd(),
            log: log.as_fd(),
            account: start.account.as_ref(),
            limits: tree::limits(self.identity, start.tag),
            files: self.files,
            oom_score_adj: self.oom_score_adj.as_bytes(),
            nice: self.nice,
            cgroup: group.map(Group::dir),
        };
        raw::start(&plan).map_err(|(step, errno, pid)| {
            // It has executed nothing and is about to exit.
            let _ = pid.map(|pid| waitpid(Pid::from_raw(pid), None));
            let transient = matches!(errno, Errno::EAGAIN | Errno::ENOMEM);
            if step == Step::Fork && group.is_some() && !transient {
                return Refusal::Cgroup(errno);
            }
            Refusal::NotStarted(sentence(step, errno, start))
        })
    }
}

fn sentence(step: Step, errno: Errno, start: &Start) -> String {
    let reason = errno.desc();
    match step {
        Step::Fork => format!("no process could be made: {reason}"),
        Step::Session => format!("no session could be made: {reason}"),
        Step::Output => format!("{}: {reason}", start.log.display()),
        Step::Account => match &start.account {
            Some(account) => format!("could not become uid {}, gid {}: {reason}", account.uid, account.gid),
            None => reason.to_owned(),
        },
        Step::Directory => format!("{}: {reason}", start.dir.display()),
        Step::Program => format!("{}: {reason}", start.argv[0]),
    }
}

fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |errno| Errno::from_raw(errno).desc().to_owned())
}

/// The log, made if need be. It is the task's to open again under the names of its standard output.
fn open_log(start: &Start) -> io::Result<File> {
    let open = |path: &Path, fresh: bool| {
        let mut options = OpenOptions::new();
        options.append(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        options.create_new(fresh).open(path)
    };
    let log = match open(&start.log, true) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(&start.log, false)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(start.log.parent().unwrap_or(Path::new("/")))?;
            open(&start.log, true)?
        }
        Err(error) => return Err(error),
    };
    if let Some(account) = &start.account {
        let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
        // Only root can; anybody else fails at becoming the account, with a better sentence.
        let _ = nix::unistd::fchown(&log, Some(uid), Some(gid));
    }
    Ok(log)
}

/// The strings of a plan, as the kernel takes them.
struct Texts {
    programs: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
    dir: CString,
}

impl Texts {
    fn new(start: &Start, identity: Identity) -> Result<Texts, String> {
        let text = |what: &str, bytes: Vec<u8>| CString::new(bytes).map_err(|_| format!("{what} holds a zero byte"));
        let program = start.argv.first().filter(|program| !program.is_empty()).ok_or("no program was given")?;
        let programs: Vec<String> = if program.contains('/') {
            vec![program.clone()]
        } else {
            let path = start.env.iter().rev().find(|(name, _)| name == "PATH").map_or(PATH, |(_, value)| value);
            path.split(':').filter(|dir| !dir.is_empty()).map(|dir| format!("{dir}/{program}")).collect()
        };
        let argv = start.argv.iter().map(|word| text("an argument", word.clone().into()));
        let markers = [(tree::TAG_VARIABLE, start.tag.to_string()), (tree::SHIM_VARIABLE, identity.to_string())];
        let given = start.env.iter().filter(|(name, _)| markers.iter().all(|(marker, _)| marker != name));
        let given = given.map(|(name, value)| match name.is_empty() || name.contains('=') {
            true => Err(format!("`{name}` is no name of a variable")),
            false => text(&format!("the variable {name}"), format!("{name}={value}").into()),
        });
        let marks = markers.iter().map(|(name, value)| text(name, format!("{name}={value}").into()));
        Ok(Texts {
            programs: programs.into_iter().map(|path| text("the program", path.into())).collect::<Result<_, _>>()?,
            argv: argv.collect::<Result<_, _>>()?,
            env: given.chain(marks).collect::<Result<_, _>>()?,
            dir: text("the folder", start.dir.as_os_str().as_bytes().to_vec())?,
        })
    }
}
