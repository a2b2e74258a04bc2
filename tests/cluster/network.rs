//! A network of machines on this one: each has a network namespace with an address of its own, joined by a bridge.
//!
//! A cut is silent, as a broken switch is: both ends live, and nothing arrives. It is made by telling the sender a
//! link-layer address that nobody has, so it works in one direction as well, and needs no firewall.

use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Nobody's.
const NOWHERE: &str = "02:00:00:00:00:01";

/// Waits until its input ends, which is when the last process ends that holds the other end of the pipe: this one,
/// however that happens. Then ends everything in the namespaces, and removes them, the bridge and the folder.
const GUARDIAN: &str = r#"
trap '' HUP INT TERM
read -r _
for space in $(ip netns list | cut -d' ' -f1 | grep "^$1-"); do
    for round in 1 2 3 4 5 6 7 8 9 10; do
        pids=$(ip netns pids "$space")
        [ -z "$pids" ] && break
        kill -9 $pids 2>/dev/null
        sleep 0.1
    done
    ip netns del "$space"
done
ip link del "$1"
[ -e "$2/keep" ] || rm -rf "$2"
"#;

/// A bridge, and what is joined to it. All of it ends with this value, or with this process.
pub struct Network {
    name: String,
    prefix: [u8; 3],
    guardian: Child,
}

/// Where a machine is.
#[derive(Clone, Debug)]
pub struct Place {
    pub space: String,
    pub address: Ipv4Addr,
    /// Of the namespace: how its processes are known.
    inode: u64,
}

impl Network {
    /// Why there can be none here, if so.
    pub fn obstacle() -> Option<String> {
        if !nix::unistd::geteuid().is_root() {
            return Some("network namespaces need root".into());
        }
        let name = format!("es{:06x}-probe", rand::random::<u32>() & 0xff_ffff);
        let made = ip(&["netns", "add", &name]).and_then(|()| ip(&["netns", "del", &name]));
        made.err().map(|why| format!("network namespaces cannot be made here: {why}"))
    }

    /// Takes the folder over.
    pub fn new(folder: &Path) -> Network {
        let random = rand::random::<u32>();
        let name = format!("es{:06x}", random & 0xff_ffff);
        let prefix = [10, 64 + (random >> 24) as u8 % 64, (random >> 16) as u8];
        let guardian = Command::new("/bin/sh")
            .args(["-c", GUARDIAN, "guardian", &name])
            .arg(folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        let network = Network { name, prefix, guardian };
        let gateway = format!("{}/24", network.gateway());
        must(&["link", "add", &network.name, "type", "bridge"]);
        must(&["addr", "add", &gateway, "dev", &network.name]);
        must(&["link", "set", &network.name, "up"]);
        network
    }

    /// Our own address in it.
    pub fn gateway(&self) -> Ipv4Addr {
        self.address(1)
    }

    fn address(&self, number: u8) -> Ipv4Addr {
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, number)
    }

    /// Joins a new machine; numbers from 10 on.
    pub fn join(&self, machine: &str, number: u8) -> Place {
        let (space, near) = (format!("{}-{machine}", self.name), format!("{}v{number}", self.name));
        let address = self.address(number);
        must(&["netns", "add", &space]);
        must(&["link", "add", &near, "type", "veth", "peer", "name", "eth0", "netns", &space]);
        must(&["link", "set", &near, "master", &self.name, "up"]);
        must(&["-n", &space, "link", "set", "lo", "up"]);
        must(&["-n", &space, "addr", "add", &format!("{address}/24"), "dev", "eth0"]);
        must(&["-n", &space, "link", "set", "eth0", "up"]);
        let inode = std::fs::metadata(format!("/run/netns/{space}")).expect("a namespace").ino();
        Place { space, address, inode }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

impl Place {
    /// What starts a program there.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space, program]);
        command
    }

    /// Every living process of the machine.
    pub fn pids(&self) -> Vec<i32> {
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| {
            let space = std::fs::metadata(format!("/proc/{pid}/ns/net"));
            space.is_ok_and(|space| space.ino() == self.inode) && crate::processes::lives(*pid)
        })
        .collect()
    }

    /// Nothing that we send arrives there any more.
    pub fn lose(&self, other: Ipv4Addr) {
        let to = other.to_string();
        must(&["-n", &self.space, "neigh", "replace", &to, "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent"]);
    }

    /// What we send arrives again.
    pub fn find(&self, other: Ipv4Addr) {
        // It may never have been lost.
        let _ = ip(&["-n", &self.space, "neigh", "del", &other.to_string(), "dev", "eth0"]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

fn must(arguments: &[&str]) {
    ip(arguments).unwrap_or_else(|why| panic!("ip {}: {why}", arguments.join(" ")));
}
