//! The tools are tried first: a fault that does not happen proves nothing.

use crate::cluster::Shape;
use crate::dice::Dice;
use crate::faults::{Wish, plan};
use crate::network::{Network, Place};
use crate::wire::{State, Wire};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Sends back what it receives, to everybody.
fn echo(address: Ipv4Addr) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut byte = [0];
                while matches!(connection.read(&mut byte), Ok(1)) && connection.write_all(&byte).is_ok() {}
            });
        }
    });
    address
}

/// A connection to an echo.
struct Caller(TcpStream);

impl Caller {
    fn to(address: SocketAddr) -> Caller {
        Caller(TcpStream::connect(address).expect("somebody listens"))
    }

    fn send(&mut self, byte: u8) {
        // It may have been ended.
        let _ = self.0.write_all(&[byte]);
    }

    /// The next byte, if it comes in time.
    fn hear(&mut self, patience: Duration) -> Option<u8> {
        self.0.set_read_timeout(Some(patience)).expect("a time-out");
        let mut byte = [0];
        self.0.read_exact(&mut byte).ok().map(|()| byte[0])
    }
}

const SOON: Duration = Duration::from_millis(300);
const LATE: Duration = Duration::from_secs(30);

pub fn a_wire_holds_or_refuses() {
    let wire = Wire::new(Ipv4Addr::LOCALHOST, echo(Ipv4Addr::LOCALHOST));
    let mut caller = Caller::to(wire.address);
    for (byte, state) in (1..).zip([State::HoldsRequests, State::HoldsAnswers, State::HoldsBoth]) {
        wire.set(state);
        caller.send(byte);
        assert_eq!(caller.hear(SOON), None, "{state:?}");
        wire.set(State::Whole);
        assert_eq!(caller.hear(LATE), Some(byte), "what {state:?} comes late");
    }
    wire.set(State::Refuses);
    assert_eq!(caller.hear(LATE), None, "the connection has ended");
    let mut other = Caller::to(wire.address);
    other.send(4);
    assert_eq!(other.hear(LATE), None, "new connections end");
    wire.set(State::Whole);
    let mut other = Caller::to(wire.address);
    other.send(5);
    assert_eq!(other.hear(LATE), Some(5), "it is whole again");
}

pub fn a_network_cuts_one_way() {
    let folder = std::env::temp_dir().join(format!("es-network-{:016x}", rand::random::<u64>()));
    std::fs::create_dir(&folder).expect("a folder for temporary files");
    let network = Network::new(&folder);
    let (here, there) = (network.join("here", 10), network.join("there", 11));
    let server = echo(network.gateway());
    let reaches = |from: &Place, patience: u32| {
        let call = format!("exec 3<>/dev/tcp/{}/{} && echo x >&3 && read -r answer <&3", server.ip(), server.port());
        let mut command = from.command("timeout");
        command.args([&patience.to_string(), "bash", "-c", &call]).stderr(std::process::Stdio::null());
        command.status().expect("bash is installed").success()
    };
    assert!(reaches(&here, 30));
    here.lose(network.gateway());
    assert!(!reaches(&here, 1), "nothing arrives");
    assert!(reaches(&there, 30), "others are not concerned");
    here.find(network.gateway());
    assert!(reaches(&here, 30), "it arrives again");
    let mut sleeper = here.command("sleep").arg("300").spawn().expect("sleep is installed");
    let pid = sleeper.id().cast_signed();
    crate::site::eventually("it is there", || here.pids().contains(&pid).then_some(()));
    assert!(!there.pids().contains(&pid));
    drop(network);
    sleeper.wait().expect("our own child");
    assert!(!folder.exists(), "nothing is left");
}

pub fn a_plan_repeats_and_leaves_time_between() {
    let shape: Shape = crate::shape(crate::database::Product::Postgres, "direct");
    let mut dice = Dice(7);
    for _ in 0..20 {
        let wish = Wish {
            seed: dice.below(1 << 32),
            length: Duration::from_secs(1200),
            every: Duration::from_millis(3300),
            longest: Duration::from_secs(40),
            outages: false,
        };
        let faults = plan(&wish, &shape);
        let long = faults.iter().filter(|fault| fault.lasts > shape.session).count();
        assert!(faults.len() >= 300, "{} faults", faults.len());
        assert!(long * 3 >= faults.len(), "{long} of {} outlast the session", faults.len());
        assert_eq!(format!("{faults:?}"), format!("{:?}", plan(&wish, &shape)));
    }
}
