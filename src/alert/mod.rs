//! The alert role: alerts that wait to be sent. This release writes them and counts them; it does not send yet.

use crate::store::Store;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long the role rests after it has counted. A busy database changes many times a second.
const REST: Duration = Duration::from_secs(5);

/// How long at most until it counts again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What the role is handed.
pub struct Alert {
    pub store: Store,
}

impl Alert {
    /// Says how many alerts wait, at the start and whenever that has changed, until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.watch(REST, say)).await;
    }

    /// Tells every new number of waiting alerts, looking after this process has changed the database, and now and then.
    async fn watch(&self, rest: Duration, tell: impl Fn(u64)) {
        let mut changed = self.store.changed();
        let mut told = 0;
        loop {
            match self.store.unsent_alerts().await {
                Ok(unsent) if unsent == told => {}
                Ok(unsent) => {
                    tell(unsent);
                    told = unsent;
                }
                Err(error) => tracing::warn!(%error, "could not count the alerts that wait to be sent"),
            }
            sleep(rest).await;
            // What another process has written shows only when it is looked for.
            if let Ok(Err(_)) = timeout(LOOK_AGAIN, changed.changed()).await {
                // The store is closed, so nothing will change any more.
                return std::future::pending().await;
            }
        }
    }
}

fn say(unsent: u64) {
    match unsent {
        0 => tracing::info!("no alert waits to be sent"),
        1 => tracing::info!("1 alert waits to be sent; sending comes with a later release"),
        many => tracing::info!("{many} alerts wait to be sent; sending comes with a later release"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::entity::alert;
    use futures::FutureExt;
    use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
    use tokio::sync::mpsc;

    async fn add(store: &Store, status: i32) {
        let row = alert::ActiveModel { alert_status: Set(Some(status)), ..Default::default() };
        let write = store.write(move |db| {
            let row = row.clone();
            async move { Ok(row.insert(db).await.map(|_| ())?) }.boxed()
        });
        write.await.unwrap();
    }

    #[tokio::test]
    async fn a_new_number_of_waiting_alerts_is_told_once() {
        let store = Store::memory().await.unwrap();
        add(&store, 0).await;
        let (told, mut heard) = mpsc::unbounded_channel();
        let alert = Alert { store: store.clone() };
        let stop = CancellationToken::new();
        let role = tokio::spawn({
            let stop = stop.clone();
            async move {
                let tell = |unsent| told.send(unsent).unwrap();
                stop.run_until_cancelled(alert.watch(Duration::ZERO, tell)).await
            }
        });
        assert_eq!(heard.recv().await, Some(1));
        add(&store, 1).await; // sent already
        add(&store, 0).await;
        assert_eq!(heard.recv().await, Some(2));
        store
            .write(|db| async move { Ok(alert::Entity::delete_many().exec(db).await.map(|_| ())?) }.boxed())
            .await
            .unwrap();
        assert_eq!(heard.recv().await, Some(0));
        stop.cancel();
        role.await.unwrap();
        assert_eq!(heard.recv().await, None);
    }

    #[tokio::test]
    async fn it_stops_after_the_database_was_closed() {
        let store = Store::memory().await.unwrap();
        let stop = CancellationToken::new();
        let role = tokio::spawn(Alert { store: store.clone() }.run(stop.clone()));
        store.close().await;
        stop.cancel();
        role.await.unwrap();
    }
}
