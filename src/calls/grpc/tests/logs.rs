//! Logs of other hosts.

use super::member::{Setup, member, registry};
use super::pool;
use crate::calls::grpc::{LogReader, Roster};
use crate::logs::{Local, Logs, Remote};
use crate::registry::{Membership, Role};
use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A logger with a data folder of its own.
struct Logger {
    folder: TempDir,
    _master: super::member::Master,
    address: std::net::SocketAddr,
}

impl Logger {
    async fn start() -> Logger {
        let folder = tempfile::tempdir().unwrap();
        let logs: Arc<dyn Logs> = Arc::new(Local::new(folder.path().join("logs")));
        std::fs::create_dir_all(folder.path().join("logs/1/2")).unwrap();
        let master = Setup { logs: Some(logs), ..Setup::default() }.serve().await;
        Logger { folder, address: master.address, _master: master }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("logs/1/2/3.log")
    }

    fn write(&self, text: &[u8]) -> File {
        let mut log = File::options().append(true).create(true).open(self.path()).unwrap();
        log.write_all(text).unwrap();
        log
    }
}

async fn remote(loggers: &[(&str, std::net::SocketAddr)], here: Option<(String, Local)>) -> (Remote, Vec<Membership>) {
    let members = loggers.iter().map(|(host, address)| member(Role::Logger, &address.to_string(), host, *address));
    let (registry, joined) = registry(members).await;
    (Remote::new(LogReader::new(pool()), Roster::new(registry, Role::Logger), here), joined)
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_log_of_another_host_reads_like_one_of_this() {
    let logger = Logger::start().await;
    logger.write(b"one\ntwo\xff\nthree");
    let (logs, _joined) = remote(&[("h1", logger.address)], None).await;
    let path = logger.path();
    assert_eq!(logs.lines("h1", text(&path), 1, 10).await.unwrap(), "two\u{fffd}\r\nthree\r\n");
    assert_eq!(logs.bytes("h1", text(&path), 4, 5).await.unwrap(), &b"two\xff\n"[..]);
    assert_eq!(logs.bytes("h1", text(&path), 1000, 5).await.unwrap(), &b""[..]);
}

#[tokio::test]
async fn a_hole_in_a_log_is_passed_over() {
    let logger = Logger::start().await;
    let block = 4096;
    let lines: Vec<u8> = (0..block * 100 / 16).flat_map(|n| format!("line {n:>10}\n").into_bytes()).collect();
    let log = logger.write(&lines);
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    let log = File::options().write(true).open(logger.path()).map(|file| (file, log)).unwrap().0;
    fallocate(&log, flags, 10 * block, 80 * block).unwrap();
    let kept = [&lines[..10 * block as usize], &lines[90 * block as usize..]].concat();

    let (logs, _joined) = remote(&[("h1", logger.address)], None).await;
    let path = logger.path();
    let expected = String::from_utf8(kept.clone()).unwrap().replace('\n', "\r\n");
    assert!(logs.lines("h1", text(&path), 0, u64::MAX).await.unwrap() == expected);
    assert!(logs.bytes("h1", text(&path), 0, usize::MAX).await.unwrap() == kept);
}

#[tokio::test]
async fn what_is_no_log_is_not_read() {
    let logger = Logger::start().await;
    std::fs::write(logger.folder.path().join("secret"), "secret").unwrap();
    let (logs, _joined) = remote(&[("h1", logger.address)], None).await;
    for path in ["/etc/passwd", "../secret", "1/../../secret", "", "nul\0"] {
        let why = logs.bytes("h1", path, 0, 10).await.unwrap_err().to_string();
        assert!(why.ends_with("is not the log of a task") || path.contains('\0'), "{path}: {why}");
    }
    let why = logs.lines("h1", "1/2/9.log", 0, 10).await.unwrap_err().to_string();
    assert_eq!(why, "there is no log at 1/2/9.log");
}

#[tokio::test]
async fn of_two_loggers_on_one_host_the_one_that_has_the_log_answers() {
    let loggers = [Logger::start().await, Logger::start().await];
    let all = [("h1", loggers[0].address), ("h1", loggers[1].address)];
    let (logs, _joined) = remote(&all, None).await;
    for (number, logger) in loggers.iter().enumerate() {
        logger.write(format!("log {number}").as_bytes());
        let read = logs.lines("h1", text(&logger.path()), 0, 10).await.unwrap();
        assert_eq!(read, format!("log {number}\r\n"));
    }
    let missing = loggers[0].folder.path().join("logs/1/2/4.log");
    let why = logs.lines("h1", text(&missing), 0, 10).await.unwrap_err().to_string();
    assert_eq!(why, format!("there is no log at {}", missing.display()));
}

#[tokio::test]
async fn a_log_of_this_host_needs_no_logger_but_one_of_another_folder_does() {
    let (here, beside) = (Logger::start().await, Logger::start().await);
    here.write(b"mine");
    beside.write(b"theirs");
    let local = Local::new(here.folder.path().join("logs"));
    let (logs, _joined) = remote(&[("h1", beside.address)], Some(("h1".into(), local))).await;
    assert_eq!(logs.bytes("h1", text(&here.path()), 0, 10).await.unwrap(), &b"mine"[..]);
    assert_eq!(logs.bytes("h1", text(&beside.path()), 0, 10).await.unwrap(), &b"theirs"[..]);
    let why = logs.bytes("h2", text(&here.path()), 0, 10).await.unwrap_err().to_string();
    assert_eq!(why, "the log of host h2 cannot be read: no logger there answers");
}

#[tokio::test]
async fn a_logger_that_does_not_answer_is_told() {
    let logger = Logger::start().await;
    let (logs, _joined) = remote(&[("h1", ([127, 0, 0, 1], 1).into()), ("h1", logger.address)], None).await;
    // It might be the one that has it.
    let why = logs.bytes("h1", text(&logger.path()), 0, 10).await.unwrap_err().to_string();
    assert!(why.starts_with("the log of host h1 cannot be read: no logger there answers (no answer: "), "{why}");
}

/// Set in the process that has the test for itself.
const ALONE: &str = "ESCHEDULER_TEST_ALONE";

/// The most memory that this process has ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap() << 10
}

/// Runs a test of this program again in a process of its own: what others need must not be counted.
fn alone(test: &str) {
    let program = std::env::current_exe().unwrap();
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let ran = std::process::Command::new(program).args(["--exact", &name]).env(ALONE, "1").output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
async fn two_hundred_megabytes_are_downloaded_piece_by_piece() {
    if std::env::var_os(ALONE).is_none() {
        return alone("two_hundred_megabytes_are_downloaded_piece_by_piece");
    }
    const LENGTH: u64 = 200 << 20;
    let logger = Logger::start().await;
    let log = logger.write(b"");
    let log = File::options().write(true).open(logger.path()).map(|file| (file, log)).unwrap().0;
    let block = vec![b'x'; 1 << 20];
    (0..LENGTH >> 20).for_each(|at| log.write_all_at(&block, at << 20).unwrap());
    let (logs, _joined) = remote(&[("h1", logger.address)], None).await;
    let path = logger.path();

    let before = peak();
    let mut at = 0;
    loop {
        let piece = logs.bytes("h1", text(&path), at, 256 << 10).await.unwrap();
        if piece.is_empty() {
            break;
        }
        assert!(piece.iter().all(|byte| *byte == b'x'));
        at += piece.len() as u64;
    }
    assert_eq!(at, LENGTH);
    // Some pieces are on their way at a time, more on a busy machine; the whole log would take far more.
    assert!(peak() - before < 64 << 20, "{} bytes more", peak() - before);
}
