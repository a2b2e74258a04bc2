//! Which programs the servers need, and which of them are not here.

use nix::unistd::{User, geteuid};
use std::path::{Path, PathBuf};

/// A kind of server, as something that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Mariadb,
    Postgres,
    Zookeeper,
}

pub(crate) const ZOOKEEPER_JARS: [&str; 2] = ["/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar"];

/// What tests use beside the servers: programs, and the packages that bring them.
const TOOLS: [(&str, &str); 3] = [("ps", "procps"), ("setpriv", "util-linux"), ("ip", "iproute2")];

impl Missing {
    const ALL: [Missing; 3] = [Missing::Mariadb, Missing::Postgres, Missing::Zookeeper];

    /// The Debian packages that bring it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Missing::Mariadb => &["mariadb-server", "mariadb-client"],
            Missing::Postgres => &["postgresql"],
            Missing::Zookeeper => &["zookeeper", "libslf4j-java", "openjdk-17-jre-headless"],
        }
    }

    /// Whether it can be started here.
    pub fn is_there(self) -> bool {
        match self {
            Missing::Mariadb => ["mariadbd", "mariadb-install-db", "mariadb"].iter().all(|name| find(name).is_some()),
            Missing::Postgres => postgres_folder().is_some() && postgres_user().is_ok(),
            Missing::Zookeeper => find("java").is_some() && ZOOKEEPER_JARS.iter().all(|jar| Path::new(jar).exists()),
        }
    }

    pub(crate) fn sentence(self) -> String {
        let name = match self {
            Missing::Mariadb => "MariaDB",
            Missing::Postgres => "PostgreSQL",
            Missing::Zookeeper => "ZooKeeper",
        };
        format!("{name} is not installed; as root: apt-get install {}", self.packages().join(" "))
    }
}

/// The Debian packages to install so that nothing is missing.
pub fn missing_packages() -> Vec<&'static str> {
    let servers = Missing::ALL.into_iter().filter(|program| !program.is_there()).flat_map(|program| program.packages());
    let tools = TOOLS.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| package);
    servers.chain(tools).copied().collect()
}

/// Where a program lies. Debian keeps servers outside the path of ordinary users.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The folder of PostgreSQL's programs: the newest version, as Debian keeps several, else that of the path.
pub(crate) fn postgres_folder() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file());
    let newest = folders.max_by_key(|bin| {
        let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        version.and_then(|version| version.parse::<u32>().ok())
    });
    newest.or_else(|| find("initdb").and_then(|program| Some(program.parent()?.to_owned())))
}

/// Whose account PostgreSQL runs under: it refuses root's. None: ours.
pub(crate) fn postgres_user() -> Result<Option<User>, ()> {
    match geteuid().is_root() {
        true => User::from_name("postgres").ok().flatten().map(Some).ok_or(()),
        false => Ok(None),
    }
}
