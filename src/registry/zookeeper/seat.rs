//! A member's place in the registry, as the member holds it.

use crate::registry::{Error, Member, Seat};
use crate::zookeeper::{self, Session};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What the member and its keeper share.
pub(super) struct Desk {
    state: Mutex<State>,
    /// Wanted: look at the nodes.
    pub(super) look: Notify,
}

struct State {
    member: Member,
    /// Where it is signed in; `None` while it is not.
    place: Option<Place>,
}

/// A node of ours, and the session that it belongs to.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) session: Session,
    pub(super) path: String,
}

impl Desk {
    pub(super) fn new(member: Member) -> Arc<Desk> {
        Arc::new(Desk { state: Mutex::new(State { member, place: None }), look: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The member as it is to be written.
    pub(super) fn text(&self) -> Vec<u8> {
        // Cannot fail: a member has neither maps nor anything that refuses to be written.
        serde_json::to_vec(&self.state().member).unwrap_or_default()
    }

    pub(super) fn signed_in(&self, place: Option<Place>) {
        self.state().place = place;
    }
}

pub(super) struct Chair {
    pub(super) desk: Arc<Desk>,
    /// Dropped with this: the keeper signs out.
    pub(super) _leave: DropGuard,
}

impl Chair {
    pub(super) fn new(desk: Arc<Desk>, leave: CancellationToken) -> Chair {
        Chair { desk, _leave: leave.drop_guard() }
    }
}

#[async_trait]
impl Seat for Chair {
    async fn beat(&self, sound: bool) -> Result<(), Error> {
        let place = {
            let mut state = self.desk.state();
            state.member.sound = sound;
            state.place.clone()
        };
        let Some(place) = place else { return Err(Error::Unavailable("not signed in at the moment".into())) };
        // The node has a name of its own and goes with the session, so an acknowledged write of it is one of a
        // session that lived when it was written.
        match place.session.set(&place.path, &self.desk.text(), None).await {
            Ok(_) => Ok(()),
            Err(error) => {
                if error == zookeeper::Error::Missing {
                    self.desk.look.notify_one();
                }
                Err(error.into())
            }
        }
    }
}
