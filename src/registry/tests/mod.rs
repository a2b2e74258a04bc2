//! What every registry has to do, run for each; and what only a server can do to one.

mod suite;
mod zookeeper;

use super::{Member, Memory, Muster, Registry, Role};
use std::sync::Arc;
use suite::World;

/// A member as it signs in.
fn member(role: Role, start: &str) -> Member {
    Member {
        role,
        start: start.to_owned(),
        host: "10.0.0.1".into(),
        pid: 4711,
        address: Some("10.0.0.1:5678".parse().unwrap()),
        sound: true,
    }
}

impl World for Memory {
    fn registry(&self) -> Arc<dyn Registry> {
        Arc::new(self.clone())
    }

    fn muster(&self) -> Arc<dyn Muster> {
        Arc::new(self.clone())
    }
}

#[tokio::test]
async fn memory_is_a_registry() {
    suite::run(Memory::default).await;
}
