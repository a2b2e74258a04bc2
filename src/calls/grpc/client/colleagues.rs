//! The other masters.

use super::pool::{Pool, ask, within};
use super::{CALL, Roster};
use crate::calls::grpc::wire::{self, words};
use crate::calls::{Colleagues, Failure, Holder, Report, ToWorker};
use crate::model::DefinitionId;
use crate::registry::Member;
use futures::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many letters and wishes are under way. What is beyond that is not sent: whoever waits for an effect says it
/// again.
const UNDER_WAY_MAX: usize = 256;

/// Reaches the other masters, and never makes its caller wait. To be used within the runtime; what is under way when it
/// is dropped is given up.
pub struct OtherMasters {
    reach: Arc<Reach>,
    under_way: TaskTracker,
    end: CancellationToken,
}

struct Reach {
    pool: Pool,
    masters: Roster,
    /// The start of this process, which needs no call.
    own: String,
    places: Arc<Semaphore>,
}

impl OtherMasters {
    pub fn new(pool: Pool, masters: Roster, own: String) -> OtherMasters {
        let places = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        OtherMasters {
            reach: Arc::new(Reach { pool, masters, own, places }),
            under_way: TaskTracker::new(),
            end: CancellationToken::new(),
        }
    }

    fn send<F>(&self, what: &'static str, send: impl FnOnce(Arc<Reach>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Ok(place) = self.reach.places.clone().try_acquire_owned() else {
            tracing::debug!("{what} to other masters is not sent: too much is under way");
            return;
        };
        let sending = send(self.reach.clone());
        self.under_way.spawn(self.end.clone().run_until_cancelled_owned(async move {
            sending.await;
            drop(place);
        }));
    }
}

impl Drop for OtherMasters {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Reach {
    async fn others(&self) -> impl Iterator<Item = Member> {
        let members = self.masters.members().await;
        members.into_iter().filter(|member| member.start != self.own)
    }

    async fn letter(&self, words: words::LetterRequest) {
        let Some(address) = self.others().await.find(|member| member.start == words.master).and_then(|it| it.address)
        else {
            tracing::debug!(master = words.master, "a letter is not sent: there is no such master");
            return;
        };
        let sent = async {
            let master = self.pool.master(address)?;
            ask(|| {
                let (mut master, words) = (master.clone(), words.clone());
                async move { master.letter(within(CALL, words)).await }
            })
            .await
        };
        tell("a letter", address, sent.await);
    }

    async fn pass(&self, words: words::PassRequest) {
        let one = async |address: SocketAddr| {
            let sent = async {
                let master = self.pool.master(address)?;
                ask(|| {
                    let (mut master, words) = (master.clone(), words.clone());
                    async move { master.pass(within(CALL, words)).await }
                })
                .await
            };
            tell("a wish", address, sent.await);
        };
        let addresses = self.others().await.filter_map(|member| member.address);
        join_all(addresses.map(one)).await;
    }

    async fn ended(&self, words: words::EndedRequest) {
        let one = async |address: SocketAddr| {
            let sent = async {
                let master = self.pool.master(address)?;
                ask(|| {
                    let (mut master, words) = (master.clone(), words.clone());
                    async move { master.ended(within(CALL, words)).await }
                })
                .await
            };
            tell("what has ended", address, sent.await);
        };
        let addresses = self.others().await.filter_map(|member| member.address);
        join_all(addresses.map(one)).await;
    }
}

fn tell(what: &str, address: SocketAddr, sent: Result<words::Taken, Failure>) {
    if let Err(why) = sent {
        tracing::debug!(%address, "{what} did not arrive: {why}");
    }
}

impl Colleagues for OtherMasters {
    fn letter(&self, master: &str, from: Holder, report: Report) {
        let (master, from, report) = (master.to_owned(), Some(from.into()), Some(report.into()));
        self.send("a letter", |reach| async move { reach.letter(words::LetterRequest { master, from, report }).await });
    }

    fn pass(&self, worker: &str, what: ToWorker) {
        let (worker, what) = (worker.to_owned(), Some(wire::to_worker_words(what)));
        self.send("a wish", |reach| async move { reach.pass(words::PassRequest { worker, what }).await });
    }

    fn ended(&self, definitions: Vec<DefinitionId>) {
        let definitions = definitions.into_iter().map(|id| id.0).collect();
        self.send("what has ended", |reach| async move { reach.ended(words::EndedRequest { definitions }).await });
    }
}
