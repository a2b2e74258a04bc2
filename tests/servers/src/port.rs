//! Ports that nobody uses.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// Below the range from which the system takes the near ends of connections: a server that is down for a moment must
/// get its port again.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// A free port of 127.0.0.1, different at every call. Somebody else may take it before it is used; the start of the
/// server fails then, and is tried on another port.
pub(crate) fn free() -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        let random = RandomState::new().hash_one(std::process::id());
        AtomicU16::new(u16::try_from(random % u64::from(COUNT)).unwrap_or_default())
    });
    loop {
        let port = FIRST + NEXT.fetch_add(1, Relaxed) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
