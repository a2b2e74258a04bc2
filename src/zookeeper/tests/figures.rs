//! How fast it is, and how soon it is back: printed by `make test-registry`, judged by nobody.

use super::flaps::runs;
use super::proxy::Proxy;
use super::{client, node, settings, until, with_both_crates};
use crate::zookeeper::{Client, Crate, Mode};
use servers::{Ensemble, Zookeeper};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

with_both_crates!(figures);

const CALLERS: usize = 64;

async fn figures(by: Crate) {
    let Some(runs) = runs() else { return };
    calls(by).await;
    for _ in 0..runs {
        leader(by).await;
        expiry(by).await;
    }
}

async fn calls(by: Crate) {
    let Some(zookeeper) = tokio::task::block_in_place(Zookeeper::start) else { return };
    let (zk, root) = (client(by, &zookeeper.address()), node());
    zk.ensure(&root).await.unwrap();
    zk.create(&format!("{root}/read"), &[7; 100], Mode::Ephemeral).await.unwrap();
    let writes = rate(async |zk: Client, path: String| {
        zk.create(&path, &[7; 100], Mode::Ephemeral).await.unwrap();
        zk.delete(&path, None).await.unwrap();
        2
    });
    let written = writes(&zk, &root).await;
    let reads = rate(async |zk: Client, path: String| {
        let (above, _) = path.rsplit_once('/').unwrap();
        zk.get(&format!("{above}/read")).await.unwrap();
        1
    });
    let read = reads(&zk, &root).await;
    println!("{by:?}: {written:.0} writes/s, {read:.0} reads/s, {CALLERS} callers");
}

/// Calls a second, over 3 seconds.
fn rate<F>(call: impl Fn(Client, String) -> F + Copy + Send + Sync + 'static) -> impl AsyncFn(&Client, &str) -> f64
where
    F: Future<Output = u64> + Send,
{
    async move |zk: &Client, root: &str| {
        let began = Instant::now();
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            let (zk, path) = (zk.clone(), format!("{root}/{number}"));
            callers.spawn(async move {
                let mut done = 0;
                while began.elapsed() < Duration::from_secs(3) {
                    done += call(zk.clone(), path.clone()).await;
                }
                done
            });
        }
        callers.join_all().await.into_iter().sum::<u64>() as f64 / began.elapsed().as_secs_f64()
    }
}

async fn leader(by: Crate) {
    let Some(ensemble) = tokio::task::block_in_place(Ensemble::start) else { return };
    let (zk, root) = (Client::open(settings(by, &ensemble.address(), Duration::from_secs(10))), node());
    zk.ensure(&root).await.unwrap();
    let session = zk.session().await;
    session.create(&format!("{root}/mine"), b"", Mode::Ephemeral).await.unwrap();
    tokio::task::block_in_place(|| ensemble.leader().unwrap().kill());
    let began = Instant::now();
    written(&zk, &format!("{root}/next")).await;
    let (back, kept) = (began.elapsed(), !session.standing().borrow().over);
    println!("{by:?}: leader killed, writes again after {back:?}, session kept: {kept}");
}

async fn written(zk: &Client, path: &str) {
    until("a write is acknowledged", || async { zk.create(path, b"", Mode::Ephemeral).await.is_ok() }).await;
}

async fn expiry(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (proxy, root) = (Proxy::to(zookeeper.address()).await, node());
    let zk = Client::open(settings(by, &proxy.address(), Duration::from_secs(4)));
    zk.ensure(&root).await.unwrap();
    let near = client(by, &zookeeper.address());
    zk.session().await.create(&format!("{root}/mine"), b"", Mode::Ephemeral).await.unwrap();
    let children = zk.follow(&root);
    proxy.swallow();
    let mine = format!("{root}/mine");
    until("it expires", || async { near.exists(&mine).await == Ok(None) }).await;
    proxy.heal();
    let began = Instant::now();
    written(&zk, &mine).await;
    let back = began.elapsed();
    near.create(&format!("{root}/seen"), b"", Mode::Persistent).await.unwrap();
    let mut seen = children.seen();
    let told = |names: &Option<std::sync::Arc<std::collections::BTreeSet<String>>>| {
        names.as_ref().is_some_and(|names| names.contains("seen"))
    };
    seen.wait_for(told).await.unwrap();
    println!("{by:?}: session of 4 s expired, writes again {back:?} after healing, watch after {:?}", began.elapsed());
}
