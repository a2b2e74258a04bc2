use super::*;
use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder of logs with one log in it.
struct Place {
    folder: TempDir,
    logs: Local,
}

impl Place {
    fn with(log: &[u8]) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("logs");
        std::fs::create_dir_all(root.join("1/2")).unwrap();
        std::fs::write(root.join("1/2/3.log"), log).unwrap();
        Place { logs: Local::new(root), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("logs/1/2/3.log")
    }

    fn append(&self, text: &[u8]) {
        OpenOptions::new().append(true).open(self.path()).unwrap().write_all(text).unwrap();
    }

    async fn lines(&self, skip: u64, limit: u64) -> String {
        self.logs.lines("any", self.path().to_str().unwrap(), skip, limit).await.unwrap()
    }

    async fn bytes(&self, from: u64, max: usize) -> Bytes {
        self.logs.bytes("any", self.path().to_str().unwrap(), from, max).await.unwrap()
    }

    /// Every byte, in answers of this size, the next one asked for where the last one ended.
    async fn all_bytes(&self, max: usize) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let next = self.bytes(all.len() as u64, max).await;
            if next.is_empty() {
                return all;
            }
            all.extend_from_slice(&next);
        }
    }

    async fn refusal(&self, path: &str) -> String {
        self.logs.bytes("any", path, 0, 1).await.unwrap_err().to_string()
    }
}

#[tokio::test]
async fn lines_are_counted_from_the_start_and_each_is_ended_alike() {
    let place = Place::with(b"one\ntwo\r\n\nfour\rstill four\nfive");
    assert_eq!(place.lines(0, 100).await, "one\r\ntwo\r\n\r\nfour\rstill four\r\nfive\r\n");
    assert_eq!(place.lines(1, 2).await, "two\r\n\r\n");
    assert_eq!(place.lines(4, 2).await, "five\r\n");
    assert_eq!(place.lines(5, 2).await, "");
    assert_eq!(place.lines(u64::MAX, u64::MAX).await, "");
    assert_eq!(place.lines(0, 0).await, "");
}

#[tokio::test]
async fn bytes_are_those_of_the_file() {
    let place = Place::with(b"one\r\ntwo\xff");
    assert_eq!(place.bytes(0, 100).await, &b"one\r\ntwo\xff"[..]);
    assert_eq!(place.bytes(4, 3).await, &b"\ntw"[..]);
    for (from, max) in [(9, 10), (1000, 10), (u64::MAX, usize::MAX), (0, 0)] {
        assert_eq!(place.bytes(from, max).await, &b""[..], "{from} {max}");
    }
}

#[tokio::test]
async fn an_empty_log_has_no_lines() {
    let place = Place::with(b"");
    assert_eq!((place.lines(0, 10).await.as_str(), place.bytes(0, 10).await.len()), ("", 0));
}

#[tokio::test]
async fn what_is_no_utf8_shows_as_replacement_signs() {
    let place = Place::with(b"caf\xe9\n\xe6\x95\nok \xf0\x9f\x9a\x80\n");
    assert_eq!(place.lines(0, 10).await, "caf\u{fffd}\r\n\u{fffd}\r\nok 🚀\r\n");
}

#[tokio::test]
async fn a_log_that_grows_is_read_on_where_the_last_answer_ended() {
    let place = Place::with(b"one\ntw");
    assert_eq!(place.lines(0, 10).await, "one\r\ntw\r\n");
    assert_eq!(place.bytes(0, 100).await.len(), 6);
    place.append(b"o\nthree\n");
    assert_eq!(place.lines(1, 10).await, "two\r\nthree\r\n");
    assert_eq!(place.bytes(6, 100).await, &b"o\nthree\n"[..]);
}

#[tokio::test]
async fn a_log_that_never_stops_growing_does_not_keep_its_reader() {
    let place = Place::with(b"");
    let path = place.path();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = std::thread::spawn({
        let stop = stop.clone();
        move || {
            let mut log = OpenOptions::new().append(true).open(path).unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                log.write_all("数据数据\n".repeat(1000).as_bytes()).unwrap();
            }
        }
    });
    for _ in 0..3 {
        let text = place.lines(0, u64::MAX).await;
        assert!(text.split_terminator("\r\n").all(|line| "数据数据".starts_with(line.trim_end_matches('\u{fffd}'))));
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
}

#[tokio::test]
async fn what_was_cut_out_of_a_log_is_passed_over() {
    let place = Place::with(&[]);
    let (block, length) = (4096, 200 * 4096);
    let text: Vec<u8> = (0..length / 16).flat_map(|n| format!("line {n:>10}\n").into_bytes()).collect();
    place.append(&text);
    let log = OpenOptions::new().write(true).open(place.path()).unwrap();
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(&log, flags, 10 * block, 180 * block).unwrap();

    let kept = [&text[..10 * block as usize], &text[190 * block as usize..]].concat();
    let lines = String::from_utf8(kept.clone()).unwrap().replace('\n', "\r\n");
    assert_eq!(place.lines(0, u64::MAX).await, lines);
    assert_eq!(place.lines(10 * 256, 1).await, format!("line {:>10}\r\n", 190 * 256));
    for size in [1000, block as usize, 1 << 20] {
        assert!(place.all_bytes(size).await == kept, "in answers of {size} bytes");
    }
    assert_eq!(place.bytes(kept.len() as u64 - 5, 100).await, &kept[kept.len() - 5..]);
}

