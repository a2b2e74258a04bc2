//! Reads the typed sections from the flat map: which key is of which type, and what must fit together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;

use crate::dependency::Missing;
use crate::secrets::Keyring;

use super::reader::{Reader, quote};
use super::sections::*;
use super::show::Secret;
use super::table::{self, Table};
use super::{Findings, Value, cluster, database, resource, site, units};

/// Reads all sections; what does not fit is among the findings, and the result must not be used then.
pub(super) fn read(values: &BTreeMap<String, Value>, table: &Table, found: &mut Findings) -> Config {
    let mut reader = Reader::new(values);
    let r = &mut reader;
    let config = Config {
        data: data(r),
        process: Process { exec: r.path("process.exec.basepath"), log: r.path("process.log.basepath") },
        server: server(r),
        cluster: cluster::read(r),
        database: database::read(r, &mut found.notes),
        master: master(r),
        worker: worker(r),
        logger: Logger { port: r.port("logger.port") },
        escheduler: escheduler(r),
        development: Development { state: r.flag("development.state") },
        shutdown: Shutdown { grace: r.duration("shutdown.grace") },
        log: log(r),
        resource: resource::read(r),
        schedule: Schedule {
            misfire_threshold: r.millis("schedule.misfire.threshold"),
            firing_retention: r.duration("schedule.firing.retention"),
        },
        dependent: Dependent { missing: r.choice("dependent.missing", &MISSING).unwrap_or_default() },
        alert: Alert { language: r.choice("alert.language", &LANGUAGES).unwrap_or(Language::English) },
        zookeeper: zookeeper(r),
        secrets: secrets(r),
        hadoop: Hadoop { kerberos: r.flag("hadoop.security.authentication.startup.state") },
    };
    reader.port("worker.port");
    reader.check_the_rest(table);
    keep_apart(&config, &mut reader);
    site::check(&config, &mut reader);
    found.mistakes.append(&mut reader.mistakes);
    if found.mistakes.is_empty() {
        missing_files(&config, values, found);
    }
    config
}

fn data(r: &mut Reader<'_>) -> Data {
    Data {
        // An empty one was told already, when there was no home folder to put it into.
        basedir: r.path_if_set("data.basedir.path").unwrap_or_default(),
        upload: r.path("data.upload.basedir.path"),
        download: r.path("data.download.basedir.path"),
    }
}

fn server(r: &mut Reader<'_>) -> Server {
    Server {
        address: r.address("server.address"),
        port: r.port("server.port"),
        context_path: r.read("server.context-path", context_path).unwrap_or_default(),
        session_timeout: r.seconds("server.session.timeout"),
        max_http_post_size: r.size("server.max-http-post-size"),
        max_upload: r.size("server.multipart.max-file-size"),
        max_upload_request: r.size("server.multipart.max-request-size"),
        timezone: r.read("server.timezone", timezone).unwrap_or(Tz::UTC),
        compat: r.choice("api.compat", &RELEASES).unwrap_or(Compat::V1_0),
        static_dir: r.path_if_set("server.static.dir"),
        proxies: r.read("api.proxies", addresses).unwrap_or_default(),
        login_failures_address: r.whole("api.login.failures.address"),
        login_failures_user: r.whole("api.login.failures.user"),
        login_window: r.seconds("api.login.window"),
        audit_retention: r.duration("audit.retention"),
    }
}

fn master(r: &mut Reader<'_>) -> Master {
    Master {
        exec_threads: r.count("master.exec.threads"),
        exec_task_number: r.count("master.exec.task.number"),
        heartbeat_interval: r.seconds("master.heartbeat.interval"),
        max_cpuload_avg: r.number("master.max.cpuload.avg"),
        reserved_memory: r.number("master.reserved.memory"),
        port: r.port("master.port"),
    }
}

fn worker(r: &mut Reader<'_>) -> Worker {
    Worker {
        exec_threads: r.count("worker.exec.threads"),
        fetch_task_num: r.count("worker.fetch.task.num"),
        heartbeat_interval: r.seconds("worker.heartbeat.interval"),
        max_cpuload_avg: r.number("worker.max.cpuload.avg"),
        reserved_memory: r.number("worker.reserved.memory"),
        lease: r.read("worker.lease", lease).unwrap_or_default(),
        restart_lease: r.duration("worker.restart.lease"),
        shell: r.path("worker.shell"),
        python: python(r),
        kill_grace: r.duration("worker.kill.grace"),
        log_max_size: r.size("worker.log.max.size"),
        task_cgroup: r.flag("worker.task.cgroup"),
    }
}

fn secrets(r: &mut Reader<'_>) -> Secrets {
    const KEY: &str = "secrets.key";
    let key = r.text(KEY);
    if let Err(why) = Keyring::parse(&key) {
        r.wrong_secret(KEY, why);
    }
    Secrets { key: Secret::new(key) }
}

fn escheduler(r: &mut Reader<'_>) -> Escheduler {
    Escheduler {
        env_path: r.path_if_set("escheduler.env.path"),
        env_py: r.path_if_set("escheduler.env.py"),
        queue: r.choice("escheduler.queue.impl", &QUEUES).unwrap_or(Queue::Auto),
    }
}

