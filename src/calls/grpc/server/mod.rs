//! The listening end: one port for whatever this process plays.

mod attendance;
mod guard;
mod listener;
mod logs;
mod master;

pub use master::MasterService;

use super::proof::Gate;
use super::wire::words;
use super::{Credentials, Error, MESSAGE_MAX, PING_EVERY, PONG_WITHIN, WINDOW, WINDOW_OF_CONNECTION};
use crate::logs::Logs;
use guard::Guard;
use master::Office;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::Server;
use words::log_service_server::LogServiceServer;
use words::master_service_server::MasterServiceServer;

/// How many calls one connection has open at most.
const CALLS_MAX: u32 = 256;

/// How large the headers of a call may be.
const HEADERS_MAX: u32 = 16 << 10;

/// How long a call may take when its caller sets no limit, or a longer one.
const CALL_MAX: Duration = Duration::from_secs(30);

/// How long connections may take to end when the process leaves.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is served: one service for each role that is played here.
#[derive(Clone, Default)]
pub struct Services {
    pub master: Option<MasterService>,
    /// The logger's: the logs of this host.
    pub logs: Option<Arc<dyn Logs>>,
}

/// A port that is taken. Nobody is answered before [`serve`](Port::serve).
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    /// Takes a port (0: any free one). `ip` is how others reach this machine.
    ///
    /// # Errors
    /// The port is taken, or the address is not one of this machine.
    pub async fn open(listen: SocketAddr, ip: IpAddr) -> Result<Port, Error> {
        let busy = |why| Error::Listen { address: listen, why };
        let listener = TcpListener::bind(listen).await.map_err(busy)?;
        let port = listener.local_addr().map_err(busy)?.port();
        Ok(Port { listener, address: SocketAddr::new(ip, port) })
    }

    /// Lets others dial another address, which leads here.
    #[cfg(test)]
    pub(in crate::calls::grpc) fn behind(self, address: SocketAddr) -> Port {
        Port { address, ..self }
    }

    /// The address for the registry. Callers must dial exactly this one: they prove themselves to it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until told to stop; then ends all streams, and tells the master so. It waits a few seconds at most.
    ///
    /// # Errors
    /// The certificate and its key do not make a server.
    pub async fn serve(
        self,
        credentials: Credentials,
        services: Services,
        stop: CancellationToken,
    ) -> Result<(), Error> {
        let gate = Gate::new(credentials.key.clone(), self.address, Instant::now());
        let mut server = Server::builder()
            .http2_keepalive_interval(Some(PING_EVERY))
            .http2_keepalive_timeout(Some(PONG_WITHIN))
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW_OF_CONNECTION)
            .max_concurrent_streams(CALLS_MAX)
            .http2_max_header_list_size(HEADERS_MAX)
            .timeout(CALL_MAX);
        if let Some(tls) = &credentials.tls {
            server = server.tls_config(tls.server()).map_err(Error::tls)?;
        }
        let streams = TaskTracker::new();
        let routes = routes(services, &streams, &stop);
        let serving = server.layer(Guard::new(gate)).serve_with_incoming_shutdown(
            routes,
            listener::guests(self.listener),
            stop.clone().cancelled_owned(),
        );
        tokio::pin!(serving);
        let served = tokio::select! {
            served = &mut serving => served,
            () = farewell(&stop, &streams) => Ok(()),
        };
        served.map_err(|why| Error::Serve(why.to_string()))
    }
}

/// Ends when the streams have, or when whoever holds a connection has had time enough to let go.
async fn farewell(stop: &CancellationToken, streams: &TaskTracker) {
    stop.cancelled().await;
    streams.close();
    // A master that no longer reads its mail must not keep the process.
    let _ = tokio::time::timeout(FAREWELL, streams.wait()).await;
    tokio::time::sleep(FAREWELL).await;
}

fn routes(services: Services, streams: &TaskTracker, stop: &CancellationToken) -> Routes {
    let mut routes = Routes::builder();
    if let Some(master) = services.master {
        let office = Office { master, streams: streams.clone(), stop: stop.clone() };
        routes.add_service(
            MasterServiceServer::new(office)
                .max_decoding_message_size(MESSAGE_MAX)
                .max_encoding_message_size(MESSAGE_MAX),
        );
    }
    if let Some(logs) = services.logs {
        routes.add_service(
            LogServiceServer::new(logs::Reading::new(logs))
                .max_decoding_message_size(MESSAGE_MAX)
                .max_encoding_message_size(MESSAGE_MAX),
        );
    }
    routes.routes().prepare()
}
