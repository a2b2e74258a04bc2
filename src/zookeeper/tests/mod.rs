//! Both crates against real servers: what each does wrong when it is left alone must not show through the supervisor.

mod faults;
mod figures;
mod flaps;
pub(crate) mod proxy;

use super::{Client, Crate, Settings};
use std::time::Duration;

/// How long a state that must come is waited for: far longer than it ever takes, and no measure of anything.
const EVENTUALLY: Duration = Duration::from_secs(60);

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(EVENTUALLY, waiting).await.is_ok(), "never: {what}");
}

pub(crate) fn settings(by: Crate, quorum: &str, session: Duration) -> Settings {
    Settings {
        quorum: quorum.to_owned(),
        by,
        session,
        connection: Duration::from_secs(10),
        retry_sleep: Duration::from_millis(100),
        retries: 5,
    }
}

pub(crate) fn client(by: Crate, quorum: &str) -> Client {
    Client::open(settings(by, quorum, Duration::from_secs(4)))
}

/// A node that no other test uses.
pub(crate) fn node() -> String {
    format!("/t{:016x}", rand::random::<u64>())
}

/// Runs each function as a test with either crate.
macro_rules! with_both_crates {
    ($($name:ident),* $(,)?) => {
        mod by_async {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::zookeeper::Crate::Async).await;
            })*
        }
        mod by_client {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::zookeeper::Crate::Client).await;
            })*
        }
    };
}
pub(crate) use with_both_crates;
