//! The keys by which members of a cluster find and trust each other.

use super::reader::{Reader, quote};
use super::sections::{Cluster, Tls};
use super::show::Secret;
use std::net::IpAddr;

/// How short a secret may be. Whoever overhears a call can try guesses on it for as long as he likes.
const SECRET_MIN: usize = 16;

/// Where ZooKeeper listens unless it is told otherwise.
const ZOOKEEPER_PORT: &str = "2181";

pub(super) fn read(r: &mut Reader<'_>) -> Cluster {
    Cluster {
        host: filled(r.text("server.host")),
        address: r.read("cluster.address", address).flatten(),
        secret: secret(r),
        quorum: r.text("zookeeper.quorum").split(',').filter_map(server).collect(),
        tls: tls(r),
    }
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn address(text: &str) -> Result<Option<IpAddr>, String> {
    match text {
        "" => Ok(None),
        "localhost" => Ok(Some(IpAddr::from([127, 0, 0, 1]))),
        _ => {
            text.parse().map(Some).map_err(|_| format!("{} is no IP address such as 10.0.0.1 or 0.0.0.0", quote(text)))
        }
    }
}

fn secret(r: &mut Reader<'_>) -> Secret {
    const KEY: &str = "cluster.secret";
    let secret = r.text(KEY);
    if !secret.is_empty() && secret.chars().count() < SECRET_MIN {
        r.wrong_secret(KEY, "must have at least 16 characters; make one by: openssl rand -hex 32");
    }
    Secret::new(secret)
}

/// One server of a quorum, with its port; a path behind it (`host:2181/root`) is not a part of its address.
fn server(text: &str) -> Option<String> {
    let server = text.split('/').next().unwrap_or_default().trim();
    let has_port = server
        .rsplit_once(':')
        .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')));
    match server {
        "" => None,
        _ if has_port => Some(server.to_owned()),
        _ if server.contains(':') && !server.starts_with('[') => Some(format!("[{server}]:{ZOOKEEPER_PORT}")),
        _ => Some(format!("{server}:{ZOOKEEPER_PORT}")),
    }
}

/// A certificate and its key make sense together only, and an authority only beside them.
fn tls(r: &mut Reader<'_>) -> Option<Tls> {
    let [cert, key, ca] = ["cluster.tls.cert", "cluster.tls.key", "cluster.tls.ca"].map(|key| r.path_if_set(key));
    let name = filled(r.text("cluster.tls.name"));
    match (cert, key) {
        (Some(cert), Some(key)) => return Some(Tls { cert, key, ca, name }),
        (Some(_), None) => r.wrong("cluster.tls.cert", "cluster.tls.key is missing beside it"),
        (None, Some(_)) => r.wrong("cluster.tls.key", "cluster.tls.cert is missing beside it"),
        (None, None) if ca.is_some() => {
            r.wrong("cluster.tls.ca", "cluster.tls.cert and cluster.tls.key are missing beside it");
        }
        (None, None) if name.is_some() => {
            r.wrong("cluster.tls.name", "cluster.tls.cert and cluster.tls.key are missing beside it");
        }
        (None, None) => {}
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_of_a_quorum_have_ports() {
        for (text, expected) in [
            ("a", Some("a:2181")),
            (" a:2182 ", Some("a:2182")),
            ("10.0.0.1", Some("10.0.0.1:2181")),
            ("[fd00::1]:2183", Some("[fd00::1]:2183")),
            ("[fd00::1]", Some("[fd00::1]:2181")),
            ("fd00::1", Some("[fd00::1]:2181")),
            ("a:2181/root", Some("a:2181")),
            ("", None),
        ] {
            assert_eq!(server(text).as_deref(), expected, "{text}");
        }
    }
}