#[tokio::test]
async fn a_hole_of_a_hundred_gigabytes_costs_nothing() {
    let place = Place::with(b"head\n");
    let log = OpenOptions::new().write(true).open(place.path()).unwrap();
    log.set_len(100 << 30).unwrap();
    place.append(b"tail\n");
    let start = Instant::now();
    // A hole ends where a block ends, so zeros that share a block with text are part of the log.
    let text = place.lines(0, 10).await.replace('\0', "");
    assert_eq!(text, "head\r\ntail\r\n");
    assert_eq!(place.all_bytes(1 << 20).await.len(), 4096 + 5);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_log_that_ends_in_a_hole_ends_before_it() {
    let place = Place::with(&[b'x'; 4096]);
    OpenOptions::new().write(true).open(place.path()).unwrap().set_len(100 << 20).unwrap();
    assert_eq!(place.all_bytes(1 << 20).await.len(), 4096);
    assert_eq!(place.lines(1, 10).await, "");
}

#[tokio::test]
async fn a_huge_line_is_shown_in_part_and_the_next_one_is_reached() {
    let mut log = vec![b'x'; 3 * LINE_MAX];
    log.extend_from_slice(b"\nnext\n");
    let text = Place::with(&log).lines(0, 10).await;
    let (huge, next) = text.split_once("\r\n").unwrap();
    assert_eq!(huge.len(), LINE_MAX + format!(" … [{} more bytes in this line]", 2 * LINE_MAX).len());
    assert!(huge.ends_with(&format!("x … [{} more bytes in this line]", 2 * LINE_MAX)));
    assert_eq!(next, "next\r\n");
}

#[tokio::test]
async fn a_sign_at_the_end_of_what_is_shown_of_a_huge_line_stays_whole() {
    for padding in 0..4 {
        let log = "x".repeat(padding) + &"🚀".repeat(LINE_MAX / 4 + 10);
        let text = Place::with(log.as_bytes()).lines(0, 1).await;
        let (shown, note) = text.split_once(" … [").unwrap();
        assert!(!text.contains('\u{fffd}') && shown.ends_with('🚀'), "{padding}");
        assert!(note.starts_with(&format!("{} more", log.len() - shown.len())), "{padding}");
    }
}

#[tokio::test]
async fn an_answer_ends_with_a_line_when_it_is_large_enough() {
    let line = "x".repeat(LINE_MAX / 3 - 7) + "\n";
    let place = Place::with(line.repeat(60).as_bytes());
    let mut skip = 0;
    loop {
        let answer = place.lines(skip, 1000).await;
        assert!(answer.len() < ANSWER_MAX + LINE_MAX && (answer.is_empty() || answer.ends_with("x\r\n")));
        match answer.matches("\r\n").count() as u64 {
            0 => break,
            lines => skip += lines,
        }
    }
    assert_eq!(skip, 60);
}

#[tokio::test]
async fn only_logs_are_read() {
    let place = Place::with(b"text");
    let (root, outside) = (place.folder.path().join("logs"), place.folder.path().join("secret"));
    std::fs::write(&outside, "secret").unwrap();
    symlink(&outside, root.join("link.log")).unwrap();
    symlink(place.folder.path(), root.join("up")).unwrap();
    symlink(place.path(), root.join("inside.log")).unwrap();
    nix::unistd::mkfifo(&root.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let below = |path: &str| root.join(path).display().to_string();

    for path in ["link.log", "up/secret", "../secret", "1/../../secret", "../nothing", "1/2", "pipe", ""] {
        assert!(place.refusal(&below(path)).await.ends_with("is not the log of a task"), "{path}");
    }
    for path in ["/etc/passwd", "/etc/nothing", "../secret", "/dev/null", "nul\0byte"] {
        let refusal = place.refusal(path).await;
        assert!(refusal.ends_with("is not the log of a task") || path.contains('\0'), "{path}: {refusal}");
    }
    for path in ["1/2/4.log", "9/9/9.log", "1/2/3.log/4.log"] {
        assert_eq!(place.refusal(&below(path)).await, format!("there is no log at {}", below(path)));
    }
    for path in [below("inside.log"), "1/2/3.log".into(), below("1/2/../2/3.log")] {
        assert_eq!(place.logs.bytes("any", &path, 0, 10).await.unwrap(), &b"text"[..], "{path}");
    }
}

#[tokio::test]
async fn a_folder_of_logs_may_be_reached_through_a_link() {
    let place = Place::with(b"text");
    let other = place.folder.path().join("other");
    symlink(place.folder.path().join("logs"), &other).unwrap();
    let logs = Local::new(other.clone());
    for path in [other.join("1/2/3.log"), place.path()] {
        assert_eq!(logs.bytes("any", path.to_str().unwrap(), 0, 10).await.unwrap(), &b"text"[..]);
    }
}

#[tokio::test]
async fn before_the_first_task_there_is_no_log_and_no_folder() {
    let logs = Local::new("/nonexistent/logs".into());
    let why = logs.lines("any", "/nonexistent/logs/1/2/3.log", 0, 1).await.unwrap_err();
    assert!(matches!(why, Error::Missing(_)), "{why}");
}

#[tokio::test]
async fn a_log_that_was_shortened_while_it_is_read_ends_early() {
    let place = Place::with(&[b'x'; 10_000]);
    let mut data = Data::of(File::open(place.path()).unwrap()).unwrap();
    data.skip(5_000).unwrap();
    let log = OpenOptions::new().write(true).open(place.path()).unwrap();
    log.set_len(4_000).unwrap();
    let mut rest = Vec::new();
    data.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    log.write_all_at(b"new", 0).unwrap();
    assert_eq!(place.bytes(0, 3).await, &b"new"[..]);
}
