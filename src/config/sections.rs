//! The typed sections. A field is named like its key: `worker.exec.threads` is `worker.exec_threads`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;

use crate::dependency::Missing;

use super::Secret;

/// The whole configuration; each room is handed its own section.
#[derive(Clone, Debug)]
pub struct Config {
    pub data: Data,
    pub process: Process,
    pub server: Server,
    pub cluster: Cluster,
    pub database: Database,
    pub master: Master,
    pub worker: Worker,
    pub logger: Logger,
    pub escheduler: Escheduler,
    pub development: Development,
    pub shutdown: Shutdown,
    pub log: Log,
    pub resource: Resource,
    pub schedule: Schedule,
    pub dependent: Dependent,
    pub alert: Alert,
    pub zookeeper: Zookeeper,
    pub secrets: Secrets,
    pub hadoop: Hadoop,
}

/// Where files lie that have no better place.
#[derive(Clone, Debug)]
pub struct Data {
    /// The folder below which everything lies; one process at a time owns it.
    pub basedir: PathBuf,
    /// Uploads that are not complete yet.
    pub upload: PathBuf,
    /// Files that wait to be downloaded.
    pub download: PathBuf,
}

/// The files of running and finished tasks.
#[derive(Clone, Debug)]
pub struct Process {
    /// The working directories (`process.exec.basepath`).
    pub exec: PathBuf,
    /// The task logs (`process.log.basepath`).
    pub log: PathBuf,
}

/// The HTTP interface.
#[derive(Clone, Debug)]
pub struct Server {
    /// What the HTTP interface listens on.
    pub address: IpAddr,
    /// Zero takes any free port.
    pub port: u16,
    /// Begins with a slash and does not end with one; empty for the root.
    pub context_path: String,
    /// How long after its last request a login expires.
    pub session_timeout: Duration,
    /// In bytes.
    pub max_http_post_size: u64,
    /// `server.multipart.max-file-size`, in bytes.
    pub max_upload: u64,
    /// `server.multipart.max-request-size`, in bytes.
    pub max_upload_request: u64,
    /// The zone of the times that the interface reads and writes.
    pub timezone: Tz,
    /// Which release to follow where the two contradict each other (`api.compat`).
    pub compat: Compat,
    /// `server.static.dir`: the files of a front-end.
    pub static_dir: Option<PathBuf>,
    /// Whose word is believed about where a request comes from (`api.proxies`).
    pub proxies: Vec<IpAddr>,
    /// How many log-ins may fail from one address; 0 means no limit (`api.login.failures.address`).
    pub login_failures_address: usize,
    /// How many log-ins may fail with one user name; 0 means no limit (`api.login.failures.user`).
    pub login_failures_user: usize,
    /// In which as many may fail again (`api.login.window`).
    pub login_window: Duration,
    /// How long audit rows are kept; zero means for ever (`audit.retention`).
    pub audit_retention: Duration,
}

/// A release of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    V1_0,
    V1_1,
}

impl Server {
    /// What to listen on.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// How members of a cluster find and trust each other.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// `server.host`: how others reach this machine.
    pub host: Option<String>,
    /// What members listen on.
    pub address: Option<IpAddr>,
    /// Empty, or long enough not to be guessed.
    pub secret: Secret,
    /// The servers of `zookeeper.quorum`, each with its port.
    pub quorum: Vec<String>,
    pub tls: Option<Tls>,
}

/// The files that TLS needs (`cluster.tls.*`).
#[derive(Clone, Debug)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub ca: Option<PathBuf>,
    /// What certificates must be made out to, if not to addresses.
    pub name: Option<String>,
}

/// Where the truth is kept.
#[derive(Clone, Debug)]
pub struct Database {
    /// `datasource.url`, with the user and password of their keys.
    pub backend: Backend,
    /// Connections to the server at most (`datasource.maxActive`).
    pub max_active: usize,
    /// Connections that are kept when idle (`datasource.minIdle`).
    pub min_idle: usize,
    /// How long to wait for a free connection (`datasource.maxWait`).
    pub max_wait: Duration,
}

/// The database server or file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One file, no server.
    Sqlite(PathBuf),
    /// MySQL or MariaDB: a `mysql://` address with the password.
    Mysql(Secret),
    /// A `postgres://` address with the password.
    Postgres(Secret),
}

/// What a master takes on.
#[derive(Clone, Debug)]
pub struct Master {
    /// Top-level instances at once.
    pub exec_threads: usize,
    /// Attempts of one instance in flight.
    pub exec_task_number: usize,
    pub heartbeat_interval: Duration,
    /// Load average; 0 is no limit.
    pub max_cpuload_avg: f64,
    /// GiB; 0 is no limit.
    pub reserved_memory: f64,
    /// Zero takes any free port.
    pub port: u16,
}

