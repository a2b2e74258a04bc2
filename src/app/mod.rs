//! The only room that knows every role: opens the ports, starts the roles, stops them in order.

mod cluster;
mod folder;
mod ground;
mod keys;
mod look;
mod patience;
mod roles;
mod services;

pub use folder::{Claimed, DataFolder};
pub use ground::{Error, Ground, is_cluster};
pub use look::{Look, look};
pub use patience::Patience;
pub use roles::{Ended, Roles};

use crate::api::Stage;
use crate::calls::{Bell, Embedded, LocalBell};
use crate::config::{Config, Loaded};
use crate::logs::{self, Logs};
use crate::registry::{self, Member, Membership, Muster, Registry, Role};
use crate::resources::{self, Resources};
use crate::secrets::Keyring;
use crate::store::Store;
use crate::why;
use crate::worker::Attached;
use cluster::Cluster;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// All that roles are handed.
#[derive(Clone)]
pub struct Ports {
    pub store: Store,
    pub registry: Arc<dyn Registry>,
    pub bell: Arc<dyn Bell>,
    pub logs: Arc<dyn Logs>,
    pub resources: Resources,
    pub muster: Arc<dyn Muster>,
    /// What stored passwords are sealed with.
    pub secrets: Arc<Keyring>,
}

/// One process: alone on embedded parts, or a member of a cluster.
pub struct App {
    pub ports: Ports,
    config: Config,
    /// Names this start of a process.
    start: String,
    /// How others call this machine.
    host: String,
    /// The bell that is rung in this process only.
    bell: Arc<LocalBell>,
    /// Locked as long as this lives. A process without a worker in a cluster needs none of its own.
    folder: Option<Claimed>,
    cluster: Option<Cluster>,
}

impl App {
    /// Opens what these roles need, without waiting for anything.
    ///
    /// # Errors
    /// See [`Ground::claim`] and [`App::on`].
    pub async fn open(loaded: &Loaded, wanted: &[Role]) -> Result<App, Error> {
        App::on(Ground::claim(loaded, wanted)?, Patience::None).await
    }

    /// Opens the ports.
    ///
    /// # Errors
    /// This host or a port is not what the configuration says, or the database cannot be opened.
    pub async fn on(ground: Ground, patience: Patience) -> Result<App, Error> {
        let start = format!("{}:{}:{:016x}", host_name(), std::process::id(), rand::random::<u64>());
        let cluster = ground.cluster(patience).await?;
        let store = ground.store(patience).await?;
        let Ground { config, wanted, folder, secrets } = ground;
        let secrets = Arc::new(secrets);
        let bell = Arc::new(LocalBell::default());
        let own_logs = logs::Local::new(config.process.log.clone());
        let (registry, muster, everybodys_bell, logs, host) = match &cluster {
            None => {
                let registry = Arc::new(registry::Memory::default());
                let muster: Arc<dyn Muster> = registry.clone();
                let registry: Arc<dyn Registry> = registry;
                let (bell, logs): (Arc<dyn Bell>, Arc<dyn Logs>) = (bell.clone(), Arc::new(own_logs));
                // Embedded, everything is on this host.
                (registry, muster, bell, logs, "127.0.0.1".to_owned())
            }
            Some(cluster) => {
                let local = wanted.contains(&Role::Master).then(|| bell.clone() as Arc<dyn Bell>);
                let here = wanted.contains(&Role::Worker).then_some(own_logs);
                let bell = cluster.bell(local, start.clone());
                (cluster.registry.clone(), cluster.muster.clone(), bell, cluster.logs(here), cluster.host().to_owned())
            }
        };
        let resources = Resources::open(
            store.clone(),
            &resources::Settings {
                resource: config.resource.clone(),
                staging: config.data.upload.clone(),
                max_file: config.server.max_upload,
            },
        )?;
        let ports = Ports { store, registry, bell: everybodys_bell, logs, resources, muster, secrets };
        Ok(App { ports, config, start, host, bell, folder, cluster })
    }

