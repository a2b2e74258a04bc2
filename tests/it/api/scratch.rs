//! The database of one test.

use escheduler::config::{self, Database, Machine};
use escheduler::store::Store;
use tokio::sync::OnceCell;

/// A database that is removed with this value.
pub enum Scratch {
    /// A file, which goes with its store.
    File,
    Mariadb(String),
    Postgres(String),
}

impl Scratch {
    /// A new database in the state that a first start leaves, of the kind that the suite is named after; `None` where
    /// its server is missing.
    pub async fn open(suite: &str) -> Option<(Store, Scratch)> {
        let scratch = match suite {
            suite if suite.contains("_on_mariadb") => Scratch::mariadb().await?,
            suite if suite.contains("_on_postgres") => Scratch::postgres().await?,
            _ => Scratch::File,
        };
        let store = match &scratch {
            Scratch::File => Store::memory().await,
            Scratch::Mariadb(url) | Scratch::Postgres(url) => Store::open(&database(url)).await,
        };
        Some((store.unwrap(), scratch))
    }

    async fn mariadb() -> Option<Scratch> {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let server = servers::mariadb()?;
        let template = TEMPLATE.get_or_init(async || migrated(server.database()).await).await;
        Some(Scratch::Mariadb(server.copy(template)))
    }

    async fn postgres() -> Option<Scratch> {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let server = servers::postgres()?;
        let template = TEMPLATE.get_or_init(async || migrated(server.database()).await).await;
        Some(Scratch::Postgres(server.copy(template)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        match self {
            Scratch::File => {}
            Scratch::Mariadb(url) => drop(servers::mariadb().map(|server| server.drop(url))),
            Scratch::Postgres(url) => drop(servers::postgres().map(|server| server.drop(url))),
        }
    }
}

async fn migrated(url: String) -> String {
    Store::migrate(&database(&url)).await.unwrap();
    url
}

/// The section of a configuration with this address.
fn database(url: &str) -> Database {
    let env = [("ESCHEDULER_DATASOURCE_URL", url), ("ESCHEDULER_DATASOURCE_MAXACTIVE", "12")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let machine = Machine { root: true, home: None, timezone: Some("UTC".into()), etc: "/nonexistent".into() };
    config::load(None, env, &machine).unwrap().config.database
}
