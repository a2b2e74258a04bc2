//! How the API wakes masters: there is a command to look at. A lost ring costs seconds, never a run.

use async_trait::async_trait;
use tokio::sync::Notify;

#[async_trait]
pub trait Bell: Send + Sync {
    /// Wakes all masters, without waiting.
    fn ring(&self);

    /// Waits for a ring. One that came since the last wait counts.
    async fn rung(&self);
}

/// The bell of one process.
#[derive(Default)]
pub struct LocalBell {
    notify: Notify,
}

#[async_trait]
impl Bell for LocalBell {
    fn ring(&self) {
        self.notify.notify_one();
    }

    async fn rung(&self) {
        self.notify.notified().await;
    }
}
