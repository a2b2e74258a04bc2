//! The wire between one machine and one server: a TCP proxy of its own, so that a cut concerns nobody else.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
});

/// What a wire does with what is sent through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Whole,
    /// What the machine sends is held, and comes late.
    HoldsRequests,
    /// What the server sends is held, and comes late.
    HoldsAnswers,
    HoldsBoth,
    /// Connections end, and no new ones come about.
    Refuses,
}

impl State {
    fn passes(self, direction: Direction) -> bool {
        match direction {
            Direction::Request => matches!(self, State::Whole | State::HoldsAnswers),
            Direction::Answer => matches!(self, State::Whole | State::HoldsRequests),
        }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Request,
    Answer,
}

pub struct Wire {
    pub address: SocketAddr,
    state: watch::Sender<State>,
}

impl Wire {
    /// A wire from an address of ours to a server.
    pub fn new(near: Ipv4Addr, server: SocketAddr) -> Wire {
        let (state, states) = watch::channel(State::Whole);
        let listener = RUNTIME.block_on(TcpListener::bind((near, 0))).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        RUNTIME.spawn(serve(listener, server, states));
        Wire { address, state }
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

/// Ends when the wire is dropped.
async fn serve(listener: TcpListener, server: SocketAddr, mut states: watch::Receiver<State>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                if *states.borrow() != State::Refuses {
                    tokio::spawn(join(client, server, states.clone()));
                }
            }
            changed = states.changed() => if changed.is_err() { return },
        }
    }
}

async fn join(client: TcpStream, server: SocketAddr, states: watch::Receiver<State>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // Whichever side ends first, both connections end.
    tokio::select! {
        () = copy(from_client, to_server, Direction::Request, states.clone()) => {}
        () = copy(from_server, to_client, Direction::Answer, states.clone()) => {}
        () = refused(states) => {}
    }
}

async fn refused(mut states: watch::Receiver<State>) {
    // An error: the wire is gone.
    let _ = states.wait_for(|state| *state == State::Refuses).await;
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    direction: Direction,
    mut states: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        if states.wait_for(|state| state.passes(direction)).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
