//! What a worker wants of the place where attempts run, as a port: the real one is folders and files.

use super::workplace::{Prepared, Unprepared, Workplace, explain};
use crate::calls::{Address, Place};
use crate::queue::Job;
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[async_trait]
pub trait Workshop: Send + Sync {
    /// Where an attempt runs and writes.
    fn place(&self, attempt: &Address, pid: Option<u32>) -> Place;

    /// Makes all that an attempt needs. May be repeated for the same attempt.
    ///
    /// # Errors
    /// See [`Unprepared`].
    async fn prepare(self: Arc<Self>, job: Arc<Job>) -> Result<Prepared, Unprepared>;

    /// Writes into the log of an attempt why it was not started.
    fn explain(&self, log: &Path, why: &str);

    /// Puts the folders of an ended instance (project, definition, instance) aside.
    fn discard(&self, ids: [i32; 3]);

    /// Removes what was put aside so long ago.
    async fn empty_trash(self: Arc<Self>, age: Duration);
}

#[async_trait]
impl Workshop for Workplace {
    fn place(&self, attempt: &Address, pid: Option<u32>) -> Place {
        let Address { project, definition, instance, task, .. } = attempt;
        self.place_of([project.0, definition.0, instance.0, task.0], pid)
    }

    async fn prepare(self: Arc<Self>, job: Arc<Job>) -> Result<Prepared, Unprepared> {
        let prepared = tokio::task::spawn_blocking(move || {
            let prepared = Workplace::prepare(&self, &job);
            if let Err(Unprepared::Never(why)) = &prepared {
                self.explain(&self.log(&job), why);
            }
            prepared
        });
        // A panic there was told already; the task cannot run.
        let inside = |_| Err(Unprepared::Never("its preparation failed inside; see the server log".into()));
        prepared.await.unwrap_or_else(inside)
    }

    fn explain(&self, log: &Path, why: &str) {
        if let Err(error) = explain(log, why) {
            tracing::warn!(log = %log.display(), %error, "could not write why a task was not started: {why}");
        }
    }

    fn discard(&self, ids: [i32; 3]) {
        Workplace::discard(self, ids);
    }

    async fn empty_trash(self: Arc<Self>, age: Duration) {
        // It is tried again later, whatever became of it.
        let _ = tokio::task::spawn_blocking(move || Workplace::empty_trash(&self, age)).await;
    }
}
