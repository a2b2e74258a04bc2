//! From a wish to an instance that can be made. What many starts have in common is looked up once for all of them.

use super::family::new_instance;
use crate::admission::{self, Admitted, Refusal};
use crate::model::{Command, CommandType, DefinitionId, InstanceId, TaskDependType, Time, UserId, param};
use crate::params::{Moment, cure};
use crate::store::{Definition, Error, Loaded, NewInstance, Records};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Definitions that may be started.
pub(super) type Ready = HashMap<DefinitionId, Arc<Admitted>>;

/// Why no instance comes of a wish.
pub(super) enum Unstarted {
    /// It goes to the error table, with this reason.
    Refused(String),
    /// The database could not be read.
    Store(Error),
}

/// Starts of one moment.
pub(super) struct Starts<'a> {
    store: &'a dyn Records,
    settings: &'a super::Settings,
    /// Definitions that were read together, and that nobody has asked for yet.
    prefetched: HashMap<DefinitionId, Definition>,
    admitted: HashMap<(DefinitionId, String, TaskDependType), Result<Arc<Admitted>, String>>,
    /// By the definition's tenant, its author and the executor.
    tenants: HashMap<(i32, UserId, UserId), Option<String>>,
}

impl<'a> Starts<'a> {
    pub fn new(store: &'a dyn Records, settings: &'a super::Settings) -> Self {
        Starts { store, settings, prefetched: HashMap::new(), admitted: HashMap::new(), tenants: HashMap::new() }
    }

    /// Reads definitions together. If that cannot be, each is read when it is asked for.
    pub async fn prefetch(&mut self, ids: Vec<DefinitionId>) {
        let found = self.store.definitions_of(ids).await.unwrap_or_default();
        self.prefetched.extend(found.into_iter().map(|definition| (definition.id, definition)));
    }

    /// The instance that a command wishes for, and its definition.
    pub async fn instance(&mut self, wish: Command, now: Time) -> Result<(NewInstance, Arc<Admitted>), Unstarted> {
        let kind = wish.kind;
        if matches!(kind, CommandType::Pause | CommandType::Stop) {
            return Err(Unstarted::Refused(format!("{kind} does not say which instance it is about")));
        }
        let nodes = wish.param(param::START_NODES).unwrap_or_default();
        let admitted = self.admit(wish.definition, nodes, wish.depend).await?;
        let new = instance(wish, &admitted, self.settings, now).map_err(Unstarted::Refused)?;
        Ok((new, admitted))
    }

    /// Those of some definitions that schedules may start; at most so many, since nothing fires before they are read.
    pub async fn ready(&mut self, definitions: impl IntoIterator<Item = DefinitionId>, most: usize) -> Ready {
        let mut seen = HashSet::new();
        let ids: Vec<_> = definitions.into_iter().filter(|id| seen.insert(*id)).take(most).collect();
        self.prefetch(ids.clone()).await;
        let mut ready = Ready::new();
        for id in ids {
            match self.admit(id, String::new(), TaskDependType::Post).await {
                Ok(admitted) => {
                    ready.insert(id, admitted);
                }
                Err(Unstarted::Refused(_)) => {}
                Err(Unstarted::Store(_)) => break,
            }
        }
        ready
    }

    async fn admit(
        &mut self,
        id: DefinitionId,
        nodes: String,
        depend: TaskDependType,
    ) -> Result<Arc<Admitted>, Unstarted> {
        let key = (id, nodes, depend);
        if let Some(known) = self.admitted.get(&key) {
            return known.clone().map_err(Unstarted::Refused);
        }
        let checked = match self.prefetched.remove(&id) {
            Some(definition) => admission::check_known(self.store, definition, &key.1, depend).await,
            None => admission::check(self.store, id, &key.1, depend).await,
        };
        let admitted = match checked {
            Ok(admitted) => Ok(Arc::new(admitted)),
            Err(Refusal::Store(error)) => return Err(Unstarted::Store(error)),
            Err(refusal) => Err(refusal.to_string()),
        };
        self.admitted.insert(key, admitted.clone());
        admitted.map_err(Unstarted::Refused)
    }

    /// All that is needed to drive an instance that was made just now.
    pub async fn loaded(&mut self, id: InstanceId, new: NewInstance, admitted: &Admitted) -> Result<Loaded, Error> {
        let (own, author, executor) = (new.tenant_id, admitted.definition.author, new.command.executor);
        let tenant = match self.tenants.get(&(own, author, executor)) {
            Some(tenant) => tenant.clone(),
            None => {
                let tenant = self.store.tenant_of(own, Some(author), executor).await?;
                self.tenants.insert((own, author, executor), tenant.clone());
                tenant
            }
        };
        Ok(Loaded::fresh(id, new, &admitted.definition, tenant))
    }
}

/// The instance of a wish for a definition that may be started.
///
/// # Errors
/// Why its parameters cannot be computed.
pub(super) fn instance(
    wish: Command,
    admitted: &Admitted,
    settings: &super::Settings,
    now: Time,
) -> Result<NewInstance, String> {
    let globals = &admitted.document.global_params;
    let globals = match globals.is_empty() {
        true => vec![],
        false => {
            let (kind, zone) = (wish.kind.name(), wish.zone.as_deref());
            let moment = Moment::of_history(kind, wish.schedule_time, now, zone, settings.zone);
            cure(globals, &moment).map_err(|why| why.to_string())?
        }
    };
    Ok(new_instance(wish, admitted, globals, settings, now))
}
