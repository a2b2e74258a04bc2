//! The words of a cluster over gRPC. Nothing is decided here: the same words mean the same in one process.
//!
//! # Wiring
//!
//! ```text
//! let place = Whereabouts::find(&config.cluster, grpc::port(&config, &roles)).await?;
//! let port = Port::open(place.listen, place.ip).await?;                // taken early; port.address() for the registry
//! let credentials = Credentials::read(&config.cluster)?;
//! let pool = Pool::new(credentials.clone());
//! let masters = Roster::new(registry.clone(), Role::Master);
//!
//! port.serve(credentials, Services { master, logs }, stop)             // master and logger: whichever is played
//! EveryMaster::new(pool, masters)                                      // worker: its `Masters`
//! AnyMaster::new(pool, masters)                                        // worker: its `Registrar`
//! OtherMasters::new(pool, masters, start)                              // master: its `Colleagues`
//! EveryBell::new(local_bell, pool, masters, start)                     // api: its `Bell`
//! logs::Remote::new(LogReader::new(pool), loggers, here)               // api: its `Logs`
//! ```
//!
//! A worker opens streams and is never called, so it needs no port of its own.
//!
//! # What is always so
//!
//! - Every call of every service is proved in both directions before anything of it is read ([`proof`]).
//! - On one stream the order is kept. Its beginning and its end are told once each, and all between them.
//! - A peer that is silently gone is noticed within three seconds, by pings: no word waits for it for longer.
//! - Nobody's slowness fills our memory: what cannot be delivered is bounded, and lost beyond that. Whoever waits for
//!   an effect says it again.

mod client;
mod header;
mod proof;
mod pump;
mod server;
#[cfg(test)]
mod tests;
mod tls;
mod whereabouts;
mod wire;

pub use client::{Answer, AnyMaster, EveryBell, EveryMaster, LogReader, OtherMasters, Pool, Roster};
pub use proof::Key;
pub use server::{MasterService, Port, Services};
pub use tls::Tls;
pub use whereabouts::{Whereabouts, port};

use crate::config;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The largest message: a document may have some megabytes.
const MESSAGE_MAX: usize = 64 << 20;

/// How often the other end of a connection is asked for a sign of life, and how long it may take to give one. Together
/// they are less than the three seconds within which a peer that is gone is noticed.
const PING_EVERY: Duration = Duration::from_secs(1);
const PONG_WITHIN: Duration = Duration::from_millis(1800);

/// How much may be on its way of one call, and on one connection: as much as even a slow network takes before a ping
/// behind it is overdue.
const WINDOW: u32 = 1 << 20;
const WINDOW_OF_CONNECTION: u32 = 2 << 20;

/// What shows that we are of the cluster.
#[derive(Clone, Debug)]
pub struct Credentials {
    key: Key,
    tls: Option<Tls>,
}

impl Credentials {
    /// Reads the files that the configuration names.
    ///
    /// # Errors
    /// One of them cannot be read, or they do not go together.
    pub fn read(cluster: &config::Cluster) -> Result<Credentials, Error> {
        let tls = cluster.tls.as_ref().map(Tls::read).transpose()?;
        if let Some(tls) = &tls {
            // Tried before anybody calls: a key that belongs to another certificate is a mistake of the operator.
            tonic::transport::Server::builder().tls_config(tls.server()).map_err(Error::tls)?;
        }
        Ok(Credentials { key: Key::new(&cluster.secret), tls })
    }
}

/// Why a process cannot take part in a cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{key}: {} cannot be read: {why}", path.display())]
    File { key: &'static str, path: PathBuf, why: std::io::Error },
    #[error("cluster.tls.cert and cluster.tls.key do not make a server: {0}")]
    Tls(String),
    #[error("server.host: {host} cannot be resolved: {why}")]
    Host { host: String, why: String },
    #[error("no server of zookeeper.quorum can be resolved or reached, so the own address is not known")]
    NoWay,
    #[error(
        "cluster.secret is empty, and this process would listen on {0}, where strangers could give orders to the \
         cluster; set the same secret on every member, or keep to this machine by cluster.address = \"127.0.0.1\""
    )]
    NoSecret(IpAddr),
    #[error(
        "cannot listen on {address} for other members: {why}; the keys are cluster.address, master.port and logger.port"
    )]
    Listen { address: SocketAddr, why: std::io::Error },
    #[error("other members cannot be served: {0}")]
    Serve(String),
}

impl Error {
    fn tls(why: tonic::transport::Error) -> Error {
        Error::Tls(plain(&why))
    }
}

/// The last cause of an error: what the layers above say of it tells nobody anything.
fn plain(why: &dyn std::error::Error) -> String {
    let mut why = why;
    while let Some(cause) = why.source() {
        why = cause;
    }
    why.to_string()
}
