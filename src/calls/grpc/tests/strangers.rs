//! Those who do not belong to the cluster.

use super::member::{Setup, Worker, member, pair, registry};
use super::proxy::Unplugged;
use super::{credentials, masters, ours, pool, soon};
use crate::calls::grpc::header;
use crate::calls::grpc::proof::{Challenge, Key, claim};
use crate::calls::grpc::{LogReader, Pool};
use crate::calls::{Failure, ToMaster, ToWorker};
use crate::config::Secret;
use crate::logs::Local;
use crate::registry::Role;
use bytes::Bytes;
use http_body_util::BodyExt;
use prost::Message;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request};
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt;

/// Every method of every service, as `/service/Method`.
fn methods() -> Vec<String> {
    let words = include_bytes!(concat!(env!("OUT_DIR"), "/cluster.bin"));
    let words = prost_types::FileDescriptorSet::decode(&words[..]).unwrap();
    let of_file = |file: &prost_types::FileDescriptorProto| {
        let package = file.package().to_owned();
        file.service
            .iter()
            .flat_map(move |service| {
                let service_name = format!("/{package}.{}/", service.name());
                service.method.iter().map(move |method| service_name.clone() + method.name()).collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    words.file.iter().flat_map(of_file).collect()
}

/// Calls without any of our own code.
struct Caller {
    channel: Channel,
    address: SocketAddr,
}

impl Caller {
    async fn to(address: SocketAddr) -> Caller {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Caller { channel, address }
    }

    /// Calls with one empty message.
    async fn call(&self, path: &str, proof: Option<&str>) -> (Code, HeaderMap) {
        self.say(path, proof, &[0; 5]).await
    }

    /// The code of the answer, and its headers.
    async fn say(&self, path: &str, proof: Option<&str>, body: &'static [u8]) -> (Code, HeaderMap) {
        let mut request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(proof) = proof {
            request = request.header(header::CALL, proof);
        }
        let body = Body::new(http_body_util::Full::new(Bytes::from_static(body)));
        let answer = soon(self.channel.clone().oneshot(request.body(body).unwrap())).await.unwrap();
        let (parts, body) = answer.into_parts();
        let mut headers = parts.headers;
        // Who is let in gets the code behind the answer.
        if !headers.contains_key("grpc-status")
            && let Some(trailers) = soon(body.collect()).await.unwrap().trailers()
        {
            headers.extend(trailers.clone());
        }
        let code = headers.get("grpc-status").map_or(Code::Unknown, |code| Code::from_bytes(code.as_bytes()));
        (code, headers)
    }

    async fn challenge(&self) -> Challenge {
        let (code, headers) = self.call(header::CHALLENGE_PATH, None).await;
        assert_eq!(code, Code::Ok);
        Challenge::parse(headers[header::CHALLENGE].to_str().unwrap()).unwrap()
    }

    async fn proof(&self, secret: &str, path: &str) -> String {
        claim(&Key::new(&Secret::new(secret)), self.challenge().await, self.address, path).text
    }
}

#[tokio::test]
async fn nobody_without_the_secret_gets_through_to_any_method() {
    let folder = tempfile::tempdir().unwrap();
    let logs = Arc::new(Local::new(folder.path().to_owned()));
    let mut master = Setup { logs: Some(logs), ..Setup::default() }.serve().await;
    let caller = Caller::to(master.address).await;
    let methods = methods();
    assert_eq!(methods.len(), 9, "{methods:?}");
    let unknown = "/escheduler.cluster.MasterService/Nothing".to_owned();
    for method in methods.iter().chain([&unknown]) {
        for proof in [None, Some(""), Some("secret"), Some("a secret of the cluster")] {
            assert_eq!(caller.call(method, proof).await.0, Code::Unauthenticated, "{method} {proof:?}");
        }
        let wrong = caller.proof("another secret", method).await;
        assert_eq!(caller.call(method, Some(&wrong)).await.0, Code::Unauthenticated, "{method}, wrong secret");
        let elsewhere = caller.proof("a secret of the cluster", "/another/Method").await;
        assert_eq!(caller.call(method, Some(&elsewhere)).await.0, Code::Unauthenticated, "{method}, other method");

        let right = caller.proof("a secret of the cluster", method).await;
        let (code, headers) = caller.call(method, Some(&right)).await;
        assert_ne!(code, Code::Unauthenticated, "{method}, right secret");
        assert!(headers.contains_key(header::ANSWER));
        let (code, headers) = caller.call(method, Some(&right)).await;
        assert_eq!(code, Code::Unauthenticated, "{method}, replayed");
        assert!(!headers.contains_key(header::ANSWER));
    }
    // The members' calls, all of them empty, had their effect: the strangers' had none.
    assert_eq!(master.register.asked.lock().unwrap().len(), 0, "an empty call names no holder");
    assert!(master.mail.try_recv().is_err());
    master.rung().await;
}

#[tokio::test]
async fn a_message_that_is_announced_as_too_large_is_refused_before_it_comes() {
    let master = Setup::default().serve().await;
    let caller = Caller::to(master.address).await;
    let beat = "/escheduler.cluster.MasterService/Beat";
    // Not compressed, and one byte more than is taken.
    for (length, code) in [(&[0, 4, 0, 0, 1], Code::OutOfRange), (&[0, 0, 0, 0, 0], Code::InvalidArgument)] {
        let proof = caller.proof("a secret of the cluster", beat).await;
        assert_eq!(caller.say(beat, Some(&proof), length).await.0, code);
    }
}

#[tokio::test]
async fn a_stranger_wakes_nobody() {
    let master = Setup::default().serve().await;
    let caller = Caller::to(master.address).await;
    let wake = "/escheduler.cluster.MasterService/Wake";
    for proof in [None, Some(caller.proof("another secret", wake).await)] {
        assert_eq!(caller.call(wake, proof.as_deref()).await.0, Code::Unauthenticated);
    }
    use crate::calls::Bell;
    assert!(futures::FutureExt::now_or_never(master.bell.rung()).is_none());
    let right = caller.proof("a secret of the cluster", wake).await;
    assert_eq!(caller.call(wake, Some(&right)).await.0, Code::Ok);
    master.rung().await;
}

#[tokio::test]
async fn bytes_that_were_overheard_do_nothing_a_second_time() {
    let network = Unplugged::new().await;
    let mut master = Setup { behind: Some(network.address), ..Setup::default() }.serve().await;
    let (registry, _joined) = registry([member(Role::Master, "m1", "h", network.address)]).await;
    let proxy = network.plug(master.socket);
    let mut worker = Worker::start(pool(), masters(&registry));
    master.linked().await;
    let (_, to_master) = worker.linked().await;
    to_master.say(ToMaster::Credit { number: 1 });
    master.heard().await;

    let overheard = proxy.heard();
    assert!(overheard.iter().any(|bytes| bytes.len() > 200));
    for bytes in overheard {
        let mut stranger = TcpStream::connect(master.socket).await.unwrap();
        stranger.write_all(&bytes).await.unwrap();
        // It is not let in: after its patience the master hangs up.
        let mut answer = Vec::new();
        let _ = soon(stranger.read_to_end(&mut answer)).await;
        assert!(!answer.is_empty());
    }
    to_master.say(ToMaster::Credit { number: 2 });
    assert_eq!(master.heard().await, ToMaster::Credit { number: 2 });
    assert!(master.mail.try_recv().is_err());
}

#[tokio::test]
async fn who_only_connects_is_put_out() {
    let (mut master, _, _worker, to_master, _joined) = pair(Setup::default()).await;
    let mut silent = TcpStream::connect(master.address).await.unwrap();
    let mut talkative = TcpStream::connect(master.address).await.unwrap();
    talkative.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    for stranger in [&mut silent, &mut talkative] {
        let mut answer = Vec::new();
        let _ = soon(stranger.read_to_end(&mut answer)).await;
    }
    to_master.say(ToMaster::Credit { number: 1 });
    assert_eq!(master.heard().await, ToMaster::Credit { number: 1 });
}

#[tokio::test]
async fn a_flood_of_strangers_leaves_room_for_members() {
    let master = Setup::default().serve().await;
    let mut strangers = Vec::new();
    for _ in 0..400 {
        strangers.push(TcpStream::connect(master.address).await.unwrap());
    }
    let (registry, _joined) = registry([master.member()]).await;
    let mut worker = Worker::start(pool(), masters(&registry));
    worker.linked().await;
    drop(strangers);
}

#[tokio::test]
async fn nobody_obeys_a_master_that_does_not_know_the_secret() {
    let mut impostor = Setup { start: "m1", credentials: credentials("another"), ..Setup::default() }.serve().await;
    let mut master = Setup { start: "m2", ..Setup::default() }.serve().await;
    let (registry, _joined) = registry([impostor.member(), master.member()]).await;
    let mut worker = Worker::start(pool(), masters(&registry));
    assert_eq!(worker.linked().await.0, "m2");
    let (_, to_worker) = master.linked().await;
    to_worker.say(ToWorker::Fenced { incarnation: 1 });
    assert!(matches!(worker.heard().await, ToWorker::Fenced { .. }));
    assert!(impostor.mail.try_recv().is_err());

    let reader = LogReader::new(Pool::new(ours()));
    let why = reader.bytes(impostor.address, "h", "p", 0, 1).await.unwrap_err();
    assert!(matches!(why, Failure::Refused(_)), "{why}");
}

#[tokio::test]
async fn nobody_obeys_a_stranger_that_passes_calls_on_to_a_master() {
    // The stranger's address is in the registry; what is said to him he says to the master, and back.
    let network = Unplugged::new().await;
    let mut master = Setup::default().serve().await;
    let (registry, _joined) = registry([member(Role::Master, "m1", "h", network.address)]).await;
    let proxy = network.plug(master.address);
    let mut worker = Worker::start(pool(), masters(&registry));
    proxy.called(2).await;
    assert!(worker.mail.try_recv().is_err() && master.mail.try_recv().is_err());
}
