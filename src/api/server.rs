//! Connections: how many, how patient, and how they end. axum's own loop sets no time limits, so this one does.

use super::router::Peer;
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// How many connections are open at once; more wait in the kernel.
const CONNECTIONS: usize = 1024;
/// How long to wait when the machine cannot open another connection.
const REST: Duration = Duration::from_millis(100);

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until the head of a request is there, from the opening of the connection or the former answer on.
    pub head: Duration,
    /// Until the last answer is out, once told to stop.
    pub end: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { head: Duration::from_secs(30), end: Duration::from_secs(10) }
    }
}

/// Accepts connections until told to stop, then waits for the requests that are being answered.
pub async fn serve(listener: TcpListener, router: Router, stop: &CancellationToken, patience: Patience) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &places) => match accepted {
                Ok((place, stream, peer)) => {
                    connections.spawn(converse(place, stream, peer, router.clone(), stop.clone(), patience));
                }
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
    drop(listener);
    let end = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience.end, end).await.is_err() {
        tracing::warn!(open = connections.len(), "some requests did not end in time");
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let place = places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((place, stream, peer))
}

async fn converse(
    _place: OwnedSemaphorePermit,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
    patience: Patience,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer.ip()));
        router.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "a connection broke: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const SHORT: Patience = Patience { head: Duration::from_millis(50), end: Duration::from_millis(50) };
    const LONG: Patience = Patience { head: Duration::from_secs(60), end: Duration::from_secs(60) };

    async fn started(
        router: Router,
        patience: Patience,
    ) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let token = stop.clone();
        (address, stop, tokio::spawn(async move { serve(listener, router, &token, patience).await }))
    }

    /// What comes back until the server closes the connection.
    async fn told(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_silent_connection_and_half_a_head_are_closed() {
        let (address, stop, server) = started(Router::new(), SHORT).await;
        let answers = [told(address, "").await, told(address, "GET / HTTP/1.1\r\nHost: x\r\n").await];
        for answer in answers {
            assert!(!answer.contains("200"), "{answer}");
        }
        stop.cancel();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_stop_lets_an_answer_end_and_closes_idle_connections() {
        let (begun, go) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
        let (told_begun, wait) = (begun.clone(), go.clone());
        let slow = get(|| async move {
            told_begun.notify_one();
            wait.notified().await;
            "late"
        });
        let (address, stop, server) = started(Router::new().route("/", slow), LONG).await;
        let idle = tokio::spawn(async move { told(address, "").await });
        let answer = tokio::spawn(async move { told(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await });
        begun.notified().await;
        stop.cancel();
        go.notify_one();
        assert!(answer.await.unwrap().ends_with("late"));
        idle.await.unwrap();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn what_does_not_end_is_left_behind() {
        let begun = Arc::new(tokio::sync::Notify::new());
        let told_begun = begun.clone();
        let endless = get(|| async move {
            told_begun.notify_one();
            std::future::pending::<()>().await;
        });
        let (address, stop, server) = started(Router::new().route("/", endless), SHORT).await;
        let answer = tokio::spawn(async move { told(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await });
        begun.notified().await;
        stop.cancel();
        server.await.unwrap();
        assert_eq!(answer.await.unwrap(), "");
    }
}
