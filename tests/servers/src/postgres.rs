//! PostgreSQL. It refuses to run as root, and runs as `postgres` there.

use crate::programs::{postgres_folder, postgres_user};
use crate::server::{Kind, Server, database_name, folder, launch};
use crate::{Missing, port, private, template};
use nix::sys::signal::Signal;
use std::ops::Deref;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

const USER: &str = "es";
const PASSWORD: &str = "es+postgres";

/// A PostgreSQL server. What it has committed outlives `kill -9`, but not a power cut, see [`Postgres::start_durable`].
pub struct Postgres {
    server: Server,
    programs: PathBuf,
    port: u16,
    databases: AtomicU32,
    copying: Mutex<()>,
}

impl Postgres {
    /// A private one.
    pub fn start() -> Option<Postgres> {
        private(Missing::Postgres, Postgres::launch)
    }

    /// A private one whose commits wait for the disk: for benches.
    pub fn start_durable() -> Option<Postgres> {
        private(Missing::Postgres, || launch(|| Postgres::try_launch(true)))
    }

    pub(crate) fn launch() -> Postgres {
        launch(|| Postgres::try_launch(false))
    }

    fn try_launch(durable: bool) -> Result<Postgres, String> {
        let folder = folder("postgres");
        own(&folder);
        let programs = postgres_folder().ok_or("PostgreSQL is not installed")?;
        let name = format!("postgres-{}", template::version(&programs.join("postgres")));
        let set_up = |data: &Path| set_up(&programs, data);
        template::copy(&name, &folder.join("data"), set_up).map_err(|error| error.to_string())?;
        let port = port::free();
        let server = Server::launch(Box::new(Process { programs: programs.clone(), port, durable }), folder)?;
        Ok(Postgres { server, programs, port, databases: AtomicU32::new(0), copying: Mutex::default() })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a new, empty database and returns its URL.
    pub fn database(&self) -> String {
        let name = format!("es_{}", self.databases.fetch_add(1, Relaxed) + 1);
        self.execute(&format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Makes a new database with the tables and rows of another, which nobody may be connected to, and returns its
    /// URL.
    pub fn copy(&self, template: &str) -> String {
        let name = format!("es_{}", self.databases.fetch_add(1, Relaxed) + 1);
        let template = database_name(template);
        // One at a time: the copying itself counts as a connection.
        let _turn = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        self.url(&name)
    }

    /// Removes a database; whoever is connected loses his connection.
    pub fn drop(&self, url: &str) {
        self.execute(&format!("DROP DATABASE {} WITH (FORCE)", database_name(url)));
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{database}", PASSWORD.replace('+', "%2B"), self.port)
    }

    /// Runs a statement as the server's administrator and returns what it prints, a line for each row.
    pub fn execute(&self, statement: &str) -> String {
        self.execute_in("postgres", statement)
    }

    /// The same, in one of the server's databases.
    pub fn execute_in(&self, database: &str, statement: &str) -> String {
        let output = client(&self.programs, self.port).args(["-d", database, "-Atqc", statement]).output();
        let output = output.unwrap_or_else(|error| panic!("could not start psql: {error}"));
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Deref for Postgres {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

struct Process {
    programs: PathBuf,
    port: u16,
    durable: bool,
}

impl Kind for Process {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(self.programs.join("postgres"));
        command.arg("-D").arg(folder.join("data")).arg("-p").arg(self.port.to_string()).current_dir(folder);
        let socket = format!("unix_socket_directories={}", folder.display());
        let disk = format!("fsync={}", if self.durable { "on" } else { "off" });
        for setting in ["listen_addresses=127.0.0.1", "max_connections=300", "shared_buffers=64MB", &socket, &disk] {
            command.args(["-c", setting]);
        }
        as_its_user(&mut command);
        command
    }

    fn answers(&self, _: &Path) -> bool {
        client(&self.programs, self.port)
            .args(["-Atqc", "SELECT 1"])
            .output()
            .is_ok_and(|output| output.status.success())
    }

    /// Ends sessions instead of waiting for them.
    fn farewell(&self) -> Signal {
        Signal::SIGINT
    }
}

/// The client, as the server's administrator.
fn client(programs: &Path, port: u16) -> Command {
    let mut command = Command::new(programs.join("psql"));
    command.args(["-X", "-h", "127.0.0.1", "-U", USER, "-d", "postgres", "-p"]).arg(port.to_string());
    command.env("PGPASSWORD", PASSWORD).env("PGCONNECT_TIMEOUT", "5").current_dir("/");
    command
}

fn set_up(programs: &Path, data: &Path) {
    let password = data.with_file_name("password");
    std::fs::write(&password, PASSWORD).unwrap_or_else(|error| panic!("could not set up PostgreSQL: {error}"));
    own(&password);
    let mut command = Command::new(programs.join("initdb"));
    command.arg("-D").arg(data).args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "-N"]);
    command.arg(format!("--pwfile={}", password.display())).current_dir("/");
    as_its_user(&mut command);
    let output = command.output().unwrap_or_else(|error| panic!("could not set up PostgreSQL: {error}"));
    assert!(output.status.success(), "could not set up PostgreSQL: {}", String::from_utf8_lossy(&output.stderr));
}

fn as_its_user(command: &mut Command) {
    if let Ok(Some(user)) = postgres_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).env("HOME", "/");
    }
}

/// Gives a file to the account that the server runs under.
fn own(path: &Path) {
    if let Ok(Some(user)) = postgres_user() {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .unwrap_or_else(|error| panic!("could not give {} to postgres: {error}", path.display()));
    }
}
