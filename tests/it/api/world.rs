//! A server with somebody to talk to, and things to talk about.

use super::Client;
use super::scratch::Scratch;
use escheduler::api::{Api, Compat, Limits, Presence, Settings};
use escheduler::calls::LocalBell;
use escheduler::config;
use escheduler::logs::Local;
use escheduler::registry::Memory;
use escheduler::resources::{self, Resources};
use escheduler::secrets::Keyring;
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
    pub registry: Memory,
    pub presence: Presence,
    pub address: SocketAddr,
    /// Where logs lie; the paths of task rows are below it.
    pub logs: tempfile::TempDir,
    /// Where uploads lie, complete ones in `resources` and others in `upload`.
    pub files: tempfile::TempDir,
    pub admin: Client,
    /// In front of every path of the API.
    base: String,
    _stop: DropGuard,
    _database: Scratch,
}

/// The largest upload of the tests.
pub const MAX_FILE: u64 = 1 << 20;

fn kept_in(folder: &std::path::Path) -> resources::Settings {
    let resource = config::Resource {
        local: folder.join("resources"),
        base: String::new(),
        storage: config::Storage::Local,
        view_suffixs: ["sh", "sql", "txt"].map(str::to_owned).to_vec(),
    };
    resources::Settings { resource, staging: folder.join("upload"), max_file: MAX_FILE }
}

impl World {
    /// A server on a new database, with the administrator logged in; `None` where the database server of this suite
    /// is missing.
    pub async fn new() -> Option<World> {
        World::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Option<World> {
        World::with_keys(Keyring::parse(&Keyring::draw()).unwrap(), change).await
    }

    /// With these keys for stored passwords.
    pub async fn with_keys(secrets: Keyring, change: impl FnOnce(&mut Settings)) -> Option<World> {
        let (store, database) = Scratch::open(module_path!()).await?;
        let (logs, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bell = Arc::new(LocalBell::default());
        let (registry, presence) = (Memory::default(), Presence::default());
        let mut settings = Settings {
            zone: chrono_tz::Tz::Asia__Shanghai,
            session_timeout: Duration::from_secs(7200),
            max_post: 64 << 20,
            max_upload: 64 << 20,
            context_path: BASE.to_owned(),
            compat: Compat::V1_0,
            kerberos: false,
            zookeeper: Vec::new(),
            site: None,
            proxies: vec!["127.0.0.1".parse().unwrap()],
            logins: Limits { per_address: 100, per_name: 10, window: Duration::from_secs(300) },
            retention: escheduler::api::Retention::default(),
            limits: escheduler::why::Limits {
                instances: 10,
                places: 10,
                master: (0.0, 0.0),
                worker: (0.0, 0.0),
                sole: true,
            },
        };
        change(&mut settings);
        let base = settings.context_path.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let resources = Resources::open(store.clone(), &kept_in(files.path())).unwrap();
        let api = Api {
            store: store.clone(),
            bell: bell.clone(),
            logs: Arc::new(Local::new(logs.path().to_owned())),
            muster: Arc::new(registry.clone()),
            presence: presence.clone(),
            secrets: Arc::new(secrets),
            resources,
            settings,
        };
        tokio::spawn(api.serve(listener, stop.clone()));
        let admin = Client::new(address, &base);
        let world = World {
            store,
            bell,
            registry,
            presence,
            address,
            logs,
            files,
            admin,
            base,
            _stop: stop.drop_guard(),
            _database: database,
        };
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
