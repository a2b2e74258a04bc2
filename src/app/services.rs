//! How each role is put together from the configuration and the ports.

use super::App;
use super::cluster::Cluster;
use super::ground::Error;
use crate::api::{self, Api, Presence};
use crate::calls::{Colleagues, Embedded, MasterMail, Registrar};
use crate::clock::SystemClock;
use crate::config::Compat;
use crate::host::Limits;
use crate::master::{self, Master, StoreRegistrar};
use crate::queue::Broker;
use crate::registry::Role;
use crate::why;
use crate::worker::account::Accounts;
use crate::worker::environment::EnvironmentFile;
use crate::worker::workplace::Workplace;
use crate::worker::{self, Interpreters, Worker, shim};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// A master judges by its own freshness even if leases of workers never end.
const SHORTEST: Duration = Duration::from_secs(10);

impl App {
    pub(super) async fn master(&self, embedded: Arc<Embedded>, mail: UnboundedReceiver<MasterMail>) -> Master {
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

    pub(super) fn worker(&self, embedded: Arc<Embedded>) -> Result<(Worker, shim::Options), Error> {
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
    pub(super) fn registrar(&self) -> Arc<dyn Registrar> {
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

    pub(super) fn api(&self, presence: Presence) -> Api {
        let server = &self.config.server;
        Api {
            store: self.ports.store.clone(),
            bell: self.ports.bell.clone(),
            logs: self.ports.logs.clone(),
            muster: self.ports.muster.clone(),
            secrets: self.ports.secrets.clone(),
            presence,
            resources: self.ports.resources.clone(),
            settings: api::Settings {
                zone: server.timezone,
                session_timeout: server.session_timeout,
                max_post: server.max_http_post_size,
                max_upload: server.max_upload_request,
                context_path: server.context_path.trim_end_matches('/').to_owned(),
                compat: match server.compat {
                    Compat::V1_0 => api::Compat::V1_0,
                    Compat::V1_1 => api::Compat::V1_1,
                },
                zookeeper: self.config.cluster.quorum.clone(),
                site: server.static_dir.clone(),
                kerberos: self.config.hadoop.kerberos,
                proxies: server.proxies.clone(),
                logins: api::Limits {
                    per_address: u32::try_from(server.login_failures_address).unwrap_or(u32::MAX),
                    per_name: u32::try_from(server.login_failures_user).unwrap_or(u32::MAX),
                    window: server.login_window,
                },
                retention: api::Retention {
                    changes: server.audit_retention,
                    firings: self.config.schedule.firing_retention,
                    sessions: server.session_timeout,
                },
                limits: self.limits(),
            },
        }
    }

    /// How much masters and workers take on, as it is configured here; a cluster has one configuration.
    pub(super) fn limits(&self) -> why::Limits {
        let (master, worker) = (&self.config.master, &self.config.worker);
        why::Limits {
            instances: master.exec_threads,
            places: master.exec_task_number,
            master: (master.max_cpuload_avg, master.reserved_memory),
            worker: (worker.max_cpuload_avg, worker.reserved_memory),
            sole: self.cluster.is_none(),
        }
    }
}
