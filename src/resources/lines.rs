//! From the pieces of a file to some of its lines, with little in memory, however large the file is.

use super::{Bytes, Error};
use futures::StreamExt;

/// After how many bytes an answer ends, at the next line end.
const ANSWER_MAX: usize = 16 << 20;
/// How many bytes of one line are shown.
const LINE_MAX: usize = 1 << 20;

/// Up to `limit` lines after the first `skip`, joined by line feeds, without one at the end.
pub(super) async fn read(mut file: Bytes, skip: u64, limit: u64) -> Result<String, Error> {
    let mut window = Window { skip, left: limit, ..Window::default() };
    while !window.is_full()
        && let Some(piece) = file.next().await
    {
        window.add(&piece?);
    }
    Ok(window.text())
}

#[derive(Default)]
struct Window {
    /// How many lines to pass over.
    skip: u64,
    /// How many lines to take.
    left: u64,
    lines: u64,
    answer: Vec<u8>,
    line: Vec<u8>,
    /// Something of the line was there, if only nothing to show.
    begun: bool,
    left_out: usize,
}

impl Window {
    fn is_full(&self) -> bool {
        self.left == 0 || self.answer.len() >= ANSWER_MAX
    }

    fn add(&mut self, mut piece: &[u8]) {
        while self.skip > 0 {
            let Some(end) = memchr::memchr(b'\n', piece) else { return };
            self.skip -= 1;
            piece = piece.get(end + 1..).unwrap_or_default();
        }
        while !self.is_full() && !piece.is_empty() {
            let end = memchr::memchr(b'\n', piece);
            let (line, rest) = piece.split_at(end.unwrap_or(piece.len()));
            self.begun = true;
            let shown = line.len().min(LINE_MAX.saturating_sub(self.line.len()));
            self.line.extend_from_slice(line.get(..shown).unwrap_or_default());
            self.left_out += line.len() - shown;
            if end.is_some() {
                self.end_line();
            }
            piece = rest.get(1..).unwrap_or_default();
        }
    }

    fn end_line(&mut self) {
        if self.lines > 0 {
            self.answer.push(b'\n');
        }
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        self.answer.extend_from_slice(line);
        if self.left_out > 0 {
            self.answer.extend_from_slice(format!(" … [{} more bytes in this line]", self.left_out).as_bytes());
        }
        self.lines += 1;
        self.left -= 1;
        self.line.clear();
        (self.begun, self.left_out) = (false, 0);
    }

    fn text(mut self) -> String {
        if self.begun && !self.is_full() {
            self.end_line();
        }
        String::from_utf8(self.answer).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer, with the file in pieces of that many bytes.
    fn read(file: &str, skip: u64, limit: u64, size: usize) -> String {
        let mut window = Window { skip, left: limit, ..Window::default() };
        for piece in file.as_bytes().chunks(size) {
            window.add(piece);
        }
        window.text()
    }

    #[test]
    fn lines_are_counted_whatever_the_pieces() {
        for size in [1, 2, 3, 100] {
            let of = |skip, limit| read("one\r\ntwo\n\nvier 数\n", skip, limit, size);
            assert_eq!(of(0, 2000), "one\ntwo\n\nvier 数", "{size}");
            assert_eq!(of(1, 2), "two\n", "{size}");
            assert_eq!(of(3, 1), "vier 数", "{size}");
            assert_eq!((of(4, 9), of(0, 0)), (String::new(), String::new()), "{size}");
            assert_eq!(read("a\n\nb", 0, 9, size), "a\n\nb", "the last line need not end");
            assert_eq!(read("\n", 0, 9, size), "");
        }
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut window = Window { left: 5, ..Window::default() };
        for _ in 0..64 {
            window.add(&vec![b'x'; 1 << 20]);
            assert!(window.line.len() <= LINE_MAX);
        }
        window.add(b"\nnext");
        let text = window.text();
        assert!(text.len() < LINE_MAX + 100 && text.ends_with("more bytes in this line]\nnext"));
    }

    #[test]
    fn an_answer_ends_when_it_is_large() {
        let mut window = Window { left: u64::MAX, ..Window::default() };
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let mut lines = 0;
        while !window.is_full() {
            window.add(&line);
            lines += 1;
        }
        assert_eq!(lines, ANSWER_MAX / 1024 + 1);
    }
}
