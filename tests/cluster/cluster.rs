//! A real cluster: a registry, a database, and machines that play the roles.

use crate::client::Client;
use crate::database::{Database, Product};
use crate::ledger::{Ledger, Line};
use crate::machine::{Kind, Machine};
use crate::network::Network;
use crate::wire::Wire;
use servers::{Ensemble, Zookeeper};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// What a cluster consists of.
#[derive(Clone, Debug)]
pub struct Shape {
    pub database: Product,
    /// `escheduler.queue.impl`
    pub queue: &'static str,
    pub masters: u8,
    pub workers: u8,
    pub apis: u8,
    /// Three registry servers instead of one.
    pub ensemble: bool,
    /// Zero: it never ends.
    pub lease: Duration,
    pub session: Duration,
}

pub enum Registry {
    Alone(Zookeeper),
    Ensemble(Ensemble),
}

impl Registry {
    fn start(ensemble: bool) -> Option<Registry> {
        match ensemble {
            true => Ensemble::start().map(Registry::Ensemble),
            false => Zookeeper::start().map(Registry::Alone),
        }
    }

    pub fn members(&self) -> &[Zookeeper] {
        match self {
            Registry::Alone(server) => std::slice::from_ref(server),
            Registry::Ensemble(ensemble) => ensemble.members(),
        }
    }
}

/// Machines first: they end before the network and the servers do.
pub struct Cluster {
    pub machines: Vec<Machine>,
    pub client: Client,
    pub ledger: Ledger,
    pub folder: PathBuf,
    _network: Network,
    pub registry: Registry,
    pub database: Database,
}

impl Cluster {
    /// Starts all of it, on an empty database; nothing where something that it needs is not there.
    pub fn start(shape: Shape) -> Option<Cluster> {
        let database = Database::start(shape.database)?;
        let registry = Registry::start(shape.ensemble)?;
        let folder = std::env::temp_dir().join(format!("es-cluster-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files");
        let network = Network::new(&folder);
        let machines = machines(&shape, &network, &registry, &database, &folder);
        let apis = machines.iter().filter(|machine| machine.kind == Kind::Api);
        let client = Client::new(apis.map(Machine::base).collect());
        let ledger = Ledger::new(&folder);
        let cluster = Cluster { machines, client, ledger, folder, _network: network, registry, database };
        cluster.migrate();
        cluster.machines.iter().for_each(Machine::start);
        cluster.client.project();
        Some(cluster)
    }

    fn migrate(&self) {
        let machine = &self.machines[0];
        let output = machine
            .place
            .command(env!("CARGO_BIN_EXE_escheduler"))
            .arg("migrate")
            .envs(machine.settings.iter().cloned())
            .current_dir(&machine.folder)
            .stdin(Stdio::null())
            .output()
            .expect("escheduler starts");
        assert!(output.status.success(), "escheduler migrate: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn of(&self, kind: Kind) -> Vec<&Machine> {
        self.machines.iter().filter(|machine| machine.kind == kind).collect()
    }

    pub fn machine(&self, name: &str) -> &Machine {
        self.machines.iter().find(|machine| machine.name == name).expect("a machine of this name")
    }

    /// Writes down that what the machine has started is about to die.
    pub fn doom(&self, machine: &Machine) {
        self.ledger.write(&Line::Doom { machine: machine.name.clone() });
    }

    /// Logs and data are kept.
    pub fn keep(&self) {
        let _ = std::fs::write(self.folder.join("keep"), "");
        println!("logs and data are kept in {}", self.folder.display());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep();
        }
        self.machines.iter().for_each(Machine::burn);
    }
}

fn machines(shape: &Shape, network: &Network, registry: &Registry, database: &Database, folder: &Path) -> Vec<Machine> {
    let kinds = [(Kind::Master, shape.masters), (Kind::Worker, shape.workers), (Kind::Api, shape.apis)];
    let all = kinds.into_iter().flat_map(|(kind, count)| (1..=count).map(move |number| (kind, number)));
    let build = |(at, (kind, number)): (u8, (Kind, u8))| {
        let name = format!("{}{number}", kind.name());
        let place = network.join(&name, 10 + at);
        let wire = |server: SocketAddr| Wire::new(network.gateway(), server);
        let server = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let quorum: Vec<Wire> = registry.members().iter().map(|member| wire(server(member.port()))).collect();
        let store = wire(database.address());
        let folder = folder.join(&name);
        let settings = settings(shape, place.address, &quorum, &database.url_at(store.address), &folder);
        Machine::new((kind, name, place), folder, settings, (quorum, store))
    };
    (0u8..).zip(all).map(build).collect()
}

fn settings(shape: &Shape, address: Ipv4Addr, quorum: &[Wire], database: &str, folder: &Path) -> Vec<(String, String)> {
    let quorum: Vec<String> = quorum.iter().map(|wire| wire.address.to_string()).collect();
    let seconds = |time: Duration| format!("{}s", time.as_secs());
    let address = address.to_string();
    let text = |name: &str, value: String| (format!("ESCHEDULER_{name}"), value);
    vec![
        text("ZOOKEEPER_QUORUM", quorum.join(",")),
        text("ZOOKEEPER_SESSION_TIMEOUT", shape.session.as_secs().to_string()),
        text("ZOOKEEPER_CONNECTION_TIMEOUT", "5".into()),
        text("DATASOURCE_URL", database.into()),
        text("ESCHEDULER_QUEUE_IMPL", shape.queue.into()),
        text("CLUSTER_SECRET", "a secret of a test's cluster".into()),
        text("CLUSTER_ADDRESS", address.clone()),
        text("SERVER_HOST", address.clone()),
        text("SERVER_ADDRESS", address),
        text("SERVER_PORT", crate::machine::PORT.to_string()),
        text("SERVER_TIMEZONE", crate::site::where_it_is_noon()),
        text("DATA_BASEDIR_PATH", folder.join("data").display().to_string()),
        text("WORKER_LEASE", if shape.lease.is_zero() { "never".into() } else { seconds(shape.lease) }),
        text("WORKER_RESTART_LEASE", seconds(shape.lease.max(Duration::from_secs(5)) * 4)),
        text("WORKER_EXEC_THREADS", "24".into()),
        text("WORKER_KILL_GRACE", "1s".into()),
        text("SHUTDOWN_GRACE", "3s".into()),
    ]
}
