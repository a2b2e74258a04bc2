//! What is true: the database. Rows and SQL live in this room and nowhere else.
//!
//! It is a file (SQLite), or on a server: MariaDB, MySQL or PostgreSQL. Everybody reads through [`Store::read`]. Whoever writes hands over a job, see [`Store::write`]; the answer means
//! that the fact outlives a power cut. Tables are those of EasyScheduler, made and upgraded by the crate
//! [`migrations`]. The room knows neither engine nor roles; it keeps no copy of anything.

mod alert_groups;
mod alerts;
mod audit;
mod backfills;
mod commit;
mod counts;
mod datasources;
mod definition_removal;
mod definitions;
mod edits;
pub mod entity;
mod error;
mod firings;
mod grants;
mod instances;
mod list;
mod lock;
mod orders;
mod pending;
mod project_lists;
mod projects;
mod pulse;
mod queues;
mod reader;
mod removals;
mod resources;
mod runs;
mod schedules;
mod server;
mod sessions;
mod sqlite;
mod tasks;
mod tenants;
#[cfg(test)]
mod tests;
mod time;
mod tokens;
mod typed;
mod users;
mod worker_groups;
mod writer;

#[cfg(test)]
pub(crate) use tests::stage;

pub use alert_groups::{AlertGroup, GroupDraft, GroupRefusal};
pub use audit::{AuditFilter, Audited, Author, Fact};
pub use backfills::{BackfillRow, Backfills, Progress, Unsteered};
pub use counts::{Backlog, Drawn, Scope, Span};
pub use datasources::{DataSource, DataSourceChange, DataSourceRight, DataSourceText, DataSources};
pub use definition_removal::Unremoved;
pub use definitions::{DefinitionHead, Drawing, FullDefinition, Unchanged};
pub use edits::{InstanceEdit, Redrawn, Unedited};
pub use error::Error;
pub use firings::{Begin, Decide, Decision, Fired, Firing, Foreseen, Near, Timetable};
pub use grants::{Grant, GrantRefusal};
pub use instances::{FullInstance, InstanceFilter, InstanceHead, Undeleted};
pub use list::{Page, Paged};
pub use orders::Target;
pub use pending::WaitingFiring;
pub use projects::{Access, Belonging, NewProject, Project};
pub use pulse::Pulse;
pub use queues::{Queue, QueueRefusal};
pub use reader::Reader;
pub use removals::{Kept, Using};
pub use resources::{Begun, Change, ChangeId, Edit, NamedResource, NewResource, NewUdf, Resource, Udf, Unchangeable};
pub use runs::*;
pub use schedules::{Next, ScheduleRow, Timing, Unmoved};
pub use sessions::{Account, NewSession, Session};
pub use tasks::{FullTask, SubProcess, TaskFilter, TaskHead, TaskPlace};
pub use tenants::{NewTenant, Tenant, TenantDraft, TenantRefusal};
pub use time::{instant, utc};
pub use tokens::{NewToken, Token, TokenDraft, TokenRefusal};
pub use users::{NewUser, User, UserDraft, UserRefusal};
pub use worker_groups::{InUse, Unsaved, WorkerGroup};

use crate::config::{Backend, Database};
use commit::{Committer, Job, Typed};
use futures::future::BoxFuture;
use reader::Source;
use sea_orm::DatabaseTransaction;
use server::{Readers, Server};
use sqlite::Durability;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use writer::Writer;

/// How many transactions are under way at once on a server.
const WRITERS: usize = 4;
/// How many jobs may wait for the writer before their callers have to wait for a place.
const WAITING: usize = 1024;

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    /// In whose name changes are made, if they are to be noted.
    author: Option<Arc<Author>>,
}

struct Shared {
    reader: Reader,
    jobs: mpsc::Sender<Box<dyn Job>>,
    changed: watch::Receiver<u64>,
    closing: CancellationToken,
    committers: Mutex<Vec<JoinHandle<Writer>>>,
    /// Last, so that the files go after those who use them.
    _folder: Option<Folder>,
}

