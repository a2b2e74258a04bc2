//! The only room that knows every role: opens the ports, starts the roles, stops them in order.

mod folder;
mod roles;

pub use folder::{Claimed, DataFolder};
pub use roles::{Ended, Roles};

use crate::calls::{Bell, Embedded, LocalBell, MasterMail};
use crate::clock::SystemClock;
use crate::config::{self, Config, Loaded};
use crate::host::Limits;
use crate::logs::{self, Logs};
use crate::master::{self, Master, StoreRegistrar};
use crate::registry::{self, Member, Membership, Registry, Role};
use crate::store::{self, Store};
use crate::worker::account::Accounts;
use crate::worker::environment::EnvironmentFile;
use crate::worker::workplace::Workplace;
use crate::worker::{self, Attached, Interpreters, Worker, shim};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// How long one beat of a worker lasts.
const LEASE: Duration = Duration::from_secs(10);

/// Why nothing could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", list(.0))]
    Folders(Vec<config::Mistake>),
    #[error("{0}")]
    Unsupported(String),
    #[error(transparent)]
    Folder(#[from] folder::Error),
    #[error("the database {path} cannot be opened: {error}")]
    Store { path: String, error: store::Error },
    #[error(transparent)]
    Worker(#[from] worker::Error),
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
}

/// One process on embedded parts: database, registry and queue of its own, below one data folder.
pub struct App {
    pub ports: Ports,
    config: Config,
    /// Names this start of a process.
    start: String,
    host: String,
    /// Locked as long as this lives.
    folder: Claimed,
}

impl App {
    /// Claims the data folder, makes what is missing in it, and opens the ports.
    ///
    /// # Errors
    /// Another process has the folder, it cannot be written, or the database cannot be opened.
    pub async fn open(loaded: &Loaded) -> Result<App, Error> {
        let config = loaded.config.clone();
        if config.escheduler.queue != config::Queue::Memory {
            return Err(Error::Unsupported(
                "escheduler.queue.impl names a queue of a cluster; this release runs in one process only (leave the key out)"
                    .into(),
            ));
        }
        let folder = DataFolder::new(&config.data.basedir).claim()?;
        config::prepare(loaded).map_err(Error::Folders)?;
        let store = Store::open(&config.database)
            .await
            .map_err(|error| Error::Store { path: config.database.place(), error })?;
        let ports = Ports {
            store,
            registry: Arc::new(registry::Memory::default()),
            bell: Arc::new(LocalBell::default()),
            logs: Arc::new(logs::Local::new(config.process.log.clone())),
        };
        let start = format!("{}:{}:{:016x}", host_name(), std::process::id(), rand::random::<u64>());
        Ok(App { ports, config, start, host: config_host(), folder })
    }

    /// Starts roles that need no port of their own.
    ///
    /// # Errors
    /// The shim cannot be started, or the data folder cannot be written.
    pub async fn start(&self, wanted: &[Role], roles: &mut Roles) -> Result<(), Error> {
        let (embedded, mail) = Embedded::new(self.start.clone());
        let embedded = Arc::new(embedded);
        let mut mail = Some(mail);
        for role in wanted {
            let membership = self.join(*role).await;
            match role {
                Role::Master => {
                    if let Some(mail) = mail.take() {
                        let master = self.master(membership, embedded.clone(), mail);
                        roles.spawn(Role::Master, None, move |stop| async move {
                            master.run(stop).await;
                            Ok(Ended::default())
                        });
                    }
                }
                Role::Worker => {
                    let (worker, attached) = self.worker(embedded.clone()).await?;
                    roles.spawn(Role::Worker, Some(membership), move |stop| async move {
                        let left = worker.run(attached, stop).await.map_err(|error| error.to_string())?;
                        Ok(Ended { tasks: left.running })
                    });
                }
                Role::Logger => {
                    let logger = crate::logger::Logger::new(self.ports.logs.clone());
                    roles.spawn(Role::Logger, Some(membership), move |stop| async move {
                        logger.run(stop).await;
                        Ok(Ended::default())
                    });
                }
                Role::Alert => {
                    let alert = crate::alert::Alert { store: self.ports.store.clone() };
                    roles.spawn(Role::Alert, Some(membership), move |stop| async move {
                        alert.run(stop).await;
                        Ok(Ended::default())
                    });
                }
                // It listens, so it is started with its listener: `serve`.
                Role::Api => drop(membership),
            }
        }
        // Without a master, what a worker says is kept for nobody.
        roles.keep(mail);
        Ok(())
    }

    async fn join(&self, role: Role) -> Membership {
        let (start, host) = (self.start.clone(), self.host.clone());
        let member = Member { role, start, host, pid: std::process::id(), address: None, sound: true };
        self.ports.registry.join(member).await
    }

    fn master(&self, membership: Membership, embedded: Arc<Embedded>, mail: UnboundedReceiver<MasterMail>) -> Master {
        let master = &self.config.master;
        Master {
            records: Arc::new(self.ports.store.clone()),
            registry: self.ports.registry.clone(),
            membership,
            colleagues: embedded,
            bell: self.ports.bell.clone(),
            clock: Arc::new(SystemClock),
            gauge: Arc::new(Limits::new("master", master.max_cpuload_avg, master.reserved_memory)),
            broker: None,
            mail,
            settings: master::Settings {
                owner: self.start.clone(),
                host: self.host.clone(),
                zone: self.config.server.timezone,
                instances: self.config.master.exec_threads,
                places: self.config.master.exec_task_number,
                sole: true,
                lease: LEASE,
                seed: rand::random(),
                inline: false,
            },
        }
    }

    async fn worker(&self, masters: Arc<Embedded>) -> Result<(Worker, Attached), Error> {
        let config = &self.config;
        let workplace = Workplace {
            host: self.host.clone(),
            exec: config.process.exec.clone(),
            logs: config.process.log.clone(),
            resources: config.resource.local.clone(),
            interpreters: Interpreters { shell: config.worker.shell.clone(), python: config.worker.python.clone() },
            environment: EnvironmentFile::new(config.escheduler.env_path.clone(), config.worker.shell.clone()),
            accounts: Accounts::default(),
            keep_folders: config.development.state,
            zone: config.server.timezone.name().to_owned(),
        };
        let settings = worker::Settings {
            name: self.folder.worker_name(&self.host)?,
            host: self.host.clone(),
            start: self.start.clone(),
            address: None,
            slots: config.worker.exec_threads,
            fetch: config.worker.fetch_task_num,
            grace: config.worker.kill_grace,
            log_max: config.worker.log_max_size,
            lease: None,
            restart_lease: LEASE,
            sole: true,
            inline: false,
        };
        let options = shim::Options {
            dir: config.data.basedir.join("shim"),
            program: PathBuf::from("/proc/self/exe"),
            cgroup: config.worker.task_cgroup,
            leased: false,
        };
        let attached = Attached::to(options).await?;
        let worker = Worker {
            masters,
            registrar: Arc::new(StoreRegistrar::new(Arc::new(self.ports.store.clone()))),
            registry: self.ports.registry.clone(),
            workshop: Arc::new(workplace),
            clock: Arc::new(SystemClock),
            gauge: Arc::new(Limits::new("worker", config.worker.max_cpuload_avg, config.worker.reserved_memory)),
            lobby: None,
            settings,
        };
        Ok((worker, attached))
    }

    /// Starts the API on a socket that is bound already.
    pub async fn serve(&self, listener: tokio::net::TcpListener, roles: &mut Roles) {
        let membership = self.join(Role::Api).await;
        let server = &self.config.server;
        let api = crate::api::Api {
            store: self.ports.store.clone(),
            bell: self.ports.bell.clone(),
            logs: self.ports.logs.clone(),
            settings: crate::api::Settings {
                zone: server.timezone,
                session_timeout: server.session_timeout,
                max_post: server.max_http_post_size,
                context_path: server.context_path.trim_end_matches('/').to_owned(),
            },
        };
        roles.spawn(Role::Api, Some(membership), move |stop| async move {
            api.serve(listener, stop).await.map_err(|error| error.to_string())?;
            Ok(Ended::default())
        });
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
        if tokio::time::timeout(grace, self.ports.store.close()).await.is_err() {
            tracing::warn!("the database did not close in time; it is consistent nevertheless");
        }
        tasks
    }
}

fn host_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "localhost".into())
}

/// Embedded, everything is on this host.
fn config_host() -> String {
    "127.0.0.1".into()
}
