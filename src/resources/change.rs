//! What the API does to files. A change that has begun goes on to its end although its caller is gone, so that a
//! connection that breaks leaves nothing half done.

use super::staging::{Staged, Waiting};
use super::{Error, Resources, Shared, path};
use crate::model::{ResourceType, Time, UserId};
use crate::store::{Change, ChangeId, Edit, NewResource, Resource, Store};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How often a change that takes its time says that it is still under way.
const RENEW: Duration = Duration::from_secs(60);

/// A resource to be.
#[derive(Clone, Debug)]
pub struct New {
    pub kind: ResourceType,
    pub alias: String,
    pub file_name: String,
    pub desc: Option<String>,
    pub owner: UserId,
}

impl Resources {
    /// Makes a resource of a file.
    ///
    /// # Errors
    /// [`Error::Unchangeable`] if the name is taken.
    pub async fn create(&self, new: New, file: Staged) -> Result<Resource, Error> {
        self.go_on(async move |shared, author| shared.create(author, new, file).await).await
    }

    /// Gives a resource another content.
    ///
    /// # Errors
    /// [`Error::Unchangeable`] if somebody else is changing it.
    pub async fn replace(&self, resource: Resource, file: Staged) -> Result<Resource, Error> {
        self.go_on(async move |shared, author| shared.replace(author, resource, file).await).await
    }

    /// Gives a resource another name and another description.
    ///
    /// # Errors
    /// [`Error::Unchangeable`] if the name is taken, or somebody else is changing the resource.
    pub async fn rename(&self, resource: Resource, alias: String, desc: Option<String>) -> Result<Resource, Error> {
        self.go_on(async move |shared, author| shared.rename(author, resource, alias, desc).await).await
    }

    /// Deletes a resource. Once its row is gone it is deleted; a file that cannot be removed at present goes later.
    ///
    /// # Errors
    /// [`Error::Unchangeable`] if it is needed, or somebody else is changing it.
    pub async fn remove(&self, resource: Resource) -> Result<(), Error> {
        self.go_on(async move |shared, author| shared.remove(author, resource).await).await
    }

    async fn go_on<T: Send + 'static, F>(&self, act: impl FnOnce(Arc<Shared>, Store) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let acting = self.shared.changes.spawn(act(self.shared.clone(), self.author.clone()));
        acting.await.unwrap_or_else(|_| Err(Error::Storage("see the log of the server".to_owned())))
    }
}

impl Shared {
    async fn create(&self, author: Store, new: New, file: Staged) -> Result<Resource, Error> {
        self.storage()?;
        let tenant = self.store.resource_tenant(new.owner).await?;
        // What cannot be a path is told before anything begins.
        path::at(new.kind, &tenant, &new.alias)?;
        let (file, size) = file.sync().await?;
        let New { kind, alias, file_name, desc, owner } = new;
        let (change, at) = (
            Change {
                kind,
                tenant: tenant.clone(),
                resource: None,
                from: None,
                to: Some(alias.clone()),
                at: Time::now(),
            },
            Time::now(),
        );
        let id = self.store.begin_change(change.clone()).await??;
        self.work(id, self.put(id, &change, &file)).await?;
        let row = NewResource { alias, file_name, desc, owner, kind, size, tenant, at };
        Ok(author.end_creation(id, row).await?)
    }

    async fn replace(&self, author: Store, resource: Resource, file: Staged) -> Result<Resource, Error> {
        self.storage()?;
        let (file, size) = file.sync().await?;
        let change = about(&resource, Some(resource.alias.clone()));
        let id = self.store.begin_change(change.clone()).await??;
        self.work(id, self.put(id, &change, &file)).await?;
        let edit = Edit { size: Some(size), ..Edit::default() };
        Ok(author.end_edit(id, resource.id, edit, Time::now()).await?)
    }

    async fn rename(
        &self,
        author: Store,
        resource: Resource,
        alias: String,
        desc: Option<String>,
    ) -> Result<Resource, Error> {
        let (from, to) = (path::of(&resource)?, path::at(resource.kind, &resource.tenant, &alias)?);
        let storage = self.storage()?;
        let id = self.store.begin_change(about(&resource, Some(alias.clone()))).await??;
        self.work(id, storage.rename(&from, &to)).await?;
        let edit = Edit { alias: Some(alias), desc, size: None };
        Ok(author.end_edit(id, resource.id, edit, Time::now()).await?)
    }

    async fn remove(&self, author: Store, resource: Resource) -> Result<(), Error> {
        self.storage()?;
        let alias = resource.alias.clone();
        let id = author.begin_removal(resource, Time::now()).await??;
        if let Err(error) = self.settle(id).await {
            tracing::warn!(%error, resource = alias, "a deleted file could not be removed yet; it is tried again");
        }
        Ok(())
    }

    async fn put(&self, id: ChangeId, change: &Change, file: &Waiting) -> Result<(), Error> {
        let name = change.to.as_deref().unwrap_or_default();
        let to = path::at(change.kind, &change.tenant, name)?;
        let between = path::unfinished(change.kind, &change.tenant, id)?;
        self.storage()?.place(file, &to, &between).await
    }

    /// The part of a change that is about its file. If it fails, what it has done is taken back.
    async fn work(&self, id: ChangeId, work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        let Err(error) = self.renewing(id, work).await else { return Ok(()) };
        if let Err(later) = self.settle(id).await {
            tracing::warn!(error = %later, "a change that failed could not be taken back yet; it is tried again");
        }
        Err(error)
    }

    /// Keeps others from giving the change up for lost while it is under way.
    async fn renewing(&self, id: ChangeId, work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        if self.storage()?.is_near() {
            return work.await;
        }
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(RENEW, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) => self.store.renew_change(id, Time::now()).await?,
            }
        }
    }
}

/// A change of a resource that is there.
fn about(resource: &Resource, to: Option<String>) -> Change {
    Change {
        kind: resource.kind,
        tenant: resource.tenant.clone(),
        resource: Some(resource.id),
        from: Some(resource.alias.clone()),
        to,
        at: Time::now(),
    }
}
