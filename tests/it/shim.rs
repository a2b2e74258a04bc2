//! The shim as the worker sees it: real processes, real kills, with and without cgroups.

use escheduler::model::Tag;
use escheduler::worker::shim::{Account, Cause, Event, Exit, Inventory, Kill, Options, Shim, Start, Status};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

/// A worker with a shim in a folder of its own.
struct Desk {
    shim: Shim,
    events: Receiver<Event>,
    inventory: Inventory,
    options: Options,
    /// The folder around the shim's, with the logs.
    place: PathBuf,
    _dir: Option<TempDir>,
}

impl Desk {
    async fn open(cgroup: bool) -> Desk {
        let dir = TempDir::new().unwrap();
        let mut desk = Desk::at(dir.path(), cgroup).await;
        desk._dir = Some(dir);
        desk
    }

    async fn leased() -> Desk {
        let dir = TempDir::new().unwrap();
        let mut desk = Desk::with(dir.path(), true, true).await;
        desk._dir = Some(dir);
        desk
    }

    async fn at(place: &Path, cgroup: bool) -> Desk {
        Desk::with(place, cgroup, false).await
    }

    async fn with(place: &Path, cgroup: bool, leased: bool) -> Desk {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_escheduler"));
        let options = Options { dir: place.join("shim"), program, cgroup, leased };
        let (shim, inventory, events) = Shim::attach(options.clone()).await.unwrap();
        assert!(!inventory.cgroup || cgroup);
        Desk { shim, events, inventory, options, place: place.to_path_buf(), _dir: None }
    }

    /// The worker goes without a word, another one comes.
    async fn reopen(self) -> Desk {
        let Desk { options, place, _dir, .. } = self;
        let mut desk = Desk::at(&place, options.cgroup).await;
        desk._dir = _dir;
        desk
    }

    fn log(&self, tag: Tag) -> PathBuf {
        self.place.join(format!("{tag}.log"))
    }

    fn text(&self, tag: Tag) -> String {
        fs::read_to_string(self.log(tag)).unwrap_or_default()
    }

