//! Masters and workers as processes: the product's own code, handed simulated ports.

use crate::net::{Caller, answer};
use crate::shim::Wishes;
use crate::world::World;
use crate::{queue, records, registry};
use async_trait::async_trait;
use escheduler::calls::{Address, Colleagues, Hello, Holder, MasterMail, Masters, Place, Report};
use escheduler::calls::{ToWorker, WorkerMail};
use escheduler::dependency::Missing;
use escheduler::host::NoLimit;
use escheduler::master::{self, Master};
use escheduler::model::DefinitionId;
use escheduler::queue::{Broker, Job, Lobby};
use escheduler::registry::{Member, Registry as _, Role};
use escheduler::store::Timetable;
use escheduler::worker::shim::Inventory;
use escheduler::worker::workplace::{Prepared, Unprepared};
use escheduler::worker::{self, Attached, Worker, Workshop};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

pub const LEASE: Duration = Duration::from_secs(10);

impl World {
    pub fn start_master(&mut self, node: usize) {
        self.machines[node].starts += 1;
        let start = format!("M{node}#{}", self.machines[node].starts);
        let (seed, outside) = (self.dice.draw(), self.plan.queue_outside);
        let schedules = !self.plan.schedules.is_empty();
        let (q, clock, places) = (self.q.clone(), self.machines[node].clock.clone(), self.plan.places);
        self.spawn(node, start.clone(), move |process, pid| {
            let (tell, mail) = unbounded_channel();
            process.mail = Some(tell);
            let (bell, stop) = (process.bell.clone(), process.stop.clone());
            let caller = Caller { q, node };
            let registry = registry::Client { caller: caller.clone(), pid };
            let broker = outside.then(|| Arc::new(queue::Owners { client: registry.clone() }) as Arc<dyn Broker>);
            let settings = master::Settings {
                owner: start.clone(),
                host: format!("host-{node}"),
                zone: chrono_tz::UTC,
                instances: 100,
                places,
                sole: false,
                grace: crate::schedules::GRACE,
                missing: Missing::Wait,
                lease: LEASE,
                seed,
                inline: true,
            };
            let member = Member {
                role: Role::Master,
                start: start.clone(),
                host: format!("host-{node}"),
                pid: pid as u32,
                address: None,
                sound: true,
            };
            Box::pin(async move {
                let membership = registry.join(member).await;
                let master = Master {
                    records: Arc::new(records::Client { caller: caller.clone() }),
                    registry: Arc::new(registry),
                    membership,
                    colleagues: Arc::new(Others { caller: caller.clone(), start }),
                    bell,
                    clock,
                    gauge: Arc::new(NoLimit),
                    broker,
                    timetable: schedules.then(|| Arc::new(records::Client { caller }) as Arc<dyn Timetable>),
                    mail,
                    settings,
                };
                master.run(stop).await;
            })
        });
    }

    /// A worker's process that has reached its shim.
    pub fn begin_worker(&mut self, node: usize, inventory: Inventory, serial: u64) {
        self.machines[node].starts += 1;
        let start = format!("W{node}#{}", self.machines[node].starts);
        let (q, clock) = (self.q.clone(), self.machines[node].clock.clone());
        let (name, slots, fetch) = (self.machines[node].disk.name.clone(), self.machines[node].slots, self.plan.fetch);
        let (tell, changes) = watch::channel(0);
        self.registry.queue_changes.push(tell);
        let (restart_lease, outside) = (self.plan.restart_lease, self.plan.queue_outside);
        self.spawn(node, start.clone(), move |process, pid| {
            let (tell, events) = mpsc::channel(4096);
            process.client = Some(crate::shim::Client::new(&inventory, serial, tell));
            let stop = process.stop.clone();
            let caller = Caller { q: q.clone(), node };
            let registry = Arc::new(registry::Client { caller: caller.clone(), pid });
            let host = format!("host-{node}");
            let changes = tokio::sync::Mutex::new(changes);
            let claimants = queue::Claimants { client: (*registry).clone(), host, changes };
            let lobby = outside.then(|| Arc::new(claimants) as Arc<dyn Lobby>);
            let settings = worker::Settings {
                name,
                host: format!("host-{node}"),
                start,
                address: None,
                slots,
                fetch,
                grace: Duration::from_secs(3),
                log_max: 0,
                lease: Some(LEASE),
                restart_lease,
                sole: false,
                inline: true,
            };
            let worker = Worker {
                masters: Arc::new(Streams { caller: caller.clone(), pid }),
                registrar: Arc::new(records::ThroughMasters { caller: caller.clone() }),
                registry,
                workshop: Arc::new(Bench { caller }),
                clock,
                gauge: Arc::new(NoLimit),
                lobby,
                settings,
            };
            let attached = Attached { shim: Arc::new(Wishes { q: q.clone(), pid }), inventory, events };
            Box::pin(async move {
                if let Err(error) = worker.run(attached, stop).await {
                    q.after(0, move |w| w.say(|| format!("process {pid} ends: {error}")));
                }
            })
        });
    }
}

