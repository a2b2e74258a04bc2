//! A network that breaks again and again under load: where `zookeeper-async` alone stops for ever.
//!
//! A short run is part of every test run. `make test-registry` makes the long ones: ESCHEDULER_REGISTRY_RUNS runs of
//! 60 cuts in 30 seconds, each with a line of figures.

use super::proxy::Proxy;
use super::{client, node, settings, until, with_both_crates};
use crate::zookeeper::{Client, Crate, Mode};
use servers::Zookeeper;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

with_both_crates!(a_flapping_connection_stops_nobody);

const CALLERS: usize = 8;
const SESSION: Duration = Duration::from_secs(6);

#[derive(Default)]
struct Count {
    done: AtomicU64,
    failed: AtomicU64,
    /// Of any call, in milliseconds.
    longest: AtomicU64,
}

async fn a_flapping_connection_stops_nobody(by: Crate) {
    let Some(zookeeper) = tokio::task::block_in_place(Zookeeper::start) else { return };
    let Some(runs) = runs() else {
        run(by, &zookeeper.address(), 10).await;
        return;
    };
    for number in 1..=runs {
        println!("{by:?} run {number}: {}", run(by, &zookeeper.address(), 60).await);
    }
}

/// How many long runs are wanted.
pub(super) fn runs() -> Option<usize> {
    std::env::var("ESCHEDULER_REGISTRY_RUNS").ok()?.parse().ok()
}

async fn run(by: Crate, server: &str, cuts: usize) -> String {
    let (proxy, root) = (Proxy::to(server.to_owned()).await, node());
    let near = client(by, server);
    let far = Client::open(settings(by, &proxy.address(), SESSION));
    let children = far.follow(&root);
    near.ensure(&root).await.unwrap();
    let (count, stop) = (Arc::new(Count::default()), CancellationToken::new());
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(load(far.clone(), format!("{root}/load-{caller}"), count.clone(), stop.clone()));
    }
    for _ in 0..cuts {
        tokio::time::sleep(Duration::from_millis(500)).await;
        proxy.cut();
    }
    let (last, before) = (Instant::now(), count.done.load(Ordering::SeqCst));
    until("every caller goes on", || async { count.done.load(Ordering::SeqCst) >= before + 20 * CALLERS as u64 }).await;
    let progress = last.elapsed();
    let session = far.session().await;
    until("an ephemeral node is made", || async {
        let session = far.session().await;
        session.create(&format!("{root}/mine"), b"", Mode::Ephemeral).await.is_ok()
            || near.exists(&format!("{root}/mine")).await.is_ok_and(|stat| stat.is_some())
    })
    .await;
    let seen = children.seen();
    until("the watch sees it", || async { seen.borrow().as_ref().is_some_and(|names| names.contains("mine")) }).await;
    let whole = last.elapsed();
    stop.cancel();
    callers.join_all().await;
    let (done, failed) = (count.done.load(Ordering::SeqCst), count.failed.load(Ordering::SeqCst));
    let longest = Duration::from_millis(count.longest.load(Ordering::SeqCst));
    let sessions = session.number();
    format!(
        "{done} calls, {failed} failed, longest {longest:?}, sessions {sessions}, progress after {progress:?}, all after {whole:?}"
    )
}

/// Writes a large node and reads it back, again and again.
async fn load(client: Client, path: String, count: Arc<Count>, stop: CancellationToken) {
    let data = vec![42; 200_000];
    while !stop.is_cancelled() {
        let before = Instant::now();
        let written = match client.create(&path, &data, Mode::Ephemeral).await {
            Err(crate::zookeeper::Error::Exists) => client.set(&path, &data, None).await.map(drop),
            made => made.map(drop),
        };
        let middle = Instant::now();
        let read = client.get(&path).await.map(drop);
        let longest = (middle - before).max(middle.elapsed());
        count.longest.fetch_max(longest.as_millis() as u64, Ordering::SeqCst);
        let both = if written.and(read).is_ok() { &count.done } else { &count.failed };
        both.fetch_add(1, Ordering::SeqCst);
    }
}
