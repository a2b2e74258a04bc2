//! The right to hold attempts, and how it is kept (design: lease).
//!
//! A renewal is a write that moves the beat, in the registry or, if that is silent, in the database through any
//! master. It lasts from before it was sent. What was read renews nothing, and neither does signing in. The shim
//! knows the end, less a margin to kill in; it acts by itself, whatever becomes of this process.

#[cfg(test)]
mod tests;

use super::supervise::Supervise;
use crate::calls::{Beat, Registrar, SignIn, Standing};
use crate::clock::Clock;
use crate::registry::{Lease, Registry, Version};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// How long before the end the shim begins to kill.
const MARGIN: Duration = Duration::from_secs(2);
/// How soon a sign-in is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// What becomes of an incarnation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It may hold attempts.
    Signed,
    /// It was declared dead.
    Fenced,
    /// A later incarnation of this worker has signed in: this is an old copy of its folder.
    Superseded,
}

/// What is needed to keep a lease.
#[derive(Clone)]
pub(super) struct Means {
    pub registrar: Arc<dyn Registrar>,
    pub registry: Arc<dyn Registry>,
    pub clock: Arc<dyn Clock>,
    pub shim: Arc<dyn Supervise>,
}

/// Keeps the lease of one incarnation.
pub(super) struct Keeper {
    means: Means,
    who: SignIn,
    /// `None`: the locked data folder stands for the lease. Zero: it never ends.
    length: Option<Duration>,
    node: Node,
    /// The beat at the database.
    beat: u64,
    /// When the renewal that the registry has last taken was sent.
    renewed_at: Duration,
}

/// The node at the registry, as far as it is known.
#[derive(Clone, Copy)]
enum Node {
    Unread,
    Absent,
    /// With the beat of this incarnation, or 0, and the length of the lease that stands.
    Stands {
        version: Version,
        beat: u64,
        length_ms: u64,
    },
}

impl Keeper {
    pub fn new(means: Means, who: SignIn, length: Option<Duration>) -> Keeper {
        let renewed_at = means.clock.boot();
        Keeper { means, who, length, node: Node::Unread, beat: 0, renewed_at }
    }

    /// Signs in and renews for ever; tells what comes of it. May be dropped at any time.
    pub async fn keep(&mut self, news: &UnboundedSender<News>) {
        let ended = match self.sign_in().await {
            Ok(()) => self.renew(news).await,
            Err(ended) => ended,
        };
        let _ = news.send(ended);
        std::future::pending().await
    }

    async fn sign_in(&mut self) -> Result<(), News> {
        loop {
            #[cfg(feature = "sim")]
            let sent = self.means.clock.boot();
            match self.means.registrar.sign_in(self.who.clone()).await {
                Ok(Standing::Lives { beat, .. }) => {
                    self.beat = beat;
                    #[cfg(feature = "sim")]
                    if let (true, Some(length)) = (crate::planted::is("sign-in-renews"), self.length) {
                        extend(&self.means, sent, length);
                    }
                    return Ok(());
                }
                Ok(Standing::Fenced) => return Err(News::Fenced),
                Ok(Standing::Superseded) => return Err(News::Superseded),
                Ok(Standing::Unknown) => {}
                Err(error) => tracing::debug!(%error, "could not sign in"),
            }
            self.means.clock.sleep(AGAIN).await;
        }
    }

    async fn renew(&mut self, news: &UnboundedSender<News>) -> News {
        let Some(length) = self.length else {
            let _ = news.send(News::Signed);
            return std::future::pending().await;
        };
        self.renewed_at = self.means.clock.boot();
        let mut signed = false;
        let clock = self.means.clock.clone();
        loop {
            let begun = clock.boot();
            match self.renew_once(length).await {
                Ok(true) if !signed => {
                    signed = true;
                    let _ = news.send(News::Signed);
                }
                Ok(_) => {}
                Err(ended) => return ended,
            }
            let pace = if signed { self.pace() } else { AGAIN };
            clock.sleep(pace.saturating_sub(clock.boot().saturating_sub(begun))).await;
        }
    }

    /// How often the lease is renewed.
    fn pace(&self) -> Duration {
        match self.length {
            Some(length) if !length.is_zero() => length / 5,
            _ => Duration::from_secs(2),
        }
    }

    /// At the registry; and at the database, if the registry has been silent. Whether one of them has taken it.
    async fn renew_once(&mut self, length: Duration) -> Result<bool, News> {
        // Counted from sending to sending: counted from the answer, two paces would not quite have passed at the
        // second try, and the database would be asked when the shim is about to kill.
        let begun = self.means.clock.boot();
        let silent = begun.saturating_sub(self.renewed_at) >= 2 * self.pace();
        let (means, who, node, pace) = (self.means.clone(), self.who.clone(), self.node, self.pace());
        let at_registry = within(&means, pace, renew_at_registry(&means, &who, node, length));
        let after = self.beat;
        let at_database = async {
            match silent {
                true => within(&means, pace, renew_at_database(&means, &who, after, length)).await,
                false => None,
            }
        };
        let (registry, database) = futures::join!(at_registry, at_database);
        let mut renewed = false;
        let (node, taken) = registry.unwrap_or(Ok((Node::Unread, false)))?;
        self.node = node;
        if taken {
            self.renewed_at = begun;
            renewed = true;
        }
        if let Some((beat, taken)) = database.transpose()? {
            self.beat = beat;
            renewed |= taken;
        }
        Ok(renewed)
    }

