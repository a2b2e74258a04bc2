//! Members that trust each other by certificates.

use super::member::{Setup, Worker, registry};
use super::proxy::Unplugged;
use super::{masters, ours};
use crate::calls::grpc::{Credentials, Pool};
use crate::config::{self, Secret};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificates in files, as an operator has them.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Files {
        Files { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A certificate for these names and its key; without an authority it has signed itself.
    fn certificate(&self, names: &[&str], by: Option<&Authority>) -> (PathBuf, PathBuf) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (params, key) = (CertificateParams::new(names).unwrap(), KeyPair::generate().unwrap());
        let certificate = match by {
            Some(authority) => params.signed_by(&key, authority).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        (self.write("cert.pem", &certificate.pem()), self.write("key.pem", &key.serialize_pem()))
    }

    fn credentials(&self, names: &[&str], by: Option<&Authority>) -> Credentials {
        let (cert, key) = self.certificate(names, by);
        let ca = by.map(|authority| self.write("ca.pem", &authority.pem()));
        read(&cert, &key, ca.as_deref(), None)
    }
}

fn read(cert: &Path, key: &Path, ca: Option<&Path>, name: Option<&str>) -> Credentials {
    let tls = config::Tls {
        cert: cert.to_owned(),
        key: key.to_owned(),
        ca: ca.map(Path::to_owned),
        name: name.map(str::to_owned),
    };
    let cluster = config::Cluster {
        host: None,
        address: None,
        secret: Secret::new("a secret of the cluster"),
        quorum: Vec::new(),
        tls: Some(tls),
    };
    Credentials::read(&cluster).unwrap()
}

/// Whether a worker with these credentials finds a master with those. If not, it tries again.
async fn find_each_other(master: Credentials, worker: Credentials) -> bool {
    let network = Unplugged::new().await;
    let master = Setup { credentials: master, behind: Some(network.address), ..Setup::default() }.serve().await;
    let (registry, _joined) = registry([master.member()]).await;
    let proxy = network.plug(master.socket);
    let mut worker = Worker::start(Pool::new(worker), masters(&registry));
    tokio::select! {
        _ = worker.linked() => true,
        () = proxy.called(2) => false,
    }
}

#[tokio::test]
async fn members_that_share_a_certificate_find_each_other_and_no_other() {
    let (files, others) = (Files::new(), Files::new());
    let shared = files.credentials(&["127.0.0.1"], None);
    assert!(find_each_other(shared.clone(), shared.clone()).await);
    assert!(!find_each_other(shared.clone(), others.credentials(&["127.0.0.1"], None)).await);
    assert!(!find_each_other(shared.clone(), ours()).await, "in the clear");
    assert!(!find_each_other(ours(), shared).await, "a master in the clear");
}

#[tokio::test]
async fn members_with_certificates_of_one_authority_find_each_other_and_no_other() {
    let (ours, theirs) = (authority(), authority());
    let member = || Files::new().credentials(&["127.0.0.1"], Some(&ours));
    assert!(find_each_other(member(), member()).await);
    let stranger = Files::new();
    let (cert, key) = stranger.certificate(&["127.0.0.1"], Some(&theirs));
    let believing = read(&cert, &key, Some(&stranger.write("ca.pem", &ours.pem())), None);
    assert!(!find_each_other(member(), believing.clone()).await, "a worker of another authority");
    assert!(!find_each_other(believing, member()).await, "a master of another authority");
}

#[tokio::test]
async fn a_certificate_must_be_made_out_to_the_member_or_to_the_name_that_is_set() {
    let authority = authority();
    let elsewhere = Files::new().credentials(&["127.0.0.2"], Some(&authority));
    assert!(!find_each_other(elsewhere.clone(), elsewhere).await);
    let files = Files::new();
    let (cert, key) = files.certificate(&["escheduler"], Some(&authority));
    let ca = files.write("ca.pem", &authority.pem());
    let named = read(&cert, &key, Some(&ca), Some("escheduler"));
    assert!(find_each_other(named.clone(), named).await);
}

#[tokio::test]
async fn files_that_do_not_fit_are_told() {
    let files = Files::new();
    let (cert, _) = files.certificate(&["127.0.0.1"], None);
    let tls = config::Tls { key: "/nonexistent/key.pem".into(), cert: cert.clone(), ca: None, name: None };
    let mut cluster =
        config::Cluster { host: None, address: None, secret: Secret::new(""), quorum: vec![], tls: Some(tls) };
    let why = Credentials::read(&cluster).unwrap_err().to_string();
    assert!(why.starts_with("cluster.tls.key: /nonexistent/key.pem cannot be read: "), "{why}");

    let other = Files::new();
    let (_, key) = other.certificate(&["127.0.0.1"], None);
    for key in [key, files.write("no.pem", "no key")] {
        cluster.tls = Some(config::Tls { cert: cert.clone(), key, ca: None, name: None });
        let why = Credentials::read(&cluster).unwrap_err().to_string();
        assert!(why.starts_with("cluster.tls.cert and cluster.tls.key do not make a server: "), "{why}");
    }
}
