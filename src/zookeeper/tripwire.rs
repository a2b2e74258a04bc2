//! A one-shot watch, reduced to one bit: look again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Dropping it takes the watch back, as far as the crate below can.
#[derive(Default)]
pub(super) struct Tripwire {
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    tripped: AtomicBool,
    notify: Notify,
    cut: CancellationToken,
}

impl Tripwire {
    /// Waits until it is tripped; at once if it was.
    pub(super) async fn tripped(&self) {
        while !self.is_tripped() {
            self.wire.notify.notified().await;
        }
    }

    pub(super) fn is_tripped(&self) -> bool {
        self.wire.tripped.load(Ordering::SeqCst)
    }

    /// For a callback: what is called from within a crate must neither wait nor panic.
    pub(super) fn trip(&self) -> impl FnOnce() + Send + use<> {
        let wire: Weak<Wire> = Arc::downgrade(&self.wire);
        move || {
            if let Some(wire) = wire.upgrade() {
                wire.tripped.store(true, Ordering::SeqCst);
                wire.notify.notify_one();
            }
        }
    }

    /// Cancelled when nobody waits for it any more.
    pub(super) fn cut(&self) -> CancellationToken {
        self.wire.cut.clone()
    }
}

impl Drop for Tripwire {
    fn drop(&mut self) {
        self.wire.cut.cancel();
    }
}