    /// The last word of a worker that is about to be started again: its tasks may go on for so long without it.
    pub async fn prolong(&mut self, span: Duration) -> bool {
        match self.length {
            Some(length) if !length.is_zero() && span > length => {
                let (means, who) = (self.means.clone(), self.who.clone());
                // A renewal may have been under way when the worker was stopped, so the node is read first.
                for _ in 0..3 {
                    let renewal = renew_at_registry(&means, &who, Node::Unread, span);
                    if let Some(Ok((_, true))) = within(&means, length / 5, renewal).await {
                        return true;
                    }
                }
                false
            }
            _ => true,
        }
    }
}

/// The answer, if it comes within the time that a renewal may take.
async fn within<T>(means: &Means, span: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        answer = work => Some(answer),
        () = means.clock.sleep(span) => None,
    }
}

/// One try: reads the node if it is not known, and moves its beat. Whether that was confirmed.
async fn renew_at_registry(means: &Means, who: &SignIn, node: Node, length: Duration) -> Result<(Node, bool), News> {
    let node = match node {
        Node::Unread => match means.registry.lease(&who.holder.worker).await {
            Ok(None) => Node::Absent,
            Ok(Some(posted)) if posted.lease.incarnation > who.holder.incarnation => return Err(News::Superseded),
            Ok(Some(posted)) => {
                let own = posted.lease.incarnation == who.holder.incarnation;
                if own && posted.lease.fenced {
                    return Err(News::Fenced);
                }
                let beat = if own { posted.lease.beat } else { 0 };
                let length_ms = if own { posted.lease.length_ms } else { 0 };
                Node::Stands { version: posted.version, beat, length_ms }
            }
            Err(error) => {
                tracing::debug!(%error, "could not read the lease");
                return Ok((Node::Unread, false));
            }
        },
        known => known,
    };
    let (over, beat, stood_ms) = match node {
        Node::Stands { version, beat, length_ms } => (Some(version), beat, length_ms),
        _ => (None, 0, 0),
    };
    let length_ms = length.as_millis() as u64;
    let lease = Lease { incarnation: who.holder.incarnation, beat: beat + 1, length_ms, fenced: false };
    let sent = means.clock.boot();
    if stood_ms > length_ms || (stood_ms == 0 && over.is_some()) {
        // A shorter lease binds from its sending: if its answer is lost, it counts all the same.
        cap(means, sent, length);
    }
    match means.registry.post(&who.holder.worker, &lease, over).await {
        Ok(Some(version)) => {
            extend(means, sent, length);
            Ok((Node::Stands { version, beat: beat + 1, length_ms }, true))
        }
        Ok(None) => Ok((Node::Unread, false)),
        Err(error) => {
            tracing::debug!(%error, "could not renew the lease at the registry");
            Ok((Node::Unread, false))
        }
    }
}

/// One try through any master. The beat at the database, and whether this very call has moved it.
async fn renew_at_database(means: &Means, who: &SignIn, after: u64, length: Duration) -> Result<(u64, bool), News> {
    let sent = means.clock.boot();
    let lease_ms = length.as_millis() as u64;
    match means.registrar.beat(Beat { holder: who.holder.clone(), after, lease_ms }).await {
        Ok(Standing::Lives { beat, moved }) => {
            if moved {
                extend(means, sent, length);
            }
            Ok((beat, moved))
        }
        Ok(Standing::Fenced) => Err(News::Fenced),
        Ok(Standing::Superseded) => Err(News::Superseded),
        Ok(Standing::Unknown) => Ok((after, false)),
        Err(error) => {
            tracing::debug!(%error, "could not renew the lease at the database");
            Ok((after, false))
        }
    }
}

fn extend(means: &Means, sent: Duration, length: Duration) {
    #[cfg(feature = "sim")]
    if crate::planted::is("lease-from-answer") {
        return means.shim.lease(means.clock.boot() + length);
    }
    means.shim.lease(end(sent, length));
}

fn cap(means: &Means, sent: Duration, length: Duration) {
    means.shim.cap(end(sent, length));
}

/// When the shim has to kill; never, for a lease without end.
fn end(sent: Duration, length: Duration) -> Duration {
    match length.is_zero() {
        true => Duration::MAX,
        false => sent + length.saturating_sub(MARGIN),
    }
}