    /// Starts roles that need no port for people.
    ///
    /// # Errors
    /// The data folder cannot be written.
    pub async fn start(&self, wanted: &[Role], roles: &mut Roles) -> Result<(), Error> {
        let (embedded, mail) = Embedded::new(self.start.clone());
        let embedded = Arc::new(embedded);
        if let Some(cluster) = &self.cluster {
            cluster.serve(self, wanted, &embedded, roles);
        }
        let mut mail = Some(mail);
        for role in wanted {
            match role {
                Role::Master => {
                    if let Some(mail) = mail.take() {
                        let master = self.master(embedded.clone(), mail).await;
                        roles.spawn(Role::Master, None, move |stop| async move {
                            master.run(stop).await;
                            Ok(Ended::default())
                        });
                    }
                }
                Role::Worker => {
                    let (worker, shim) = self.worker(embedded.clone())?;
                    let presence = roles.presence();
                    roles.spawn_slowly(Role::Worker, Some(self.join(Role::Worker).await), move |stop| async move {
                        // Here, and not before the role begins: what an earlier shim left may take long to die.
                        let attached = Attached::to(shim).await.map_err(|error| error.to_string())?;
                        presence.note(Role::Worker, Stage::Up);
                        let left = worker.run(attached, stop).await.map_err(|error| error.to_string())?;
                        Ok(Ended { tasks: left.running })
                    });
                }
                Role::Logger => {
                    let logger = crate::logger::Logger::new(self.ports.logs.clone());
                    roles.spawn(Role::Logger, Some(self.join(Role::Logger).await), move |stop| async move {
                        logger.run(stop).await;
                        Ok(Ended::default())
                    });
                }
                Role::Alert => {
                    let alert = crate::alert::Alert { store: self.ports.store.clone() };
                    roles.spawn(Role::Alert, Some(self.join(Role::Alert).await), move |stop| async move {
                        alert.run(stop).await;
                        Ok(Ended::default())
                    });
                }
                // It listens, so it is started with its listener: `serve`.
                Role::Api => {}
            }
        }
        // Without a master, what a worker says is kept for nobody.
        roles.keep(mail);
        Ok(())
    }

    async fn join(&self, role: Role) -> Membership {
        let (start, host) = (self.start.clone(), self.host.clone());
        let address = self.cluster.as_ref().and_then(|cluster| cluster.address(role));
        self.ports.registry.join(Member { role, start, host, pid: std::process::id(), address, sound: true }).await
    }

    /// Starts the API on a socket that is bound already.
    pub async fn serve(&self, listener: tokio::net::TcpListener, roles: &mut Roles) {
        if self.ports.secrets.is_empty() {
            tracing::warn!("no data source with a password can be saved: {}", crate::secrets::Error::NoKey);
        }
        let membership = self.join(Role::Api).await;
        let api = self.api(roles.presence());
        roles.spawn(Role::Api, Some(membership), move |stop| async move {
            api.serve(listener, stop).await.map_err(|error| error.to_string())?;
            Ok(Ended::default())
        });
    }

    /// Where one asks why something does not run.
    pub fn desk(&self) -> why::Desk<'_> {
        why::Desk { store: &self.ports.store, muster: &*self.ports.muster, limits: self.limits() }
    }

    /// Where other members reach this process, if they do.
    pub fn address(&self) -> Option<SocketAddr> {
        self.cluster.as_ref().map(Cluster::own_address)
    }

    /// Stops the roles: first whoever takes new work in, then the others. Returns how many tasks go on.
    pub async fn stop(self, mut roles: Roles, grace: Duration) -> usize {
        let ended = tokio::time::timeout(grace, roles.stop()).await;
        if ended.is_err() {
            tracing::warn!(
                "not everybody left within shutdown.grace ({grace:?}); what is missing is made good at the next start"
            );
        }
        let tasks = roles.tasks();
        drop(roles);
        self.ports.registry.close().await;
        if tokio::time::timeout(grace, self.ports.store.close()).await.is_err() {
            tracing::warn!("the database did not close in time; it is consistent nevertheless");
        }
        tasks
    }
}

fn host_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "localhost".into())
}
