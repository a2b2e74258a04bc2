//! A cluster as seen by who plays no role in it.

use super::cluster;
use super::ground::{Error, database_name, fits};
use crate::config::Config;
use crate::registry::Registry;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;

/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(3);

/// The places where the truth is.
pub struct Look {
    pub store: Store,
    pub registry: Arc<dyn Registry>,
}

/// Opens database and registry of a cluster; nobody signs in.
///
/// # Errors
/// The configuration does not fit together, or the database cannot be opened.
pub async fn look(config: &Config) -> Result<Look, Error> {
    fits(config).map_err(Error::Unsupported)?;
    let place = database_name(config);
    let store = Store::open(&config.database).await.map_err(|error| Error::Store { place, error })?;
    let (_, registry) = cluster::registry(config);
    Ok(Look { store, registry })
}

impl Look {
    pub async fn leave(self) {
        let _ = tokio::time::timeout(CLOSING, self.registry.close()).await;
        let _ = tokio::time::timeout(CLOSING, self.store.close()).await;
    }
}
