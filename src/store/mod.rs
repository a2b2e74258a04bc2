//! What is true: the database. Rows and SQL live in this room and nowhere else.
//!
//! Everybody reads through [`Store::read`]. Whoever writes hands over a job, see [`Store::write`]; the answer means
//! that the fact outlives a power cut. Tables are those of EasyScheduler, made and upgraded by the crate
//! [`migrations`]. The room knows neither engine nor roles; it keeps no copy of anything.

mod alerts;
mod commit;
mod definitions;
pub mod entity;
mod error;
mod instances;
mod list;
mod orders;
mod projects;
mod runs;
mod sessions;
mod sqlite;
mod tasks;
mod tenants;
#[cfg(test)]
mod tests;
mod time;
mod typed;
mod users;

pub use definitions::{DefinitionHead, Drawing, FullDefinition, Unchanged};
pub use error::Error;
pub use instances::{FullInstance, InstanceFilter, InstanceHead, Undeleted};
pub use list::{Page, Paged};
pub use orders::Target;
pub use projects::{Access, Belonging, NewProject, Project};
pub use runs::*;
pub use sessions::{Account, NewSession, Session};
pub use tasks::{FullTask, SubProcess, TaskFilter, TaskHead, TaskPlace};
pub use tenants::{NewTenant, Queue, QueueTaken, Tenant};
pub use time::{instant, utc};
pub use users::{NewUser, User};

use commit::{Committer, Job, Typed};
use futures::future::BoxFuture;
use sea_orm::{DatabaseConnection, DatabaseTransaction};
use sqlite::{Durability, Writer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How many jobs may wait for the writer before their callers have to wait for a place.
const WAITING: usize = 1024;

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    readers: DatabaseConnection,
    jobs: mpsc::Sender<Box<dyn Job>>,
    changed: watch::Receiver<u64>,
    closing: CancellationToken,
    committer: Mutex<Option<JoinHandle<Writer>>>,
    /// Last, so that the files go after those who use them.
    _folder: Option<Folder>,
}

impl Store {
    /// Opens the embedded database; makes it if there is none, upgrades it if it is old, refuses it if a later
    /// release has changed it.
    pub async fn open(path: &Path) -> Result<Store, Error> {
        Store::start(path, Durability::Full, None).await
    }

    /// A database that behaves the same and is gone with the last clone: for tests. It is a file nevertheless,
    /// because readers of SQLite's own memory databases lock out the writer.
    pub async fn memory() -> Result<Store, Error> {
        // Migrating, and hashing the first password, takes much longer than copying the outcome.
        static EMPTY: OnceCell<Vec<u8>> = OnceCell::const_new();
        let empty = EMPTY.get_or_try_init(migrated).await?;
        let folder = Folder::create()?;
        let path = folder.0.join("store.db");
        std::fs::write(&path, empty).map_err(Error::unavailable)?;
        Store::start(&path, Durability::Process, Some(folder)).await
    }

    async fn start(path: &Path, durability: Durability, folder: Option<Folder>) -> Result<Store, Error> {
        sqlite::create(path)?;
        let mut writer = Writer::new(path.to_owned(), durability);
        migrate(&mut writer).await?;
        let readers = sqlite::readers(path).await?;
        let (jobs, waiting) = mpsc::channel(WAITING);
        let (changes, changed) = watch::channel(0);
        let closing = CancellationToken::new();
        let committer = Committer { writer, jobs: waiting, closing: closing.clone(), changed: changes };
        let committer = Mutex::new(Some(tokio::spawn(committer.run())));
        Ok(Store { shared: Arc::new(Shared { readers, jobs, changed, closing, committer, _folder: folder }) })
    }

    /// For reading. Its few connections cannot write, and see every commit that was answered.
    pub fn read(&self) -> &DatabaseConnection {
        &self.shared.readers
    }

    /// Runs the job in a transaction and answers once that is on the disk. If the job fails, what it did is taken
    /// back, and only this caller hears of it. Once handed over it is carried out, whether or not anybody waits.
    ///
    /// Jobs that arrive together share a transaction, and run one after the other. So a job may be run more than
    /// once, although only one run counts: it has no effect but through the transaction, waits for nothing else
    /// (least of all for another write), and gives every error of a statement back instead of going on.
    ///
    /// ```ignore
    /// let id = store.write(move |db| {
    ///     let row = row.clone();
    ///     async move { Ok(row.insert(db).await?.id) }.boxed()
    /// }).await?;
    /// ```
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl for<'c> Fn(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T, Error>> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let (job, answer) = Typed::new(job);
        self.shared.jobs.send(Box::new(job)).await.map_err(|_| Error::closed())?;
        answer.await.unwrap_or_else(|_| Err(Error::closed()))
    }

    /// Counts the commits: for those who wait for a change. Two changes may show as one.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.clone()
    }

    /// Writes what was handed over, then closes the database, for all clones.
    pub async fn close(self) {
        self.shared.closing.cancel();
        let committer = self.shared.committer.lock().await.take();
        let writer = match committer {
            Some(committer) => committer.await,
            None => return,
        };
        if let Err(error) = self.shared.readers.close_by_ref().await {
            tracing::warn!(%error, "could not close the database");
        }
        // Whoever closes last copies the log back into the database.
        match writer {
            Ok(mut writer) => writer.close().await,
            Err(error) => tracing::error!(%error, "the writer of the database ended early"),
        }
    }
}

async fn migrate(writer: &mut Writer) -> Result<(), Error> {
    let connection = writer.connection().await?;
    if let Some(found) = migrations::newer_than_us(connection).await? {
        return Err(Error::Newer { found });
    }
    Ok(migrations::up(connection).await?)
}

/// The bytes of a new database.
async fn migrated() -> Result<Vec<u8>, Error> {
    let folder = Folder::create()?;
    let path = folder.0.join("store.db");
    let mut writer = Writer::new(path.clone(), Durability::Process);
    sqlite::create(&path)?;
    migrate(&mut writer).await?;
    writer.close().await;
    std::fs::read(&path).map_err(Error::unavailable)
}

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Folder, Error> {
        let folder = std::env::temp_dir().join(format!("escheduler-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).map_err(Error::unavailable)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, folder = %self.0.display(), "could not remove a temporary folder");
        }
    }
}
