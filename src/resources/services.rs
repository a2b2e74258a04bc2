//! The storage that the configuration names.

use super::Error;
use super::storage::Storage;
use crate::config;
use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{Builder, Operator, services};
use std::path::Path;
use std::time::Duration;

/// How often a request that failed for a passing reason is sent again.
const RETRIES: usize = 3;
/// How long one piece of a file may take on its way, and how long any other request.
const PATIENCE: Duration = Duration::from_secs(60);

/// `None` if the operator wants no resources.
pub(super) fn open(resource: &config::Resource) -> Result<Option<Storage>, Error> {
    match &resource.storage {
        config::Storage::Nowhere => Ok(None),
        config::Storage::Local => folder(&resource.local).map(Some),
        config::Storage::Hdfs { name_nodes } => hdfs(name_nodes, &resource.base).map(Some),
        config::Storage::S3 { bucket, endpoint, region, access_key, secret_key } => {
            use_tls();
            let mut service = services::S3::default()
                .bucket(bucket)
                .root(&resource.base)
                .region(region)
                // What the environment of the process says is nobody's intention here.
                .disable_config_load()
                .disable_ec2_metadata();
            if !endpoint.is_empty() {
                service = service.endpoint(endpoint);
            }
            if access_key.expose().is_empty() {
                service = service.skip_signature();
            } else {
                service = service.access_key_id(access_key.expose()).secret_access_key(secret_key.expose());
            }
            remote(service).map(Some)
        }
    }
}

fn folder(local: &Path) -> Result<Storage, Error> {
    let service = services::Fs::default().root(&local.to_string_lossy());
    Ok(Storage::new(Operator::new(service)?, Some(local.to_owned())))
}

#[cfg(feature = "hdfs")]
fn hdfs(name_nodes: &str, base: &str) -> Result<Storage, Error> {
    remote(services::HdfsNative::default().name_node(name_nodes).root(base))
}

#[cfg(not(feature = "hdfs"))]
fn hdfs(_: &str, _: &str) -> Result<Storage, Error> {
    Err(Error::Storage("this executable was built without its feature `hdfs`".to_owned()))
}

fn remote(service: impl Builder) -> Result<Storage, Error> {
    let patient = TimeoutLayer::new().with_timeout(PATIENCE).with_io_timeout(PATIENCE);
    let retry = RetryLayer::new().with_max_times(RETRIES).with_jitter();
    Ok(Storage::new(Operator::new(service)?.layer(patient).layer(retry), None))
}

/// HTTPS is spoken with the same cryptography as everywhere else in the program.
fn use_tls() {
    // Somebody else may have said the same already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    opendal::install_default();
}
