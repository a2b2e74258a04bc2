//! Masters and workers that only note what they are told.

use super::{ours, pool, soon};
use crate::calls::grpc::{Credentials, EveryMaster, MasterService, Pool, Port, Roster, Services};
use crate::calls::{
    Beat, Bell, Failure, Hello, Link, LocalBell, MasterMail, Masters, Registrar, SignIn, Standing, ToMaster, ToWorker,
    WorkerMail,
};
use crate::logs::Logs;
use crate::registry::{self, Member, Membership, Registry, Role};
use async_trait::async_trait;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Answers what it was told to, and notes what it was asked.
pub struct Register {
    pub asked: Mutex<Vec<String>>,
    pub answer: fn() -> Result<Standing, Failure>,
}

#[async_trait]
impl Registrar for Register {
    async fn sign_in(&self, who: SignIn) -> Result<Standing, Failure> {
        self.asked.lock().unwrap().push(format!("{who:?}"));
        (self.answer)()
    }

    async fn beat(&self, beat: Beat) -> Result<Standing, Failure> {
        self.asked.lock().unwrap().push(format!("{beat:?}"));
        (self.answer)()
    }
}

/// A master that serves.
pub struct Master {
    pub start: String,
    /// The address that others dial.
    pub address: SocketAddr,
    /// The address that it listens on.
    pub socket: SocketAddr,
    pub mail: mpsc::UnboundedReceiver<MasterMail>,
    pub register: Arc<Register>,
    pub bell: Arc<LocalBell>,
    /// Kept, because a stream ends when its links are dropped.
    pub links: Vec<Link<ToWorker>>,
    stop: CancellationToken,
    serving: JoinHandle<Result<(), crate::calls::grpc::Error>>,
}

/// How a master is set up.
pub struct Setup {
    pub start: &'static str,
    pub credentials: Credentials,
    pub listen: SocketAddr,
    /// The address that others dial, if it is another one.
    pub behind: Option<SocketAddr>,
    pub answer: fn() -> Result<Standing, Failure>,
    pub logs: Option<Arc<dyn Logs>>,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            start: "m1",
            credentials: ours(),
            listen: ([127, 0, 0, 1], 0).into(),
            behind: None,
            answer: || Ok(Standing::Lives { beat: 1, moved: true }),
            logs: None,
        }
    }
}

impl Setup {
    pub async fn serve(self) -> Master {
        let port = Port::open(self.listen, self.listen.ip()).await.unwrap();
        let socket = port.address();
        let port = match self.behind {
            Some(address) => port.behind(address),
            None => port,
        };
        let address = port.address();
        let (sender, mail) = mpsc::unbounded_channel();
        let register = Arc::new(Register { asked: Mutex::default(), answer: self.answer });
        let bell = Arc::new(LocalBell::default());
        let master = MasterService {
            start: self.start.to_owned(),
            mail: sender,
            registrar: register.clone(),
            bell: bell.clone(),
        };
        let (stop, start) = (CancellationToken::new(), self.start.to_owned());
        let services = Services { master: Some(master), logs: self.logs };
        let serving = tokio::spawn(port.serve(self.credentials, services, stop.clone()));
        Master { start, address, socket, mail, register, bell, links: Vec::new(), stop, serving }
    }
}

impl Master {
    pub fn member(&self) -> Member {
        member(Role::Master, &self.start, "127.0.0.1", self.address)
    }

    pub async fn next(&mut self) -> MasterMail {
        soon(self.mail.recv()).await.unwrap()
    }

    pub async fn linked(&mut self) -> (Hello, Link<ToWorker>) {
        match self.next().await {
            MasterMail::Linked { hello, link } => {
                self.links.push(link.clone());
                (hello, link)
            }
            other => panic!("{other:?}"),
        }
    }

    pub async fn heard(&mut self) -> ToMaster {
        match self.next().await {
            MasterMail::Said { what, .. } => what,
            other => panic!("{other:?}"),
        }
    }

    pub async fn unlinked(&mut self) -> u64 {
        match self.next().await {
            MasterMail::Unlinked { serial } => serial,
            other => panic!("{other:?}"),
        }
    }

    pub async fn rung(&self) {
        soon(self.bell.rung()).await;
    }

    /// Leaves as a process does that is told to. Returns what mail was left.
    pub async fn leave(mut self) -> Vec<MasterMail> {
        self.stop.cancel();
        soon(&mut self.serving).await.unwrap().unwrap();
        let mut left = Vec::new();
        while let Ok(mail) = self.mail.try_recv() {
            left.push(mail);
        }
        left
    }
}

pub fn member(role: Role, start: &str, host: &str, address: SocketAddr) -> Member {
    Member { role, start: start.into(), host: host.into(), pid: 1, address: Some(address), sound: true }
}

/// A worker that keeps its streams.
pub struct Worker {
    pub mail: mpsc::UnboundedReceiver<WorkerMail>,
    masters: EveryMaster,
    /// Kept, because a stream ends when its links are dropped.
    links: Vec<Link<ToMaster>>,
}

impl Worker {
    pub fn start(pool: Pool, masters: Roster) -> Worker {
        let masters = EveryMaster::new(pool, masters);
        Worker { mail: masters.attend(super::hello(1)), masters, links: Vec::new() }
    }

    /// Goes on as another incarnation.
    pub fn attend(&mut self, incarnation: u64) {
        self.mail = self.masters.attend(super::hello(incarnation));
    }

    pub async fn next(&mut self) -> WorkerMail {
        soon(self.mail.recv()).await.unwrap()
    }

    pub async fn linked(&mut self) -> (String, Link<ToMaster>) {
        match self.next().await {
            WorkerMail::Linked { master, link } => {
                self.links.push(link.clone());
                (master, link)
            }
            other => panic!("{other:?}"),
        }
    }

    pub async fn heard(&mut self) -> ToWorker {
        match self.next().await {
            WorkerMail::Said { what, .. } => what,
            other => panic!("{other:?}"),
        }
    }

    pub async fn unlinked(&mut self) -> u64 {
        match self.next().await {
            WorkerMail::Unlinked { serial, .. } => serial,
            other => panic!("{other:?}"),
        }
    }

    /// Leaves, and returns what mail was left.
    pub async fn leave(mut self) -> Vec<WorkerMail> {
        drop(self.masters);
        let mut left = Vec::new();
        while let Some(mail) = soon(self.mail.recv()).await {
            left.push(mail);
        }
        left
    }
}

/// A registry in memory, with these members as long as the result lives.
pub async fn registry(members: impl IntoIterator<Item = Member>) -> (Arc<dyn Registry>, Vec<Membership>) {
    let registry: Arc<dyn Registry> = Arc::new(registry::Memory::default());
    let mut joined = Vec::new();
    for member in members {
        joined.push(registry.join(member).await);
    }
    (registry, joined)
}

/// A master and a worker that have found each other.
pub async fn pair(setup: Setup) -> (Master, Link<ToWorker>, Worker, Link<ToMaster>, Vec<Membership>) {
    let mut master = setup.serve().await;
    let (registry, joined) = registry([master.member()]).await;
    let mut worker = Worker::start(pool(), super::masters(&registry));
    let (_, to_worker) = master.linked().await;
    let (_, to_master) = worker.linked().await;
    (master, to_worker, worker, to_master, joined)
}
