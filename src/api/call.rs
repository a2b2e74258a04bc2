//! One request on its way through a route.

use super::form::Form;
use super::reply::Failure;
use super::upload::Upload;
use super::{Compat, Shared};
use crate::model::{ProjectId, UserId};
use crate::resources::Resources;
use crate::store::{Access, Account, Store};
use std::sync::Arc;

/// What a route is handed.
pub struct Call {
    pub(super) shared: Arc<Shared>,
    pub form: Form,
    /// The file that came along.
    pub upload: Option<Upload>,
    pub client: Client,
    /// `None` only where no login is needed.
    pub(super) account: Option<Account>,
    /// `None` only where the permission is about no project.
    pub(super) access: Option<Access>,
}

/// Where a request comes from.
#[derive(Debug)]
pub struct Client {
    /// The session id that came along.
    pub session: Option<String>,
    pub ip: String,
}

impl Call {
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Which release to follow where the two contradict each other.
    pub fn compat(&self) -> Compat {
        self.shared.settings.compat
    }

    /// The uploaded files.
    pub fn resources(&self) -> &Resources {
        &self.shared.resources
    }

    /// Who calls.
    pub fn account(&self) -> Result<&Account, Failure> {
        self.account.as_ref().ok_or(Failure::Unauthorized)
    }

    /// The id of who calls.
    pub fn user(&self) -> Result<UserId, Failure> {
        Ok(self.account()?.id)
    }

    /// The project that the permission was checked for.
    pub fn access(&self) -> Result<&Access, Failure> {
        self.access.as_ref().ok_or_else(|| Failure::Generic("the request names no project".into()))
    }

    /// The id of that project.
    pub fn project(&self) -> Result<ProjectId, Failure> {
        Ok(self.access()?.project)
    }

    /// Tells the masters that there is something to do.
    pub fn wake_masters(&self) {
        self.shared.bell.ring();
    }
}