impl Store {
    /// Opens the database that the configuration names. A file is made if there is none, and upgraded if it is old;
    /// the tables of a server must be those of this release, because others may be using them: see
    /// [`Store::migrate`].
    ///
    /// # Errors
    /// [`Error::Newer`] if a later release has changed it, [`Error::Older`] if a server's tables are to be made or
    /// upgraded first, [`Error::Unavailable`] if it cannot be reached.
    pub async fn open(database: &Database) -> Result<Store, Error> {
        match (Server::of(database)?, &database.backend) {
            (Some(server), _) => {
                server.check().await?;
                Ok(Store::on_server(server, database))
            }
            (None, Backend::Sqlite(path)) => Store::open_file(path).await,
            (None, _) => Err(Error::broken("datasource.url names neither a file nor a server")),
        }
    }

    /// Makes or upgrades the tables.
    ///
    /// # Errors
    /// A statement failed; a second call goes on where this one stopped.
    pub async fn migrate(database: &Database) -> Result<(), Error> {
        match (Server::of(database)?, &database.backend) {
            (Some(server), _) => server.migrate().await,
            (None, Backend::Sqlite(path)) => {
                Store::open_file(path).await?.close().await;
                Ok(())
            }
            (None, _) => Err(Error::broken("datasource.url names neither a file nor a server")),
        }
    }

    /// Opens the embedded database; makes it if there is none, upgrades it if it is old, refuses it if a later
    /// release has changed it.
    pub async fn open_file(path: &Path) -> Result<Store, Error> {
        Store::on_file(path, Durability::Full, None).await
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
        Store::on_file(&path, Durability::Process, Some(folder)).await
    }

    async fn on_file(path: &Path, durability: Durability, folder: Option<Folder>) -> Result<Store, Error> {
        sqlite::create(path)?;
        let mut writer = sqlite::Writer::new(path.to_owned(), durability);
        migrate(&mut writer).await?;
        let reader = Source::File(sqlite::readers(path).await?);
        Ok(Store::start(reader, vec![Writer::File(writer)], folder))
    }

    fn on_server(server: Arc<Server>, database: &Database) -> Store {
        let writers = (database.max_active / 2).clamp(1, WRITERS);
        let readers = database.max_active.saturating_sub(writers);
        let readers = Readers::new(server.clone(), readers, database.min_idle, database.max_wait);
        let writers = (0..writers).map(|_| Writer::Server(server::Writer::new(server.clone()))).collect();
        Store::start(Source::Server(readers), writers, None)
    }

    fn start(reader: Source, writers: Vec<Writer>, folder: Option<Folder>) -> Store {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let (changes, changed) = watch::channel(0);
        let changes = Arc::new(changes);
        let closing = CancellationToken::new();
        let committers = writers.into_iter().map(|writer| {
            let (jobs, closing, changed) = (waiting.clone(), closing.clone(), changes.clone());
            tokio::spawn(Committer { writer, jobs, closing, changed }.run())
        });
        let committers = Mutex::new(committers.collect());
        let reader = Reader(reader);
        Store { shared: Arc::new(Shared { reader, jobs, changed, closing, committers, _folder: folder }), author: None }
    }

    /// For reading. Its connections cannot write, and see every commit that was answered.
    pub fn read(&self) -> &Reader {
        &self.shared.reader
    }

    /// Runs the job in a transaction and answers once that is on the disk. If the job fails, what it did is taken
    /// back, and only this caller hears of it. Once handed over it is carried out, whether or not anybody waits.
    ///
    /// Jobs that arrive together share a transaction, and run one after the other. So a job may be run more than
    /// once, although only one run counts: it has no effect but through the transaction, waits for nothing else
    /// (least of all for another write), and gives every error of a statement back instead of going on.
    ///
    /// A file has one writer. On a server several transactions are under way at once, here and in other processes,
    /// so a job locks the rows that it reads and then relies on.
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

    /// Counts the commits of this process: for those who wait for a change. Two changes may show as one. What other
    /// processes write on a server does not show, so whoever waits looks by himself now and then.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.clone()
    }

    /// Writes what was handed over, then closes the database, for all clones.
    pub async fn close(self) {
        self.shared.closing.cancel();
        let committers = std::mem::take(&mut *self.shared.committers.lock().await);
        let mut writers = Vec::new();
        for committer in committers {
            match committer.await {
                Ok(writer) => writers.push(writer),
                Err(error) => tracing::error!(%error, "a writer of the database ended early"),
            }
        }
        self.shared.reader.close().await;
        // Whoever closes a file last copies the log back into it.
        for mut writer in writers {
            writer.close().await;
        }
    }
}

async fn migrate(writer: &mut sqlite::Writer) -> Result<(), Error> {
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
    let mut writer = sqlite::Writer::new(path.clone(), Durability::Process);
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
