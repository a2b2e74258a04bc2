//! The database as one process sees it: late, failing before the effect, silent after it, gone for a while.

use crate::db::Db;
use crate::net::{Caller, Outcome, answer};
use crate::world::World;
use async_trait::async_trait;
use escheduler::calls::{Beat, Failure, Holder, Registrar, SignIn, Standing};
use escheduler::dependency::{Answers, Question};
use escheduler::model::{Command, CommandId, DefinitionId, InstanceId, Tag, UserId};
use escheduler::store::{
    Definition, Error, Live, Loaded, NamedResource, NewInstance, Recorded, Records, Standpoint, Step, WorkerRow,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

#[derive(Clone)]
pub struct Client {
    pub caller: Caller,
}

impl World {
    /// What the database does about a call.
    pub fn database_serves<T>(
        &mut self,
        writes: bool,
        serve: impl FnOnce(&mut Db) -> Result<T, Error>,
    ) -> Outcome<Result<T, Error>> {
        let calm = self.is_calm();
        if self.q.now() < self.plan.database_down_until {
            return if self.dice.chance(0.5) { Outcome::Failed } else { Outcome::Silent };
        }
        if !calm && self.dice.chance(self.plan.failures) {
            return Outcome::Failed;
        }
        let served = serve(&mut self.db);
        self.judge_changes();
        if writes && !calm && self.dice.chance(self.plan.lost_answers) {
            self.count("answers lost");
            return Outcome::Silent;
        }
        Outcome::Answer(served)
    }
}

fn unavailable() -> Error {
    Error::Unavailable(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("simulated")))
}

impl Client {
    pub async fn read<T: Send + 'static>(
        &self,
        serve: impl FnOnce(&mut Db) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let served = self.caller.call(World::store, move |w| w.database_serves(false, serve)).await;
        served.unwrap_or_else(|| Err(unavailable()))
    }

    pub async fn write<T: Send + 'static>(
        &self,
        serve: impl FnOnce(&mut Db) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let served = self.caller.call(World::store, move |w| w.database_serves(true, serve)).await;
        served.unwrap_or_else(|| Err(unavailable()))
    }
}

