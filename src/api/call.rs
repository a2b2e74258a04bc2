//! One request on its way through a route.

use super::form::Form;
use super::reply::Failure;
use super::upload::Upload;
use super::{Compat, Shared};
use crate::model::{ProjectId, Time, UserId};
use crate::resources::Resources;
use crate::store::{Access, Account, Author, Store};
use chrono_tz::Tz;
use std::net::IpAddr;
use std::sync::Arc;

/// What a route is handed.
pub struct Call {
    pub(super) shared: Arc<Shared>,
    /// In the caller's name where the call changes something.
    pub(super) store: Store,
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
    /// As it says itself; for the table of the original.
    pub ip: String,
    /// As far as it can be believed.
    pub address: IpAddr,
    /// Names the request in answers, log lines and audit rows.
    pub request: String,
}

impl Call {
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The store in the name of somebody who is just logging in.
    pub fn store_by(&self, account: &Account) -> Store {
        self.shared.store.by(Author {
            user: account.id,
            name: account.name.clone(),
            action: "login".to_owned(),
            object: String::new(),
            address: self.client.address.to_string(),
            request: self.client.request.clone(),
            at: Time::now(),
        })
    }

    /// Which release to follow where the two contradict each other.
    pub fn compat(&self) -> Compat {
        self.shared.settings.compat
    }

    /// The uploaded files, changed in the caller's name.
    pub fn resources(&self) -> Resources {
        self.shared.resources.by(self.store.clone())
    }

    /// The zone of the times in parameters.
    pub fn zone(&self) -> Tz {
        self.shared.settings.zone
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
