//! The roles of this process while they run.

use crate::api::{Presence, Stage};
use crate::registry::{Membership, Role};
use std::any::Any;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a role tells when it has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Tasks that go on without it.
    pub tasks: usize,
}

/// Running roles. Whoever starts them owns them and awaits them.
#[derive(Default)]
pub struct Roles {
    running: JoinSet<(Role, Result<Ended, String>)>,
    /// Stops whoever takes requests in.
    entrance: CancellationToken,
    /// Stops everybody else.
    rest: CancellationToken,
    tasks: usize,
    presence: Presence,
    kept: Vec<Box<dyn Any + Send>>,
}

impl Roles {
    /// For these roles, none of which is there yet.
    pub fn of(wanted: &[Role]) -> Roles {
        Roles { presence: Presence::of(wanted), ..Roles::default() }
    }

    /// Which of them are there.
    pub fn presence(&self) -> Presence {
        self.presence.clone()
    }

    /// Starts a role. It signs out when it ends, or has its membership itself.
    pub fn spawn<F>(&mut self, role: Role, membership: Option<Membership>, run: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<Ended, String>> + Send + 'static,
    {
        self.presence.note(role, Stage::Up);
        self.spawn_slowly(role, membership, run);
    }

    /// Starts a role that says itself when it is up.
    pub fn spawn_slowly<F>(
        &mut self,
        role: Role,
        membership: Option<Membership>,
        run: impl FnOnce(CancellationToken) -> F,
    ) where
        F: Future<Output = Result<Ended, String>> + Send + 'static,
    {
        let token = if role == Role::Api { &self.entrance } else { &self.rest };
        let running = run(token.child_token());
        let presence = self.presence.clone();
        self.running.spawn(async move {
            let ended = running.await;
            presence.note(role, Stage::Ended);
            drop(membership);
            (role, ended)
        });
    }

    /// Keeps something alive as long as the roles.
    pub fn keep(&mut self, what: impl Any + Send) {
        self.kept.push(Box::new(what));
    }

    /// Waits until a role ends by itself, which none should: says which, and why.
    pub async fn broken(&mut self) -> String {
        match self.running.join_next().await {
            None => std::future::pending().await,
            Some(Ok((role, Ok(_)))) => format!("the role {role} ended by itself"),
            Some(Ok((role, Err(why)))) => format!("the role {role} cannot go on: {why}"),
            Some(Err(error)) => format!("a role broke off: {error}"),
        }
    }

    /// Stops all roles and waits for them.
    pub async fn stop(&mut self) {
        self.entrance.cancel();
        self.rest.cancel();
        while let Some(ended) = self.running.join_next().await {
            match ended {
                Ok((_, Ok(ended))) => self.tasks += ended.tasks,
                Ok((role, Err(why))) => tracing::warn!("the role {role} left with an error: {why}"),
                Err(error) => tracing::warn!("a role broke off: {error}"),
            }
        }
    }

    /// How many tasks go on, as the roles that have left told.
    pub fn tasks(&self) -> usize {
        self.tasks
    }
}
