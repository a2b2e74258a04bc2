//! Waiting for a server that is away while a member of a cluster starts: after a power cut everything starts at once,
//! and whoever gives up has to be started again by somebody.

use super::Error;
use crate::calls::grpc;
use crate::store;
use crate::telemetry::Waiting;
use std::time::Duration;

/// The pause before the second try; it doubles.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);

/// What becomes of a start while a server is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It fails.
    None,
    /// It waits as long as it has to. What is wrong in the configuration or in the tables fails it at once.
    Unlimited,
}

impl Patience {
    /// Tries until it succeeds, or fails for a reason that does not pass by itself.
    pub(super) async fn open<T, F>(self, mut waiting: Waiting, open: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut pause = FIRST;
        loop {
            match open().await {
                Err(error) if self == Patience::Unlimited && error.passes() => waiting.failed(&error),
                Ok(opened) => {
                    waiting.over();
                    return Ok(opened);
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }
}

impl Error {
    /// Whether the same start may succeed later without anybody changing the configuration.
    fn passes(&self) -> bool {
        matches!(self, Error::Store { error: store::Error::Unavailable(_), .. } | Error::Cluster(grpc::Error::NoWay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn waiting() -> Waiting {
        Waiting::new("a server", "start it")
    }

    fn away() -> Error {
        let error =
            store::Error::Unavailable(std::sync::Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("away")));
        Error::Store { place: "here".into(), error }
    }

    #[tokio::test]
    async fn what_is_away_is_tried_until_it_is_there() {
        let tries = Cell::new(0);
        let open = || async {
            tries.set(tries.get() + 1);
            if tries.get() < 3 { Err(away()) } else { Ok(()) }
        };
        assert!(Patience::Unlimited.open(waiting(), open).await.is_ok());
        assert_eq!(tries.get(), 3);
        tries.set(0);
        assert!(Patience::None.open(waiting(), open).await.is_err());
        assert_eq!(tries.get(), 1);
    }

    #[tokio::test]
    async fn what_only_a_person_can_mend_fails_at_once() {
        let tries = Cell::new(0);
        let open = || async {
            tries.set(tries.get() + 1);
            let error = store::Error::Older { is: "there are none".into() };
            Err::<(), _>(Error::Store { place: "here".into(), error })
        };
        assert!(Patience::Unlimited.open(waiting(), open).await.is_err());
        assert_eq!(tries.get(), 1);
    }
}
