//! How the servers are, asked one by one with the words of four letters that every server knows.
//!
//! `mntr` tells everything, but most servers allow `srvr` only, which leaves the watches out. Both come over a
//! connection of their own, so a server that has lost the others, or serves nobody, is told from one that is gone.

use super::hosts;
use futures::future::join_all;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::timeout;

/// How long one question may take. All servers are asked at once, and somebody is waiting in front of a page.
const PATIENCE: Duration = Duration::from_millis(1500);

/// One server; what it does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerState {
    /// `host:port`
    pub server: String,
    /// Whether it serves clients.
    pub serves: bool,
    /// `leader`, `follower`, `standalone`, …
    pub mode: Option<String>,
    pub connections: Option<i64>,
    pub watches: Option<i64>,
    pub sent: Option<i64>,
    pub received: Option<i64>,
    pub min_latency: Option<i64>,
    pub avg_latency: Option<i64>,
    pub max_latency: Option<i64>,
    pub nodes: Option<i64>,
}

/// The state of each server (`host:port`), in their order. A server that does not answer is one that does not serve.
pub async fn states(servers: &[String]) -> Vec<ServerState> {
    join_all(servers.iter().map(|server| state(server))).await
}

async fn state(server: &str) -> ServerState {
    let ask = async |word| timeout(PATIENCE, hosts::say(server, word)).await.ok().flatten().unwrap_or_default();
    // At once, because what is forbidden may not be answered at all.
    let (all, some) = futures::join!(ask("mntr"), ask("srvr"));
    let told = by_mntr(&all).or_else(|| by_srvr(&some)).unwrap_or_default();
    ServerState { server: server.to_owned(), ..told }
}

/// Lines of a key and a value with a tab between them.
fn by_mntr(text: &str) -> Option<ServerState> {
    let values: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let number = |key: &str| values.get(key).and_then(|value| whole(value));
    let mode = values.get("zk_server_state")?.trim();
    Some(ServerState {
        serves: true,
        mode: Some(mode.to_owned()),
        connections: number("zk_num_alive_connections"),
        watches: number("zk_watch_count"),
        sent: number("zk_packets_sent"),
        received: number("zk_packets_received"),
        min_latency: number("zk_min_latency"),
        avg_latency: number("zk_avg_latency"),
        max_latency: number("zk_max_latency"),
        nodes: number("zk_znode_count"),
        ..ServerState::default()
    })
}

/// Lines of a key and a value with a colon between them.
fn by_srvr(text: &str) -> Option<ServerState> {
    let values: HashMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once(": ")).map(|(key, value)| (key.trim(), value.trim())).collect();
    let number = |key: &str| values.get(key).and_then(|value| whole(value));
    let mode = values.get("Mode")?;
    let mut latencies = values.get("Latency min/avg/max").unwrap_or(&"").split('/').map(whole);
    let mut latency = || latencies.next().flatten();
    Some(ServerState {
        serves: true,
        mode: Some((*mode).to_owned()),
        connections: number("Connections"),
        sent: number("Sent"),
        received: number("Received"),
        min_latency: latency(),
        avg_latency: latency(),
        max_latency: latency(),
        nodes: number("Node count"),
        ..ServerState::default()
    })
}

/// A number, rounded: newer servers tell the mean with its fractions.
fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse().ok().filter(|number: &f64| number.is_finite()).map(|n| n.round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MNTR: &str = "zk_version\t3.8.0-5a02a05, built on 2022\nzk_server_state\tleader\nzk_ephemerals_count\t1\n\
        zk_avg_latency\t1.5\nzk_num_alive_connections\t7\nzk_max_latency\t14\nzk_min_latency\t0\nzk_znode_count\t48\n\
        zk_watch_count\t21\nzk_packets_received\t905\nzk_packets_sent\t900\n";
    const SRVR: &str = "Zookeeper version: 3.8.0-5a02a05, built on 2022-02-25 08:49 UTC\n\
        Latency min/avg/max: 0/0.6667/14\nReceived: 905\nSent: 900\nConnections: 7\nOutstanding: 0\nZxid: 0x3\n\
        Mode: standalone\nNode count: 48\n";

    #[test]
    fn both_answers_are_read() {
        let all = by_mntr(MNTR).unwrap();
        assert_eq!(
            (all.mode.as_deref(), all.watches, all.avg_latency, all.nodes),
            (Some("leader"), Some(21), Some(2), Some(48))
        );
        let some = by_srvr(SRVR).unwrap();
        let expected = ServerState { mode: Some("standalone".into()), watches: None, avg_latency: Some(1), ..all };
        assert_eq!(some, expected);
    }

    #[test]
    fn what_serves_nobody_tells_no_state() {
        for text in [
            "",
            "This ZooKeeper instance is not currently serving requests\n",
            "mntr is not executed because it is not in the whitelist.\n",
        ] {
            assert_eq!((by_mntr(text), by_srvr(text)), (None, None));
        }
    }

    #[tokio::test]
    async fn a_dead_server_and_a_silent_one_hold_nobody_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = silent.local_addr().unwrap().to_string();
        let servers = [silent, "127.0.0.1:1".to_owned(), "no.such.host.invalid:2181".to_owned()];
        let states = states(&servers).await;
        for (state, server) in states.iter().zip(&servers) {
            assert_eq!(state, &ServerState { server: server.clone(), ..ServerState::default() });
        }
    }

    #[tokio::test]
    async fn a_real_server_tells_its_state() {
        let Some(zookeeper) = servers::zookeeper() else { return };
        let address = zookeeper.address();
        let states = states(std::slice::from_ref(&address)).await;
        let state = &states[0];
        assert!(state.serves && state.server == address, "{state:?}");
        assert_eq!(state.mode.as_deref(), Some("standalone"));
        assert!(state.nodes.is_some_and(|nodes| nodes > 0) && state.received.is_some_and(|received| received > 0));
    }
}
