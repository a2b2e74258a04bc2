//! Where uploaded resources are kept.

use super::BUILT_IN;
use super::Secret;
use super::reader::{Reader, quote};
use super::sections::{Resource, Storage};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    None,
    Local,
    Hdfs,
    S3,
}

const SERVICES: [(&str, Service); 4] =
    [("LOCAL", Service::Local), ("HDFS", Service::Hdfs), ("S3", Service::S3), ("NONE", Service::None)];

const TYPE: &str = "res.upload.startup.type";
const FILE_SYSTEM: &str = "fs.defaultFS";

pub(super) fn read(r: &mut Reader<'_>) -> Resource {
    let local = r.path("resource.local.path");
    let base = r.read("data.store2hdfs.basepath", base).unwrap_or_default();
    let storage = match service(r) {
        Service::None => Storage::Nowhere,
        Service::Local => Storage::Local,
        Service::Hdfs => Storage::Hdfs { name_nodes: r.read(FILE_SYSTEM, name_nodes).unwrap_or_default() },
        Service::S3 => s3(r),
    };
    let suffixs = r.text("resource.view.suffixs");
    let suffixs = suffixs.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty());
    Resource { local, base, storage, view_suffixs: suffixs.collect() }
}

/// Release 1.0 has only a switch for HDFS. It counts where nobody has said more.
fn service(r: &mut Reader<'_>) -> Service {
    let named = r.choice(TYPE, &SERVICES).unwrap_or(Service::Local);
    let switched = r.flag("hdfs.startup.state");
    let is_s3 = r.text(FILE_SYSTEM).starts_with("s3");
    match r.source(TYPE) == BUILT_IN && switched {
        true if is_s3 => Service::S3,
        true => Service::Hdfs,
        false => named,
    }
}

fn s3(r: &mut Reader<'_>) -> Storage {
    Storage::S3 {
        bucket: r.read(FILE_SYSTEM, bucket).unwrap_or_default(),
        endpoint: r.text("fs.s3a.endpoint"),
        region: r.text("fs.s3a.endpoint.region"),
        access_key: Secret::new(r.text("fs.s3a.access.key")),
        secret_key: Secret::new(r.text("fs.s3a.secret.key")),
    }
}

/// The folder as it stands in front of a path: empty for the root.
fn base(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let fits = path.is_empty() || path.starts_with('/') && path.split('/').skip(1).all(is_plain);
    if fits { Ok(path.to_owned()) } else { Err(format!("{} is no path such as /escheduler", quote(text))) }
}

fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(|c: char| c.is_control() || c == '\\')
}

fn name_nodes(text: &str) -> Result<String, String> {
    let nodes: Vec<&str> = text.split(',').map(|node| node.trim().trim_end_matches('/')).collect();
    let fits = |node: &&str| node.strip_prefix("hdfs://").is_some_and(|host| !host.is_empty() && !host.contains('/'));
    match nodes.iter().all(fits) {
        true => Ok(nodes.join(",")),
        false => Err(format!(
            "{} is no address such as hdfs://name-node:8020, which res.upload.startup.type = HDFS needs",
            quote(text)
        )),
    }
}

fn bucket(text: &str) -> Result<String, String> {
    let bucket = ["s3a://", "s3n://", "s3://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or_default();
    let bucket = bucket.trim_end_matches('/');
    match bucket.is_empty() || bucket.contains('/') {
        false => Ok(bucket.to_owned()),
        true => {
            Err(format!("{} is no address such as s3a://bucket, which res.upload.startup.type = S3 needs", quote(text)))
        }
    }
}
