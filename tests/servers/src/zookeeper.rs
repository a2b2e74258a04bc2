//! ZooKeeper, alone or as an ensemble of three. Sessions may be as short as two seconds, so that tests of their
//! expiry are.

use crate::programs::{ZOOKEEPER_JARS, find};
use crate::server::{Kind, Server, folder, launch};
use crate::{Missing, port, private};
use nix::sys::signal::Signal;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A ZooKeeper server.
pub struct Zookeeper {
    server: Server,
    port: u16,
}

impl Zookeeper {
    /// A private one.
    pub fn start() -> Option<Zookeeper> {
        private(Missing::Zookeeper, Zookeeper::launch)
    }

    pub(crate) fn launch() -> Zookeeper {
        launch(|| Zookeeper::try_launch(port::free(), None))
    }

    /// `ensemble`: the number of this server, and the lines that name all.
    fn try_launch(port: u16, ensemble: Option<(usize, &str)>) -> Result<Zookeeper, String> {
        let folder = folder("zk");
        configure(&folder, port, ensemble).map_err(|error| format!("could not configure ZooKeeper: {error}"))?;
        // A member of an ensemble answers only once others are there.
        let kind = Process { port, alone: ensemble.is_none() };
        Ok(Zookeeper { server: Server::launch(Box::new(kind), folder)?, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where clients connect to: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `standalone`, `leader` or `follower`; none while it does not serve.
    pub fn mode(&self) -> Option<String> {
        mode(self.port)
    }
}

impl Deref for Zookeeper {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// Three ZooKeeper servers that form one service.
pub struct Ensemble {
    members: Vec<Zookeeper>,
}

impl Ensemble {
    /// A private one, ready when all three serve.
    pub fn start() -> Option<Ensemble> {
        private(Missing::Zookeeper, || launch(Ensemble::try_launch))
    }

    fn try_launch() -> Result<Ensemble, String> {
        let mut lines = String::new();
        for number in 1..=3 {
            let _ = writeln!(lines, "server.{number}=127.0.0.1:{}:{}", port::free(), port::free());
        }
        let start = |number| Zookeeper::try_launch(port::free(), Some((number, &lines)));
        let ensemble = Ensemble { members: (1..=3).map(start).collect::<Result<_, _>>()? };
        ensemble.wait_until_all_serve()?;
        Ok(ensemble)
    }

    /// The servers; each can be killed, paused and started again by itself. A server that is started again serves once
    /// two are there: [`Ensemble::wait`].
    pub fn members(&self) -> &[Zookeeper] {
        &self.members
    }

    /// Where clients connect to, separated by commas.
    pub fn address(&self) -> String {
        let addresses: Vec<_> = self.members.iter().map(Zookeeper::address).collect();
        addresses.join(",")
    }

    /// The one that leads at present.
    pub fn leader(&self) -> Option<&Zookeeper> {
        self.members.iter().find(|member| member.mode().as_deref() == Some("leader"))
    }

    /// Waits until all three serve.
    pub fn wait(&self) {
        self.wait_until_all_serve().unwrap_or_else(|problem| panic!("{problem}"));
    }

    fn wait_until_all_serve(&self) -> Result<(), String> {
        for _ in 0..1200 {
            if self.members.iter().all(|member| member.mode().is_some()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let logs = self.members.iter().map(|member| std::fs::read_to_string(member.folder().join("log")));
        let logs: Vec<_> = logs.map(Result::unwrap_or_default).collect();
        Err(format!("the ZooKeeper ensemble does not form:\n{}", logs.join("\n")))
    }
}

struct Process {
    port: u16,
    alone: bool,
}

impl Kind for Process {
    fn name(&self) -> &'static str {
        "ZooKeeper"
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(find("java").unwrap_or_else(|| "java".into()));
        // It keeps the last 500 writings in memory, however large: tests that write 200 KB each need 100 MB for that.
        command
            .args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"])
            .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dzookeeper.forceSync=no", "-cp"])
            .arg(ZOOKEEPER_JARS.join(":"))
            .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
            .arg(folder.join("zoo.cfg"))
            .current_dir(folder);
        command
    }

    fn answers(&self, _: &Path) -> bool {
        match self.alone {
            true => mode(self.port).is_some(),
            false => word(self.port, "ruok").is_some(),
        }
    }

    fn farewell(&self) -> Signal {
        Signal::SIGTERM
    }
}

fn configure(folder: &Path, port: u16, ensemble: Option<(usize, &str)>) -> std::io::Result<()> {
    let data = folder.join("data");
    std::fs::create_dir_all(&data)?;
    let mut text = format!(
        "tickTime=500\ninitLimit=20\nsyncLimit=10\nminSessionTimeout=2000\nmaxSessionTimeout=60000\ndataDir={}\n\
         clientPort={port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n\
         4lw.commands.whitelist=*\n",
        data.display()
    );
    if let Some((number, lines)) = ensemble {
        text += lines;
        std::fs::write(data.join("myid"), number.to_string())?;
    }
    std::fs::write(folder.join("zoo.cfg"), text)
}

/// Asks one of the server's four-letter words.
fn word(port: u16, word: &str) -> Option<String> {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let limit = Duration::from_secs(2);
    let mut connection = TcpStream::connect_timeout(&address, limit).ok()?;
    connection.set_read_timeout(Some(limit)).ok()?;
    connection.write_all(word.as_bytes()).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

fn mode(port: u16) -> Option<String> {
    let answer = word(port, "srvr")?;
    answer.lines().find_map(|line| line.strip_prefix("Mode: ")).map(str::to_owned)
}
