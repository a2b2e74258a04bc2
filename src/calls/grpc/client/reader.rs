//! The logs of a logger at a known address.

use super::pool::{Pool, call, within};
use crate::calls::Failure;
use crate::calls::grpc::wire::words;
use crate::logs;
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Duration;
use words::log_answer::What;

/// How long one answer may take: to find a line, a logger may have to read all before it.
const READ: Duration = Duration::from_secs(10);

/// Reads logs elsewhere.
#[derive(Clone)]
pub struct LogReader {
    pool: Pool,
}

/// What a logger has answered, or why it has not.
pub type Answer = Result<Result<Bytes, logs::Error>, Failure>;

impl LogReader {
    pub fn new(pool: Pool) -> LogReader {
        LogReader { pool }
    }

    /// See [`Logs::lines`](logs::Logs::lines).
    ///
    /// # Errors
    /// The logger does not answer, or does not take us for one of the cluster.
    pub async fn lines(&self, logger: SocketAddr, host: &str, path: &str, skip: u64, limit: u64) -> Answer {
        let client = self.pool.logger(logger)?;
        let words = words::LinesRequest { host: host.to_owned(), path: path.to_owned(), skip, limit };
        let answer = call(READ, || {
            let (mut client, words) = (client.clone(), words.clone());
            async move { client.lines(within(READ, words)).await }
        });
        read(answer.await?, path)
    }

    /// See [`Logs::bytes`](logs::Logs::bytes).
    ///
    /// # Errors
    /// The logger does not answer, or does not take us for one of the cluster.
    pub async fn bytes(&self, logger: SocketAddr, host: &str, path: &str, from: u64, max: usize) -> Answer {
        let client = self.pool.logger(logger)?;
        let words = words::BytesRequest { host: host.to_owned(), path: path.to_owned(), from, max: max as u64 };
        let answer = call(READ, || {
            let (mut client, words) = (client.clone(), words.clone());
            async move { client.bytes(within(READ, words)).await }
        });
        read(answer.await?, path)
    }
}

fn read(answer: words::LogAnswer, path: &str) -> Answer {
    let path = path.to_owned();
    match answer.what {
        Some(What::Data(data)) => Ok(Ok(data)),
        Some(What::Missing(_)) => Ok(Err(logs::Error::Missing(path))),
        Some(What::Outside(_)) => Ok(Err(logs::Error::Outside(path))),
        Some(What::Unreadable(why)) => Ok(Err(logs::Error::Unreadable { path, why: std::io::Error::other(why) })),
        None => Err(Failure::Unreachable("the logger's answer is of a later release".into())),
    }
}
