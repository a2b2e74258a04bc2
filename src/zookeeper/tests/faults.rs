//! What servers and networks do.

use super::proxy::Proxy;
use super::{client, node, settings, until, with_both_crates};
use crate::zookeeper::{Children, Client, Crate, Error, Mode};
use servers::{Ensemble, Zookeeper};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

with_both_crates!(
    nodes_are_made_written_and_deleted,
    a_watch_outlives_its_connection,
    a_change_made_while_disconnected_is_seen,
    a_deleted_tree_is_followed_again,
    a_server_that_comes_back_is_used_again,
    an_expired_session_is_replaced,
    a_server_that_falls_silent_is_left,
    a_server_that_swallows_connections_is_passed_over,
    where_nothing_listens_calls_fail_in_time,
    where_nobody_answers_connecting_is_unhurried,
    a_dropped_client_takes_its_nodes_along,
    a_dead_leader_is_survived,
    an_ensemble_may_be_restarted_server_by_server,
);

async fn sees(children: &Children, name: &str, there: bool) {
    let seen = children.seen();
    until(&format!("{name} is seen: {there}"), || async {
        seen.borrow().as_ref().is_some_and(|names| names.contains(name) == there)
    })
    .await;
}

async fn make(client: &Client, path: &str, mode: Mode) {
    until(&format!("{path} is there"), || async {
        matches!(client.create(path, b"", mode).await, Ok(_) | Err(Error::Exists))
    })
    .await;
}

async fn exists(client: &Client, path: &str, there: bool) {
    until(&format!("{path} exists: {there}"), || async {
        client.exists(path).await.is_ok_and(|stat| stat.is_some() == there)
    })
    .await;
}

async fn nodes_are_made_written_and_deleted(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (zk, root) = (client(by, &zookeeper.address()), node());
    let path = format!("{root}/a");
    assert_eq!(zk.create(&path, b"1", Mode::Persistent).await, Err(Error::Missing));
    zk.ensure(&root).await.unwrap();
    let (made, stat) = zk.create(&path, b"1", Mode::Persistent).await.unwrap();
    assert_eq!((made.as_str(), stat.version, stat.owner), (path.as_str(), 0, 0));
    assert_eq!(zk.create(&path, b"2", Mode::Persistent).await, Err(Error::Exists));
    let written = zk.set(&path, &vec![7; 900_000], Some(0)).await.unwrap();
    assert_eq!((written.created, written.version), (stat.created, 1));
    assert_eq!(zk.set(&path, b"3", Some(0)).await, Err(Error::Version));
    assert_eq!(zk.get(&path).await.unwrap().0.len(), 900_000);
    assert_eq!(zk.delete(&path, Some(0)).await, Err(Error::Version));
    let (sequential, stat) = zk.create(&format!("{root}/s_"), b"", Mode::EphemeralSequential).await.unwrap();
    assert_eq!(sequential, format!("{root}/s_0000000001"));
    assert_ne!(stat.owner, 0);
    let mut names = zk.children(&root).await.unwrap();
    names.sort();
    assert_eq!(names, ["a", "s_0000000001"]);
    zk.delete(&path, Some(1)).await.unwrap();
    assert_eq!(zk.delete(&path, None).await, Err(Error::Missing));
    assert_eq!(zk.get(&path).await.map(drop), Err(Error::Missing));
    zk.close().await;
    assert!(matches!(zk.exists(&root).await, Err(Error::Unknown(_))));
}

async fn a_watch_outlives_its_connection(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (proxy, root) = (Proxy::to(zookeeper.address()).await, node());
    let (near, far) = (client(by, &zookeeper.address()), client(by, &proxy.address()));
    let children = far.follow(&root);
    make(&near, &root, Mode::Persistent).await;
    for name in ["a", "b", "c"] {
        proxy.cut();
        make(&near, &format!("{root}/{name}"), Mode::Persistent).await;
        sees(&children, name, true).await;
    }
}

async fn a_change_made_while_disconnected_is_seen(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (proxy, root) = (Proxy::to(zookeeper.address()).await, node());
    let (near, far) = (client(by, &zookeeper.address()), client(by, &proxy.address()));
    let children = far.follow(&root);
    make(&near, &root, Mode::Persistent).await;
    make(&near, &format!("{root}/before"), Mode::Persistent).await;
    sees(&children, "before", true).await;
    proxy.close();
    make(&near, &format!("{root}/after"), Mode::Persistent).await;
    near.delete(&format!("{root}/before"), None).await.unwrap();
    proxy.heal();
    sees(&children, "after", true).await;
    sees(&children, "before", false).await;
}

async fn a_deleted_tree_is_followed_again(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (zk, root) = (client(by, &zookeeper.address()), node());
    let children = zk.follow(&root);
    exists(&zk, &root, true).await;
    make(&zk, &format!("{root}/a"), Mode::Persistent).await;
    sees(&children, "a", true).await;
    zk.delete(&format!("{root}/a"), None).await.unwrap();
    zk.delete(&root, None).await.unwrap();
    exists(&zk, &root, true).await;
    make(&zk, &format!("{root}/b"), Mode::Persistent).await;
    sees(&children, "b", true).await;
}

async fn a_server_that_comes_back_is_used_again(by: Crate) {
    let Some(zookeeper) = tokio::task::block_in_place(Zookeeper::start) else { return };
    let (zk, root) = (client(by, &zookeeper.address()), node());
    let children = zk.follow(&root);
    exists(&zk, &root, true).await;
    for kill in [false, true] {
        let stop = || if kill { zookeeper.kill() } else { zookeeper.stop() };
        tokio::task::block_in_place(stop);
        assert!(matches!(
            zk.create(&format!("{root}/x"), b"", Mode::Persistent).await,
            Err(Error::Unknown(_) | Error::Over)
        ));
        tokio::task::block_in_place(|| zookeeper.start());
        let name = format!("after-{kill}");
        make(&zk, &format!("{root}/{name}"), Mode::Persistent).await;
        sees(&children, &name, true).await;
    }
}

