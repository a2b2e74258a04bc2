//! The only room that knows every role: opens the ports, starts the roles, stops them in order.

mod cluster;
mod folder;
mod keys;
mod look;
mod patience;
mod roles;

pub use folder::{Claimed, DataFolder};
pub use look::{Look, look};
pub use patience::Patience;
pub use roles::{Ended, Roles};

use crate::api::Stage;
use crate::calls::{Bell, Colleagues, Embedded, LocalBell, MasterMail, Registrar};
use crate::clock::SystemClock;
use crate::config::{self, Backend, Config, Loaded};
use crate::host::Limits;
use crate::logs::{self, Logs};
use crate::master::{self, Master, StoreRegistrar};
use crate::queue::Broker;
use crate::registry::{self, Member, Membership, Muster, Registry, Role};
use crate::resources::{self, Resources};
use crate::secrets::Keyring;
use crate::store::{self, Store};
use crate::telemetry::Waiting;
use crate::why;
use crate::worker::account::Accounts;
use crate::worker::environment::EnvironmentFile;
use crate::worker::workplace::Workplace;
use crate::worker::{self, Attached, Interpreters, Worker, shim};
use cluster::Cluster;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// Why nothing could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", list(.0))]
    Folders(Vec<config::Mistake>),
    /// The configuration asks for what does not go together.
    #[error("{0}")]
    Unsupported(String),
    #[error(transparent)]
    Folder(#[from] folder::Error),
    #[error("the database {place} cannot be opened: {error}")]
    Store { place: String, error: store::Error },
    #[error("resources cannot be kept as res.upload.startup.type says: {0}")]
    Resources(#[from] resources::Error),
    #[error(transparent)]
    Cluster(#[from] crate::calls::grpc::Error),
}

fn list(mistakes: &[config::Mistake]) -> String {
    mistakes.iter().map(config::Mistake::to_string).collect::<Vec<_>>().join("\n")
}

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

/// What a process stands on before it reaches out for any server.
pub struct Ground {
    config: Config,
    wanted: Vec<Role>,
    folder: Option<Claimed>,
    secrets: Keyring,
}

impl Ground {
    /// Claims the data folder, and makes what is missing in it.
    ///
    /// # Errors
    /// The configuration does not fit together, another process has the folder, or it cannot be written.
    pub fn claim(loaded: &Loaded, wanted: &[Role]) -> Result<Ground, Error> {
        let config = loaded.config.clone();
        fits(&config).map_err(Error::Unsupported)?;
        let folder = match !is_cluster(&config) || wanted.contains(&Role::Worker) {
            true => Some(DataFolder::new(&config.data.basedir).claim()?),
            false => None,
        };
        config::prepare(loaded).map_err(Error::Folders)?;
        let alone = folder.as_ref().filter(|_| !is_cluster(&config));
        let secrets = keys::keyring(&config, alone, wanted)?;
        Ok(Ground { config, wanted: wanted.to_vec(), folder, secrets })
    }

    async fn cluster(&self, patience: Patience) -> Result<Option<Cluster>, Error> {
        if !is_cluster(&self.config) {
            return Ok(None);
        }
        let advice = "start one, or correct zookeeper.quorum, or set server.host";
        let join = || async { Ok(Cluster::join(&self.config, &self.wanted).await?) };
        patience.open(Waiting::new("a way to ZooKeeper", advice), join).await.map(Some)
    }

    async fn store(&self, patience: Patience) -> Result<Store, Error> {
        // A file that cannot be used now will not be there later either.
        let patience = if is_cluster(&self.config) { patience } else { Patience::None };
        let advice = "start its server, or correct datasource.url; nothing is begun meanwhile";
        let open = || async {
            let place = database_name(&self.config);
            Store::open(&self.config.database).await.map_err(|error| Error::Store { place, error })
        };
        patience.open(Waiting::new("the database", advice), open).await
    }
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

    async fn master(&self, embedded: Arc<Embedded>, mail: UnboundedReceiver<MasterMail>) -> Master {
        let config = &self.config.master;
        let (colleagues, broker): (Arc<dyn Colleagues>, Option<Arc<dyn Broker>>) = match &self.cluster {
            None => (embedded, None),
            Some(cluster) => (cluster.colleagues(self.start.clone()), cluster.broker(&self.config)),
        };
        Master {
            records: Arc::new(self.ports.store.clone()),
            registry: self.ports.registry.clone(),
            membership: self.join(Role::Master).await,
            colleagues,
            bell: self.bell.clone(),
            clock: Arc::new(SystemClock),
            gauge: Arc::new(Limits::new("master", config.max_cpuload_avg, config.reserved_memory)),
            broker,
            timetable: Some(Arc::new(self.ports.store.clone())),
            mail,
            settings: master::Settings {
                owner: self.start.clone(),
                host: self.host.clone(),
                zone: self.config.server.timezone,
                instances: config.exec_threads,
                places: config.exec_task_number,
                sole: self.cluster.is_none(),
                grace: self.config.schedule.misfire_threshold,
                missing: self.config.dependent.missing,
                lease: self.config.worker.lease.max(SHORTEST),
                seed: rand::random(),
                inline: false,
            },
        }
    }

    fn worker(&self, embedded: Arc<Embedded>) -> Result<(Worker, shim::Options), Error> {
        let config = &self.config;
        let folder = self.folder.as_ref().expect("a process with a worker has claimed its folder");
        let settings = worker::Settings {
            name: folder.worker_name(&self.host)?,
            host: self.host.clone(),
            start: self.start.clone(),
            address: self.cluster.as_ref().and_then(|cluster| cluster.address(Role::Logger)),
            slots: config.worker.exec_threads,
            fetch: config.worker.fetch_task_num,
            grace: config.worker.kill_grace,
            log_max: config.worker.log_max_size,
            lease: self.cluster.as_ref().map(|_| config.worker.lease),
            restart_lease: config.worker.restart_lease,
            sole: self.cluster.is_none(),
            inline: false,
        };
        let options = shim::Options {
            dir: config.data.basedir.join("shim"),
            program: PathBuf::from("/proc/self/exe"),
            cgroup: config.worker.task_cgroup,
            leased: self.cluster.is_some(),
        };
        let cluster = self.cluster.as_ref();
        let worker = Worker {
            masters: cluster.map_or(embedded, Cluster::masters),
            registrar: cluster.map_or_else(|| self.registrar(), Cluster::registrar),
            registry: self.ports.registry.clone(),
            workshop: Arc::new(self.workplace()),
            clock: Arc::new(SystemClock),
            gauge: Arc::new(Limits::new("worker", config.worker.max_cpuload_avg, config.worker.reserved_memory)),
            lobby: cluster.and_then(|cluster| cluster.lobby(config)),
            settings,
        };
        Ok((worker, options))
    }

    /// Signs workers in at the database itself.
    fn registrar(&self) -> Arc<dyn Registrar> {
        Arc::new(StoreRegistrar::new(Arc::new(self.ports.store.clone())))
    }

    fn workplace(&self) -> Workplace {
        let config = &self.config;
        Workplace {
            host: self.host.clone(),
            exec: config.process.exec.clone(),
            logs: config.process.log.clone(),
            resources: self.ports.resources.clone(),
            interpreters: Interpreters { shell: config.worker.shell.clone(), python: config.worker.python.clone() },
            environment: EnvironmentFile::new(config.escheduler.env_path.clone(), config.worker.shell.clone()),
            accounts: Accounts::default(),
            keep_folders: config.development.state,
            zone: config.server.timezone.name().to_owned(),
        }
    }

    /// Starts the API on a socket that is bound already.
    pub async fn serve(&self, listener: tokio::net::TcpListener, roles: &mut Roles) {
        if self.ports.secrets.is_empty() {
            tracing::warn!("no data source with a password can be saved: {}", crate::secrets::Error::NoKey);
        }
        let membership = self.join(Role::Api).await;
        let server = &self.config.server;
        let api = crate::api::Api {
            store: self.ports.store.clone(),
            bell: self.ports.bell.clone(),
            logs: self.ports.logs.clone(),
            muster: self.ports.muster.clone(),
            secrets: self.ports.secrets.clone(),
            presence: roles.presence(),
            resources: self.ports.resources.clone(),
            settings: crate::api::Settings {
                zone: server.timezone,
                session_timeout: server.session_timeout,
                max_post: server.max_http_post_size,
                max_upload: server.max_upload_request,
                context_path: server.context_path.trim_end_matches('/').to_owned(),
                compat: match server.compat {
                    crate::config::Compat::V1_0 => crate::api::Compat::V1_0,
                    crate::config::Compat::V1_1 => crate::api::Compat::V1_1,
                },
                zookeeper: self.config.cluster.quorum.clone(),
                site: server.static_dir.clone(),
                kerberos: self.config.hadoop.kerberos,
                proxies: server.proxies.clone(),
                logins: crate::api::Limits {
                    per_address: u32::try_from(server.login_failures_address).unwrap_or(u32::MAX),
                    per_name: u32::try_from(server.login_failures_user).unwrap_or(u32::MAX),
                    window: server.login_window,
                },
                retention: crate::api::Retention {
                    changes: server.audit_retention,
                    firings: self.config.schedule.firing_retention,
                    sessions: server.session_timeout,
                },
                limits: self.limits(),
            },
        };
        roles.spawn(Role::Api, Some(membership), move |stop| async move {
            api.serve(listener, stop).await.map_err(|error| error.to_string())?;
            Ok(Ended::default())
        });
    }

    /// How much masters and workers take on, as it is configured here; a cluster has one configuration.
    fn limits(&self) -> why::Limits {
        let (master, worker) = (&self.config.master, &self.config.worker);
        why::Limits {
            instances: master.exec_threads,
            places: master.exec_task_number,
            master: (master.max_cpuload_avg, master.reserved_memory),
            worker: (worker.max_cpuload_avg, worker.reserved_memory),
            sole: self.cluster.is_none(),
        }
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

/// A master judges by its own freshness even if leases of workers never end.
const SHORTEST: Duration = Duration::from_secs(10);

/// Whether this process is one of many.
pub fn is_cluster(config: &Config) -> bool {
    !config.zookeeper.quorum.is_empty()
}

/// Whether database, registry and queue go together.
fn fits(config: &Config) -> Result<(), String> {
    let on_server = !matches!(config.database.backend, Backend::Sqlite(_));
    match (is_cluster(config), on_server, config.escheduler.queue) {
        (true, false, _) => Err(
            "zookeeper.quorum makes this process one of a cluster, which needs a database server for all its members: \
             set datasource.url to a mysql:// or postgres:// address"
                .into(),
        ),
        (false, true, _) => Err(
            "datasource.url names a database server, which several processes may share: set zookeeper.quorum, by which \
             they know of each other, or leave datasource.url out for the embedded database"
                .into(),
        ),
        (true, true, config::Queue::Memory) => Err(
            "escheduler.queue.impl = \"memory\" is the queue of a single process: set it to \"direct\" or \
             \"zookeeper\", or leave it out"
                .into(),
        ),
        (false, false, config::Queue::Direct | config::Queue::Zookeeper) => Err(
            "escheduler.queue.impl names a queue of a cluster: set zookeeper.quorum and datasource.url, or leave the \
             key out"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// What the database is called in messages; without its password.
fn database_name(config: &Config) -> String {
    match &config.database.backend {
        Backend::Sqlite(path) => path.display().to_string(),
        Backend::Mysql(_) | Backend::Postgres(_) => "that datasource.url names".into(),
    }
}

fn host_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "localhost".into())
}
