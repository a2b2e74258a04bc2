//! A process as a member of a cluster: the ports that reach others.

use super::App;
use super::roles::{Ended, Roles};
use crate::calls::grpc::{
    self, AnyMaster, Credentials, EveryBell, EveryMaster, LogReader, MasterService, OtherMasters, Pool, Roster,
    Services, Whereabouts,
};
use crate::calls::{Bell, Colleagues, Embedded, Masters, Registrar};
use crate::config::{self, Config};
use crate::logs::{self, Logs};
use crate::queue::zookeeper::{Listing, Offers};
use crate::queue::{Broker, Lobby};
use crate::registry::{Beats, Muster, Registry, Role, ZooKeeper};
use crate::zookeeper::Client;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct Cluster {
    place: Whereabouts,
    /// Taken early, so that its address is known; served once.
    port: Mutex<Option<grpc::Port>>,
    address: SocketAddr,
    credentials: Credentials,
    pool: Pool,
    pub registry: Arc<dyn Registry>,
    pub muster: Arc<dyn Muster>,
    client: Client,
    masters: Roster,
    loggers: Roster,
}

impl Cluster {
    /// Takes the port for other members, and finds the registry.
    pub async fn join(config: &Config, wanted: &[Role]) -> Result<Cluster, grpc::Error> {
        let place = Whereabouts::find(&config.cluster, grpc::port(config, wanted)).await?;
        let credentials = Credentials::read(&config.cluster)?;
        let port = grpc::Port::open(place.listen, place.ip).await?;
        let address = port.address();
        let (client, zookeeper) = registry(config);
        let registry: Arc<dyn Registry> = zookeeper.clone();
        Ok(Cluster {
            place,
            port: Mutex::new(Some(port)),
            address,
            pool: Pool::new(credentials.clone()),
            credentials,
            masters: Roster::new(registry.clone(), Role::Master),
            loggers: Roster::new(registry.clone(), Role::Logger),
            registry,
            muster: zookeeper,
            client,
        })
    }

    /// How others call this machine.
    pub fn host(&self) -> &str {
        &self.place.host
    }

    pub fn own_address(&self) -> SocketAddr {
        self.address
    }

    /// Where a role of this process is reached, if it is called at all.
    pub fn address(&self, role: Role) -> Option<SocketAddr> {
        matches!(role, Role::Master | Role::Logger).then_some(self.address)
    }

    /// Serves what the roles of this process have to offer to other members.
    pub fn serve(&self, app: &App, wanted: &[Role], mail: &Embedded, roles: &mut Roles) {
        let master = wanted.contains(&Role::Master).then(|| MasterService {
            start: app.start.clone(),
            mail: mail.mailbox(),
            registrar: app.registrar(),
            bell: app.bell.clone(),
        });
        let own_logs = || Arc::new(logs::Local::new(app.config.process.log.clone())) as Arc<dyn Logs>;
        let logs = wanted.contains(&Role::Logger).then(own_logs);
        let role = if master.is_some() { Role::Master } else { Role::Logger };
        let port = self.port.lock().unwrap_or_else(PoisonError::into_inner).take();
        if master.is_none() && logs.is_none() {
            return;
        }
        if let Some(port) = port {
            let (credentials, services) = (self.credentials.clone(), Services { master, logs });
            roles.spawn(role, None, move |stop| async move {
                port.serve(credentials, services, stop).await.map_err(|error| error.to_string())?;
                Ok(Ended::default())
            });
        }
    }

    pub fn masters(&self) -> Arc<dyn Masters> {
        Arc::new(EveryMaster::new(self.pool.clone(), self.masters.clone()))
    }

    pub fn registrar(&self) -> Arc<dyn Registrar> {
        Arc::new(AnyMaster::new(self.pool.clone(), self.masters.clone()))
    }

    pub fn colleagues(&self, start: String) -> Arc<dyn Colleagues> {
        Arc::new(OtherMasters::new(self.pool.clone(), self.masters.clone(), start))
    }

    /// A bell that rings at all masters; `local` is that of the master in this process.
    pub fn bell(&self, local: Option<Arc<dyn Bell>>, start: String) -> Arc<dyn Bell> {
        Arc::new(EveryBell::new(local, self.pool.clone(), self.masters.clone(), start))
    }

    /// The logs of all hosts; `here` are those of the worker in this process.
    pub fn logs(&self, here: Option<logs::Local>) -> Arc<dyn Logs> {
        let here = here.map(|local| (self.place.host.clone(), local));
        Arc::new(logs::Remote::new(LogReader::new(self.pool.clone()), self.loggers.clone(), here))
    }

    pub fn broker(&self, config: &Config) -> Option<Arc<dyn Broker>> {
        let root = &config.zookeeper.root;
        uses_zookeeper(config).then(|| Arc::new(Offers::new(self.client.clone(), root)) as Arc<dyn Broker>)
    }

    pub fn lobby(&self, config: &Config) -> Option<Arc<dyn Lobby>> {
        let host = &self.place.host;
        let root = &config.zookeeper.root;
        uses_zookeeper(config).then(|| Arc::new(Listing::new(self.client.clone(), root, host)) as Arc<dyn Lobby>)
    }
}

/// The registry of a cluster, which need not answer yet.
pub(super) fn registry(config: &Config) -> (Client, Arc<ZooKeeper>) {
    let client = Client::open((&config.zookeeper).into());
    let beats = Beats { master: config.master.heartbeat_interval, worker: config.worker.heartbeat_interval };
    let registry = ZooKeeper::new(client.clone(), &config.zookeeper, beats);
    (client, Arc::new(registry))
}

fn uses_zookeeper(config: &Config) -> bool {
    config.escheduler.queue == config::Queue::Zookeeper
}
