//! The node that the monitors of EasyScheduler read: `<host>_<10 digits>` below the masters or the workers.

use super::heartbeat::Heartbeat;
use crate::zookeeper::{Error, Mode, Session};

/// The node of one member, in whichever session.
pub(super) struct Monitor {
    parent: String,
    host: String,
    heartbeat: Heartbeat,
    path: Option<String>,
    /// The sessions that it had a node in, by their ids; the last one is the present one.
    sessions: Vec<i64>,
}

impl Monitor {
    pub(super) fn new(parent: &str, host: &str, pid: u32) -> Monitor {
        Monitor {
            parent: parent.to_owned(),
            host: host.to_owned(),
            heartbeat: Heartbeat::new(host, pid),
            path: None,
            sessions: Vec::new(),
        }
    }

    /// Makes the node in this session (its id), and removes what former ones have left.
    ///
    /// The server numbers the node, so a call whose answer was lost leaves one that is not known: it is looked for.
    pub(super) async fn sign_in(&mut self, session: &Session, id: i64) -> Result<(), Error> {
        self.path = None;
        if !self.sessions.contains(&id) {
            self.sessions.push(id);
        }
        for (path, owner) in self.nodes(session).await? {
            if owner == id && self.path.is_none() {
                self.path = Some(path);
            } else if self.sessions.contains(&owner) {
                removed(session.delete(&path, None).await)?;
            }
        }
        if self.path.is_none() {
            let text = self.heartbeat.text().await;
            let stem = format!("{}/{}_", self.parent, self.host);
            self.path = Some(session.create(&stem, text.as_bytes(), Mode::EphemeralSequential).await?.0);
        }
        self.sessions = vec![id];
        Ok(())
    }

    /// Rewrites the moving fields.
    pub(super) async fn beat(&mut self, session: &Session) -> Result<(), Error> {
        let text = self.heartbeat.text().await;
        match &self.path {
            Some(path) => session.set(path, text.as_bytes(), None).await.map(drop),
            None => Err(Error::Missing),
        }
    }

    pub(super) async fn sign_out(&mut self, session: &Session) -> Result<(), Error> {
        match self.path.take() {
            Some(path) => removed(session.delete(&path, None).await),
            None => Ok(()),
        }
    }

    /// The nodes of this host, with the sessions that they belong to.
    async fn nodes(&self, session: &Session) -> Result<Vec<(String, i64)>, Error> {
        let mut nodes = Vec::new();
        for name in session.children(&self.parent).await? {
            // The whole host, not a text that begins alike: 10.0.0.1 is not 10.0.0.10.
            if name.rsplit_once('_').is_some_and(|(host, _)| host == self.host) {
                let path = format!("{}/{name}", self.parent);
                let found = session.exists(&path).await?;
                nodes.extend(found.map(|stat| (path, stat.owner)));
            }
        }
        Ok(nodes)
    }
}

/// What is gone already is as good as deleted.
pub(super) fn removed(deleted: Result<(), Error>) -> Result<(), Error> {
    match deleted {
        Err(Error::Missing) => Ok(()),
        other => other,
    }
}
