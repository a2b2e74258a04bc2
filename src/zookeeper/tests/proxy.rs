//! A network that can be broken: a TCP proxy that cuts connections, swallows what is sent, or refuses to be reached.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// New connections are accepted, and nothing passes in either direction.
    Swallows,
    /// What clients say arrives, and no answer comes back.
    SwallowsAnswers,
    /// New connections are closed at once.
    Closed,
}

#[derive(Clone)]
struct Road {
    way: watch::Sender<Way>,
    /// Counts the cuts: a connection made before one is closed.
    cuts: watch::Sender<u64>,
    accepted: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    road: Road,
    _task: AbortOnDropHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(target: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let road = Road {
            way: watch::channel(Way::Open).0,
            cuts: watch::channel(0).0,
            accepted: Arc::default(),
            alive: Arc::default(),
        };
        let task = tokio::spawn(accept(listener, target, road.clone()));
        Proxy { address, road, _task: AbortOnDropHandle::new(task) }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Closes every connection; new ones are welcome.
    pub(crate) fn cut(&self) {
        self.road.cuts.send_modify(|cuts| *cuts += 1);
    }

    pub(crate) fn swallow(&self) {
        self.road.way.send_replace(Way::Swallows);
    }

    pub(crate) fn swallow_answers(&self) {
        self.road.way.send_replace(Way::SwallowsAnswers);
    }

    /// Closes every connection, new ones as well.
    pub(crate) fn close(&self) {
        self.road.way.send_replace(Way::Closed);
        self.cut();
    }

    /// All is well again. What was swallowed is lost with its connection.
    pub(crate) fn heal(&self) {
        let swallowed = matches!(*self.road.way.borrow(), Way::Swallows | Way::SwallowsAnswers);
        self.road.way.send_replace(Way::Open);
        if swallowed {
            self.cut();
        }
    }

    /// Connections that were ever accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.road.accepted.load(Ordering::SeqCst)
    }

    /// Connections that there are.
    pub(crate) fn alive(&self) -> usize {
        self.road.alive.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, target: String, road: Road) {
    let mut connections = JoinSet::new();
    while let Ok((inward, _)) = listener.accept().await {
        road.accepted.fetch_add(1, Ordering::SeqCst);
        if *road.way.borrow() == Way::Closed {
            continue;
        }
        let (target, road) = (target.clone(), road.clone());
        connections.spawn(async move {
            road.alive.fetch_add(1, Ordering::SeqCst);
            let mut cuts = road.cuts.subscribe();
            tokio::select! {
                _ = cuts.changed() => {}
                () = pass(inward, &target, &road) => {}
            }
            road.alive.fetch_sub(1, Ordering::SeqCst);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(inward: TcpStream, target: &str, road: &Road) {
    let Ok(outward) = TcpStream::connect(target).await else { return };
    let (in_read, in_write) = inward.into_split();
    let (out_read, out_write) = outward.into_split();
    tokio::select! {
        () = copy(in_read, out_write, road, |way| way != Way::Swallows) => {}
        () = copy(out_read, in_write, road, |way| way == Way::Open) => {}
    }
}

async fn copy(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    road: &Road,
    passes: impl Fn(Way) -> bool,
) {
    let mut way = road.way.subscribe();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if way.wait_for(|way| passes(*way)).await.is_err() || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
