//! Collects the facts.

use super::{Attempt, Crew, Fellow, InstanceFacts, NodeFacts, NodeReason, Reason, Start, instance, nodes, start};
use crate::dag::{Dag, NodeIx};
use crate::dependency::Report;
use crate::engine::{Plan, Work};
use crate::host;
use crate::model::{CommandType, DefinitionId, Document, FailureStrategy, InstanceId, Node, Problem, State, Time};
use crate::registry::{self, Muster, Role, Server};
use crate::store::{self, Loaded, LoadedTask, Store};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// How much the roles take on, as the configuration says it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Instances that a master drives at once.
    pub instances: usize,
    /// Tasks of one instance that are submitted at once.
    pub places: usize,
    /// Load average and GiB of memory that stop a master from taking more on; 0 is no limit.
    pub master: (f64, f64),
    /// The same for a worker.
    pub worker: (f64, f64),
    /// All roles are in one process.
    pub sole: bool,
}

/// Where one asks.
pub struct Desk<'a> {
    pub store: &'a Store,
    pub muster: &'a dyn Muster,
    pub limits: Limits,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Registry(#[from] registry::Error),
    #[error("the workflow of the instance makes no sense: {}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))]
    Document(Vec<Problem>),
}

/// How an instance stands.
#[derive(Clone, Debug)]
pub struct Standing {
    pub state: State,
    /// `None` if something of it runs, or it has ended for good.
    pub reason: Option<Reason>,
    /// The nodes that neither run nor have ended.
    pub nodes: Vec<NodeReason>,
}

/// Something that has been asked for and has not begun.
#[derive(Clone, Debug)]
pub struct Pending {
    /// What is to be done; a firing that waits is none yet.
    pub command: Option<CommandType>,
    pub schedule_time: Option<Time>,
    /// When it was asked for, if it is a command.
    pub since: Option<Time>,
    pub reason: Reason,
}

impl Desk<'_> {
    /// Why an instance and its nodes do not run.
    ///
    /// # Errors
    /// There is no such instance, or the facts cannot be had.
    pub async fn instance(&self, id: InstanceId) -> Result<Standing, Error> {
        let loaded = self.store.load(id).await?;
        let state = loaded.state;
        let crew = self.crew().await?;
        if state.is_finished() {
            return Ok(Standing { state, reason: self.of_ended(id, state, &crew).await?, nodes: vec![] });
        }
        let groups = self.store.worker_groups().await?;
        let facts = facts(&loaded, groups, self.limits.places).map_err(Error::Document)?;
        let nodes = nodes(&facts, &crew);
        Ok(Standing { state, reason: instance(&facts, &nodes), nodes })
    }

    /// An ended one: somebody may have asked for it to run again.
    async fn of_ended(&self, id: InstanceId, state: State, crew: &Crew) -> Result<Option<Reason>, Error> {
        let commands = self.store.commands_about(id).await?;
        let again = commands.iter().find(|command| !matches!(command.kind, CommandType::Pause | CommandType::Stop));
        if let Some(command) = again {
            let reason = self.of_start(Start::Command, crew).await?;
            return Ok(Some(Reason { text: format!("{}: {}", command.kind, reason.text), ..reason }));
        }
        let facts = InstanceFacts {
            state,
            ends_on_failure: false,
            nodes: vec![],
            places: self.limits.places,
            groups: HashMap::new(),
        };
        Ok(instance(&facts, &[]))
    }

    /// Why what was asked for of a definition has not begun.
    ///
    /// # Errors
    /// The facts cannot be had.
    pub async fn definition(&self, id: DefinitionId) -> Result<Vec<Pending>, Error> {
        let crew = self.crew().await?;
        let mut pending = Vec::new();
        for command in self.store.commands_for(id).await? {
            pending.push(Pending {
                command: Some(command.kind),
                schedule_time: command.schedule_time,
                since: Some(command.created_at),
                reason: self.of_start(Start::Command, &crew).await?,
            });
        }
        for firing in self.store.waiting_firings(id).await? {
            let what = Start::Firing { policy: firing.policy, last: firing.last };
            pending.push(Pending {
                command: None,
                schedule_time: Some(firing.at),
                since: None,
                reason: self.of_start(what, &crew).await?,
            });
        }
        Ok(pending)
    }

    async fn of_start(&self, what: Start, crew: &Crew) -> Result<Reason, Error> {
        let in_hand = usize::try_from(self.store.in_hand().await?).unwrap_or(usize::MAX);
        Ok(start(what, crew, in_hand, self.limits.instances))
    }

    async fn crew(&self) -> Result<Crew, Error> {
        let fellows = async |role, limit| {
            let servers = self.muster.servers(role).await?;
            Ok::<_, Error>(servers.into_iter().map(|server| self.fellow(server, limit)).collect())
        };
        Ok(Crew {
            masters: fellows(Role::Master, self.limits.master).await?,
            workers: fellows(Role::Worker, self.limits.worker).await?,
            sole: self.limits.sole,
        })
    }

    /// How busy other machines are is not known: their heartbeats have no room for it.
    fn fellow(&self, server: Server, (load, reserved): (f64, f64)) -> Fellow {
        let overload = self.limits.sole.then(|| host::Limits::new("", load, reserved).shortage()).flatten();
        Fellow { host: server.host, overload }
    }
}

fn facts(
    loaded: &Loaded,
    groups: HashMap<i32, BTreeSet<String>>,
    places: usize,
) -> Result<InstanceFacts, Vec<Problem>> {
    let document = Document::parse(&loaded.document)?;
    let chosen = Plan::split_names(&document, &loaded.start_nodes);
    let plan = Plan::new(&document, &chosen, loaded.depend)?;
    let dag = Dag::of(&document).map_err(|problem| vec![problem])?;
    let tasks: HashMap<&str, &LoadedTask> = loaded.tasks.iter().map(|task| (task.name.as_str(), task)).collect();
    let places_of: HashMap<NodeIx, usize> = dag.order().iter().copied().zip(0..).collect();
    let node = |ix: &NodeIx| {
        let node = document.nodes.get(*ix as usize)?;
        let work = plan.node(*ix).work;
        let attempt = tasks.get(node.name.as_str()).map(|task| attempt(loaded, node, task, work));
        let after = dag.parents(*ix).iter().filter_map(|parent| places_of.get(parent).copied()).collect();
        let group = [node.worker_group, loaded.worker_group].into_iter().find(|group| *group > 0).unwrap_or(-1);
        Some(NodeFacts { name: node.name.clone(), work, after, group, attempt })
    };
    Ok(InstanceFacts {
        state: loaded.state,
        ends_on_failure: loaded.strategy == FailureStrategy::End,
        nodes: dag.order().iter().filter_map(node).collect(),
        places,
        groups,
    })
}

fn attempt(loaded: &Loaded, node: &Node, task: &LoadedTask, work: Work) -> Attempt {
    let report = task.dependent.as_deref().and_then(Report::read).unwrap_or_default();
    Attempt {
        state: task.state,
        holder: task.holder.as_ref().map(|holder| holder.worker.clone()),
        may_retry: work.may_retry() && task.retries < task.max_retries,
        ended_at: task.ended_at,
        retry_interval: Duration::from_secs(60 * u64::from(task.retry_interval)),
        waits_for: report.open().map(|item| item.text.clone()).collect(),
        child: loaded.children.get(&node.name).filter(|child| child.task == task.id).map(|child| child.instance),
    }
}
