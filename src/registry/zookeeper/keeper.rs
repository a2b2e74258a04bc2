//! Keeps one member signed in: in every session anew, until its membership is dropped.

use super::monitor::{Monitor, removed};
use super::paths::{Paths, name};
use super::seat::{Chair, Desk, Place};
use crate::registry::{Member, Role};
use crate::zookeeper::{Client, Error, Mode, Session};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two attempts to sign in, when ZooKeeper answers and says no.
const PAUSE: Duration = Duration::from_millis(300);

pub(super) struct Keeper {
    client: Client,
    paths: Arc<Paths>,
    interval: Duration,
    role: Role,
    start: String,
    desk: Arc<Desk>,
    leave: CancellationToken,
    monitor: Option<Monitor>,
    /// Names drawn for former sessions whose nodes may still be there.
    former: Vec<String>,
}

impl Keeper {
    pub(super) fn new(client: Client, paths: Arc<Paths>, interval: Duration, member: Member) -> Keeper {
        let monitor = paths.monitored(member.role).map(|parent| Monitor::new(parent, &member.host, member.pid));
        Keeper {
            client,
            interval,
            role: member.role,
            start: member.start.clone(),
            desk: Desk::new(member),
            leave: CancellationToken::new(),
            monitor,
            former: Vec::new(),
            paths,
        }
    }

    /// What the member holds. Called once, or the first to be dropped signs out.
    pub(super) fn seat(&self) -> Chair {
        Chair::new(self.desk.clone(), self.leave.clone())
    }

    pub(super) async fn run(mut self) {
        while let Some(session) = self.leave.clone().run_until_cancelled(self.client.session()).await {
            let path =
                format!("{}/{}~{:016x}", self.paths.members(self.role), name(&self.start), rand::random::<u64>());
            self.serve(&session, &path).await;
            self.desk.signed_in(None);
            if self.leave.is_cancelled() {
                return self.sign_out(&session, &path).await;
            }
            self.former.push(path);
        }
    }

    /// Stays signed in at this path until the session is over or the member leaves.
    async fn serve(&mut self, session: &Session, path: &str) {
        while !self.leave.is_cancelled() && !session.standing().borrow().over {
            if let Err(error) = self.sign_in(session, path).await {
                tracing::debug!(role = %self.role, "not signed in at ZooKeeper yet: {error}");
                self.pause(session).await;
                continue;
            }
            self.desk.signed_in(Some(Place { session: session.clone(), path: path.to_owned() }));
            self.stay(session, path).await;
        }
    }

    /// Repeating it changes nothing: the path is this session's alone.
    async fn sign_in(&mut self, session: &Session, path: &str) -> Result<(), Error> {
        session.ensure(&self.paths.members(self.role)).await?;
        let stat = match session.create(path, &self.desk.text(), Mode::Ephemeral).await {
            Ok((_, stat)) => stat,
            Err(Error::Exists) => session.exists(path).await?.ok_or(Error::Missing)?,
            Err(error) => return Err(error),
        };
        // Only now, so that the member is never missing in between.
        while let Some(former) = self.former.last() {
            removed(session.delete(former, None).await)?;
            self.former.pop();
        }
        match self.show(session, stat.owner).await {
            Err(error) if !error.passes() => {
                tracing::warn!(role = %self.role, "monitors of ZooKeeper do not see this process: {error}");
                Ok(())
            }
            shown => shown,
        }
    }

    /// Makes what monitors look for.
    async fn show(&mut self, session: &Session, id: i64) -> Result<(), Error> {
        for path in self.paths.expected() {
            session.ensure(path).await?;
        }
        match &mut self.monitor {
            Some(monitor) => monitor.sign_in(session, id).await,
            None => Ok(()),
        }
    }

    /// Returns when a node is missing, the session is over, or the member leaves.
    async fn stay(&mut self, session: &Session, path: &str) {
        loop {
            tokio::select! {
                () = self.leave.cancelled() => return,
                () = session.over() => return,
                () = self.desk.look.notified() => {}
                () = tokio::time::sleep(self.interval) => {}
            }
            let own = session.exists(path).await;
            let monitored = match &mut self.monitor {
                Some(monitor) => monitor.beat(session).await,
                None => Ok(()),
            };
            // Somebody has deleted the tree.
            if own == Ok(None) || matches!(monitored, Err(Error::Missing)) {
                return;
            }
        }
    }

    async fn sign_out(&mut self, session: &Session, path: &str) {
        let own = removed(session.delete(path, None).await);
        let monitored = match &mut self.monitor {
            Some(monitor) => monitor.sign_out(session).await,
            None => Ok(()),
        };
        if own.and(monitored).is_err() {
            // A call may still be under way there. It must not make a node that outlives its member.
            self.client.give_up(session);
        }
    }

    async fn pause(&self, session: &Session) {
        tokio::select! {
            () = self.leave.cancelled() => {}
            () = session.over() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
