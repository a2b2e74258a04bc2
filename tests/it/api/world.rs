//! A server with somebody to talk to, and things to talk about.

use super::Client;
use super::scratch::Scratch;
use escheduler::api::{Api, Compat, Limits, Settings};
use escheduler::calls::LocalBell;
use escheduler::logs::Local;
use escheduler::store::Store;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

pub const BASE: &str = "/escheduler";
pub const ADMIN: (&str, &str) = ("admin", "escheduler123");

/// A workflow of one node.
pub fn document(name: &str) -> String {
    let node = serde_json::json!({"id": "tasks-1", "name": name, "type": "SHELL", "params": {"rawScript": "true"}, "preTasks": []});
    serde_json::json!({"globalParams": [], "tasks": [node], "timeout": 0, "tenantId": -1}).to_string()
}

pub struct World {
    pub store: Store,
    pub bell: Arc<LocalBell>,
    pub address: SocketAddr,
    /// Where logs lie; the paths of task rows are below it.
    pub logs: tempfile::TempDir,
    pub admin: Client,
    /// In front of every path of the API.
    base: String,
    _stop: DropGuard,
    _database: Scratch,
}

impl World {
    /// A server on a new database, with the administrator logged in; `None` where the database server of this suite
    /// is missing.
    pub async fn new() -> Option<World> {
        World::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Option<World> {
        let (store, database) = Scratch::open(module_path!()).await?;
        let logs = tempfile::tempdir().unwrap();
        let bell = Arc::new(LocalBell::default());
        let mut settings = Settings {
            zone: chrono_tz::Tz::Asia__Shanghai,
            session_timeout: Duration::from_secs(7200),
            max_post: 64 << 20,
            context_path: BASE.to_owned(),
            compat: Compat::V1_0,
            proxies: vec!["127.0.0.1".parse().unwrap()],
            logins: Limits { per_address: 100, per_name: 10, window: Duration::from_secs(300) },
            audit_retention: Duration::ZERO,
        };
        change(&mut settings);
        let base = settings.context_path.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let api = Api {
            store: store.clone(),
            bell: bell.clone(),
            logs: Arc::new(Local::new(logs.path().to_owned())),
            settings,
        };
        tokio::spawn(api.serve(listener, stop.clone()));
        let admin = Client::new(address, &base);
        let world = World { store, bell, address, logs, admin, base, _stop: stop.drop_guard(), _database: database };
        assert_eq!(world.admin.log_in(ADMIN.0, ADMIN.1).code(), 0);
        Some(world)
    }

    /// Somebody who has not logged in.
    pub fn stranger(&self) -> Client {
        Client::new(self.address, &self.base)
    }

    /// A new general user, logged in.
    pub fn user(&self, name: &str) -> Client {
        if self.admin.get("tenant/list", &[]).data().as_array().unwrap().is_empty() {
            let form = [("tenantCode", "etl"), ("tenantName", "ETL team"), ("queueId", "1"), ("desc", "")];
            self.admin.post("tenant/create", &form).data();
        }
        let email = format!("{name}@example.org");
        let form =
            [("userName", name), ("userPassword", "wonder1"), ("tenantId", "1"), ("email", &email), ("phone", "")];
        self.admin.post("users/create", &form).data();
        let client = self.stranger();
        client.log_in(name, "wonder1").data();
        client
    }
}
