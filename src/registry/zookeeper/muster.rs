//! The servers as the nodes that monitors read tell of them.

use super::heartbeat;
use crate::model::Time;
use crate::registry::{Error, Server};
use crate::zookeeper::{self, Client};
use futures::future::join_all;

/// Those below one node, in the order in which they signed in. What tells of no server is left out.
pub(super) async fn servers(client: &Client, parent: &str) -> Result<Vec<Server>, Error> {
    let names = match client.children(parent).await {
        Err(zookeeper::Error::Missing) => return Ok(Vec::new()),
        read => read?,
    };
    let read = join_all(names.iter().map(|name| server(client, parent, name))).await;
    let found: Result<Vec<Option<Server>>, Error> = read.into_iter().collect();
    let mut servers: Vec<Server> = found?.into_iter().flatten().collect();
    servers.sort_by_key(|server| server.number);
    Ok(servers)
}

async fn server(client: &Client, parent: &str, name: &str) -> Result<Option<Server>, Error> {
    let node = format!("{parent}/{name}");
    let (data, stat) = match client.get(&node).await {
        Err(zookeeper::Error::Missing) => return Ok(None),
        read => read?,
    };
    let written = Time(stat.written_ms);
    let Some(read) = heartbeat::read(&String::from_utf8_lossy(&data), written) else { return Ok(None) };
    // ZooKeeper has numbered the node.
    let number = name.rsplit_once('_').and_then(|(_, number)| number.parse().ok()).unwrap_or_default();
    Ok(Some(Server {
        number,
        host: read.host,
        pid: read.pid,
        node,
        cpu: read.cpu,
        memory: read.memory,
        load: None,
        started: read.start,
        beat: written,
    }))
}
