//! Starts the run, follows it, and passes on the wish to stop it.

use super::{Workflow, tail};
use crate::app::{App, Roles};
use crate::cli::progress::{NodeView, Progress, Snapshot, Waits};
use crate::cli::run::Signals;
use crate::model::{Command, CommandId, CommandType, DefinitionId, InstanceId, State, Time, UserId};
use crate::store::{Error, Glance, LoadedTask, TaskGlance};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::watch::Receiver;

/// How often the display is made anew.
const FRAME: Duration = Duration::from_millis(100);

/// A lost wake-up costs no more than this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// For how long a node may wait before it is asked why, and how often it is asked again.
const ASK: Duration = Duration::from_secs(1);

/// Looking takes no more of the time than one part of so many, however large the workflow is.
const SHARE: u32 = 10;

/// The logs of a larger workflow are not read for the table.
const READ: usize = 60;

/// The only user of the private instance.
const USER: UserId = UserId(1);

/// How watching ended.
pub(super) enum Ended {
    /// The run has ended.
    Run(State),
    /// It was stopped by a signal, and has ended.
    Stopped,
    /// Left at once, whatever is running.
    Left,
    /// The program cannot go on.
    Broken(String),
}

pub(super) struct Watch<'a> {
    app: &'a App,
    definition: DefinitionId,
    command: CommandId,
    /// Once a master has made it.
    instance: Option<InstanceId>,
    /// Names and kinds, in the order of the document.
    nodes: Vec<(String, String)>,
    progress: Progress,
    changed: Receiver<u64>,
    /// How often a signal came, and how often the run was told.
    interrupts: u32,
    told: u32,
    state: Option<State>,
    /// When something has last begun or ended, and when it was last asked why the rest does not.
    moved: Instant,
    asked: Instant,
    /// How often each node was begun and ended, to see whether something moves.
    seen: Vec<(Option<State>, u32)>,
    waits: HashMap<String, Waits>,
}

