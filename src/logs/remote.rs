//! The task logs of all hosts, read through their loggers.

use super::{Error, Local, Logs};
use crate::calls::Failure;
use crate::calls::grpc::{LogReader, Roster};
use async_trait::async_trait;
use bytes::Bytes;
use std::net::SocketAddr;

/// Asks the loggers of a task's host.
///
/// Several may run on one host, each with a data folder of its own: the one that has the log answers. What lies here is
/// read here, also while the registry is away.
#[derive(Clone)]
pub struct Remote {
    reader: LogReader,
    loggers: Roster,
    /// The name of this host as task rows have it, and its logs; `None` where no task runs.
    here: Option<(String, Local)>,
}

impl Remote {
    pub fn new(reader: LogReader, loggers: Roster, here: Option<(String, Local)>) -> Remote {
        Remote { reader, loggers, here }
    }

    fn local(&self, host: &str) -> Option<&Local> {
        self.here.as_ref().filter(|(name, _)| name == host).map(|(_, local)| local)
    }

    /// The loggers of a host.
    async fn addresses(&self, host: &str) -> Vec<SocketAddr> {
        let members = self.loggers.members().await;
        let mut addresses: Vec<_> =
            members.iter().filter(|member| member.host == host).filter_map(|member| member.address).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    }

    /// The first answer that is the log; else the best reason why there is none.
    async fn first<F>(
        &self,
        host: &str,
        local: Option<Result<Bytes, Error>>,
        ask: impl Fn(SocketAddr) -> F,
    ) -> Result<Bytes, Error>
    where
        F: Future<Output = Result<Result<Bytes, Error>, Failure>>,
    {
        let mut failed = match local {
            Some(Ok(log)) => return Ok(log),
            Some(Err(why)) => Some(why),
            None => None,
        };
        for address in self.addresses(host).await {
            match ask(address).await {
                Ok(Ok(log)) => return Ok(log),
                Ok(Err(why)) => failed = better(failed, why),
                Err(why) => failed = better(failed, Error::Silent { host: host.to_owned(), why: why.to_string() }),
            }
        }
        Err(failed.unwrap_or_else(|| Error::Silent { host: host.to_owned(), why: String::new() }))
    }
}

/// Which of two reasons to tell: a logger that does not answer might have the log that the others lack.
fn better(one: Option<Error>, other: Error) -> Option<Error> {
    let weight = |why: &Error| match why {
        Error::Unreadable { .. } => 3,
        Error::Silent { .. } => 2,
        Error::Missing(_) => 1,
        Error::Outside(_) => 0,
    };
    match one {
        Some(one) if weight(&one) >= weight(&other) => Some(one),
        _ => Some(other),
    }
}

#[async_trait]
impl Logs for Remote {
    async fn lines(&self, host: &str, path: &str, skip: u64, limit: u64) -> Result<String, Error> {
        let local = match self.local(host) {
            Some(local) => Some(local.lines(host, path, skip, limit).await.map(Bytes::from)),
            None => None,
        };
        let text = self.first(host, local, |logger| self.reader.lines(logger, host, path, skip, limit)).await?;
        // A logger answers text; and if it did not, signs of replacement would say so.
        String::from_utf8(text.into()).or_else(|no| Ok(String::from_utf8_lossy(no.as_bytes()).into_owned()))
    }

    async fn bytes(&self, host: &str, path: &str, from: u64, max: usize) -> Result<Bytes, Error> {
        let local = match self.local(host) {
            Some(local) => Some(local.bytes(host, path, from, max).await),
            None => None,
        };
        self.first(host, local, |logger| self.reader.bytes(logger, host, path, from, max)).await
    }
}