    fn script(&self, text: &str) -> Start {
        let tag = draw();
        Start {
            tag,
            argv: ["/bin/sh", "-c", text].map(String::from).to_vec(),
            dir: "/".into(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            log: self.log(tag),
            account: None,
            limit: None,
            log_max: 0,
            grace: Duration::from_millis(200),
            note: String::new(),
        }
    }

    fn start(&self, text: &str) -> Tag {
        let start = self.script(text);
        let tag = start.tag;
        self.shim.start(start);
        tag
    }

    async fn event(&mut self) -> Event {
        tokio::time::timeout(Duration::from_secs(60), self.events.recv()).await.expect("nothing happens").unwrap()
    }

    async fn started(&mut self) -> u32 {
        match self.event().await {
            Event::Started(running) => running.pid,
            other => panic!("{other:?}"),
        }
    }

    async fn ended(&mut self) -> Status {
        loop {
            match self.event().await {
                Event::Ended(status) => return status,
                Event::Started(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn gone(&mut self) -> Vec<Tag> {
        loop {
            match self.event().await {
                Event::Gone { tags, incarnation } => {
                    assert_ne!(incarnation, self.inventory.incarnation);
                    self.shim.follow(incarnation);
                    return tags;
                }
                Event::Started(_) | Event::Ended(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Runs a script to its end; the answer is what it wrote.
    async fn run(&mut self, text: &str) -> (Status, String) {
        let tag = self.start(text);
        let status = self.ended().await;
        assert_eq!(status.tag, tag);
        (status, self.text(tag))
    }

    fn kill_shim(&self) {
        kill(shim_pid(&self.options.dir), "KILL");
    }

    /// Lets the shim end, and sees that nothing is left of it.
    async fn close(self) {
        let pid = shim_pid(&self.options.dir);
        let Desk { shim, mut events, options, _dir, .. } = self;
        shim.leave();
        while events.recv().await.is_some() {}
        until(|| !alive(pid)).await;
        let group = fs::read_to_string(options.dir.join("cgroup")).ok();
        assert!(!group.is_some_and(|group| Path::new(&group).exists()), "a cgroup is left");
    }
}

/// The living shim of a folder: who holds its lock.
fn shim_pid(dir: &Path) -> u32 {
    let inode = fs::metadata(dir.join("shim.lock")).unwrap().ino();
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let line = locks.lines().find(|line| line.split_whitespace().any(|word| word.ends_with(&format!(":{inode}"))));
    line.expect("a shim lives").split_whitespace().nth(4).unwrap().parse().unwrap()
}

fn draw() -> Tag {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Tag(rand::random::<u64>() ^ NEXT.fetch_add(1, Ordering::Relaxed))
}

fn kill(pid: u32, signal: &str) {
    assert!(Command::new("/bin/kill").args(["-s", signal, &pid.to_string()]).status().unwrap().success());
}

fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// No process.
const NONE: [u32; 0] = [];

/// The living processes with this word on their command line.
fn with_word(word: &str) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        *pid != std::process::id() && String::from_utf8_lossy(&line).contains(word) && alive(*pid)
    })
    .collect()
}

async fn until(mut is: impl FnMut() -> bool) {
    let wait = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it does not come");
}

/// Runs a scenario with and without cgroups.
macro_rules! both {
    ($(#[$attribute:meta])* async fn $name:ident($mode:ident: bool) $body:block) => {
        mod $name {
            use super::*;
            async fn scenario($mode: bool) $body
            #[tokio::test]
            async fn with_cgroups() {
                scenario(true).await
            }
            #[tokio::test]
            async fn without_cgroups() {
                scenario(false).await
            }
        }
    };
}

both! {
    async fn an_end_is_told_as_it_was(cgroup: bool) {
        let mut desk = Desk::open(cgroup).await;
        assert_eq!(desk.run("echo out; echo err >&2").await.1, "out\nerr\n");
        assert_eq!(desk.run("exit 3").await.0.exit, Exit::Code(3));
        let (status, _) = desk.run("kill -KILL $$").await;
        assert_eq!((status.exit, status.killed), (Exit::Signal(9), None));
        assert_eq!(desk.run("kill -40 $$").await.0.exit, Exit::Signal(40));
        assert!(status.pid.is_some() && status.started_at <= status.ended_at);

        let mut start = desk.script("");
        start.argv = vec!["/no/such/program".into()];
        desk.shim.start(start.clone());
        let status = desk.ended().await;
        assert_eq!(status.exit, Exit::NotStarted("/no/such/program: No such file or directory".into()));
        assert_eq!(status.pid, None);

        start.tag = draw();
        start.argv = vec!["/etc/passwd".into()];
        desk.shim.start(start.clone());
        assert_eq!(desk.ended().await.exit, Exit::NotStarted("/etc/passwd: Permission denied".into()));

        start.tag = draw();
        start.argv = vec!["sh".into(), "-c".into(), "exit 4".into()];
        desk.shim.start(start.clone());
        assert_eq!(desk.ended().await.exit, Exit::Code(4));

        start.tag = draw();
        start.dir = "/no/such/folder".into();
        desk.shim.start(start.clone());
        assert_eq!(desk.ended().await.exit, Exit::NotStarted("/no/such/folder: No such file or directory".into()));
        desk.close().await;
    }
}

#[tokio::test]
async fn a_task_inherits_nothing_but_what_it_is_given() {
    let mut desk = Desk::open(true).await;
    let mut start = desk.script("");
    start.argv = vec!["/usr/bin/env".into()];
    start.env.push(("GREETING".into(), "hello = world".into()));
    start.env.push(("ESCHEDULER_TASK_TAG".into(), "forged".into()));
    let tag = start.tag;
    desk.shim.start(start);
    desk.ended().await;
    let text = desk.text(tag);
    let (given, marker) = text.rsplit_once("ESCHEDULER_SHIM=").unwrap();
    assert_eq!(given, format!("PATH=/usr/bin:/bin\nGREETING=hello = world\nESCHEDULER_TASK_TAG={tag}\n"));
    assert_eq!(marker.trim_end().len(), 16);
    assert_eq!(fs::metadata(desk.log(tag)).unwrap().mode() & 0o777, 0o600);

    let (_, fds) = desk.run("ls -l /proc/$$/fd").await;
    let fds: Vec<&str> = fds.lines().filter(|line| line.contains(" -> ")).collect();
    assert!(fds[0].ends_with("0 -> /dev/null") && fds[1].ends_with(".log") && fds[2].ends_with(".log"), "{fds:?}");
    assert_eq!(fds.len(), 3);

    let (_, status) = desk.run("cat /proc/self/status").await;
    for mask in ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"] {
        assert!(status.contains(&format!("\n{mask}:\t0000000000000000\n")), "{status}");
    }
    assert!(status.contains("\nUmask:\t0022\n"));

    let (_, stat) = desk.run("read stat < /proc/$$/stat; echo $stat").await;
    let stat: Vec<&str> = stat.split_whitespace().collect();
    assert_eq!((stat[5], stat[18]), (stat[0], "0"), "leads its session, with the usual priority");

    let (_, limits) = desk.run("cat /proc/self/limits").await;
    let files = |text: &str| text.lines().find(|line| line.starts_with("Max open files")).map(str::to_owned);
    assert_eq!(files(&limits), files(&fs::read_to_string("/proc/self/limits").unwrap()));

    let number = |text: &str| text.trim().parse::<i32>().unwrap();
    let shim = fs::read_to_string(format!("/proc/{}/oom_score_adj", shim_pid(&desk.options.dir))).unwrap();
    assert!(number(&desk.run("cat /proc/self/oom_score_adj").await.1) > number(&shim));
    desk.close().await;
}

#[tokio::test]
async fn a_task_runs_as_its_tenant() {
    let mut desk = Desk::open(true).await;
    let account = Account { uid: 65534, gid: 65534, groups: vec![65534, 4] };
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut start =
        desk.script("id -u; id -g; id -G; grep -E 'Cap(Eff|Prm)' /proc/self/status; echo $HOME; echo x >> /dev/stderr");
    start.account = Some(account.clone());
    start.env.push(("HOME".into(), "/nonexistent".into()));
    let tag = start.tag;
    desk.shim.start(start);
    let status = desk.ended().await;
    if !root {
        assert!(matches!(status.exit, Exit::NotStarted(why) if why.starts_with("could not become uid 65534")));
        return desk.close().await;
    }
    let none = "0000000000000000";
    let expected = format!("65534\n65534\n65534 4\nCapPrm:\t{none}\nCapEff:\t{none}\n/nonexistent\nx\n");
    assert_eq!(desk.text(tag), expected);

    // The folder is entered as the tenant.
    let closed = desk.place.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let mut start = desk.script("true");
    start.account = Some(account.clone());
    start.dir = closed;
    desk.shim.start(start);
    assert!(matches!(desk.ended().await.exit, Exit::NotStarted(why) if why.ends_with("closed: Permission denied")));

    // It can be stopped, and dies with the shim.
    let mut start = desk.script("trap '' TERM; echo up; sleep 1000 & wait; sleep 1000");
    start.account = Some(account);
    desk.shim.start(start.clone());
    until(|| desk.text(start.tag) == "up\n").await;
    desk.shim.kill(start.tag, Kill::Gently);
    let status = desk.ended().await;
    assert_eq!((status.exit, status.killed), (Exit::Signal(9), Some(Cause::Asked)));
    start.tag = draw();
    desk.shim.start(start.clone());
    let pid = desk.started().await;
    desk.kill_shim();
    assert_eq!(desk.gone().await, [start.tag]);
    assert!(!alive(pid));
    desk.close().await;
}

/// A tree that does everything to be forgotten. The word is on the command line of each of its processes; it
/// stands when the log has [`STANDING`] lines.
fn stubborn(word: &str) -> String {
    format!(
        r#": {word}; trap '' TERM HUP INT
        (echo a; while :; do sleep 1000.{word}; done) &
        setsid sh -c ': {word}; echo b; trap "" TERM; sleep 1001.{word} & sleep 1002.{word}' &
        (setsid env -i /bin/sh -c ': {word}; trap "" TERM; echo c; (sleep 1003.{word} &); (setsid sleep 1004.{word} &); echo d; sleep 1005.{word}' &)
        (echo e; exec env -i setsid sleep 1006.{word}) &
        echo f; wait; while :; do sleep 1007.{word}; done"#
    )
}

const STANDING: usize = 6;

/// A number with a fixed number of digits, as a fraction of a second.
fn word(tag: Tag) -> String {
    format!("{:020}", tag.0)
}

both! {
    async fn two_hundred_stops_leave_no_survivor_and_hit_no_stranger(cgroup: bool) {
        let mut desk = Desk::open(cgroup).await;
        let mut canaries = Canaries::release(&desk);
        // One that looks like a task of another installation, and two attempts that nobody stops.
        let beside = [desk.start("exec sleep 2000"), desk.start("setsid sleep 2001 & sleep 2002")];
        desk.started().await;
        desk.started().await;

        for round in 0..10 {
            let starts: Vec<Start> = (0..20)
                .map(|_| {
                    let mut start = desk.script("");
                    start.argv[2] = stubborn(&word(start.tag));
                    start.grace = Duration::from_millis(50);
                    start
                })
                .collect();
            for start in &starts {
                desk.shim.start(start.clone());
            }
            for (at, start) in starts.iter().enumerate() {
                // Some are hit while they grow, the others when they stand.
                if (at + round) % 4 != 0 {
                    until(|| desk.text(start.tag).lines().count() == STANDING).await;
                }
                desk.shim.kill(start.tag, if at % 2 == 0 { Kill::Gently } else { Kill::Now });
            }
            for _ in &starts {
                let status = desk.ended().await;
                assert_eq!(with_word(&word(status.tag)), NONE, "survivors of {}", status.tag);
                assert_eq!(status.killed, Some(Cause::Asked));
                assert!(matches!(status.exit, Exit::Signal(9 | 15)), "{status:?}");
                desk.shim.forget(status.tag);
            }
        }
        canaries.check();
        for tag in beside {
            desk.shim.kill(tag, Kill::Gently);
            let status = desk.ended().await;
            assert_eq!((status.exit, status.killed), (Exit::Signal(15), Some(Cause::Asked)));
        }
        desk.close().await;
    }
}

/// Processes that are nobody's business.
struct Canaries(Vec<Child>);

impl Canaries {
    fn release(desk: &Desk) -> Canaries {
        let sleep = |program: &str, words: &[&str]| {
            let mut command = Command::new(program);
            command.args(words).stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let mut marked = sleep("/bin/sleep", &["3000"]);
        marked.env("ESCHEDULER_TASK_TAG", draw().to_string()).env("ESCHEDULER_SHIM", "0123456789abcdef");
        let mut half = sleep("/bin/sleep", &["3001"]);
        let identity = fs::read_to_string(desk.options.dir.join("id")).unwrap();
        half.env("ESCHEDULER_SHIM", identity.split(' ').next().unwrap());
        let session = sleep("setsid", &["sleep", "3002"]);
        let limited = sleep("/bin/bash", &["-c", "ulimit -x 77; exec sleep 3003"]);
        Canaries([marked, half, session, limited].map(|mut command| command.spawn().unwrap()).into())
    }

    fn check(&mut self) {
        for canary in &mut self.0 {
            assert!(canary.try_wait().unwrap().is_none(), "a canary died");
        }
    }
}

impl Drop for Canaries {
    fn drop(&mut self) {
        for canary in &mut self.0 {
            let _ = canary.kill();
            let _ = canary.wait();
        }
    }
}

both! {
    async fn what_a_task_leaves_behind_is_ended_before_it_has_ended(cgroup: bool) {
        let mut desk = Desk::open(cgroup).await;
        let tag = draw();
        let name = word(tag);
        let script = format!(
            "sleep 1000.{name} & (setsid env -i sh -c 'trap \"\" TERM; sleep 1000.{name}; sleep 1001.{name}' &); exit 5"
        );
        let (status, text) = desk.run(&script).await;
        assert_eq!(with_word(&name), NONE);
        assert_eq!((status.exit, status.killed), (Exit::Code(5), None));
        assert_eq!(text, "[escheduler] processes that the task left behind are ended\n");

        // What ends in time is not worth a word.
        for _ in 0..50 {
            let (status, text) = desk.run("(true | true) & sleep 0 | cat; wait").await;
            assert_eq!((status.exit, text.as_str()), (Exit::Code(0), ""));
        }
        desk.close().await;
    }
}

both! {
    async fn a_time_limit_ends_the_whole_tree(cgroup: bool) {
        let mut desk = Desk::open(cgroup).await;
        let mut start = desk.script("");
        let name = word(start.tag);
        start.argv[2] = stubborn(&name);
        start.limit = Some(Duration::from_millis(100));
        desk.shim.start(start);
        let status = desk.ended().await;
        assert_eq!((status.exit, status.killed), (Exit::Signal(9), Some(Cause::TimeLimit)));
        assert_eq!(with_word(&name), NONE);

        // One that leaves when it is asked keeps its own exit code; a stopped one hears it too.
        let mut start = desk.script("trap 'exit 7' TERM; echo up; kill -STOP $$; while :; do sleep 0.01; done");
        start.limit = Some(Duration::from_millis(100));
        start.grace = Duration::from_secs(1000);
        desk.shim.start(start);
        let status = desk.ended().await;
        assert_eq!((status.exit, status.killed), (Exit::Code(7), Some(Cause::TimeLimit)));
        desk.close().await;
    }
}

#[tokio::test]
async fn a_second_kill_skips_the_grace() {
    let mut desk = Desk::open(true).await;
    let mut start = desk.script("trap '' TERM; echo up; while :; do sleep 0.01; done");
    start.grace = Duration::from_secs(100_000);
    let tag = start.tag;
    desk.shim.start(start);
    until(|| desk.text(tag) == "up\n").await;
    desk.shim.kill(tag, Kill::Gently);
    desk.shim.kill(tag, Kill::Gently);
    desk.shim.kill(tag, Kill::Now);
    let status = desk.ended().await;
    assert_eq!((status.exit.clone(), status.killed), (Exit::Signal(9), Some(Cause::Asked)));
    // It is told again to whoever asks, until it is forgotten.
    desk.shim.kill(tag, Kill::Now);
    assert_eq!(desk.ended().await, status);
    desk.shim.forget(tag);
    desk.shim.kill(tag, Kill::Now);
    assert!(matches!(desk.event().await, Event::Missing(missing) if missing == tag));
    desk.close().await;
}

#[tokio::test]
async fn an_attempt_is_started_once_however_often_it_is_told() {
    let mut desk = Desk::open(true).await;
    let gate = desk.place.join("gate");
    let start = desk.script(&format!("echo run; until [ -e {} ]; do sleep 0.01; done", gate.display()));
    let tag = start.tag;
    desk.shim.start(start.clone());
    desk.shim.start(start.clone());
    assert_eq!(desk.started().await, desk.started().await);
    fs::write(gate, "").unwrap();
    let status = desk.ended().await;
    desk.shim.start(start.clone());
    assert_eq!(desk.ended().await, status);
    desk.shim.forget(tag);
    desk.shim.start(start);
    // Nothing comes of it; the next one does.
    assert_eq!(desk.run("true").await.0.exit, Exit::Code(0));
    assert_eq!(desk.text(tag), "run\n");
    desk.close().await;
}

both! {
    async fn another_worker_goes_on_with_what_runs(cgroup: bool) {
        let mut desk = Desk::open(cgroup).await;
        let gate = desk.place.join("gate");
        let long = desk.start(&format!("until [ -e {} ]; do sleep 0.01; done; exit 9", gate.display()));
        let pid = desk.started().await;
        let short = desk.start("exit 8");
        let status = desk.ended().await;

        let first = desk.inventory.incarnation;
        let mut desk = desk.reopen().await;
        assert_eq!((desk.inventory.incarnation, desk.inventory.found), (first, true));
        assert_eq!(desk.inventory.running.iter().map(|r| (r.tag, r.pid)).collect::<Vec<_>>(), [(long, pid)]);
        assert_eq!(desk.inventory.ended, [status]);
        fs::write(gate, "").unwrap();
        assert_eq!(desk.ended().await.exit, Exit::Code(9));

        desk.shim.forget(short);
        desk.shim.forget(long);
        desk.shim.kill(short, Kill::Now);
        assert!(matches!(desk.event().await, Event::Missing(_)));
        let desk = desk.reopen().await;
        assert!(desk.inventory.ended.is_empty() && desk.inventory.running.is_empty());
        desk.close().await;
    }
}

both! {
    async fn when_the_shim_dies_its_tasks_are_dead_before_it_is_said(cgroup: bool) {
        let mut desk = Desk::open(cgroup).await;
        let mut canaries = Canaries::release(&desk);
        let mut tags: Vec<Tag> = Vec::new();
        for _ in 0..5 {
            let mut start = desk.script("");
            start.argv[2] = stubborn(&word(start.tag));
            tags.push(start.tag);
            desk.shim.start(start);
        }
        let done = desk.start("exit 6");
        let status = desk.ended().await;
        for tag in &tags {
            until(|| desk.text(*tag).lines().count() == STANDING).await;
        }
        desk.kill_shim();
        // What had ended is told once more, the rest is gone.
        assert_eq!(desk.ended().await, status);
        let mut gone = desk.gone().await;
        assert_eq!(tags.iter().flat_map(|tag| with_word(&word(*tag))).collect::<Vec<_>>(), NONE);
        gone.sort();
        tags.sort();
        assert_eq!(gone, tags);
        canaries.check();
        // The next one works.
        desk.shim.forget(done);
        assert_eq!(desk.run("exit 1").await.0.exit, Exit::Code(1));
        desk.close().await;
    }
}

#[tokio::test]
async fn a_log_that_grows_too_long_keeps_head_and_tail() {
    let mut desk = Desk::open(true).await;
    let mut start = desk.script("i=0; while [ $i -lt 100000 ]; do echo line $i; i=$((i+1)); done; echo the end");
    start.log_max = 128 << 10;
    let tag = start.tag;
    desk.shim.start(start);
    assert_eq!(desk.ended().await.exit, Exit::Code(0));
    assert!(fs::metadata(desk.log(tag)).unwrap().blocks() * 512 <= 128 << 10);
    let text = desk.text(tag).replace('\0', "");
    assert!(text.starts_with("line 0\nline 1\n") && text.ends_with("line 99999\nthe end\n"));
    assert_eq!(text.matches("[escheduler]").count(), 1);
    desk.close().await;
}

#[tokio::test]
async fn a_newer_worker_displaces_the_older() {
    let mut desk = Desk::open(true).await;
    let other = Desk::at(&desk.place, true).await;
    assert!(matches!(desk.event().await, Event::Displaced));
    assert!(desk.events.recv().await.is_none());
    other.close().await;
}

#[tokio::test]
async fn when_the_lease_is_over_so_is_the_incarnation() {
    let mut desk = Desk::open(true).await;
    let mut start = desk.script("");
    let name = word(start.tag);
    start.argv[2] = stubborn(&name);
    start.grace = Duration::from_secs(100_000);
    let tag = start.tag;
    desk.shim.start(start);
    until(|| desk.text(tag).lines().count() == STANDING).await;
    let now = || Duration::from(nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).unwrap());
    desk.shim.lease(now() + Duration::from_secs(1000));
    desk.shim.lease(now() + Duration::from_millis(1));
    desk.shim.cap(now() + Duration::from_millis(20));
    let status = desk.ended().await;
    assert_eq!((status.exit.clone(), status.killed), (Exit::Signal(9), Some(Cause::Over)));
    assert_eq!(with_word(&name), NONE);
    assert_eq!(desk.ended().await, status);
    assert_eq!(desk.gone().await, []);
    desk.close().await;
}

#[tokio::test]
async fn nothing_is_started_outside_of_a_lease() {
    let mut desk = Desk::leased().await;
    let early = desk.start("echo too early");
    assert!(matches!(desk.event().await, Event::Missing(tag) if tag == early));
    let now = || Duration::from(nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).unwrap());
    desk.shim.cap(now() + Duration::from_secs(1000));
    let capped = desk.start("echo a cap is no lease");
    assert!(matches!(desk.event().await, Event::Missing(tag) if tag == capped));
    desk.shim.lease(now() + Duration::from_secs(1000));
    let tag = desk.start("echo in time");
    assert_eq!(desk.ended().await.tag, tag);
    desk.shim.end();
    assert_eq!(desk.gone().await, []);
    desk.close().await;
}

/// A worker that was held still learns late that its shim has killed everything and ended. What it was granted, and
/// what it renewed meanwhile, is the former incarnation's.
#[tokio::test]
async fn what_was_wished_of_one_incarnation_does_not_reach_the_next() {
    let mut desk = Desk::leased().await;
    let now = || Duration::from(nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).unwrap());
    let far = || now() + Duration::from_secs(1000);
    desk.shim.lease(far());
    let first = desk.start("exit 3");
    assert_eq!(desk.ended().await.tag, first);
    desk.shim.end();
    let incarnation = loop {
        match desk.event().await {
            Event::Gone { incarnation, tags } => {
                assert_eq!(tags, []);
                break incarnation;
            }
            Event::Ended(status) => assert_eq!(status.tag, first),
            other => panic!("{other:?}"),
        }
    };
    desk.shim.lease(far());
    let late = desk.start("echo too late");
    assert!(matches!(desk.event().await, Event::Missing(tag) if tag == late));
    desk.shim.end();
    // That its status was recorded is true whoever lives.
    desk.shim.forget(first);
    desk.shim.follow(incarnation);
    let unleased = desk.start("echo the lease was not for this one");
    assert!(matches!(desk.event().await, Event::Missing(tag) if tag == unleased));
    desk.shim.lease(far());
    let tag = desk.start("exit 4");
    assert_eq!(desk.ended().await.tag, tag);
    for never in [late, unleased] {
        assert_eq!(desk.text(never), "");
    }
    desk.shim.forget(tag);
    let marker = draw();
    desk.shim.kill(marker, Kill::Now);
    assert!(matches!(desk.event().await, Event::Missing(tag) if tag == marker));
    let desk = desk.reopen().await;
    assert_eq!((desk.inventory.incarnation, desk.inventory.ended.as_slice()), (incarnation, [].as_slice()));
    desk.close().await;
}

#[tokio::test]
async fn a_shim_that_is_told_to_end_asks_its_tasks_first() {
    let mut desk = Desk::open(true).await;
    let tag = desk.start("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done");
    until(|| desk.text(tag) == "up\n").await;
    kill(shim_pid(&desk.options.dir), "TERM");
    let status = desk.ended().await;
    assert_eq!((status.exit.clone(), status.killed), (Exit::Code(3), Some(Cause::Over)));
    assert!(desk.text(tag).ends_with("bye\n"));
    assert_eq!(desk.ended().await, status);
    assert_eq!(desk.gone().await, []);
    desk.close().await;
}

#[tokio::test]
async fn an_idle_shim_ends_and_one_with_tasks_stays() {
    let mut desk = Desk::open(true).await;
    let gate = desk.place.join("gate");
    desk.start(&format!("until [ -e {} ]; do sleep 0.01; done", gate.display()));
    desk.started().await;
    let (pid, dir) = (shim_pid(&desk.options.dir), desk.place.clone());
    let Desk { _dir, shim, events, .. } = desk;
    drop((shim, events));
    fs::write(gate, "").unwrap();
    until(|| fs::read_dir(dir.join("shim/status")).unwrap().count() == 1).await;
    until(|| !alive(pid)).await;
    let desk = Desk::at(&dir, true).await;
    assert!(!desk.inventory.found);
    assert_eq!(desk.inventory.ended.len(), 1);
    desk.close().await;
}

#[tokio::test]
async fn a_folder_may_have_a_long_path() {
    let dir = TempDir::new().unwrap();
    let place = dir.path().join("long".repeat(50)).join("long".repeat(50));
    fs::create_dir_all(&place).unwrap();
    let mut desk = Desk::at(&place, true).await;
    assert_eq!(desk.run("echo here").await.1, "here\n");
    desk.close().await;
}

/// Not a test: the worker that [`everybody_may_be_killed_at_any_moment`] kills. It starts attempts that write
/// down their own beginning, as fast as it can.
#[tokio::test]
#[ignore = "a part of another test"]
async fn being_a_worker() {
    let Ok(place) = std::env::var("SHIM_TEST_PLACE") else { return };
    let mut desk = Desk::at(Path::new(&place), std::env::var("SHIM_TEST_CGROUP").is_ok()).await;
    loop {
        let mut start = desk.script("");
        start.argv[2] = format!(
            "echo $ESCHEDULER_TASK_TAG >> {place}/begun; : {w}; case $(($$ % 3)) in 0) setsid env -i sleep 1000.{w} & exec sleep 1001.{w};; esac",
            w = word(start.tag)
        );
        // Told is told, even if the shim never hears of it.
        fs::write(Path::new(&place).join(format!("told-{}", start.tag)), "").unwrap();
        desk.shim.start(start.clone());
        while let Ok(event) = desk.events.try_recv() {
            if let Event::Gone { tags, incarnation } = event {
                desk.shim.follow(incarnation);
                let left: Vec<u32> = tags.iter().flat_map(|tag| with_word(&word(*tag))).collect();
                fs::write(Path::new(&place).join("breach"), format!("{left:?}")).unwrap_or_default();
                if left.is_empty() {
                    fs::remove_file(Path::new(&place).join("breach")).unwrap();
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

both! {
    async fn everybody_may_be_killed_at_any_moment(cgroup: bool) {
        let dir = TempDir::new().unwrap();
        let place = dir.path();
        let module = module_path!().split_once("::").map_or("", |(_, module)| module);
        let module = module.rsplit_once("everybody_may").map_or("", |(outer, _)| outer);
        let mut seen: Vec<Tag> = Vec::new();
        for round in 0..16 {
            let mut worker = Command::new(std::env::current_exe().unwrap());
            worker.args(["--exact", &format!("{module}being_a_worker"), "--ignored", "--nocapture"]);
            worker.env("SHIM_TEST_PLACE", place).stdout(Stdio::null());
            if cgroup {
                worker.env("SHIM_TEST_CGROUP", "1");
            }
            let mut worker = worker.spawn().unwrap();
            let before = fs::read_to_string(place.join("begun")).unwrap_or_default().len();
            until(|| fs::read_to_string(place.join("begun")).unwrap_or_default().len() > before + 17 * 20).await;
            let pause = rand::random_range(0..3000);
            tokio::time::sleep(Duration::from_micros(pause)).await;
            let shim = shim_pid(&place.join("shim"));
            match round % 4 {
                0 => kill(shim, "KILL"),
                1 => {
                    let _ = worker.kill();
                    kill(shim, "KILL");
                }
                2 => {
                    kill(shim, "KILL");
                    let _ = worker.kill();
                }
                _ => {}
            }
            if round % 4 == 0 {
                until(|| fs::metadata(place.join("shim/shim.sock")).is_ok() && fs::read_to_string(place.join("begun")).unwrap().len() > before + 17 * 40).await;
            }
            let _ = worker.kill();
            let _ = worker.wait();

            // The next worker knows what was told, and is told what became of it.
            let desk = Desk::at(place, cgroup).await;
            let running: Vec<Tag> = desk.inventory.running.iter().map(|running| running.tag).collect();
            for entry in fs::read_dir(place).unwrap().flatten() {
                let name = entry.file_name().into_string().unwrap();
                let Some(tag) = name.strip_prefix("told-").and_then(Tag::parse) else { continue };
                if !running.contains(&tag) {
                    assert_eq!(with_word(&word(tag)), NONE, "{tag} was declared ended");
                    fs::remove_file(entry.path()).unwrap();
                }
                seen.push(tag);
            }
            for status in &desk.inventory.ended {
                desk.shim.forget(status.tag);
            }
            // The last word of this desk, so that everything before it was heard.
            let marker = draw();
            desk.shim.kill(marker, Kill::Now);
            let mut desk = desk;
            loop {
                match desk.event().await {
                    Event::Missing(tag) if tag == marker => break,
                    Event::Ended(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(!place.join("breach").exists(), "{}", fs::read_to_string(place.join("breach")).unwrap_or_default());
        let begun = fs::read_to_string(place.join("begun")).unwrap();
        let mut tags: Vec<&str> = begun.lines().collect();
        let all = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), all, "an attempt ran twice");

        let mut desk = Desk::at(place, cgroup).await;
        let running: Vec<Tag> = desk.inventory.running.iter().map(|running| running.tag).collect();
        for tag in &running {
            desk.shim.kill(*tag, Kill::Now);
        }
        for _ in &running {
            desk.ended().await;
        }
        assert_eq!(seen.iter().flat_map(|tag| with_word(&word(*tag))).collect::<Vec<_>>(), NONE);
        desk.close().await;
    }
}

/// What the shim costs, beside the floor of starting the same program. Run it with
/// `cargo test --release --test shim cost -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn the_cost_of_a_task() {
    const COUNT: usize = 5000;
    const AT_ONCE: usize = 16;
    // Nothing is deleted before the end, and it is not done where others delete: on some file systems (ext4
    // without a journal) that makes every new file in the neighbourhood dear for minutes.
    let mut places = Vec::new();
    for _ in 0..3 {
        let began = std::time::Instant::now();
        let line = format!("seq {COUNT} | xargs -P {AT_ONCE} -I{{}} /bin/sh -c true");
        assert!(Command::new("/bin/sh").args(["-c", &line]).status().unwrap().success());
        let floor = COUNT as f64 / began.elapsed().as_secs_f64();
        println!("floor: {floor:.0}/s");
        for cgroup in [true, false] {
            let place = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let mut desk = Desk::at(place.path(), cgroup).await;
            places.push(place);
            let pid = shim_pid(&desk.options.dir);
            let before = [ticks(pid), ticks(std::process::id())];
            let began = std::time::Instant::now();
            let mut delays = Vec::new();
            for _ in 0..AT_ONCE {
                desk.start("true");
            }
            for at in 0..COUNT {
                let status = desk.ended().await;
                delays.push(escheduler::model::Time::now().0 - status.ended_at.0);
                desk.shim.forget(status.tag);
                if at + AT_ONCE < COUNT {
                    desk.start("true");
                }
            }
            let rate = COUNT as f64 / began.elapsed().as_secs_f64();
            let used = [ticks(pid) - before[0], ticks(std::process::id()) - before[1]];
            let used = used.map(|ticks| ticks as f64 * 10_000.0 / COUNT as f64);
            delays.sort();
            println!(
                "cgroup {cgroup}: {rate:.0}/s, {:.0} % of the floor; a task costs the shim {:.0} µs, this worker {:.0} µs; \
                 the end is heard after {} ms (99 %: {} ms)",
                100.0 * rate / floor,
                used[0],
                used[1],
                delays[COUNT / 2],
                delays[COUNT * 99 / 100]
            );
            desk.close().await;
        }
    }
}

/// The processor time that a process itself has used, in hundredths of a second.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
