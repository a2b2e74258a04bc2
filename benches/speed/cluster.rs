//! A cluster on this machine: one master, two workers, one api, ZooKeeper and PostgreSQL, whose commits wait for the
//! disk. No proxies and no namespaces are in between.

#[path = "../../tests/cluster/client.rs"]
#[allow(dead_code, reason = "the tests of the cluster use the rest")]
mod client;

use crate::processes;
use crate::site::{Workflow, stamp, stamps};
use crate::{RUNS, Table, floor, median, ms, quantile};
use client::Client;
use nix::sys::signal::Signal;
use servers::{Postgres, Zookeeper};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PORT: u16 = 12345;
/// How many nodes run at the same time.
const WIDTH: usize = 1000;

/// Measures all rows; none where a server is not installed.
pub fn rows(table: &mut Table) {
    let Some(cluster) = Cluster::start() else { return };
    hops(&cluster, table);
    fan(&cluster, table);
}

fn hops(cluster: &Cluster, table: &mut Table) {
    let ledger = cluster.folder.path().join("hops");
    let scripts: Vec<String> = (0..101).map(|i| stamp(&ledger, &format!("n{i}"))).collect();
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let id = cluster.define("hops", &Workflow::chain(&scripts));
    let mut hops = vec![];
    for _ in 0..RUNS {
        std::fs::write(&ledger, "").expect("the ledger");
        cluster.start_and_wait(id);
        hops.extend(stamps(&ledger).windows(2).map(|pair| pair[1].1 - pair[0].2));
    }
    let (p50, p99) = (quantile(&mut hops, 0.5), quantile(&mut hops, 0.99));
    table.row(
        "cluster, hop: end of a node → start of its successor",
        format!("p50 {}, p99 {}", ms(p50), ms(p99)),
        ms(floor(100, 1) / 100.0),
        ("p50 15 ms".into(), p50 <= 0.015),
    );
}

fn fan(cluster: &Cluster, table: &mut Table) {
    let id = cluster.define("fan", &Workflow::fan(WIDTH));
    let tasks = WIDTH as f64 + 1.0;
    let mut before = floor(WIDTH, 16);
    let (mut rates, mut bases, mut ratios, mut writes) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        let written = cluster.writes();
        let took = cluster.start_and_wait(id);
        writes.push((cluster.writes() - written) / tasks);
        let after = floor(WIDTH, 16);
        let base = WIDTH as f64 / ((before + after) / 2.0);
        before = after;
        rates.push(tasks / took);
        bases.push(base);
        ratios.push(tasks / took / base);
    }
    let ratio = median(ratios);
    table.row(
        "cluster, 1 node, then 1,000 parallel SHELL `true`",
        format!("{:.0} tasks/s, {:.0} %", median(rates), ratio * 100.0),
        format!("{:.0} tasks/s", median(bases)),
        ("40 %".into(), ratio >= 0.4),
    );
    let writes = median(writes);
    table.row(
        "cluster, write transactions of the database for each of these tasks",
        format!("{writes:.3}"),
        "-".into(),
        ("0.5".into(), writes <= 0.5),
    );
}

/// Processes first: they end before the servers do.
struct Cluster {
    members: Vec<Member>,
    client: Client,
    folder: tempfile::TempDir,
    database: (Postgres, String),
    _registry: Zookeeper,
}

struct Member {
    child: Child,
    data: PathBuf,
}

impl Cluster {
    fn start() -> Option<Cluster> {
        let (registry, postgres) = (Zookeeper::start()?, Postgres::start_durable()?);
        let url = postgres.database();
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings { registry: registry.address(), database: url.clone(), folder: folder.path() };
        let migrated = settings.command("migrate", 1).arg("migrate").output().expect("escheduler starts");
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let roles = ["master,alert", "worker,logger", "worker,logger", "api"];
        let members = (1..).zip(roles).map(|(number, roles)| settings.start(number, roles)).collect();
        let client = Client::new(vec![format!("http://{}:{PORT}/escheduler", settings.address(4))]);
        client.project();
        Some(Cluster { members, client, folder, database: (postgres, url), _registry: registry })
    }

    fn define(&self, name: &str, workflow: &Workflow) -> i64 {
        self.client.define(name, &workflow.0)
    }

    /// Seconds from the request until the instance has succeeded.
    fn start_and_wait(&self, id: i64) -> f64 {
        let count = || {
            let path = format!("projects/p/instance/list-paging?processDefinitionId={id}&stateType=SUCCESS");
            self.client.get(&format!("{path}&pageNo=1&pageSize=1"))["total"].as_i64().expect("a number")
        };
        let before = count();
        let begun = Instant::now();
        assert!(self.client.try_start(id, "CONTINUE").is_some(), "the start is accepted");
        while count() == before {
            assert!(begun.elapsed() < Duration::from_secs(300), "the instance does not come to an end");
            std::thread::sleep(Duration::from_millis(2));
        }
        begun.elapsed().as_secs_f64()
    }

    /// How many transactions have written so far: only those are given a number.
    fn writes(&self) -> f64 {
        let (postgres, url) = &self.database;
        let name = url.rsplit('/').next().unwrap_or_default();
        let number = postgres.execute_in(name, "SELECT txid_snapshot_xmax(txid_current_snapshot())");
        number.trim().parse().expect("a number")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in &mut self.members {
            processes::send(member.child.id().cast_signed(), Signal::SIGKILL);
            let _ = member.child.wait();
            processes::end_all(&member.data);
        }
    }
}

struct Settings<'f> {
    registry: String,
    database: String,
    folder: &'f Path,
}

impl Settings<'_> {
    fn address(&self, number: u8) -> String {
        format!("127.77.{}.{number}", std::process::id() % 250)
    }

    fn start(&self, number: u8, roles: &str) -> Member {
        let said = File::create(self.folder.join(format!("said{number}"))).expect("our own folder");
        let mut command = self.command(&number.to_string(), number);
        command.args(["run", "--roles", roles]).stdin(Stdio::null());
        let child = command.stdout(said.try_clone().expect("our own file")).stderr(said).spawn();
        Member { child: child.expect("escheduler starts"), data: self.folder.join(number.to_string()) }
    }

    fn command(&self, name: &str, number: u8) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_escheduler"));
        let set = |(key, value): (&str, String)| (format!("ESCHEDULER_{key}"), value);
        let settings = [
            ("ZOOKEEPER_QUORUM", self.registry.clone()),
            ("ZOOKEEPER_SESSION_TIMEOUT", "10".into()),
            ("DATASOURCE_URL", self.database.clone()),
            ("ESCHEDULER_QUEUE_IMPL", "direct".into()),
            ("CLUSTER_SECRET", "a secret of a bench's cluster".into()),
            ("CLUSTER_ADDRESS", self.address(number)),
            ("SERVER_HOST", self.address(number)),
            ("SERVER_ADDRESS", self.address(number)),
            ("SERVER_PORT", PORT.to_string()),
            ("DATA_BASEDIR_PATH", self.folder.join(name).display().to_string()),
        ];
        command.envs(settings.map(set));
        command
    }
}