async fn an_expired_session_is_replaced(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (proxy, root) = (Proxy::to(zookeeper.address()).await, node());
    let near = client(by, &zookeeper.address());
    let far = Client::open(settings(by, &proxy.address(), Duration::from_secs(2)));
    let children = far.follow(&root);
    exists(&near, &root, true).await;
    let session = far.session().await;
    session.create(&format!("{root}/mine"), b"", Mode::Ephemeral).await.unwrap();
    proxy.swallow();
    exists(&near, &format!("{root}/mine"), false).await;
    make(&near, &format!("{root}/missed"), Mode::Persistent).await;
    proxy.heal();
    session.over().await;
    let next = far.session().await;
    assert!(next.number() > session.number());
    next.create(&format!("{root}/mine"), b"", Mode::Ephemeral).await.unwrap();
    sees(&children, "missed", true).await;
    sees(&children, "mine", true).await;
    // Nothing made through the old session can come to life in a new one.
    assert!(session.create(&format!("{root}/stray"), b"", Mode::Ephemeral).await.is_err());
}

/// An ensemble behind one proxy per server.
async fn behind(ensemble: &Ensemble) -> (Vec<Proxy>, String) {
    let mut proxies = Vec::new();
    for member in ensemble.members() {
        proxies.push(Proxy::to(member.address()).await);
    }
    let quorum = proxies.iter().map(Proxy::address).collect::<Vec<_>>().join(",");
    (proxies, quorum)
}

async fn a_server_that_falls_silent_is_left(by: Crate) {
    let Some(ensemble) = tokio::task::block_in_place(Ensemble::start) else { return };
    let (proxies, quorum) = behind(&ensemble).await;
    let (zk, root) = (client(by, &quorum), node());
    let children = zk.follow(&root);
    exists(&zk, &root, true).await;
    let silent = proxies.iter().find(|proxy| proxy.alive() > 0).unwrap();
    silent.swallow();
    make(&zk, &format!("{root}/a"), Mode::Ephemeral).await;
    sees(&children, "a", true).await;
}

/// A port that accepts nothing more: its queue is full, and the kernel drops what comes.
async fn black_hole() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    (listener, waiting)
}

async fn a_server_that_swallows_connections_is_passed_over(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (hole, _waiting) = black_hole().await;
    let quorum = format!("{},{}", hole.local_addr().unwrap(), zookeeper.address());
    let (zk, root) = (client(by, &quorum), node());
    make(&zk, &root, Mode::Ephemeral).await;
}

async fn where_nothing_listens_calls_fail_in_time(by: Crate) {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let zk = client(by, &free.to_string());
    assert!(matches!(zk.exists("/").await, Err(Error::Unknown(_))));
    assert!(matches!(zk.create("/a", b"", Mode::Ephemeral).await, Err(Error::Unknown(_))));
    zk.close().await;
}

async fn where_nobody_answers_connecting_is_unhurried(by: Crate) {
    let proxy = Proxy::to("127.0.0.1:1".into()).await;
    proxy.close();
    let zk = client(by, &proxy.address());
    assert!(zk.exists("/").await.is_err());
    assert!(proxy.accepted() < 100, "{} connections while one call waited", proxy.accepted());
}

async fn a_dropped_client_takes_its_nodes_along(by: Crate) {
    let Some(zookeeper) = servers::zookeeper() else { return };
    let (near, root) = (client(by, &zookeeper.address()), node());
    // Its session would outlive this test.
    let leaver = Client::open(settings(by, &zookeeper.address(), Duration::from_secs(2 * 60)));
    make(&leaver, &root, Mode::Ephemeral).await;
    exists(&near, &root, true).await;
    drop(leaver);
    exists(&near, &root, false).await;
}

async fn a_dead_leader_is_survived(by: Crate) {
    let Some(ensemble) = tokio::task::block_in_place(Ensemble::start) else { return };
    let (zk, root) = (client(by, &ensemble.address()), node());
    let children = zk.follow(&root);
    make(&zk, &root, Mode::Persistent).await;
    tokio::task::block_in_place(|| ensemble.leader().unwrap().kill());
    make(&zk, &format!("{root}/a"), Mode::Ephemeral).await;
    sees(&children, "a", true).await;
}

async fn an_ensemble_may_be_restarted_server_by_server(by: Crate) {
    let Some(ensemble) = tokio::task::block_in_place(Ensemble::start) else { return };
    let (zk, root) = (client(by, &ensemble.address()), node());
    let children = zk.follow(&root);
    make(&zk, &root, Mode::Persistent).await;
    for (number, member) in ensemble.members().iter().enumerate() {
        tokio::task::block_in_place(|| member.stop());
        make(&zk, &format!("{root}/without-{number}"), Mode::Persistent).await;
        tokio::task::block_in_place(|| {
            member.start();
            ensemble.wait();
        });
        make(&zk, &format!("{root}/with-{number}"), Mode::Persistent).await;
        sees(&children, &format!("with-{number}"), true).await;
    }
}

#[test]
fn a_session_is_long_enough_for_either_crate() {
    let settings = settings(Crate::Async, "", Duration::from_millis(1400));
    assert_eq!(settings.session(), Duration::from_secs(2));
}
