//! Claims start commands, many in one write: admitted together, made together, and told apart only where one fails.

use super::claim::{Claimed, Outcome};
use super::driver::Means;
use super::offices::Complaints;
use super::places::Held;
use super::starts::{Starts, Unstarted};
use crate::admission::Admitted;
use crate::model::{Command, CommandId, DefinitionId, InstanceId};
use crate::store::{Error, NewInstance, Records};
use futures::future::join_all;
use std::sync::Arc;

/// A start that has its place.
pub(super) type Start = (Command, Held);

/// What cannot be started goes to the error table, with the reason.
pub(super) async fn claim_starts(
    means: &Means,
    settings: &super::Settings,
    log: &Complaints,
    starts: Vec<Start>,
) -> Vec<Outcome> {
    let (store, now) = (&*means.records, means.clock.now());
    let mut together = Starts::new(store, settings);
    together.prefetch(definitions(&starts)).await;
    let (mut wanted, mut new, mut unstarted) = (Vec::new(), Vec::new(), Vec::new());
    for (command, place) in starts {
        let id = command.id;
        match together.instance(command, now).await {
            Ok((instance, admitted)) => {
                new.push(instance);
                wanted.push((admitted, place));
            }
            Err(why) => unstarted.push((id, why, place)),
        }
    }
    let left = unstarted.into_iter().map(async |(command, why, place)| {
        match why {
            Unstarted::Refused(why) => refuse(store, command, why).await.unwrap_or_else(|error| log.complain(&error)),
            Unstarted::Store(error) => fail(store, log, command, error).await,
        }
        Outcome { command, claimed: None, place: Some(place) }
    });
    let mut outcomes = join_all(left).await;
    let made = make(store, new.into()).await;
    for ((new, made), (admitted, place)) in made.into_iter().zip(wanted) {
        let command = new.command.id;
        let claimed = match made {
            Ok(Some(id)) => Some(take(&mut together, id, new, &admitted).await),
            Ok(None) => None,
            Err(error) => {
                fail(store, log, command, error).await;
                None
            }
        };
        outcomes.push(Outcome { command, claimed, place: Some(place) });
    }
    outcomes
}

/// Each once.
fn definitions(starts: &[Start]) -> Vec<DefinitionId> {
    let mut ids: Vec<_> = starts.iter().map(|(command, _)| command.definition).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// An instance that was made, with all that is needed to drive it. If that cannot be read now, it is read whole later.
pub(super) async fn take(starts: &mut Starts<'_>, id: InstanceId, new: NewInstance, admitted: &Admitted) -> Claimed {
    let loaded = starts.loaded(id, new, admitted).await;
    loaded.map_or(Claimed::Known(id), |loaded| Claimed::New(Box::new(loaded)))
}

/// For each the id of its instance; none if somebody else was faster.
async fn make(store: &dyn Records, new: Arc<[NewInstance]>) -> Vec<(NewInstance, Result<Option<InstanceId>, Error>)> {
    if new.is_empty() {
        return vec![];
    }
    let ids = match store.claim_starts(new.clone()).await {
        Ok(ids) => ids.into_iter().map(Ok).collect(),
        Err(error @ Error::Unavailable(_)) => vec![Err(error); new.len()],
        Err(error) if new.len() == 1 => vec![Err(error)],
        // One of them cannot be made, and the others are not to suffer for it.
        Err(_) => {
            let mut ids = Vec::with_capacity(new.len());
            for one in new.iter() {
                let made = store.claim_starts(Arc::from([one.clone()])).await;
                ids.push(made.map(|ids| ids.into_iter().next().flatten()));
            }
            ids
        }
    };
    new.iter().cloned().zip(ids).collect()
}

async fn refuse(store: &dyn Records, command: CommandId, why: String) -> Result<(), Error> {
    tracing::warn!(%command, "the command is refused: {why}");
    store.reject_command(command, why).await
}

pub(super) async fn fail(store: &dyn Records, log: &Complaints, command: CommandId, error: Error) {
    match error {
        Error::Unavailable(error) => log.complain(&error),
        // Trying again is useless, and would hold up the others.
        error => {
            tracing::error!(%command, "could not claim the command: {error}");
            let rejected = store.reject_command(command, error.to_string()).await;
            rejected.unwrap_or_else(|error| tracing::error!(%command, "nor reject it: {error}"));
        }
    }
}
