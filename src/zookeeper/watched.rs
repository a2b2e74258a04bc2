//! Watches that cannot be lost: loops that read, compare and wait.

use super::client::Client;
use super::operations::Error;
use super::tripwire::Tripwire;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A look without any reason, in case every other one was missed.
const SAFETY: Duration = Duration::from_secs(30);

/// The names below a node, followed until this is dropped.
pub struct Children {
    seen: watch::Receiver<Option<Arc<BTreeSet<String>>>>,
    _task: AbortOnDropHandle<()>,
}

impl Children {
    /// The names as last seen. Changes whenever they do, also if they are the same again when they are looked at.
    /// `None` until the first look.
    pub fn seen(&self) -> watch::Receiver<Option<Arc<BTreeSet<String>>>> {
        self.seen.clone()
    }
}

pub(super) fn follow(client: Client, path: String) -> Children {
    let (sender, seen) = watch::channel(None);
    let task = tokio::spawn(async move {
        let mut post = Post { client, path, seen: sender, armed: None };
        loop {
            post.look().await;
        }
    });
    Children { seen, _task: AbortOnDropHandle::new(task) }
}

struct Post {
    client: Client,
    path: String,
    seen: watch::Sender<Option<Arc<BTreeSet<String>>>>,
    /// The wire, and the session and connection that it was laid on: it is worth nothing on another one.
    armed: Option<(Tripwire, u64, u64)>,
}

impl Post {
    /// Reads, tells what has changed, and waits for a reason to read again.
    async fn look(&mut self) {
        let session = self.client.session().await;
        let mut standing = session.standing();
        // Before reading: a connection lost from here on is noticed below.
        let connections = standing.borrow_and_update().connections;
        let armed = self.armed.take();
        let told = armed.as_ref().is_some_and(|(wire, ..)| wire.is_tripped());
        let armed =
            armed.filter(|(_, number, connection)| !told && *number == session.number() && *connection == connections);
        let laid = armed.is_none();
        let (wire, ..) = armed.unwrap_or_default();
        match session.children_wired(&self.path, laid.then_some(&wire)).await {
            Ok(names) => {
                let changed = self.publish(names, told);
                if changed && !laid && !wire.is_tripped() {
                    // Seen without being told: this wire is dead.
                    return;
                }
            }
            Err(error) => return self.recover(error).await,
        }
        tokio::select! {
            () = wire.tripped() => {}
            _ = standing.changed() => {}
            () = session.over() => {}
            () = tokio::time::sleep(SAFETY) => {}
        }
        self.armed = Some((wire, session.number(), connections));
    }

    fn publish(&self, names: Vec<String>, told: bool) -> bool {
        let names = Arc::new(BTreeSet::from_iter(names));
        self.seen.send_if_modified(|seen| {
            let changed = seen.as_ref() != Some(&names);
            *seen = Some(names);
            changed || told
        })
    }

    async fn recover(&self, error: Error) {
        const PAUSE: Duration = Duration::from_millis(200);
        let made = match error {
            Error::Missing => self.client.ensure(&self.path).await,
            other => Err(other),
        };
        if let Err(error) = made {
            if !error.passes() {
                tracing::warn!(path = self.path, "a ZooKeeper node cannot be followed: {error}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
