//! The shim's end of a connection. Nothing here waits.

use super::protocol::{Frame, Reply, Request, decode, encode};
use bytes::{Buf, BytesMut};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// A worker that lets more than this wait has stopped reading; it is told everything anew when it comes back.
const MOST_WAITING: usize = 64 << 20;

/// A connection and what waits on it.
pub(super) struct Conn {
    stream: UnixStream,
    input: BytesMut,
    output: Vec<u8>,
}

/// What a look at the received bytes found.
pub(super) enum Next {
    Request(Request),
    Nothing,
    /// The other side does not speak our language.
    Broken,
}

impl Conn {
    /// Takes a connection of our own account, or of root.
    pub fn accept(stream: UnixStream) -> io::Result<Conn> {
        let peer = getsockopt(&stream, PeerCredentials)?.uid();
        if peer != 0 && peer != nix::unistd::geteuid().as_raw() {
            return Err(io::Error::new(ErrorKind::PermissionDenied, format!("uid {peer} is not ours")));
        }
        stream.set_nonblocking(true)?;
        Ok(Conn { stream, input: BytesMut::new(), output: Vec::new() })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Receives what is there; false if the other side is gone.
    pub fn receive(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(n) => {
                    self.input.extend_from_slice(&buffer[..n]);
                    if n < buffer.len() {
                        return true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// The next request that was received whole.
    pub fn next(&mut self) -> Next {
        loop {
            let (found, used) = match decode(&self.input) {
                Frame::Whole(request, used) => (Some(request), used),
                Frame::Foreign(used) => (None, used),
                Frame::Partial => return Next::Nothing,
                Frame::Garbled(what) => {
                    say!("the worker sent {what}");
                    return Next::Broken;
                }
            };
            self.input.advance(used);
            if let Some(request) = found {
                return Next::Request(request);
            }
        }
    }

    /// Lets a reply wait for [`Conn::flush`].
    pub fn say(&mut self, reply: &Reply) {
        encode(reply, &mut self.output);
    }

    /// Whether something waits to be sent.
    pub fn waits(&self) -> bool {
        !self.output.is_empty()
    }

    /// Sends what can be sent; false if the other side is gone or does not read.
    pub fn flush(&mut self) -> bool {
        let mut sent = 0;
        while sent < self.output.len() {
            match self.stream.write(&self.output[sent..]) {
                Ok(n) => sent += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.output.drain(..sent);
        self.output.len() < MOST_WAITING
    }
}
