//! What a master asks of the store: a narrow port, so that masters can be tried over a store that fails, is late
//! and forgets answers, without any SQL.

use super::{Definition, Live, Loaded, NewInstance, Recorded, Step, WorkerRow};
use crate::calls::{Beat, Holder, SignIn, Standing};
use crate::dependency::{Answers, Question};
use crate::model::{Command, CommandId, DefinitionId, InstanceId, State, Tag, UserId};
use crate::store::{Error, NamedResource, Store};
use async_trait::async_trait;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Who drives an instance, and whether somebody has to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standpoint {
    pub state: State,
    pub owner: Option<String>,
}

/// Each function is one whole fact; each is documented at [`Store`], which is the real one. All of them fail with
/// [`Error::Unavailable`] if the database cannot be used; then it is not known whether a write was made.
#[async_trait]
#[allow(clippy::missing_errors_doc, reason = "the sentence above holds for all")]
pub trait Records: Send + Sync {
    async fn orders(&self, limit: u64) -> Result<Vec<Command>, Error>;
    async fn starts(&self, limit: u64) -> Result<Vec<Command>, Error>;
    async fn drop_command(&self, id: CommandId) -> Result<(), Error>;
    async fn reject_command(&self, id: CommandId, reason: String) -> Result<(), Error>;
    async fn claim_starts(&self, new: Arc<[NewInstance]>) -> Result<Vec<Option<InstanceId>>, Error>;
    async fn claim_again(&self, command: Command, instance: InstanceId, owner: String) -> Result<bool, Error>;
    async fn tenant_of(&self, own: i32, author: Option<UserId>, executor: UserId) -> Result<Option<String>, Error>;
    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, Error>;
    async fn definitions_of(&self, ids: Vec<DefinitionId>) -> Result<Vec<Definition>, Error>;
    async fn named_resources(
        &self,
        author: UserId,
        names: Vec<String>,
    ) -> Result<HashMap<String, NamedResource>, Error>;
    async fn live_instances(&self) -> Result<Vec<Live>, Error>;
    async fn standpoint(&self, id: InstanceId) -> Result<Option<Standpoint>, Error>;
    async fn take_over(&self, id: InstanceId, from: Option<String>, owner: String) -> Result<bool, Error>;
    async fn load(&self, id: InstanceId) -> Result<Loaded, Error>;
    async fn record(&self, step: Arc<Step>) -> Result<Recorded, Error>;
    async fn attempt_is_settled(&self, instance: InstanceId, tag: Tag) -> Result<bool, Error>;
    async fn awaited(&self, questions: Vec<Question>) -> Result<Answers, Error>;
    async fn workers(&self) -> Result<Vec<WorkerRow>, Error>;
    async fn worker_groups(&self) -> Result<HashMap<i32, BTreeSet<String>>, Error>;
    async fn sign_in_worker(&self, who: SignIn) -> Result<Standing, Error>;
    async fn renew(&self, beat: Beat) -> Result<Standing, Error>;
    async fn fence(&self, holder: Holder, beat: u64) -> Result<bool, Error>;
}

#[async_trait]
impl Records for Store {
    async fn orders(&self, limit: u64) -> Result<Vec<Command>, Error> {
        Store::orders(self, limit).await
    }

    async fn starts(&self, limit: u64) -> Result<Vec<Command>, Error> {
        Store::starts(self, limit).await
    }

    async fn drop_command(&self, id: CommandId) -> Result<(), Error> {
        Store::drop_command(self, id).await
    }

    async fn reject_command(&self, id: CommandId, reason: String) -> Result<(), Error> {
        Store::reject_command(self, id, reason).await
    }

    async fn claim_starts(&self, new: Arc<[NewInstance]>) -> Result<Vec<Option<InstanceId>>, Error> {
        Store::claim_starts(self, new).await
    }

    async fn claim_again(&self, command: Command, instance: InstanceId, owner: String) -> Result<bool, Error> {
        Store::claim_again(self, command, instance, owner).await
    }

    async fn tenant_of(&self, own: i32, author: Option<UserId>, executor: UserId) -> Result<Option<String>, Error> {
        Store::tenant_of(self, own, author, executor).await
    }

    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, Error> {
        Store::definition(self, id).await
    }

    async fn definitions_of(&self, ids: Vec<DefinitionId>) -> Result<Vec<Definition>, Error> {
        Store::definitions_of(self, ids).await
    }

    async fn named_resources(
        &self,
        author: UserId,
        names: Vec<String>,
    ) -> Result<HashMap<String, NamedResource>, Error> {
        Store::named_resources(self, author, &names).await
    }

    async fn live_instances(&self) -> Result<Vec<Live>, Error> {
        Store::live_instances(self).await
    }

    async fn standpoint(&self, id: InstanceId) -> Result<Option<Standpoint>, Error> {
        Store::standpoint(self, id).await
    }

    async fn take_over(&self, id: InstanceId, from: Option<String>, owner: String) -> Result<bool, Error> {
        Store::take_over(self, id, from, owner).await
    }

    async fn load(&self, id: InstanceId) -> Result<Loaded, Error> {
        Store::load(self, id).await
    }

    async fn record(&self, step: Arc<Step>) -> Result<Recorded, Error> {
        Store::record(self, step).await
    }

    async fn attempt_is_settled(&self, instance: InstanceId, tag: Tag) -> Result<bool, Error> {
        Store::attempt_is_settled(self, instance, tag).await
    }

    async fn awaited(&self, questions: Vec<Question>) -> Result<Answers, Error> {
        Store::awaited(self, questions).await
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, Error> {
        Store::workers(self).await
    }

    async fn worker_groups(&self) -> Result<HashMap<i32, BTreeSet<String>>, Error> {
        Store::worker_groups(self).await
    }

    async fn sign_in_worker(&self, who: SignIn) -> Result<Standing, Error> {
        Store::sign_in_worker(self, who).await
    }

    async fn renew(&self, beat: Beat) -> Result<Standing, Error> {
        Store::renew(self, beat).await
    }

    async fn fence(&self, holder: Holder, beat: u64) -> Result<bool, Error> {
        Store::fence(self, holder, beat).await
    }
}
