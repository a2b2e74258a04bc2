//! MariaDB as it comes: with its default character set, collation and isolation, because those are what a database
//! administrator may have left in place.

use crate::programs::find;
use crate::server::{Kind, Server, database_name, folder, launch};
use crate::{Missing, port, private, template};
use nix::sys::signal::Signal;
use std::collections::HashMap;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

const USER: &str = "es";
const PASSWORD: &str = "es+mariadb";

/// A MariaDB server. What it has committed outlives `kill -9`, but not a power cut, see [`Mariadb::start_durable`].
pub struct Mariadb {
    server: Server,
    port: u16,
    databases: AtomicU32,
    /// What templates are made of, by URL.
    dumps: Mutex<HashMap<String, Arc<String>>>,
}

impl Mariadb {
    /// A private one.
    pub fn start() -> Option<Mariadb> {
        private(Missing::Mariadb, Mariadb::launch)
    }

    /// A private one whose commits wait for the disk: for benches.
    pub fn start_durable() -> Option<Mariadb> {
        private(Missing::Mariadb, || launch(|| Mariadb::try_launch(true)))
    }

    pub(crate) fn launch() -> Mariadb {
        launch(|| Mariadb::try_launch(false))
    }

    fn try_launch(durable: bool) -> Result<Mariadb, String> {
        let folder = folder("maria");
        let program = find("mariadbd").ok_or("there is no mariadbd")?;
        let name = format!("mariadb-{}", template::version(&program));
        template::copy(&name, &folder.join("data"), set_up).map_err(|error| error.to_string())?;
        let port = port::free();
        let server = Server::launch(Box::new(Process { program, port, durable }), folder)?;
        let mariadb = Mariadb { server, port, databases: AtomicU32::new(0), dumps: Mutex::default() };
        mariadb.execute(&format!(
            "CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO '{USER}'@'127.0.0.1'"
        ));
        Ok(mariadb)
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

    /// Makes a new database with the tables and rows of another and returns its URL. The first copy remembers what it
    /// copies.
    pub fn copy(&self, template: &str) -> String {
        let mut dumps = self.dumps.lock().unwrap_or_else(PoisonError::into_inner);
        let dump = dumps.entry(template.to_owned()).or_insert_with(|| Arc::new(self.dump(template))).clone();
        drop(dumps);
        let url = self.database();
        let mut client = client(self.server.folder());
        let client = client.arg(database_name(&url)).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut client =
            client.spawn().unwrap_or_else(|error| panic!("could not start the client of MariaDB: {error}"));
        let written = client.stdin.take().map(|mut input| input.write_all(dump.as_bytes()));
        let output = client.wait_with_output().unwrap_or_else(|error| panic!("could not copy a database: {error}"));
        let copied = output.status.success() && matches!(written, Some(Ok(())));
        assert!(copied, "could not copy a database: {}", String::from_utf8_lossy(&output.stderr));
        url
    }

    fn dump(&self, url: &str) -> String {
        let mut command = Command::new(find("mariadb-dump").unwrap_or_else(|| "mariadb-dump".into()));
        command.args(["--no-defaults", "--user=root", "--skip-comments", "--skip-lock-tables", "--no-autocommit"]);
        let output = command.arg(format!("--socket={}", self.server.folder().join("socket").display()));
        let output = output.arg(database_name(url)).output();
        let output = output.unwrap_or_else(|error| panic!("could not start mariadb-dump: {error}"));
        assert!(output.status.success(), "could not dump {url}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Removes a database.
    pub fn drop(&self, url: &str) {
        self.execute(&format!("DROP DATABASE {}", database_name(url)));
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://{USER}:{}@127.0.0.1:{}/{database}", PASSWORD.replace('+', "%2B"), self.port)
    }

    /// Runs statements as the server's administrator and returns what they print, a line for each row.
    pub fn execute(&self, statements: &str) -> String {
        let output = client(self.server.folder()).args(["--batch", "--skip-column-names", "-e", statements]).output();
        let output = output.unwrap_or_else(|error| panic!("could not start the client of MariaDB: {error}"));
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Deref for Mariadb {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

struct Process {
    program: PathBuf,
    port: u16,
    durable: bool,
}

/// `root` must be named: as root, the server refuses to run otherwise.
fn account(command: &mut Command) -> &mut Command {
    match nix::unistd::geteuid().is_root() {
        true => command.arg("--user=root"),
        false => command,
    }
}

impl Kind for Process {
    fn name(&self) -> &'static str {
        "MariaDB"
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        account(command.arg("--no-defaults"))
            .arg(format!("--datadir={}", folder.join("data").display()))
            .arg(format!("--socket={}", folder.join("socket").display()))
            .arg(format!("--pid-file={}", folder.join("pid").display()))
            .arg(format!("--port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=300"])
            .args(["--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", "--skip-log-bin"])
            .current_dir(folder);
        if !self.durable {
            // Written at each commit, but nobody waits for the disk; and fewer files, because tests make many tables.
            command.args(["--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync", "--sync-frm=off"]);
            command.args(["--innodb-doublewrite=off", "--innodb-file-per-table=off"]);
        }
        command
    }

    fn answers(&self, folder: &Path) -> bool {
        folder.join("socket").exists()
            && client(folder).args(["-e", "SELECT 1"]).output().is_ok_and(|output| output.status.success())
    }

    fn farewell(&self) -> Signal {
        Signal::SIGTERM
    }
}

/// The client, as the server's administrator.
fn client(folder: &Path) -> Command {
    let mut command = Command::new(find("mariadb").unwrap_or_else(|| "mariadb".into()));
    command.args(["--no-defaults", "--user=root", "--connect-timeout=5"]);
    command.arg(format!("--socket={}", folder.join("socket").display()));
    command
}

fn set_up(data: &Path) {
    let mut command = Command::new(find("mariadb-install-db").unwrap_or_else(|| "mariadb-install-db".into()));
    let output = account(command.arg("--no-defaults"))
        .arg(format!("--datadir={}", data.display()))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=32M"])
        .output()
        .unwrap_or_else(|error| panic!("could not set up MariaDB: {error}"));
    assert!(output.status.success(), "could not set up MariaDB: {}", String::from_utf8_lossy(&output.stderr));
}
