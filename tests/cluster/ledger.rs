//! What tasks themselves have written down, and what was done to their machines: one file, in the order in which it
//! happened, for every writer appends whole lines. The cluster is judged by it, never by its own tables.
//!
//! Whether a node is alive twice is not told by times. Each attempt holds a lock of its node as long as it lives, and
//! writes `twice` if the lock is held when it begins: the kernel gives the lock back when the process is gone, not
//! earlier and not later.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub struct Ledger {
    path: PathBuf,
    locks: PathBuf,
    /// How many folders lie above that of a machine.
    depth: usize,
    read: Mutex<(u64, Vec<Line>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Task(What, Attempt),
    /// Everything that the shim of this machine has started is about to be killed by us, or with it.
    Doom {
        machine: String,
    },
    /// The shims of this machine up to this one are gone.
    Over {
        machine: String,
        life: u64,
        at: u64,
    },
    /// The instance is in the state STOP.
    Stopped {
        instance: i64,
    },
    /// The instance was paused or stopped, and is about to be told to go on.
    Resumed {
        instance: i64,
    },
    /// The instance is about to be told to run again from its beginning.
    Repeated {
        instance: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Start,
    End,
    Fail,
    /// Another attempt at the same node lives.
    Twice,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub instance: i64,
    pub node: String,
    pub number: u32,
    pub pid: i32,
    pub machine: String,
    /// Which shim of the machine started it.
    pub life: u64,
    /// Hundredths of a second since the machine booted.
    pub at: u64,
}

impl Ledger {
    /// A new ledger in the folder that holds the folders of the machines.
    pub fn new(folder: &Path) -> Ledger {
        let (path, locks) = (folder.join("ledger"), folder.join("locks"));
        std::fs::write(&path, "").expect("our own folder");
        std::fs::create_dir(&locks).expect("our own folder");
        Ledger { path, locks, depth: folder.components().count(), read: Mutex::default() }
    }

    /// A script that writes its start, does `work`, and writes its end. The programs of `work` are to be called with
    /// `9>&-`, unless they too are to hold the lock.
    pub fn script(&self, node: &str, work: &str) -> String {
        format!("{}{work}\nnote end\n", self.head(node))
    }

    /// A script that fails as often as told, and then succeeds. It counts the failures that it wrote down, so an
    /// attempt that was lost does not count.
    pub fn failing(&self, node: &str, work: &str, failures: u32) -> String {
        let past = format!("grep -c \"^fail $ESCHEDULER_PROCESS_INSTANCE_ID {node} \" {}", self.path.display());
        let again = format!("if [ \"$({past})\" -lt {failures} ]; then\nnote fail\nexit 3\nfi\n");
        format!("{}{work}\n{again}note end\n", self.head(node))
    }

    /// Without `${`: that would be a parameter of the workflow.
    fn head(&self, node: &str) -> String {
        let (path, locks, depth) = (self.path.display(), self.locks.display(), self.depth);
        format!(
            "IFS=/; set -- $PWD; unset IFS; shift {depth}; M=$1\n\
             I=$ESCHEDULER_PROCESS_INSTANCE_ID\n\
             read -r L < {root}/$M/data/shim/life\n\
             note() {{ read -r T _ < /proc/uptime; \
             echo \"$1 $I {node} $ESCHEDULER_TASK_ATTEMPT $$ $M $L $T $ESCHEDULER_TASK_TAG\" >> {path}; }}\n\
             exec 9>> {locks}/$I-{node}\n\
             flock -n 9 || note twice\n\
             note start\n",
            root = self.path.parent().unwrap_or(Path::new("/")).display(),
        )
    }

    /// Writes down what we know ourselves.
    pub fn write(&self, line: &Line) {
        let text = match line {
            Line::Task(..) => return,
            Line::Doom { machine } => format!("doom {machine}\n"),
            Line::Over { machine, life, at } => format!("over {machine} {life} {at}\n"),
            Line::Stopped { instance } => format!("stopped {instance}\n"),
            Line::Resumed { instance } => format!("resumed {instance}\n"),
            Line::Repeated { instance } => format!("repeated {instance}\n"),
        };
        let mut file = File::options().append(true).open(&self.path).expect("our own file");
        file.write_all(text.as_bytes()).expect("our own file");
    }

    /// Looks at all lines so far.
    pub fn with<T>(&self, look: impl FnOnce(&[Line]) -> T) -> T {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (offset, lines) = &mut *read;
        let mut file = File::open(&self.path).expect("our own file");
        let mut text = String::new();
        file.seek(SeekFrom::Start(*offset)).expect("our own file");
        file.read_to_string(&mut text).expect("our own file");
        *offset += text.len() as u64;
        lines.extend(text.lines().map(|line| parse(line).unwrap_or_else(|| panic!("no line of a ledger: {line:?}"))));
        look(lines)
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<Line> {
        self.with(<[Line]>::to_vec)
    }

    /// The lines of one node of an instance.
    pub fn of(&self, instance: i64, node: &str) -> Vec<(What, Attempt)> {
        self.with(|lines| {
            let of_it = lines.iter().filter_map(|line| match line {
                Line::Task(what, attempt) if attempt.instance == instance && attempt.node == node => {
                    Some((*what, attempt.clone()))
                }
                _ => None,
            });
            of_it.collect()
        })
    }

    /// Which nodes live: `INSTANCE-NODE`.
    pub fn alive(&self) -> BTreeSet<String> {
        let held = held();
        let files = std::fs::read_dir(&self.locks).expect("our own folder").flatten();
        let living = files.filter(|file| file.metadata().is_ok_and(|data| held.contains_key(&data.ino())));
        living.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// The files that are locked: their inodes, and the numbers of the processes that took the locks.
pub fn held() -> HashMap<u64, i32> {
    let text = std::fs::read_to_string("/proc/locks").expect("/proc is mounted");
    let lock = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, file, ..] = words[..] else { return None };
        Some((file.rsplit(':').next()?.parse().ok()?, pid.parse().ok()?))
    };
    text.lines().filter_map(lock).collect()
}

fn parse(line: &str) -> Option<Line> {
    let mut words = line.split(' ');
    let what = match words.next()? {
        "start" => What::Start,
        "end" => What::End,
        "fail" => What::Fail,
        "twice" => What::Twice,
        "doom" => return Some(Line::Doom { machine: words.next()?.to_owned() }),
        "over" => {
            let machine = words.next()?.to_owned();
            let (life, at) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            return Some(Line::Over { machine, life, at });
        }
        "stopped" => return Some(Line::Stopped { instance: words.next()?.parse().ok()? }),
        "resumed" => return Some(Line::Resumed { instance: words.next()?.parse().ok()? }),
        "repeated" => return Some(Line::Repeated { instance: words.next()?.parse().ok()? }),
        _ => return None,
    };
    let attempt = Attempt {
        instance: words.next()?.parse().ok()?,
        node: words.next()?.to_owned(),
        number: words.next()?.parse().ok()?,
        pid: words.next()?.parse().ok()?,
        machine: words.next()?.to_owned(),
        life: words.next()?.parse().ok()?,
        at: words.next()?.replace('.', "").parse().ok()?,
    };
    Some(Line::Task(what, attempt))
}

/// Now, as tasks tell it: hundredths of a second since the machine booted.
pub fn now() -> u64 {
    let text = std::fs::read_to_string("/proc/uptime").expect("/proc is mounted");
    text.split(' ').next().and_then(|up| up.replace('.', "").parse().ok()).expect("a time")
}
