//! Which servers answer.
//!
//! A crate that is given a server which swallows everything waits for it as long as the kernel does, two minutes. So
//! all servers are asked at once before each session, and only those that answer are given to the crate.

use super::operations::Error;
use futures::future::join_all;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_millis(800);

const PORT: u16 = 2181;

/// How much of an answer is read.
const LONGEST: u64 = 64 * 1024;

/// How a server has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Serves,
    /// It speaks, but not plainly: the question may be forbidden there, or it wants encryption.
    Speaks,
}

/// The connect string of those that answer, best first, else in random order, with the path at the end of `quorum`.
pub(super) async fn answering(quorum: &str) -> Result<String, Error> {
    let (servers, root) = quorum.find('/').map_or((quorum, ""), |at| quorum.split_at(at));
    let names = servers.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mut found: Vec<(Answer, SocketAddr)> =
        join_all(names.map(|name| timeout(PATIENCE, ask(name)))).await.into_iter().flatten().flatten().collect();
    if found.is_empty() {
        return Err(Error::Unknown(format!("none of {servers} answers")));
    }
    let turn = rand::random::<u32>() as usize % found.len();
    found.rotate_left(turn);
    found.sort_by_key(|(answer, _)| *answer);
    let best = found[0].0;
    let chosen: Vec<String> =
        found.iter().filter(|(answer, _)| *answer == best).map(|(_, address)| address.to_string()).collect();
    Ok(chosen.join(",") + root.trim_end_matches('/'))
}

/// Asks one server whether it serves; `None` if it does not, or is not there.
async fn ask(name: &str) -> Option<(Answer, SocketAddr)> {
    let (text, address) = exchange(name, "srvr").await?;
    if text.contains("not currently serving") {
        return None;
    }
    Some((if text.contains("Mode:") { Answer::Serves } else { Answer::Speaks }, address))
}

/// What a server answers to a word of four letters; `None` if it is not there.
pub(super) async fn say(name: &str, word: &str) -> Option<String> {
    exchange(name, word).await.map(|(text, _)| text)
}

async fn exchange(name: &str, word: &str) -> Option<(String, SocketAddr)> {
    let name = if has_port(name) { name.to_owned() } else { format!("{name}:{PORT}") };
    let mut stream = None;
    for address in lookup_host(name).await.ok()? {
        if let Ok(connected) = TcpStream::connect(address).await {
            stream = Some((connected, address));
            break;
        }
    }
    let (mut stream, address) = stream?;
    stream.write_all(word.as_bytes()).await.ok()?;
    let mut text = Vec::new();
    // What it says before it hangs up counts, however it hangs up.
    let _ = stream.take(LONGEST).read_to_end(&mut text).await;
    Some((String::from_utf8_lossy(&text).into_owned(), address))
}

fn has_port(name: &str) -> bool {
    name.rsplit_once(':')
        .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && !host.is_empty() && !name.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_told_from_the_end_of_an_address() {
        for (name, has) in [("zk1", false), ("zk1:2181", true), ("10.0.0.1:2181", true), ("[::1]:2181", true)] {
            assert_eq!(has_port(name), has, "{name}");
        }
        assert!(!has_port("[::1]"));
    }
}
