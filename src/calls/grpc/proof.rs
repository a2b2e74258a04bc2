//! How one of the cluster is known: who calls proves that he knows `cluster.secret`, and so does who answers, without
//! either saying it.
//!
//! A server draws a *challenge* and gives it to anybody. Each call carries a nonce and an HMAC-SHA256 over challenge,
//! nonce, path and the server's address. The answer carries another one over the same, so that nobody can play the
//! server to somebody: whoever could, would give orders to workers, which run them.
//!
//! - A call that was overheard is worth nothing: its nonce is used. It is worth nothing at another server either, or at
//!   the same one after a restart, because those have drawn other challenges and have other addresses.
//! - No clock is compared: members may disagree on the time, and a window in time would forget its nonces at a restart.
//!   Challenges are replaced after a while, so the list of used nonces stays short.
//! - What is said is neither hidden nor sealed by this. Who can change packets on their way, or must not read them, is
//!   kept out by TLS (`cluster.tls.*`) only.

#[cfg(test)]
mod tests;

use crate::config::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a challenge is given out. It is taken for as long again.
pub(super) const CHALLENGE_AGE: Duration = Duration::from_secs(60);

/// How many calls one challenge is good for: a bound on the memory for their nonces.
const CALLS_MAX: usize = 1 << 17;

/// The secret that all members of a cluster share.
#[derive(Clone)]
pub struct Key {
    hmac: Hmac<Sha256>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Who proves, so that the one's proof is never taken for the other's.
#[derive(Clone, Copy)]
enum Side {
    Caller = 1,
    Server = 2,
}

impl Key {
    pub fn new(secret: &Secret) -> Key {
        // An HMAC takes a key of any length, so the other arm is never taken.
        let hmac = match Hmac::new_from_slice(secret.expose().as_bytes()) {
            Ok(hmac) => hmac,
            Err(_) => Hmac::new(&Default::default()),
        };
        Key { hmac }
    }

    fn mac(&self, side: Side, call: &Call<'_>) -> Hmac<Sha256> {
        let mut mac = self.hmac.clone();
        mac.update(b"escheduler cluster call 1");
        mac.update(&[side as u8]);
        mac.update(&call.challenge.0.to_be_bytes());
        mac.update(&call.nonce.to_be_bytes());
        mac.update(call.server.to_string().as_bytes());
        // Last, because it is the only part that the other side chooses the length of.
        mac.update(b" ");
        mac.update(call.path.as_bytes());
        mac
    }
}

/// What a server gives out to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Challenge(u128);

impl Challenge {
    fn draw() -> Challenge {
        Challenge(rand::random())
    }

    pub(super) fn parse(text: &str) -> Option<Challenge> {
        digits(text).map(Challenge)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What proofs are about.
struct Call<'c> {
    challenge: Challenge,
    nonce: u128,
    server: SocketAddr,
    path: &'c str,
}

/// The caller's side of one call.
pub(super) struct Claim {
    /// What goes with the call: challenge, nonce, proof.
    pub(super) text: String,
    expected: Hmac<Sha256>,
}

/// A call to the server at this address, as the caller has dialled it.
pub(super) fn claim(key: &Key, challenge: Challenge, server: SocketAddr, path: &str) -> Claim {
    let call = Call { challenge, nonce: rand::random(), server, path };
    let proof = key.mac(Side::Caller, &call).finalize().into_bytes();
    let text = format!("{challenge}.{:032x}.{}", call.nonce, hex(&proof));
    Claim { text, expected: key.mac(Side::Server, &call) }
}

impl Claim {
    /// Whether this is what only one who knows the secret can have answered.
    pub(super) fn accepts(self, proof: &str) -> bool {
        unhex(proof).is_some_and(|proof| self.expected.verify_slice(&proof).is_ok())
    }
}

/// Why a call is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No proof, or a wrong one.
    Stranger,
    /// The challenge is not one of now: the call may be tried again with the present one.
    Stale,
    /// The same call has come before.
    Replayed,
}

/// The server's side: its challenges, and which calls have answered them.
pub(super) struct Gate {
    key: Key,
    /// The address that others know this server by.
    server: SocketAddr,
    present: Generation,
    former: Option<Generation>,
}

struct Generation {
    challenge: Challenge,
    since: Instant,
    used: HashSet<u128>,
}

impl Generation {
    fn begin(now: Instant) -> Generation {
        Generation { challenge: Challenge::draw(), since: now, used: HashSet::new() }
    }

    fn is_spent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= CHALLENGE_AGE || self.used.len() >= CALLS_MAX
    }
}

impl Gate {
    pub(super) fn new(key: Key, server: SocketAddr, now: Instant) -> Gate {
        Gate { key, server, present: Generation::begin(now), former: None }
    }

    /// The challenge to answer now.
    pub(super) fn challenge(&mut self, now: Instant) -> Challenge {
        if self.present.is_spent(now) {
            let present = std::mem::replace(&mut self.present, Generation::begin(now));
            self.former = Some(present);
        }
        // Nobody came for long: what was given out last is old as well.
        self.former.take_if(|former| now.saturating_duration_since(former.since) >= 2 * CHALLENGE_AGE);
        self.present.challenge
    }

    /// Lets a call in, and returns what proves to the caller that we are who he means.
    pub(super) fn admit(&mut self, text: &str, path: &str, now: Instant) -> Result<String, Refusal> {
        self.challenge(now);
        let (challenge, nonce, proof) = parts(text).ok_or(Refusal::Stranger)?;
        let call = Call { challenge, nonce, server: self.server, path };
        // The proof first: whoever does not know the secret learns nothing and leaves nothing behind.
        self.key.mac(Side::Caller, &call).verify_slice(&proof).map_err(|_| Refusal::Stranger)?;
        let generations = std::iter::once(&mut self.present).chain(&mut self.former);
        let mut fitting = generations.filter(|generation| generation.challenge == challenge);
        let generation = fitting.next().ok_or(Refusal::Stale)?;
        if generation.used.len() >= CALLS_MAX {
            return Err(Refusal::Stale);
        }
        if !generation.used.insert(nonce) {
            return Err(Refusal::Replayed);
        }
        Ok(hex(&self.key.mac(Side::Server, &call).finalize().into_bytes()))
    }
}

fn parts(text: &str) -> Option<(Challenge, u128, Vec<u8>)> {
    let (challenge, rest) = text.split_once('.')?;
    let (nonce, proof) = rest.split_once('.')?;
    Some((Challenge::parse(challenge)?, digits(nonce)?, unhex(proof)?))
}

fn digits(text: &str) -> Option<u128> {
    (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The 32 bytes of a proof.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
