//! A worker's streams to all masters.

use super::line::Line;
use super::{Pool, Roster};
use crate::calls::{Hello, Masters, WorkerMail};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the masters are looked at when nobody tells of a change.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps one stream to every living master, that of its own process included.
///
/// A stream lives as long as its connection, whatever the registry says: a master that only the registry has lost goes
/// on being served. To a master that is no member any more no new one is made. To be used within the runtime; what it
/// keeps ends when it is dropped.
pub struct EveryMaster {
    pool: Pool,
    masters: Roster,
    running: TaskTracker,
    end: CancellationToken,
}

impl EveryMaster {
    pub fn new(pool: Pool, masters: Roster) -> EveryMaster {
        EveryMaster { pool, masters, running: TaskTracker::new(), end: CancellationToken::new() }
    }
}

impl Masters for EveryMaster {
    fn attend(&self, hello: Hello) -> UnboundedReceiver<WorkerMail> {
        let (mail, received) = unbounded_channel();
        let links = Links { pool: self.pool.clone(), masters: self.masters.clone(), hello, mail };
        self.running.spawn(links.run(self.end.clone()));
        received
    }
}

impl Drop for EveryMaster {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// The streams of one attendance.
struct Links {
    pool: Pool,
    masters: Roster,
    hello: Hello,
    mail: UnboundedSender<WorkerMail>,
}

impl Links {
    /// Runs until told to stop, or until nobody listens. The worker is told of the end of each stream that it was told
    /// of.
    async fn run(self, stop: CancellationToken) {
        let mut lines = JoinSet::new();
        let mut listed: HashMap<String, watch::Sender<bool>> = HashMap::new();
        let mut changes = self.masters.changes();
        let mut gone = false;
        loop {
            self.look(&mut listed, &mut lines, &stop).await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.mail.closed() => break,
                changed = changes.changed(), if !gone => gone = changed.is_err(),
                Some(_) = lines.join_next() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        while lines.join_next().await.is_some() {}
    }

    /// Makes a line to each new master, and tells those to masters that are no members any more.
    async fn look(
        &self,
        listed: &mut HashMap<String, watch::Sender<bool>>,
        lines: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) {
        let members = self.masters.members().await;
        // A line that has ended for good listens to nobody.
        listed.retain(|_, listed| !listed.is_closed());
        for (start, listed) in listed.iter() {
            let is_member = members.iter().any(|member| member.start == *start);
            listed.send_if_modified(|listed| std::mem::replace(listed, is_member) != is_member);
        }
        for member in members {
            let Some(address) = member.address else { continue };
            if listed.contains_key(&member.start) {
                continue;
            }
            let (sender, receiver) = watch::channel(true);
            listed.insert(member.start.clone(), sender);
            let line = Line {
                master: member.start,
                address,
                pool: self.pool.clone(),
                hello: self.hello.clone(),
                mail: self.mail.clone(),
                listed: receiver,
                stop: stop.clone(),
            };
            lines.spawn(line.run());
        }
    }
}
