//! Takes connections in, few enough of them, and puts those out that do not prove themselves in time.

use futures::Stream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

/// How many connections there are at most.
const GUESTS_MAX: usize = 4096;

/// How many of them may not have proved themselves yet: strangers leave places for members.
const STRANGERS_MAX: usize = 256;

/// How long a connection may take to prove itself, TLS included.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait when the system has no connection to give (too many open files, for example).
const PAUSE: Duration = Duration::from_millis(100);

/// All connections that come to this socket.
pub(super) fn guests(listener: TcpListener) -> impl Stream<Item = io::Result<Guest>> + Send {
    let places = (Arc::new(Semaphore::new(GUESTS_MAX)), Arc::new(Semaphore::new(STRANGERS_MAX)));
    futures::stream::unfold((listener, places), async |(listener, places)| {
        let guest = next(&listener, &places.0, &places.1).await?;
        Some((Ok(guest), (listener, places)))
    })
}

async fn next(listener: &TcpListener, guests: &Arc<Semaphore>, strangers: &Arc<Semaphore>) -> Option<Guest> {
    let place = guests.clone().acquire_owned().await.ok()?;
    let stranger = strangers.clone().acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Without it a small message waits for the acknowledgement of the one before.
                if let Err(why) = stream.set_nodelay(true) {
                    tracing::debug!("a connection from {address} is of no use: {why}");
                    continue;
                }
                return Some(Guest::new(stream, address, place, stranger));
            }
            Err(why) => {
                tracing::warn!("no connection can be taken in: {why}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Who is at the other end of a connection; requests carry it.
#[derive(Clone)]
pub(super) struct Acquaintance {
    known: Arc<Known>,
}

struct Known {
    address: SocketAddr,
    vouched: AtomicBool,
    stranger: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Acquaintance {
    pub(super) fn address(&self) -> SocketAddr {
        self.known.address
    }

    /// A call on this connection has proved itself.
    pub(super) fn vouch(&self) {
        if !self.known.vouched.swap(true, Ordering::Relaxed) {
            self.known.stranger.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// A connection.
pub(super) struct Guest {
    stream: TcpStream,
    acquaintance: Acquaintance,
    /// Runs until the other end has proved itself.
    patience: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    fn new(
        stream: TcpStream,
        address: SocketAddr,
        place: OwnedSemaphorePermit,
        stranger: OwnedSemaphorePermit,
    ) -> Self {
        let known = Known { address, vouched: AtomicBool::new(false), stranger: Mutex::new(Some(stranger)) };
        Guest {
            stream,
            acquaintance: Acquaintance { known: Arc::new(known) },
            patience: Some(Box::pin(sleep(PATIENCE))),
            _place: place,
        }
    }

    /// Whether the time to prove itself is over.
    fn is_unwanted(&mut self, cx: &mut Context<'_>) -> bool {
        if self.acquaintance.known.vouched.load(Ordering::Relaxed) {
            self.patience = None;
        }
        self.patience.as_mut().is_some_and(|patience| patience.as_mut().poll(cx).is_ready())
    }
}

impl Connected for Guest {
    type ConnectInfo = Acquaintance;

    fn connect_info(&self) -> Acquaintance {
        self.acquaintance.clone()
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_unwanted(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