/// The other masters.
struct Others {
    caller: Caller,
    start: String,
}

impl World {
    /// A word to another master: lost, late, or heard twice.
    fn mail(&mut self, from: usize, to: usize, make: impl Fn() -> MasterMail + Send + Clone + 'static) {
        let Some(pid) = self.machines[to].pid else { return };
        let twice = !self.is_calm() && self.dice.chance(self.plan.doubles);
        for _ in 0..1 + usize::from(twice) {
            let make = make.clone();
            self.leg(from, to, move |w| {
                w.say(|| format!("{} hears from master {from}: {:?}", w.procs[pid].start, make()));
                if let Some(mail) = &w.procs[pid].mail {
                    let _ = mail.send(make());
                }
            });
        }
    }
}

impl Colleagues for Others {
    fn letter(&self, master: &str, from: Holder, report: Report) {
        let (node, master) = (self.caller.node, master.to_owned());
        self.caller.q.after(0, move |w| {
            let named = |there: &usize| w.machines[*there].pid.is_some_and(|pid| w.procs[pid].start == master);
            if let Some(there) = w.masters().find(named) {
                w.mail(node, there, move || MasterMail::Letter { from: from.clone(), report: report.clone() });
            }
        });
    }

    fn pass(&self, worker: &str, what: ToWorker) {
        let (node, worker, own) = (self.caller.node, worker.to_owned(), self.start.clone());
        self.caller.q.after(0, move |w| {
            for there in w.masters() {
                if w.machines[there].pid.is_some_and(|pid| w.procs[pid].start != own) {
                    let (worker, what) = (worker.clone(), what.clone());
                    w.mail(node, there, move || MasterMail::Pass { worker: worker.clone(), what: what.clone() });
                }
            }
        });
    }

    /// Workflows of the simulator have no DEPENDENT nodes: nobody waits for it.
    fn ended(&self, _definitions: Vec<DefinitionId>) {}
}

struct Streams {
    caller: Caller,
    pid: usize,
}

impl Masters for Streams {
    fn attend(&self, hello: Hello) -> UnboundedReceiver<WorkerMail> {
        let (tell, mail) = unbounded_channel();
        let pid = self.pid;
        self.caller.q.after(0, move |w| w.attend(pid, hello, tell));
        mail
    }
}

/// Where attempts run: nothing has to be made.
struct Bench {
    caller: Caller,
}

#[async_trait]
impl Workshop for Bench {
    fn place(&self, _attempt: &Address, pid: Option<u32>) -> Place {
        Place { host: format!("host-{}", self.caller.node), pid, execute_path: None, log_path: None }
    }

    async fn prepare(self: Arc<Self>, job: Arc<Job>) -> Result<Prepared, Unprepared> {
        let made = self.caller.begin(|w, waiting| {
            let span = if w.dice.chance(0.9) { w.dice.seconds(0.0, 0.03) } else { w.dice.seconds(0.0, 1.5) };
            w.q.after(span, move |_| answer(&waiting, Some(())));
        });
        made.await;
        let argv = vec![job.node.name.clone()];
        Ok(Prepared { argv, folder: "/".into(), environment: vec![], account: None })
    }

    fn explain(&self, _log: &Path, _why: &str) {}

    fn discard(&self, _ids: [i32; 3]) {}

    async fn empty_trash(self: Arc<Self>, _age: Duration) {}
}