/// What a worker takes on, and how it runs it.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Slots.
    pub exec_threads: usize,
    /// Tasks taken from the queue in one go.
    pub fetch_task_num: usize,
    pub heartbeat_interval: Duration,
    /// Load average; 0 is no limit.
    pub max_cpuload_avg: f64,
    /// GiB; 0 is no limit.
    pub reserved_memory: f64,
    /// How long one beat lasts; zero is for ever.
    pub lease: Duration,
    /// How long tasks go on while their worker is started again.
    pub restart_lease: Duration,
    /// Runs SHELL tasks.
    pub shell: PathBuf,
    /// An absolute path, or a bare name to be looked for on the `PATH`; none leaves the choice to the worker.
    pub python: Option<PathBuf>,
    /// Between TERM and KILL.
    pub kill_grace: Duration,
    /// In bytes.
    pub log_max_size: u64,
    /// Whether each task gets a cgroup where one can be made.
    pub task_cgroup: bool,
}

/// What a logger serves from.
#[derive(Clone, Debug)]
pub struct Logger {
    /// Zero takes any free port.
    pub port: u16,
}

/// Definitions that run by themselves.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// How late a schedule may fire before its misfire policy decides.
    pub misfire_threshold: Duration,
    /// How long it is remembered what became of each instant.
    pub firing_retention: Duration,
}

/// Nodes that wait for runs of other definitions.
#[derive(Clone, Debug)]
pub struct Dependent {
    /// What becomes of a run that does not exist.
    pub missing: Missing,
}

/// What the original names after itself.
#[derive(Clone, Debug)]
pub struct Escheduler {
    /// The shell file with the environment of tasks.
    pub env_path: Option<PathBuf>,
    /// The Python file with the environment of tasks.
    pub env_py: Option<PathBuf>,
    /// `escheduler.queue.impl`.
    pub queue: Queue,
}

/// How tasks get from masters to workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Direct in a cluster, else within the process.
    Auto,
    /// Within one process.
    Memory,
    /// From master to worker without a broker.
    Direct,
    /// Through ZooKeeper.
    Zookeeper,
}

/// Help for those who look into failed tasks.
#[derive(Clone, Debug)]
pub struct Development {
    /// Whether working directories are kept after their task.
    pub state: bool,
}

/// How the process leaves.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// How long writes may take to end.
    pub grace: Duration,
}

/// The logs of the servers themselves.
#[derive(Clone, Debug)]
pub struct Log {
    /// The folder of the server logs; no task log lies there.
    pub dir: PathBuf,
    /// A level, or several directives as `tracing-subscriber` reads them.
    pub level: String,
    /// In bytes.
    pub max_size: u64,
    /// Closed files that are kept.
    pub max_files: usize,
    /// One JSON object a line.
    pub json: bool,
}

/// Uploaded resources.
#[derive(Clone, Debug)]
pub struct Resource {
    /// `resource.local.path`.
    pub local: PathBuf,
    /// `data.store2hdfs.basepath`: in front of every path in HDFS or S3. Does not end with a slash.
    pub base: String,
    pub storage: Storage,
    /// The endings of files that can be viewed, in small letters.
    pub view_suffixs: Vec<String>,
}

/// What keeps uploaded resources (`res.upload.startup.type`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// There are no resources.
    Nowhere,
    /// The folder `resource.local.path`.
    Local,
    Hdfs {
        /// `hdfs://host:port`, several separated by commas.
        name_nodes: String,
    },
    S3 {
        bucket: String,
        /// Empty means Amazon's own.
        endpoint: String,
        region: String,
        access_key: Secret,
        secret_key: Secret,
    },
}

/// What alerts are like.
#[derive(Clone, Debug)]
pub struct Alert {
    /// For receivers whose own language is not known.
    pub language: Language,
}

/// How to reach ZooKeeper, and where everything lies in it.
#[derive(Clone, Debug)]
pub struct Zookeeper {
    /// Empty: there is none.
    pub quorum: String,
    pub client: ZookeeperClient,
    /// Asked for; the server has the last word.
    pub session_timeout: Duration,
    pub connection_timeout: Duration,
    pub retry_sleep: Duration,
    pub retry_maxtime: u32,
    /// `zookeeper.escheduler.root`.
    pub root: String,
    pub dead_servers: String,
    pub masters: String,
    pub workers: String,
    /// The nodes of the original's locks, in the order of the manual. Nothing here takes them.
    pub locks: Vec<String>,
}

/// The library that speaks with ZooKeeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZookeeperClient {
    /// `zookeeper-async`.
    Async,
    /// `zookeeper-client`.
    Client,
}

/// A language that texts exist in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `en_US`.
    English,
    /// `zh_CN`.
    Chinese,
}

/// What stored passwords are encrypted with.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// As [`crate::secrets::Keyring::parse`] reads it; empty: the file in the data folder.
    pub key: Secret,
}

/// What Hadoop wants.
#[derive(Clone, Debug)]
pub struct Hadoop {
    /// `hadoop.security.authentication.startup.state`
    pub kerberos: bool,
}
