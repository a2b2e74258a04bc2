//! Work beside a loop, which owns it and hears of its end.

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use std::future::Future;
use tokio::task::JoinSet;

/// What runs beside a loop, each giving a `T` when it ends.
pub enum Work<T> {
    /// On the threads of the runtime.
    Spawned(JoinSet<T>),
    /// Within the loop itself: whoever holds the loop still holds its work still.
    Inline(FuturesUnordered<BoxFuture<'static, T>>),
}

impl<T: Send + 'static> Work<T> {
    pub fn spawned() -> Self {
        Work::Spawned(JoinSet::new())
    }

    pub fn inline() -> Self {
        Work::Inline(FuturesUnordered::new())
    }

    pub fn spawn(&mut self, work: impl Future<Output = T> + Send + 'static) {
        match self {
            Work::Spawned(set) => drop(set.spawn(work)),
            Work::Inline(set) => set.push(Box::pin(work)),
        }
    }

    /// The next end; waits for ever while there is no work. May be dropped and called again without a loss.
    pub async fn next(&mut self) -> T {
        loop {
            let ended = match self {
                Work::Spawned(set) => match set.join_next().await {
                    Some(Err(error)) => {
                        tracing::error!(%error, "work broke off");
                        continue;
                    }
                    ended => ended.and_then(Result::ok),
                },
                Work::Inline(set) => set.next().await,
            };
            match ended {
                Some(ended) => return ended,
                None => std::future::pending().await,
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Work::Spawned(set) => set.is_empty(),
            Work::Inline(set) => set.is_empty(),
        }
    }
}