#[async_trait]
impl Records for Client {
    async fn orders(&self, limit: u64) -> Result<Vec<Command>, Error> {
        self.read(move |db| Ok(db.orders(limit, true))).await
    }
    async fn starts(&self, limit: u64) -> Result<Vec<Command>, Error> {
        self.read(move |db| Ok(db.orders(limit, false))).await
    }
    async fn drop_command(&self, id: CommandId) -> Result<(), Error> {
        self.write(move |db| {
            db.commands.remove(&id);
            Ok(())
        })
        .await
    }
    async fn reject_command(&self, id: CommandId, reason: String) -> Result<(), Error> {
        self.write(move |db| {
            db.reject(id, reason);
            Ok(())
        })
        .await
    }
    async fn claim_starts(&self, new: Arc<[NewInstance]>) -> Result<Vec<Option<InstanceId>>, Error> {
        self.write(move |db| Ok(new.iter().map(|new| db.claim_start(new.clone())).collect())).await
    }
    async fn claim_again(&self, command: Command, instance: InstanceId, owner: String) -> Result<bool, Error> {
        self.write(move |db| Ok(db.claim_again(&command, instance, &owner))).await
    }
    /// Workflows of the simulator have no tenants.
    async fn tenant_of(&self, _: i32, _: Option<UserId>, _: UserId) -> Result<Option<String>, Error> {
        self.read(|_| Ok(None)).await
    }
    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, Error> {
        self.read(move |db| Ok(db.definitions.get(&id).cloned())).await
    }
    async fn definitions_of(&self, ids: Vec<DefinitionId>) -> Result<Vec<Definition>, Error> {
        self.read(move |db| Ok(ids.iter().filter_map(|id| db.definitions.get(id).cloned()).collect())).await
    }
    /// Workflows of the simulator have no DEPENDENT nodes.
    async fn awaited(&self, _: Vec<Question>) -> Result<Answers, Error> {
        Ok(Answers::default())
    }
    /// Workflows of the simulator name no files.
    async fn named_resources(&self, _: UserId, _: Vec<String>) -> Result<HashMap<String, NamedResource>, Error> {
        Ok(HashMap::new())
    }
    async fn live_instances(&self) -> Result<Vec<Live>, Error> {
        self.read(move |db| Ok(db.live_instances())).await
    }
    async fn standpoint(&self, id: InstanceId) -> Result<Option<Standpoint>, Error> {
        self.read(move |db| Ok(db.standpoint(id))).await
    }
    async fn take_over(&self, id: InstanceId, from: Option<String>, owner: String) -> Result<bool, Error> {
        self.write(move |db| Ok(db.take_over(id, from.as_deref(), &owner))).await
    }
    async fn load(&self, id: InstanceId) -> Result<Loaded, Error> {
        self.read(move |db| db.load(id)).await
    }
    async fn record(&self, step: Arc<Step>) -> Result<Recorded, Error> {
        let (node, sent) = (self.caller.node, step.clone());
        self.caller.q.after(0, move |w| {
            let Step { instance, epoch, revision, inserts, changes, orders, .. } = &*sent;
            let (count, at) = (inserts.len(), format!("epoch {epoch}, revision {revision}"));
            w.say(|| format!("{node} writes instance {instance} ({at}): {count} new, {changes:?}, {orders:?}"));
        });
        self.write(move |db| db.record(&step)).await
    }
    async fn attempt_is_settled(&self, instance: InstanceId, tag: Tag) -> Result<bool, Error> {
        self.read(move |db| Ok(db.attempt_is_settled(instance, tag))).await
    }
    async fn workers(&self) -> Result<Vec<WorkerRow>, Error> {
        self.read(move |db| Ok(db.workers.values().cloned().collect())).await
    }
    async fn worker_groups(&self) -> Result<HashMap<i32, BTreeSet<String>>, Error> {
        self.read(move |db| Ok(db.groups.clone())).await
    }
    async fn sign_in_worker(&self, who: SignIn) -> Result<Standing, Error> {
        self.write(move |db| Ok(db.sign_in(who))).await
    }
    async fn renew(&self, beat: Beat) -> Result<Standing, Error> {
        self.write(move |db| Ok(db.renew(&beat))).await
    }
    async fn fence(&self, holder: Holder, beat: u64) -> Result<bool, Error> {
        self.write(move |db| Ok(db.fence(&holder, beat))).await
    }
}

/// A worker's calls to the database, through any master.
pub struct ThroughMasters {
    pub caller: Caller,
}

impl ThroughMasters {
    async fn ask(&self, serve: impl FnOnce(&mut Db) -> Standing + Send + 'static) -> Result<Standing, Failure> {
        let node = self.caller.node;
        let asked = self.caller.begin(move |w, waiting| {
            let masters: Vec<usize> = w.masters().filter(|node| w.machines[*node].pid.is_some()).collect();
            if masters.is_empty() {
                return;
            }
            let through = *w.dice.pick(&masters);
            let pid = w.machines[through].pid;
            w.leg(node, through, move |w| {
                // If it is held still, it passes the call on when it goes on.
                let Some((at, pid)) = pid.and_then(|pid| Some((w.acts_at(pid)?, pid))) else { return };
                w.q.at(at, move |w| {
                    if !w.is_alive(pid) {
                        return;
                    }
                    let store = w.store();
                    w.leg(through, store, move |w| {
                        let outcome = w.database_serves(true, move |db| Ok(serve(db)));
                        let Outcome::Answer(Ok(standing)) = outcome else { return };
                        w.leg(store, through, move |w| {
                            w.leg(through, node, move |_| answer(&waiting, Some(standing)));
                        });
                    });
                });
            });
        });
        asked.await.ok_or_else(|| Failure::Unreachable("simulated".into()))
    }
}

#[async_trait]
impl Registrar for ThroughMasters {
    async fn sign_in(&self, who: SignIn) -> Result<Standing, Failure> {
        self.ask(move |db| db.sign_in(who)).await
    }
    async fn beat(&self, beat: Beat) -> Result<Standing, Failure> {
        self.ask(move |db| db.renew(&beat)).await
    }
}
