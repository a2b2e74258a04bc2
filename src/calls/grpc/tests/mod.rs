//! Members of a cluster over real sockets on the loopback address.

mod calls;
mod logs;
mod member;
mod proxy;
mod strangers;
mod streams;
mod tls;

use super::{Credentials, Key, Pool, Roster};
use crate::calls::{Address, Hello, Holder};
use crate::config::Secret;
use crate::model::{DefinitionId, InstanceId, ProjectId, Tag, TaskId};
use crate::registry::{Registry, Role};
use std::sync::Arc;
use std::time::Duration;

/// What never happens takes this long to be noticed.
const NEVER: Duration = Duration::from_secs(20);

fn credentials(secret: &str) -> Credentials {
    Credentials { key: Key::new(&Secret::new(secret)), tls: None }
}

/// The credentials of the members that belong together.
fn ours() -> Credentials {
    credentials("a secret of the cluster")
}

fn pool() -> Pool {
    Pool::new(ours())
}

fn masters(registry: &Arc<dyn Registry>) -> Roster {
    Roster::new(registry.clone(), Role::Master)
}

fn holder(incarnation: u64) -> Holder {
    Holder { worker: "w1".into(), incarnation }
}

fn attempt() -> Address {
    Address {
        project: ProjectId(1),
        definition: DefinitionId(2),
        instance: InstanceId(3),
        task: TaskId(4),
        tag: Tag(5),
        epoch: 6,
    }
}

fn hello(incarnation: u64) -> Hello {
    Hello { holder: holder(incarnation), host: "10.0.0.1".into(), start: "w1:1:1".into() }
}

/// Waits for something that happens soon.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(NEVER, what).await.expect("it has not happened")
}
