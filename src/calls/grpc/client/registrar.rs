//! The database, through any master.

use super::pool::{Pool, ask, within};
use super::{CALL, Roster};
use crate::calls::grpc::wire::{self, words};
use crate::calls::{Beat, Failure, Registrar, SignIn, Standing};
use async_trait::async_trait;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// Asks the master that answered last, else one after the other.
///
/// A call that was not answered may have had its effect all the same, and is then made once more through another
/// master: the calls are such that this does no harm.
pub struct AnyMaster {
    pool: Pool,
    masters: Roster,
    /// The one that answered last.
    good: Mutex<Option<SocketAddr>>,
}

impl AnyMaster {
    pub fn new(pool: Pool, masters: Roster) -> AnyMaster {
        AnyMaster { pool, masters, good: Mutex::default() }
    }

    /// The masters in the order in which they are asked.
    async fn order(&self) -> Vec<SocketAddr> {
        let good = *self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let members = self.masters.members().await;
        // Those without database last, though they may have got it back meanwhile.
        let mut order: Vec<(bool, SocketAddr)> =
            members.iter().filter_map(|member| Some((!member.sound, member.address?))).collect();
        order.sort_by_key(|(unsound, address)| (*unsound, Some(*address) != good, *address));
        order.dedup();
        order.into_iter().map(|(_, address)| address).collect()
    }

    async fn first<F>(&self, call: impl Fn(SocketAddr) -> F) -> Result<Standing, Failure>
    where
        F: Future<Output = Result<words::StandingAnswer, Failure>>,
    {
        let mut failed = None;
        for address in self.order().await {
            match call(address).await.and_then(wire::standing) {
                Ok(standing) => {
                    *self.good.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
                    return Ok(standing);
                }
                Err(why) => {
                    tracing::debug!(%address, "a master cannot do it: {why}");
                    self.good.lock().unwrap_or_else(PoisonError::into_inner).take_if(|good| *good == address);
                    // That one may have done it all the same is what the caller has to know most.
                    failed = failed.filter(|failed| matches!(failed, Failure::Unreachable(_))).or(Some(why));
                }
            }
        }
        Err(failed.unwrap_or_else(|| Failure::Unreachable("no master is known".into())))
    }
}

#[async_trait]
impl Registrar for AnyMaster {
    async fn sign_in(&self, who: SignIn) -> Result<Standing, Failure> {
        let words = words::SignInRequest::from(who);
        self.first(async |address| {
            let master = self.pool.master(address)?;
            ask(|| {
                let (mut master, words) = (master.clone(), words.clone());
                async move { master.sign_in(within(CALL, words)).await }
            })
            .await
        })
        .await
    }

    async fn beat(&self, beat: Beat) -> Result<Standing, Failure> {
        let words = words::BeatRequest::from(beat);
        self.first(async |address| {
            let master = self.pool.master(address)?;
            ask(|| {
                let (mut master, words) = (master.clone(), words.clone());
                async move { master.beat(within(CALL, words)).await }
            })
            .await
        })
        .await
    }
}
