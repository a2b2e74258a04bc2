//! Stands between a program and its MySQL server, reads what is asked, and cuts the connection at a statement: before
//! the server has got it, or after, so that its answer is lost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What becomes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    Passed,
    /// The connection ends before the server gets it.
    CutBefore,
    /// The server gets it, and nobody hears the answer.
    CutAfter,
}

type Judge = dyn FnMut(&str) -> Fate + Send;

/// Listens until the process ends.
pub struct Proxy {
    port: u16,
    judge: Arc<Mutex<Box<Judge>>>,
}

impl Proxy {
    pub fn to(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let judge: Arc<Mutex<Box<Judge>>> = Arc::new(Mutex::new(Box::new(|_: &str| Fate::Passed)));
        let shared = judge.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                join(client, server, shared.clone());
            }
        });
        Proxy { port: own, judge }
    }

    /// Who is asked about every statement from now on.
    pub fn judge(&self, judge: impl FnMut(&str) -> Fate + Send + 'static) {
        *self.judge.lock().expect("nobody panics") = Box::new(judge);
    }

    /// The same address, through here.
    pub fn url(&self, url: &str) -> String {
        let (before, after) = url.rsplit_once(':').expect("a port");
        let (_, database) = after.split_once('/').expect("a database");
        format!("{before}:{}/{database}?ssl-mode=disabled", self.port)
    }
}

fn join(client: TcpStream, server: TcpStream, judge: Arc<Mutex<Box<Judge>>>) {
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a connection");
    }
    let (mut answers, mut asker) = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut asker);
        let _ = asker.shutdown(Shutdown::Both);
    });
    std::thread::spawn(move || {
        let (mut from, mut to) = (client, server);
        // An error is an end as good as any.
        let _ = pass(&mut from, &mut to, &judge);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Passes packet after packet: three bytes of length, a number that is 0 at a new command, and the command.
fn pass(from: &mut TcpStream, to: &mut TcpStream, judge: &Mutex<Box<Judge>>) -> std::io::Result<()> {
    const QUERY: u8 = 3;
    const PREPARE: u8 = 0x16;
    loop {
        let mut head = [0u8; 4];
        from.read_exact(&mut head)?;
        let mut body = vec![0u8; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
        from.read_exact(&mut body)?;
        let fate = match (head[3], body.first()) {
            (0, Some(&(QUERY | PREPARE))) => {
                (judge.lock().expect("nobody panics"))(&String::from_utf8_lossy(&body[1..]))
            }
            _ => Fate::Passed,
        };
        if fate == Fate::CutBefore {
            return Ok(());
        }
        to.write_all(&[&head[..], &body].concat())?;
        if fate == Fate::CutAfter {
            // As when the asker was killed: the server finds nobody when it answers.
            return Ok(());
        }
    }
}
