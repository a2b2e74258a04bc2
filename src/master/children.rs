//! Children that are in nobody's hand.

use super::driver::{Done, Driver};
use super::run::child_ended;
use crate::model::{InstanceId, State};
use crate::store::Error;

impl Driver {
    /// A child that is not in hand may have ended unheard: while its parent was being read, or because it
    /// could not be driven. Its row tells.
    pub fn look_at_children(&mut self) {
        let absent = |child: &InstanceId| !self.runs.contains_key(child) && !self.loading.contains_key(child);
        let families = self.runs.iter().flat_map(|(id, run)| run.children.keys().map(|child| (*id, *child)));
        let unheard: Vec<_> = families.filter(|(_, child)| absent(child)).collect();
        for (parent, child) in unheard {
            let store = self.means.records.clone();
            self.work.spawn(async move {
                let standpoint = store.standpoint(child).await;
                Done::Child { parent, child, state: standpoint.map(|standpoint| standpoint.map(|it| it.state)) }
            });
        }
    }

    pub fn child_seen(&mut self, parent: InstanceId, child: InstanceId, state: Result<Option<State>, Error>) {
        let Ok(state) = self.answered(state) else { return };
        let state = state.unwrap_or(State::Failure);
        if !state.is_finished() || self.runs.contains_key(&child) {
            return;
        }
        let entry = self.runs.get_mut(&parent).and_then(|parent| parent.children.remove(&child));
        if let Some((node, tag)) = entry {
            let now = self.now();
            self.post(parent, child_ended(node, tag, state, now).into());
        }
    }
}
