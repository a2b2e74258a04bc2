//! HTTP by hand, so that what is sent may be broken.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Nothing takes as long; what does, hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub enum Answer {
    Http {
        status: u16,
        kind: String,
        body: Vec<u8>,
    },
    /// The connection ended without one.
    Nothing,
    /// It was neither answered nor ended.
    Hangs,
    /// Not HTTP.
    Garbled,
}

/// Sends bytes and reads to the end; `cut` sends nothing more afterwards, so that a body may end early.
pub fn send(address: &str, bytes: &[u8], cut: bool) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the program listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time");
    // The server may answer and close before all of it has arrived.
    let sent = stream.write_all(bytes);
    if cut {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Answer::Hangs,
        Err(_) if all.is_empty() => Answer::Nothing,
        _ if all.is_empty() && sent.is_err() => Answer::Nothing,
        _ => parse(&all),
    }
}

fn parse(all: &[u8]) -> Answer {
    if all.is_empty() {
        return Answer::Nothing;
    }
    let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Answer::Garbled;
    };
    let (head, body) = (String::from_utf8_lossy(&all[..end]).into_owned(), &all[end + 4..]);
    let Some(status) = head.split(' ').nth(1).and_then(|status| status.parse().ok()) else {
        return Answer::Garbled;
    };
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
    };
    let body = match header("transfer-encoding") {
        Some(_) => joined(body),
        None => body.to_vec(),
    };
    Answer::Http { status, kind: header("content-type").unwrap_or_default(), body }
}

/// The pieces of a chunked body.
fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..line]).ok().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        match size {
            Some(size) if size > 0 && rest.len() >= line + 4 + size => {
                body.extend_from_slice(&rest[line + 2..line + 2 + size]);
                rest = &rest[line + 4 + size..];
            }
            _ => break,
        }
    }
    body
}
