//! One persistent node per worker, moved by compare-and-set.

use super::paths::{Paths, text};
use crate::model::Time;
use crate::registry::{Error, Lease, Posted, Version};
use crate::zookeeper::{self, Client, Mode, Stat};
use futures::future::join_all;

pub(super) async fn read(client: &Client, paths: &Paths, worker: &str) -> Result<Option<Posted>, Error> {
    let (data, stat) = match client.get(&paths.lease(worker)).await {
        Err(zookeeper::Error::Missing) => return Ok(None),
        read => read?,
    };
    let lease = serde_json::from_slice(&data)
        .map_err(|error| Error::Foreign(format!("the node {} is no lease: {error}", paths.lease(worker))))?;
    Ok(Some(Posted { worker: worker.to_owned(), lease, version: version(stat), written_at: Time(stat.written_ms) }))
}

pub(super) async fn list(client: &Client, paths: &Paths) -> Result<Vec<Posted>, Error> {
    let mut names = match client.children(&paths.leases()).await {
        Err(zookeeper::Error::Missing) => return Ok(Vec::new()),
        read => read?,
    };
    names.sort_unstable();
    let workers: Vec<String> = names.iter().map(|name| text(name)).collect();
    let read = join_all(workers.iter().map(|worker| read(client, paths, worker))).await;
    let mut leases = Vec::new();
    for lease in read {
        match lease {
            Ok(posted) => leases.extend(posted),
            Err(Error::Foreign(what)) => tracing::warn!("{what}"),
            Err(error) => return Err(error),
        }
    }
    Ok(leases)
}

pub(super) async fn post(
    client: &Client,
    paths: &Paths,
    worker: &str,
    lease: &Lease,
    over: Option<Version>,
) -> Result<Option<Version>, Error> {
    let path = paths.lease(worker);
    let data = serde_json::to_vec(lease).map_err(|error| Error::Foreign(error.to_string()))?;
    match over {
        None => create(client, paths, &path, &data).await,
        Some(over) => replace(client, &path, &data, over).await,
    }
}

async fn create(client: &Client, paths: &Paths, path: &str, data: &[u8]) -> Result<Option<Version>, Error> {
    let mut made = client.create(path, data, Mode::Persistent).await;
    if made == Err(zookeeper::Error::Missing) {
        client.ensure(&paths.leases()).await?;
        made = client.create(path, data, Mode::Persistent).await;
    }
    match made {
        Ok((_, stat)) => Ok(Some(version(stat))),
        Err(zookeeper::Error::Exists) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// ZooKeeper compares the number of writings only, which begins anew when a node is deleted and made again. So the
/// node is looked at before (a server may lag behind: what it shows as older proves nothing); should it be another one
/// when it is written all the same, that is no success.
async fn replace(client: &Client, path: &str, data: &[u8], over: Version) -> Result<Option<Version>, Error> {
    let (created, number) = parts(over);
    if client.exists(path).await?.is_some_and(|stat| stat.created > created) {
        return Ok(None);
    }
    match client.set(path, data, Some(number)).await {
        Ok(stat) if stat.created == created => Ok(Some(version(stat))),
        Ok(_) | Err(zookeeper::Error::Version | zookeeper::Error::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn version(stat: Stat) -> Version {
    Version(i128::from(stat.created) << 32 | i128::from(stat.version))
}

fn parts(version: Version) -> (i64, i32) {
    ((version.0 >> 32) as i64, (version.0 & 0xffff_ffff) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_node_and_its_writings() {
        for (created, number) in [(1, 0), (0x2_0000_0007, 3), (i64::MAX, i32::MAX)] {
            assert_eq!(parts(version(Stat { created, version: number, owner: 0, written_ms: 0 })), (created, number));
        }
    }
}
