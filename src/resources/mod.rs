//! The resource centre: uploaded files and the jars of functions, in a folder, in HDFS or in S3.
//!
//! ```text
//! upload ─▶ staging ─▶ change: note in the database ─▶ file to its place ─▶ row
//!                                     ▲
//!                        tidy: ends what somebody who is gone has begun
//! ```
//!
//! The API changes files, workers read them; both through [`Resources`]. Files lie where EasyScheduler keeps them, at
//! `<tenant>/resources/<alias>` and `<tenant>/udfs/<alias>`. The database says which files there are. The room knows
//! neither HTTP nor tasks.

mod change;
mod error;
mod lines;
mod local;
mod name;
mod path;
mod services;
mod staging;
mod storage;
#[cfg(test)]
mod tests;
mod tidy;

pub use change::New;
pub use error::Error;
pub use name::{fits, suffix};
pub use staging::{Staged, Staging};
pub use storage::Bytes;

use crate::config;
use crate::model::DefinitionId;
use crate::store::{Resource, Store};
use std::path::PathBuf;
use std::sync::Arc;
use storage::Storage;
use tokio_util::task::TaskTracker;

/// What the operator may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    pub resource: config::Resource,
    /// Where uploads wait until they are complete.
    pub staging: PathBuf,
    /// The largest file, in bytes.
    pub max_file: u64,
}

/// All uploaded files. Clones share them.
#[derive(Clone)]
pub struct Resources {
    shared: Arc<Shared>,
    /// In whose name files are changed.
    author: Store,
}

struct Shared {
    store: Store,
    /// `None` if the operator wants no resources.
    storage: Option<Storage>,
    staging: Staging,
    view_suffixs: Vec<String>,
    /// Changes that go on although nobody waits for them any more.
    changes: TaskTracker,
}

impl Resources {
    /// # Errors
    /// The storage cannot be used the way it is configured.
    pub fn open(store: Store, settings: &Settings) -> Result<Resources, Error> {
        let shared = Shared {
            store: store.clone(),
            storage: services::open(&settings.resource)?,
            staging: Staging::new(settings.staging.clone(), settings.max_file),
            view_suffixs: settings.resource.view_suffixs.clone(),
            changes: TaskTracker::new(),
        };
        Ok(Resources { shared: Arc::new(shared), author: store })
    }

    /// The same files, changed in the name that the store was given.
    pub fn by(&self, author: Store) -> Resources {
        Resources { shared: self.shared.clone(), author }
    }

    /// Whether there is a storage at all.
    pub fn are_kept(&self) -> bool {
        self.shared.storage.is_some()
    }

    /// Where files wait before they become resources.
    pub fn staging(&self) -> &Staging {
        &self.shared.staging
    }

    /// Whether a file of that name can be viewed and edited.
    pub fn is_viewable(&self, name: &str) -> bool {
        let known = &self.shared.view_suffixs;
        known.is_empty() || known.contains(&suffix(name).to_lowercase())
    }

    /// The file of a resource, piece by piece.
    ///
    /// # Errors
    /// There is no such file, or the storage does not answer.
    pub async fn read(&self, resource: &Resource) -> Result<Bytes, Error> {
        self.shared.storage()?.read(&path::of(resource)?).await
    }

    /// Up to `limit` lines of a resource after the first `skip`, joined by line feeds.
    ///
    /// # Errors
    /// There is no such file, or the storage does not answer.
    pub async fn lines(&self, resource: &Resource, skip: u64, limit: u64) -> Result<String, Error> {
        lines::read(self.read(resource).await?, skip, limit).await
    }

    /// The file that a node of the definition names, if the author of the definition may use it.
    ///
    /// # Errors
    /// He may not, there is no such file, or the storage does not answer.
    pub async fn open_for_task(&self, definition: DefinitionId, name: &str) -> Result<Bytes, Error> {
        let store = &self.shared.store;
        let found = store.definition(definition).await?;
        let author = found.ok_or_else(|| Error::Forbidden(name.to_owned()))?.author;
        match store.named_resources(author, &[name.to_owned()]).await?.remove(name) {
            Some(named) if named.allowed => self.read(&named.resource).await,
            Some(_) => Err(Error::Forbidden(name.to_owned())),
            None => Err(Error::Unknown(name.to_owned())),
        }
    }

    /// Waits for the changes that are under way.
    pub async fn settle(&self) {
        self.shared.changes.close();
        self.shared.changes.wait().await;
    }
}

impl Shared {
    fn storage(&self) -> Result<&Storage, Error> {
        self.storage.as_ref().ok_or(Error::Off)
    }
}
