//! What a process stands on before it reaches out for any server.

use super::cluster::Cluster;
use super::folder::{self, Claimed, DataFolder};
use super::{Patience, keys};
use crate::config::{self, Backend, Config, Loaded};
use crate::registry::Role;
use crate::resources;
use crate::secrets::Keyring;
use crate::store::{self, Store};
use crate::telemetry::Waiting;

/// Why nothing could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", list(.0))]
    Folders(Vec<config::Mistake>),
    /// The configuration asks for what does not go together.
    #[error("{0}")]
    Unsupported(String),
    #[error(transparent)]
    Folder(#[from] folder::Error),
    #[error("the database {place} cannot be opened: {error}")]
    Store { place: String, error: store::Error },
    #[error("resources cannot be kept as res.upload.startup.type says: {0}")]
    Resources(#[from] resources::Error),
    #[error(transparent)]
    Cluster(#[from] crate::calls::grpc::Error),
}

fn list(mistakes: &[config::Mistake]) -> String {
    mistakes.iter().map(config::Mistake::to_string).collect::<Vec<_>>().join("\n")
}

/// What a process stands on before it reaches out for any server.
pub struct Ground {
    pub(super) config: Config,
    pub(super) wanted: Vec<Role>,
    pub(super) folder: Option<Claimed>,
    pub(super) secrets: Keyring,
}

impl Ground {
    /// Claims the data folder, and makes what is missing in it.
    ///
    /// # Errors
    /// The configuration does not fit together, another process has the folder, or it cannot be written.
    pub fn claim(loaded: &Loaded, wanted: &[Role]) -> Result<Ground, Error> {
        let config = loaded.config.clone();
        fits(&config).map_err(Error::Unsupported)?;
        let folder = match !is_cluster(&config) || wanted.contains(&Role::Worker) {
            true => Some(DataFolder::new(&config.data.basedir).claim()?),
            false => None,
        };
        config::prepare(loaded).map_err(Error::Folders)?;
        let alone = folder.as_ref().filter(|_| !is_cluster(&config));
        let secrets = keys::keyring(&config, alone, wanted)?;
        Ok(Ground { config, wanted: wanted.to_vec(), folder, secrets })
    }

    pub(super) async fn cluster(&self, patience: Patience) -> Result<Option<Cluster>, Error> {
        if !is_cluster(&self.config) {
            return Ok(None);
        }
        let advice = "start one, or correct zookeeper.quorum, or set server.host";
        let join = || async { Ok(Cluster::join(&self.config, &self.wanted).await?) };
        patience.open(Waiting::new("a way to ZooKeeper", advice), join).await.map(Some)
    }

    pub(super) async fn store(&self, patience: Patience) -> Result<Store, Error> {
        // A file that cannot be used now will not be there later either.
        let patience = if is_cluster(&self.config) { patience } else { Patience::None };
        let advice = "start its server, or correct datasource.url; nothing is begun meanwhile";
        let open = || async {
            let place = database_name(&self.config);
            Store::open(&self.config.database).await.map_err(|error| Error::Store { place, error })
        };
        patience.open(Waiting::new("the database", advice), open).await
    }
}

/// Whether this process is one of many.
pub fn is_cluster(config: &Config) -> bool {
    !config.zookeeper.quorum.is_empty()
}

/// Whether database, registry and queue go together.
pub(super) fn fits(config: &Config) -> Result<(), String> {
    let on_server = !matches!(config.database.backend, Backend::Sqlite(_));
    match (is_cluster(config), on_server, config.escheduler.queue) {
        (true, false, _) => Err(
            "zookeeper.quorum makes this process one of a cluster, which needs a database server for all its members: \
             set datasource.url to a mysql:// or postgres:// address"
                .into(),
        ),
        (false, true, _) => Err(
            "datasource.url names a database server, which several processes may share: set zookeeper.quorum, by which \
             they know of each other, or leave datasource.url out for the embedded database"
                .into(),
        ),
        (true, true, config::Queue::Memory) => Err(
            "escheduler.queue.impl = \"memory\" is the queue of a single process: set it to \"direct\" or \
             \"zookeeper\", or leave it out"
                .into(),
        ),
        (false, false, config::Queue::Direct | config::Queue::Zookeeper) => Err(
            "escheduler.queue.impl names a queue of a cluster: set zookeeper.quorum and datasource.url, or leave the \
             key out"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// What the database is called in messages; without its password.
pub(super) fn database_name(config: &Config) -> String {
    match &config.database.backend {
        Backend::Sqlite(path) => path.display().to_string(),
        Backend::Mysql(_) | Backend::Postgres(_) => "that datasource.url names".into(),
    }
}