fn zookeeper(r: &mut Reader<'_>) -> Zookeeper {
    const LOCKS: [&str; 5] = ["masters", "workers", "failover.masters", "failover.workers", "failover.startup.masters"];
    let locks = LOCKS.map(|lock| format!("zookeeper.escheduler.lock.{lock}"));
    Zookeeper {
        quorum: r.text("zookeeper.quorum"),
        client: r.choice("zookeeper.client", &ZOOKEEPER_CLIENTS).unwrap_or(ZookeeperClient::Async),
        session_timeout: r.seconds("zookeeper.session.timeout"),
        connection_timeout: r.seconds("zookeeper.connection.timeout"),
        retry_sleep: r.millis("zookeeper.retry.sleep"),
        retry_maxtime: r.read("zookeeper.retry.maxtime", times).unwrap_or_default(),
        root: node(r, "zookeeper.escheduler.root"),
        dead_servers: node(r, "zookeeper.escheduler.dead.servers"),
        masters: node(r, "zookeeper.escheduler.masters"),
        workers: node(r, "zookeeper.escheduler.workers"),
        locks: locks.iter().map(|key| node(r, key)).collect(),
    }
}

/// The path of a ZooKeeper node.
fn node(r: &mut Reader<'_>, key: &str) -> String {
    r.read(key, |text| {
        let path = text.trim_end_matches('/');
        let fits = path.starts_with('/')
            && path.split('/').skip(1).all(|name| !matches!(name, "" | "." | ".."))
            && !path.contains(|c: char| c.is_control());
        if fits { Ok(path.to_owned()) } else { Err(format!("{} is no path such as /escheduler", quote(text))) }
    })
    .unwrap_or_default()
}

fn times(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{} is no whole number", quote(text)))
}

fn log(r: &mut Reader<'_>) -> Log {
    Log {
        dir: r.path("log.dir"),
        level: r.read("log.level", log_level).unwrap_or_default(),
        max_size: r.size("log.max.size"),
        max_files: r.count("log.max.files"),
        json: r.flag("log.json"),
    }
}

const QUEUES: [(&str, Queue); 4] =
    [("auto", Queue::Auto), ("memory", Queue::Memory), ("direct", Queue::Direct), ("zookeeper", Queue::Zookeeper)];

const ZOOKEEPER_CLIENTS: [(&str, ZookeeperClient); 2] =
    [("zookeeper-async", ZookeeperClient::Async), ("zookeeper-client", ZookeeperClient::Client)];

const RELEASES: [(&str, Compat); 2] = [("1.0", Compat::V1_0), ("1.1", Compat::V1_1)];

const MISSING: [(&str, Missing); 2] = [("wait", Missing::Wait), ("fail", Missing::Fail)];
const LANGUAGES: [(&str, Language); 2] = [("en_US", Language::English), ("zh_CN", Language::Chinese)];

/// Shorter ones leave no time for a renewal that comes late and for the killing at the end.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

/// IP addresses with commas between them; there may be none.
fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().map_err(|_| format!("{} is no IP address", quote(part)))).collect()
}

fn lease(text: &str) -> Result<Duration, String> {
    match text {
        "never" => Ok(Duration::ZERO),
        text => match units::duration(text)? {
            short if short < SHORTEST_LEASE => Err(format!("{} is too short; 5s is the least", quote(text))),
            lease => Ok(lease),
        },
    }
}

fn python(r: &mut Reader<'_>) -> Option<PathBuf> {
    let name = r.text("worker.python");
    if name.contains('/') {
        r.path_if_set("worker.python")
    } else {
        Some(PathBuf::from(name)).filter(|n| *n != PathBuf::new())
    }
}

fn timezone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        let nearest = table::nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        format!("{} is no IANA time zone; the nearest is {nearest}", quote(text))
    })
}

fn context_path(text: &str) -> Result<String, String> {
    let fits = text.starts_with('/')
        && !text.contains(|c: char| c.is_whitespace() || "?#%\\".contains(c))
        && !text.contains("//");
    if fits {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(format!("{} is no path such as /escheduler/", quote(text)))
    }
}

fn log_level(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let level = text.to_lowercase();
    for directive in level.split(',') {
        let level = directive.split_once('=').map_or(directive, |(_, level)| level).trim();
        if !LEVELS.contains(&level) {
            return Err(format!("{} is none of {}", quote(level), LEVELS.join(", ")));
        }
    }
    Ok(level)
}

/// Folders that are cleared or rotated each by its own rule must not be one.
fn keep_apart(config: &Config, reader: &mut Reader<'_>) {
    let folders = [
        ("process.exec.basepath", &config.process.exec),
        ("process.log.basepath", &config.process.log),
        ("resource.local.path", &config.resource.local),
        ("log.dir", &config.log.dir),
        ("data.basedir.path", &config.data.basedir),
    ];
    for (at, (key, folder)) in folders.iter().enumerate() {
        for (other, _) in
            folders[at + 1..].iter().filter(|(_, other)| other == folder && !folder.as_os_str().is_empty())
        {
            reader.clash(key, other);
        }
    }
}

/// Tasks run without an environment file that is not there, so that is worth a word.
fn missing_files(config: &Config, values: &BTreeMap<String, Value>, found: &mut Findings) {
    let files =
        [("escheduler.env.path", &config.escheduler.env_path), ("escheduler.env.py", &config.escheduler.env_py)];
    for (key, file) in files {
        if let (Some(file), Some(value)) = (file.as_ref().filter(|file| !file.is_file()), values.get(key)) {
            found.warnings.push(format!("{}: {key}: there is no file {}", value.source, file.display()));
        }
    }
}