impl<'a> Watch<'a> {
    /// Wishes for the run.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin(app: &'a App, workflow: &Workflow, progress: Progress) -> Result<Watch<'a>, Error> {
        let store = &app.ports.store;
        let changed = store.changed();
        let definition = store.adopt_document(workflow.name.clone(), workflow.text.clone()).await?;
        let command = store.insert_command(Command::start(definition, USER)).await?;
        app.ports.bell.ring();
        let nodes = workflow.document.nodes.iter().map(|node| (node.name.clone(), node.kind.name().to_owned()));
        Ok(Watch {
            app,
            definition,
            command,
            instance: None,
            nodes: nodes.collect(),
            progress,
            changed,
            interrupts: 0,
            told: 0,
            state: None,
            moved: Instant::now(),
            asked: Instant::now(),
            seen: vec![],
            waits: HashMap::new(),
        })
    }

    /// Shows the run until it ends, or until it must be left.
    pub async fn until_end(&mut self, roles: &mut Roles, signals: &mut Signals) -> Ended {
        match self.follow(roles, signals).await {
            Ok(Ended::Run(state)) if self.interrupts > 0 && state != State::Success => Ended::Stopped,
            Ok(ended) => ended,
            Err(why) => Ended::Broken(why),
        }
    }

    async fn follow(&mut self, roles: &mut Roles, signals: &mut Signals) -> Result<Ended, String> {
        loop {
            let begun = Instant::now();
            self.look().await?;
            if let Some(state) = self.state.filter(|state| state.is_finished()) {
                return Ok(Ended::Run(state));
            }
            self.tell_stop().await;
            let rest = FRAME.max(begun.elapsed() * SHARE);
            tokio::select! {
                changed = wait(&mut self.progress, &mut self.changed, rest) => changed?,
                why = roles.broken() => return Err(why),
                () = signals.next() => {
                    self.interrupts += 1;
                    match self.interrupts {
                        1 => self.progress.say("stopping; Ctrl-C once more kills what does not leave"),
                        2 => self.progress.say("killing; Ctrl-C once more leaves at once"),
                        _ => return Ok(Ended::Left),
                    }
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), String> {
        let store = &self.app.ports.store;
        let instance = match self.instance {
            Some(instance) => instance,
            None => match store.newest_instance(self.definition).await.map_err(unreadable)? {
                Some(instance) => *self.instance.insert(instance),
                None => {
                    let refusal = store.refusal(self.command).await.map_err(unreadable)?;
                    return refusal.map_or(Ok(()), |why| Err(format!("the workflow cannot be run: {why}")));
                }
            },
        };
        let glance = store.glance(instance).await.map_err(unreadable)?;
        self.state = Some(glance.state);
        let mut snapshot = snapshot(&self.nodes, glance);
        self.ask_why(instance, &snapshot).await;
        for node in &mut snapshot.nodes {
            node.waits = self.waits.get(&node.name).cloned();
        }
        self.progress.show(snapshot);
        Ok(())
    }

    /// While nothing moves, it is asked now and then why.
    async fn ask_why(&mut self, instance: InstanceId, snapshot: &Snapshot) {
        let seen: Vec<_> = snapshot.nodes.iter().map(|node| (node.state, node.attempt)).collect();
        if seen != self.seen {
            (self.seen, self.moved) = (seen, Instant::now());
            self.waits.clear();
        }
        let ended = snapshot.instance_state.is_finished();
        if ended || self.moved.elapsed() < ASK || self.asked.elapsed() < ASK {
            return;
        }
        let begun = Instant::now();
        // What cannot be said now, is not said: the run does not depend upon it.
        if let Ok(standing) = self.app.desk().instance(instance).await {
            let waits = standing.nodes.into_iter().map(|node| {
                let waits = Waits { in_order: node.reason.is_order(), text: node.reason.text };
                (node.name, waits)
            });
            self.waits = waits.collect();
        }
        // A large workflow takes a while to be read.
        self.asked = Instant::now() + begun.elapsed() * SHARE;
    }

    /// Tells the run once for each signal: the first time it is stopped, the second time killed.
    async fn tell_stop(&mut self) {
        let Some(instance) = self.instance.filter(|_| self.told < self.interrupts) else { return };
        self.told += 1;
        let wish = Command::about(CommandType::Stop, instance, self.definition, USER);
        if let Err(error) = self.app.ports.store.insert_command(wish).await {
            self.progress.say(&format!("the stop could not be recorded: {error}"));
        }
        self.app.ports.bell.ring();
    }

    /// Shows how it ended; answers name and log of each node that failed.
    pub async fn finish(mut self) -> Vec<(String, PathBuf)> {
        let tasks = match self.instance {
            Some(instance) => self.app.ports.store.load(instance).await.map_or(vec![], |loaded| loaded.tasks),
            None => vec![],
        };
        let log = |task: LoadedTask| Some((task.name, task.state, PathBuf::from(task.log_path?)));
        let logs: Vec<_> = tasks.into_iter().filter_map(log).collect();
        if logs.len() <= READ {
            for (name, _, log) in &logs {
                if let Ok([line]) = tail(log, 1).as_deref() {
                    self.progress.said(name, line);
                }
            }
        }
        self.progress.finish();
        logs.into_iter().filter(|(_, state, _)| *state == State::Failure).map(|(name, _, log)| (name, log)).collect()
    }
}

fn unreadable(error: Error) -> String {
    format!("the run cannot be followed: {error}")
}

/// Waits until there is something new to look at, and for `rest` at least. Meanwhile the times go on.
async fn wait(progress: &mut Progress, changed: &mut Receiver<u64>, rest: Duration) -> Result<(), String> {
    let rested = tokio::time::sleep(rest);
    tokio::pin!(rested);
    let news = async {
        rested.await;
        match tokio::time::timeout(LOOK_AGAIN, changed.changed()).await {
            Ok(Err(_)) => Err("the database was closed".to_owned()),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    };
    tokio::pin!(news);
    let mut frames = tokio::time::interval_at(tokio::time::Instant::now() + FRAME, FRAME);
    loop {
        tokio::select! {
            news = &mut news => return news,
            _ = frames.tick() => progress.tick(Time::now()),
        }
    }
}

fn snapshot(nodes: &[(String, String)], glance: Glance) -> Snapshot {
    let mut tasks: HashMap<String, TaskGlance> =
        glance.tasks.into_iter().map(|task| (task.name.clone(), task)).collect();
    let nodes = nodes.iter().map(|(name, kind)| {
        let task = tasks.remove(name);
        NodeView {
            name: name.clone(),
            kind: kind.clone(),
            state: task.as_ref().map(|task| task.state),
            attempt: task.as_ref().map_or(0, |task| task.attempt),
            started_at: task.as_ref().and_then(|task| task.started_at),
            ended_at: task.as_ref().and_then(|task| task.ended_at),
            waits: None,
        }
    });
    Snapshot { instance_state: glance.state, nodes: nodes.collect(), now: Time::now() }
}
