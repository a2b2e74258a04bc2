//! Channels to other members, by address.

use super::signed::Signed;
use super::{CALL, plain};
use crate::calls::Failure;
use crate::calls::grpc::wire::words;
use crate::calls::grpc::{Credentials, MESSAGE_MAX, PING_EVERY, PONG_WITHIN, WINDOW, WINDOW_OF_CONNECTION};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status};
use words::log_service_client::LogServiceClient;
use words::master_service_client::MasterServiceClient;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(1);

/// How long a channel is kept that nobody uses: its other end has left, or has nothing to do with us.
const IDLE: Duration = Duration::from_secs(60);

/// Channels to the members that were called lately. Clones share them.
#[derive(Clone)]
pub struct Pool {
    credentials: Credentials,
    channels: Arc<Mutex<HashMap<SocketAddr, (Signed, Instant)>>>,
}

impl Pool {
    pub fn new(credentials: Credentials) -> Pool {
        Pool { credentials, channels: Arc::default() }
    }

    /// The master at this address.
    pub(super) fn master(&self, address: SocketAddr) -> Result<MasterServiceClient<Signed>, Failure> {
        self.channel(address).map(master)
    }

    /// The logger at this address.
    pub(super) fn logger(&self, address: SocketAddr) -> Result<LogServiceClient<Signed>, Failure> {
        let client = LogServiceClient::new(self.channel(address)?);
        Ok(client.max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX))
    }

    /// A master by a connection of its own, made now: its end is that of whatever runs on it.
    pub(in crate::calls::grpc) async fn connect(
        &self,
        address: SocketAddr,
    ) -> Result<MasterServiceClient<Signed>, Failure> {
        let channel = endpoint(&self.credentials, address)?.connect().await;
        let channel = channel.map_err(|why| Failure::Unreachable(plain(&why)))?;
        Ok(master(Signed::new(channel, self.credentials.key.clone(), address)))
    }

    fn channel(&self, address: SocketAddr) -> Result<Signed, Failure> {
        let now = Instant::now();
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|kept, (_, used)| *kept == address || now.saturating_duration_since(*used) < IDLE);
        if let Some((channel, used)) = channels.get_mut(&address) {
            *used = now;
            return Ok(channel.clone());
        }
        // Connects when it is first used, and again whenever the connection has broken.
        let channel = endpoint(&self.credentials, address)?.connect_lazy();
        let channel = Signed::new(channel, self.credentials.key.clone(), address);
        channels.insert(address, (channel.clone(), now));
        Ok(channel)
    }
}

fn master(channel: Signed) -> MasterServiceClient<Signed> {
    MasterServiceClient::new(channel).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX)
}

fn endpoint(credentials: &Credentials, address: SocketAddr) -> Result<Endpoint, Failure> {
    let failed = |why: tonic::transport::Error| Failure::Unreachable(plain(&why));
    let scheme = if credentials.tls.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .map_err(failed)?
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW_OF_CONNECTION);
    match &credentials.tls {
        Some(tls) => endpoint.tls_config(tls.client(address.ip())).map_err(failed),
        None => Ok(endpoint),
    }
}

/// A request that the other side drops as well when its time is over.
pub(super) fn within<T>(deadline: Duration, words: T) -> Request<T> {
    let mut request = Request::new(words);
    request.set_timeout(deadline);
    request
}

/// Makes a call, once more if the other side has been restarted and wants another proof.
pub(super) async fn call<T, F>(deadline: Duration, make: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let answer = match once(deadline, make()).await {
        Err(status) if status.code() == Code::Unauthenticated => once(deadline, make()).await,
        answer => answer,
    };
    answer.map_err(|status| failure(&status))
}

async fn once<T>(deadline: Duration, call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Status> {
    match tokio::time::timeout(deadline, call).await {
        Ok(answer) => answer.map(Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded(format!("it took longer than {deadline:?}"))),
    }
}

/// Makes an ordinary call.
pub(super) async fn ask<T, F>(make: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    call(CALL, make).await
}

pub(super) fn failure(status: &Status) -> Failure {
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => Failure::Refused(status.message().to_owned()),
        _ => Failure::Unreachable(status.message().to_owned()),
    }
}
