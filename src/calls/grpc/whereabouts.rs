//! Where this process listens, and by which address others reach it.

use super::Error;
use crate::config::{Cluster, Config};
use crate::registry::Role;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, UdpSocket, lookup_host};

/// How long a ZooKeeper server may take to be reached, its name included.
const REACH: Duration = Duration::from_secs(1);

/// The place of a process in its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// How others call this machine: `server.host`, else an address of it. Worker groups and task rows name it so.
    pub host: String,
    /// The same as an address.
    pub ip: IpAddr,
    /// What to listen on.
    pub listen: SocketAddr,
}

/// The port of a process that plays these roles: it has one, whatever it plays.
pub fn port(config: &Config, roles: &[Role]) -> u16 {
    let ports = [(Role::Master, config.master.port), (Role::Logger, config.logger.port)];
    ports.into_iter().find(|(role, port)| roles.contains(role) && *port != 0).map_or(0, |(_, port)| port)
}

impl Whereabouts {
    /// Finds out what the configuration leaves open. `port` is that of the role that is played here.
    ///
    /// # Errors
    /// `server.host` is no name that is known, or the port would be open to others without a secret. [`Error::NoWay`]
    /// passes by itself.
    pub async fn find(cluster: &Cluster, port: u16) -> Result<Whereabouts, Error> {
        let (host, ip) = match &cluster.host {
            Some(host) => (host.clone(), resolve(host).await?),
            None => {
                let ip = match cluster.address.filter(|address| !address.is_unspecified()) {
                    Some(address) => address,
                    None => address_towards(&cluster.quorum).await.ok_or(Error::NoWay)?,
                };
                (ip.to_string(), ip)
            }
        };
        let address = cluster.address.unwrap_or_else(|| everywhere_unless_loopback(ip));
        if !address.is_loopback() && cluster.secret.expose().is_empty() {
            return Err(Error::NoSecret(address));
        }
        if cluster.secret.expose().is_empty() {
            tracing::warn!("cluster.secret is empty: every account of this machine can give orders to the cluster");
        }
        Ok(Whereabouts { host, ip, listen: SocketAddr::new(address, port) })
    }
}

/// Who is reached by others at a loopback address is reached from this machine only, and needs no more.
fn everywhere_unless_loopback(ip: IpAddr) -> IpAddr {
    match ip {
        _ if ip.is_loopback() => ip,
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

async fn resolve(host: &str) -> Result<IpAddr, Error> {
    let unknown = |why: String| Error::Host { host: host.to_owned(), why };
    let mut found = lookup_host((host, 0)).await.map_err(|why| unknown(why.to_string()))?;
    let first = found.next().ok_or_else(|| unknown("it has no address".into()))?;
    Ok(first.ip())
}

/// The address of this machine that reaches one of these servers: the first that answers, else the first that there is
/// a way to; without any server to reach, the loopback address.
async fn address_towards(servers: &[String]) -> Option<IpAddr> {
    for server in servers {
        if let Ok(Ok(stream)) = tokio::time::timeout(REACH, TcpStream::connect(server)).await
            && let Ok(address) = stream.local_addr()
        {
            return Some(address.ip());
        }
    }
    for server in servers {
        if let Ok(Some(ip)) = tokio::time::timeout(REACH, way_to(server)).await {
            return Some(ip);
        }
    }
    servers.is_empty().then_some(Ipv4Addr::LOCALHOST.into())
}

/// The address that packets to this server would carry; none is sent.
async fn way_to(server: &str) -> Option<IpAddr> {
    let to = lookup_host(server).await.ok()?.next()?;
    let from: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((from, 0)).await.ok()?;
    socket.connect(to).await.ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use tokio::net::TcpListener;

    fn cluster(host: Option<&str>, address: Option<&str>, secret: &str, quorum: &[&str]) -> Cluster {
        Cluster {
            host: host.map(str::to_owned),
            address: address.map(|address| address.parse().unwrap()),
            secret: Secret::new(secret),
            quorum: quorum.iter().map(|server| (*server).to_owned()).collect(),
            tls: None,
        }
    }

    #[tokio::test]
    async fn the_address_is_the_one_that_reaches_the_first_server_that_answers() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = server.local_addr().unwrap().to_string();
        let found = Whereabouts::find(&cluster(None, None, "", &["127.0.0.2:1", &there]), 7).await.unwrap();
        let expected = Whereabouts {
            host: "127.0.0.1".into(),
            ip: Ipv4Addr::LOCALHOST.into(),
            listen: "127.0.0.1:7".parse().unwrap(),
        };
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn who_listens_on_one_address_is_reached_by_it() {
        let found = Whereabouts::find(&cluster(None, Some("127.0.0.5"), "", &["127.0.0.1:1"]), 7).await.unwrap();
        assert_eq!((found.host.as_str(), found.listen), ("127.0.0.5", "127.0.0.5:7".parse().unwrap()));
        assert_eq!(found.ip, found.listen.ip());
    }

    #[tokio::test]
    async fn without_a_server_that_answers_the_way_to_one_counts() {
        let found = Whereabouts::find(&cluster(None, None, "", &["127.0.0.1:1"]), 0).await.unwrap();
        assert_eq!(found.ip, IpAddr::from(Ipv4Addr::LOCALHOST));
        let found = Whereabouts::find(&cluster(None, None, "", &[]), 0).await.unwrap();
        assert_eq!(found.listen, "127.0.0.1:0".parse().unwrap());
    }

    #[tokio::test]
    async fn who_cannot_reach_the_others_does_not_know_the_own_address() {
        let why = Whereabouts::find(&cluster(None, None, "", &["no such name:1"]), 0).await.unwrap_err();
        assert!(matches!(why, Error::NoWay), "{why}");
    }

    #[tokio::test]
    async fn whoever_is_open_to_others_needs_a_secret() {
        for (host, address) in [(Some("10.1.2.3"), None), (None, Some("0.0.0.0")), (Some("fd00::1"), None)] {
            let why = Whereabouts::find(&cluster(host, address, "", &[]), 0).await.unwrap_err();
            assert!(why.to_string().contains("cluster.secret is empty"), "{why}");
            let found = Whereabouts::find(&cluster(host, address, "long enough a secret", &[]), 0).await.unwrap();
            assert!(found.listen.ip().is_unspecified());
        }
        let inside = Whereabouts::find(&cluster(Some("10.1.2.3"), Some("127.0.0.3"), "", &[]), 9).await.unwrap();
        assert_eq!((inside.host.as_str(), inside.listen), ("10.1.2.3", "127.0.0.3:9".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_name_that_is_not_known_is_told() {
        let why = Whereabouts::find(&cluster(Some("no such name"), None, "", &[]), 0).await.unwrap_err().to_string();
        assert!(why.starts_with("server.host: no such name cannot be resolved: "), "{why}");
    }
}
