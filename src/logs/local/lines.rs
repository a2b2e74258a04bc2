//! From bytes to lines.

use super::{ANSWER_MAX, LINE_MAX};
use std::io::{self, BufRead, BufReader, Read};

const BUFFER: usize = 256 << 10;

/// Up to `limit` lines after the first `skip`, each ended by `\r\n`.
pub(super) fn read(log: impl Read, skip: u64, limit: u64) -> io::Result<String> {
    let mut log = BufReader::with_capacity(BUFFER, log);
    let mut answer = Vec::new();
    pass(&mut log, skip)?;
    for _ in 0..limit {
        if answer.len() >= ANSWER_MAX || !copy(&mut log, &mut answer)? {
            break;
        }
    }
    Ok(String::from_utf8(answer).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Passes over this many line ends.
fn pass(log: &mut impl BufRead, mut lines: u64) -> io::Result<()> {
    while lines > 0 {
        let buffer = log.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let mut ends = memchr::memchr_iter(b'\n', buffer);
        let found = ends.clone().count() as u64;
        let last = if found < lines { None } else { ends.nth(lines as usize - 1) };
        let passed = last.map_or(buffer.len(), |last| last + 1);
        lines -= found.min(lines);
        log.consume(passed);
    }
    Ok(())
}

/// Appends one line to the answer; `false` if there is none.
fn copy(log: &mut impl BufRead, answer: &mut Vec<u8>) -> io::Result<bool> {
    let start = answer.len();
    let mut left_out = 0;
    let mut found = false;
    loop {
        let buffer = log.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        found = true;
        let end = memchr::memchr(b'\n', buffer);
        let line = &buffer[..end.unwrap_or(buffer.len())];
        let shown = line.len().min(LINE_MAX - (answer.len() - start));
        answer.extend_from_slice(&line[..shown]);
        left_out += line.len() - shown;
        let consumed = line.len() + usize::from(end.is_some());
        log.consume(consumed);
        if end.is_some() {
            break;
        }
    }
    if found {
        finish(answer, start, left_out);
    }
    Ok(found)
}

fn finish(answer: &mut Vec<u8>, start: usize, mut left_out: usize) {
    if left_out == 0 {
        if answer[start..].ends_with(b"\r") {
            answer.pop();
        }
    } else {
        // A sign that was cut through would show as damage that is not in the log.
        let whole = answer[start..].len() - cut_through(&answer[start..]);
        left_out += answer[start..].len() - whole;
        answer.truncate(start + whole);
        answer.extend_from_slice(format!(" … [{left_out} more bytes in this line]").as_bytes());
    }
    answer.extend_from_slice(b"\r\n");
}

/// How many bytes at the end are only the beginning of a UTF-8 sign.
fn cut_through(line: &[u8]) -> usize {
    let begins =
        |tail: &[u8]| std::str::from_utf8(tail).is_err_and(|why| why.valid_up_to() == 0 && why.error_len().is_none());
    (1..=line.len().min(3)).find(|&n| begins(&line[line.len() - n..])).unwrap_or(0)
}
