//! Holds one session at a time, and replaces it when it is over or silent.

use super::Settings;
use super::generation::Session;
use crate::telemetry::Waiting;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often at least a server is asked whether it is there.
const PULSE: Duration = Duration::from_secs(1);

pub(super) struct Supervisor {
    pub(super) settings: Arc<Settings>,
    pub(super) sessions: watch::Sender<Option<Session>>,
    /// Wanted: another session.
    pub(super) give_up: Arc<Notify>,
    pub(super) stop: CancellationToken,
}

impl Supervisor {
    pub(super) async fn run(self) {
        let mut leaving = JoinSet::new();
        let (mut number, mut failures) = (0, 0);
        let mut waiting =
            Waiting::new("ZooKeeper", "start it, or correct zookeeper.quorum; what can go on without it does");
        while !self.stop.is_cancelled() {
            number += 1;
            match self.stop.run_until_cancelled(Session::open(&self.settings, number)).await {
                None => break,
                Some(Ok(session)) => {
                    failures = 0;
                    waiting.over();
                    tracing::info!(number, "a ZooKeeper session is open");
                    self.sessions.send_replace(Some(session.clone()));
                    let why = self.attend(&session).await;
                    tracing::info!(number, "the ZooKeeper session is given up: {why}");
                    session.end();
                    self.sessions.send_replace(None);
                    leaving.spawn(session.retire());
                }
                Some(Err(error)) => {
                    failures += 1;
                    waiting.failed(&error);
                    let pause = tokio::time::sleep(self.settings.backoff(failures));
                    self.stop.run_until_cancelled(pause).await;
                }
            }
            while leaving.try_join_next().is_some() {}
        }
        leaving.join_all().await;
    }

    /// Looks after a session until it has to be given up; says why.
    async fn attend(&self, session: &Session) -> &'static str {
        let pulse = self.settings.pulse();
        let (patience, silence) = (pulse / 4, pulse * 2 / 3);
        let mut answered = Instant::now();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return "the process leaves",
                () = session.over() => return "it has expired",
                () = self.give_up.notified() => return "it may hold nodes that nobody keeps",
                () = tokio::time::sleep(PULSE.min(patience)) => {}
            }
            if session.answers(patience).await {
                answered = Instant::now();
            } else if answered.elapsed() >= silence {
                return "no answer for too long";
            }
        }
    }
}
