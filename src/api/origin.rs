//! Where a request comes from, as far as that can be believed: a header says so only if a proxy of ours has written
//! it.

use super::router::Peer;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::net::{IpAddr, Ipv6Addr};

/// The address of whoever sends the request. A proxy appends the address that it sees to what it was told, so the last
/// one counts that is not a proxy itself.
pub fn address(parts: &Parts, proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = parts.extensions.get::<Peer>().map(|Peer(ip)| ip.to_canonical())?;
    let is_proxy = |ip: &IpAddr| proxies.contains(ip);
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let mut told = forwarded(&parts.headers);
    let first = told.first().copied();
    told.retain(|ip| !is_proxy(ip));
    let real = || parts.headers.get("X-Real-IP").and_then(|value| value.to_str().ok()).and_then(parse);
    Some(told.last().copied().or(first).or_else(real).unwrap_or(peer))
}

/// The addresses of `X-Forwarded-For`, the oldest first; what is no address ends the trust in what stands before it.
fn forwarded(headers: &HeaderMap) -> Vec<IpAddr> {
    let lines = headers.get_all("X-Forwarded-For").into_iter().filter_map(|value| value.to_str().ok());
    let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let mut known: Vec<IpAddr> = entries.into_iter().rev().map_while(parse).collect();
    known.reverse();
    known
}

fn parse(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// What one customer of a network provider has: a single address, or of IPv6 a network of 64 bits.
pub fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn seen(peer: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(Peer(peer.parse().unwrap()));
        let proxies = ["127.0.0.1", "10.0.0.9"].map(|ip| ip.parse().unwrap());
        address(&parts, &proxies).unwrap().to_string()
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed() {
        let forwarded = [("X-Forwarded-For", "192.0.2.1")];
        assert_eq!(seen("127.0.0.1", &forwarded), "192.0.2.1");
        assert_eq!(seen("198.51.100.7", &forwarded), "198.51.100.7");
        assert_eq!(seen("::ffff:127.0.0.1", &forwarded), "192.0.2.1");
    }

    #[test]
    fn what_a_client_invents_stands_before_what_the_proxy_appends() {
        assert_eq!(seen("127.0.0.1", &[("X-Forwarded-For", "1.1.1.1, 192.0.2.1")]), "192.0.2.1");
        assert_eq!(seen("127.0.0.1", &[("X-Forwarded-For", "1.1.1.1, 192.0.2.1, 10.0.0.9")]), "192.0.2.1");
        let lines = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "192.0.2.1")];
        assert_eq!(seen("127.0.0.1", &lines), "192.0.2.1");
        assert_eq!(seen("127.0.0.1", &[("X-Forwarded-For", "1.1.1.1, nonsense")]), "127.0.0.1");
    }

    #[test]
    fn without_a_header_it_is_the_real_ip_or_the_peer() {
        assert_eq!(seen("127.0.0.1", &[("X-Real-IP", "192.0.2.1")]), "192.0.2.1");
        assert_eq!(seen("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &[("X-Forwarded-For", "10.0.0.9")]), "10.0.0.9");
    }

    #[test]
    fn a_network_of_ipv6_is_one_household() {
        let house = |ip: &str| household(ip.parse().unwrap()).to_string();
        assert_eq!(house("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(house("192.0.2.1"), "192.0.2.1");
    }
}
