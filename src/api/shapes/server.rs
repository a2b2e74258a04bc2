//! Servers, and the state of what they need.

use crate::model::Time;
use crate::registry;
use crate::store::{Pulse, WorkerGroup as GroupRow};
use crate::zookeeper::ServerState;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// What stands for a number that nobody tells.
const UNKNOWN: i64 = -1;

/// A master or a worker.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    id: u32,
    host: String,
    /// The number of its process, in the original's words.
    port: u32,
    zk_directory: String,
    /// JSON text, which the page parses.
    res_info: String,
    create_time: Time,
    last_heartbeat_time: Time,
}

impl From<registry::Server> for Server {
    fn from(server: registry::Server) -> Server {
        let short = |value: f64| (value * 100.0).round() / 100.0;
        let load = server.load.unwrap_or_default();
        let measures = [("cpuUsage", server.cpu), ("memoryUsage", server.memory), ("loadAverage", load)];
        let info: serde_json::Map<_, _> =
            measures.into_iter().map(|(name, value)| (name.to_owned(), json!(short(value)))).collect();
        Server {
            id: server.number,
            host: server.host,
            port: server.pid,
            zk_directory: server.node,
            res_info: json!(info).to_string(),
            create_time: server.started,
            last_heartbeat_time: server.beat,
        }
    }
}

/// How the database is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseState {
    /// 1: it answers.
    state: i32,
    max_connections: i64,
    max_used_connections: i64,
    threads_connections: i64,
    threads_running_connections: i64,
    date: Time,
}

impl From<Pulse> for DatabaseState {
    fn from(pulse: Pulse) -> DatabaseState {
        DatabaseState {
            state: 1,
            max_connections: pulse.most.unwrap_or(UNKNOWN),
            max_used_connections: pulse.peak.unwrap_or(UNKNOWN),
            threads_connections: pulse.open.unwrap_or(UNKNOWN),
            threads_running_connections: pulse.running.unwrap_or(UNKNOWN),
            date: Time::now(),
        }
    }
}

/// How one ZooKeeper server is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ZookeeperState {
    hostname: String,
    connections: i64,
    watches: i64,
    sent: i64,
    received: i64,
    mode: Option<String>,
    min_latency: i64,
    avg_latency: i64,
    max_latency: i64,
    node_count: i64,
    date: Time,
    /// 1: it serves clients.
    state: i32,
}

impl From<ServerState> for ZookeeperState {
    fn from(state: ServerState) -> ZookeeperState {
        let number = |number: Option<i64>| number.unwrap_or(UNKNOWN);
        ZookeeperState {
            hostname: state.server,
            connections: number(state.connections),
            watches: number(state.watches),
            sent: number(state.sent),
            received: number(state.received),
            mode: state.mode,
            min_latency: number(state.min_latency),
            avg_latency: number(state.avg_latency),
            max_latency: number(state.max_latency),
            node_count: number(state.nodes),
            date: Time::now(),
            state: i32::from(state.serves),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerGroup {
    id: i64,
    name: Option<String>,
    ip_list: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

impl From<GroupRow> for WorkerGroup {
    fn from(row: GroupRow) -> WorkerGroup {
        WorkerGroup {
            id: row.id,
            name: row.name,
            ip_list: row.ip_list,
            create_time: row.create_time,
            update_time: row.update_time,
        }
    }
}
