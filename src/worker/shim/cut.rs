//! Keeps a log from filling the disk: beyond its limit the middle is cut out, head and tail stay.
//!
//! The task appends to the file by itself, so nothing can be moved. A hole is punched instead: the file looks
//! as long as before, but the hole takes no room and reads as zeros; `SEEK_DATA` passes over it. A line at
//! the end of the head says so.

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Holes begin and end on such a boundary: only whole blocks are given back.
const BLOCK: u64 = 4096;

/// Cuts the log if it occupies more than `max` bytes; a quarter is kept at the head, half at the tail.
pub(super) fn cut(path: &Path, max: u64) -> io::Result<()> {
    // Without a limit, or so small that nothing could be kept.
    if max < 4 * BLOCK || path.metadata()?.blocks() * 512 <= max {
        return Ok(());
    }
    let log = open(path)?;
    let size = log.metadata()?.len();
    let from = (max / 4) / BLOCK * BLOCK;
    let to = size.saturating_sub(max / 2) / BLOCK * BLOCK;
    if to <= from {
        return Ok(());
    }
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    match fallocate(&log, flags, from as i64, (to - from) as i64) {
        Ok(()) => write_note(&log, from, to - from, max),
        // A file system that cannot do it: everything after the head goes, and what follows is appended.
        Err(Errno::EOPNOTSUPP) => {
            log.set_len(from)?;
            write_note(&log, from, size - from, max)
        }
        Err(errno) => Err(errno.into()),
    }
}

/// Always of the same length and at the same place, so that a later cut corrects it.
fn write_note(log: &File, from: u64, cut: u64, max: u64) -> io::Result<()> {
    let note = format!("\n[escheduler] {cut:>20} bytes were cut out here, the log had grown beyond {max} bytes\n");
    log.write_all_at(note.as_bytes(), from - note.len() as u64)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Appends a line of ours to a log.
pub(super) fn append(path: &Path, text: &str) {
    let log = OpenOptions::new().append(true).custom_flags(libc::O_NOFOLLOW).open(path);
    if let Err(error) = log.and_then(|mut log| log.write_all(format!("[escheduler] {text}\n").as_bytes())) {
        say!("{} cannot be written: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_tail_stay_however_often_it_is_cut() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("log");
        let max = 64 * 1024;
        let mut log = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        for line in 0..100_000 {
            writeln!(log, "line {line:>8}").unwrap();
            if line % 1000 == 0 {
                cut(&path, max).unwrap();
                assert!(path.metadata().unwrap().blocks() * 512 <= max);
            }
        }
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8(bytes.into_iter().filter(|byte| *byte != 0).collect()).unwrap();
        assert!(text.starts_with("line        0\nline        1\n"));
        assert!(text.ends_with("line    99998\nline    99999\n"));
        assert_eq!(text.matches("bytes were cut out here").count(), 1);
        assert!(text.len() as u64 <= max);
    }
}
