//! A network that can fail.

use super::soon;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Carries bytes to a server, until it is told to stop: then connections stay, and nothing moves.
pub struct Proxy {
    frozen: watch::Sender<bool>,
    /// What callers have sent, by connection.
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    /// How many of them there were.
    count: watch::Receiver<usize>,
    _carrying: JoinSet<()>,
}

/// A proxy that is known before its server is.
pub struct Unplugged {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Unplugged {
    pub async fn new() -> Unplugged {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Unplugged { listener, address }
    }

    pub fn plug(self, server: SocketAddr) -> Proxy {
        let (frozen, watched) = watch::channel(false);
        let heard = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let (counter, count) = watch::channel(0);
        let mut carrying = JoinSet::new();
        carrying.spawn(carry_all(self.listener, server, watched, heard.clone(), counter));
        Proxy { frozen, heard, count, _carrying: carrying }
    }
}

impl Proxy {
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// Waits until so many more have called whose calls reached the server's address.
    pub async fn called(&self, more: usize) {
        let mut count = self.count.clone();
        let until = *count.borrow() + more;
        soon(count.wait_for(|count| *count >= until)).await.unwrap();
    }

    pub fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().clone()
    }
}

async fn carry_all(
    listener: TcpListener,
    server: SocketAddr,
    frozen: watch::Receiver<bool>,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    count: watch::Sender<usize>,
) {
    let mut each = JoinSet::new();
    loop {
        let (caller, _) = listener.accept().await.unwrap();
        let Ok(server) = TcpStream::connect(server).await else { continue };
        let (from_caller, to_caller) = caller.into_split();
        let (from_server, to_server) = server.into_split();
        let connection = {
            let mut heard = heard.lock().unwrap();
            heard.push(Vec::new());
            heard.len() - 1
        };
        count.send_modify(|count| *count += 1);
        let heard = heard.clone();
        each.spawn(carry(from_caller, to_server, frozen.clone(), move |bytes| {
            heard.lock().unwrap()[connection].extend_from_slice(bytes);
        }));
        each.spawn(carry(from_server, to_caller, frozen.clone(), |_| ()));
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut frozen: watch::Receiver<bool>,
    note: impl Fn(&[u8]) + Send,
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        if frozen.wait_for(|frozen| !frozen).await.is_err() {
            return;
        }
        note(&buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
