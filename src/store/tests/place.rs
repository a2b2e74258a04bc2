//! Where a test's database is. Each suite is compiled once for every kind of database; the name of its module tells
//! which.

use crate::config::{Backend, Database, Secret};
use crate::store::Store;
use std::time::Duration;
use tokio::sync::OnceCell;

/// A new database in the state that a first start leaves, for the suite of this name; `None` where its server is
/// missing.
pub(super) async fn open(suite: &str) -> Option<Store> {
    let url = match suite {
        suite if suite.ends_with("_on_mariadb") => mariadb().await?,
        suite if suite.ends_with("_on_postgres") => postgres().await?,
        _ => return Some(Store::memory().await.unwrap()),
    };
    Some(Store::open(&database(&url, 3)).await.unwrap())
}

/// With three connections one of them writes, so that what comes while it is busy forms one batch.
pub(super) fn database(url: &str, connections: usize) -> Database {
    let secret = Secret::new(url);
    let backend = if url.starts_with("mysql") { Backend::Mysql(secret) } else { Backend::Postgres(secret) };
    Database { backend, max_active: connections, min_idle: 1, max_wait: Duration::from_secs(30) }
}

async fn mariadb() -> Option<String> {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let server = servers::mariadb()?;
    let template = TEMPLATE.get_or_init(async || migrated(server.database()).await).await;
    Some(server.copy(template))
}

async fn postgres() -> Option<String> {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let server = servers::postgres()?;
    let template = TEMPLATE.get_or_init(async || migrated(server.database()).await).await;
    Some(server.copy(template))
}

/// Makes the tables of a new database.
pub(super) async fn migrated(url: String) -> String {
    Store::migrate(&database(&url, 3)).await.unwrap();
    url
}

/// The store of a test; the test ends here where the server is missing.
macro_rules! store {
    () => {
        match crate::store::tests::place::open(module_path!()).await {
            Some(store) => store,
            None => return,
        }
    };
}

pub(super) use store;
