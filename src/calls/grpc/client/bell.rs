//! A bell that is heard at every master.

use super::pool::{Pool, ask, within};
use super::{CALL, Roster};
use crate::calls::Bell;
use crate::calls::grpc::wire::words;
use async_trait::async_trait;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

/// Rings the bell of this process at once, and those of all other masters soon. Rings that come while one is on its way
/// are one.
pub struct EveryBell {
    local: Option<Arc<dyn Bell>>,
    pulled: Arc<Notify>,
    _ringer: JoinSet<()>,
}

impl EveryBell {
    /// `local` is the bell of the master in this process, if there is one, and `own` the start of this process. To be
    /// made within the runtime.
    pub fn new(local: Option<Arc<dyn Bell>>, pool: Pool, masters: Roster, own: String) -> EveryBell {
        let pulled = Arc::new(Notify::new());
        let mut ringer = JoinSet::new();
        ringer.spawn(Ringer { pool, masters, own, ropes: HashMap::new(), ringing: JoinSet::new() }.run(pulled.clone()));
        EveryBell { local, pulled, _ringer: ringer }
    }
}

#[async_trait]
impl Bell for EveryBell {
    fn ring(&self) {
        if let Some(local) = &self.local {
            local.ring();
        }
        self.pulled.notify_one();
    }

    /// The local bell's; without a master in this process nobody waits for it.
    async fn rung(&self) {
        match &self.local {
            Some(local) => local.rung().await,
            None => std::future::pending().await,
        }
    }
}

struct Ringer {
    pool: Pool,
    masters: Roster,
    own: String,
    /// One for each master, so that one that does not answer keeps no other waiting.
    ropes: HashMap<SocketAddr, (Arc<Notify>, AbortHandle)>,
    ringing: JoinSet<()>,
}

impl Ringer {
    async fn run(mut self, pulled: Arc<Notify>) {
        loop {
            pulled.notified().await;
            let members = self.masters.members().await;
            let others = members.iter().filter(|member| member.start != self.own);
            let addresses: Vec<SocketAddr> = others.filter_map(|member| member.address).collect();
            self.ropes.retain(|address, (_, ringing)| {
                let stays = addresses.contains(address);
                if !stays {
                    ringing.abort();
                }
                stays
            });
            // Those that were told to end have.
            while self.ringing.try_join_next().is_some() {}
            for address in addresses {
                self.pull(address);
            }
        }
    }

    fn pull(&mut self, address: SocketAddr) {
        let rope = self.ropes.entry(address).or_insert_with(|| {
            let rope = Arc::new(Notify::new());
            let ringing = self.ringing.spawn(ring(self.pool.clone(), address, rope.clone()));
            (rope, ringing)
        });
        rope.0.notify_one();
    }
}

async fn ring(pool: Pool, address: SocketAddr, rope: Arc<Notify>) {
    loop {
        rope.notified().await;
        let rung = async {
            let master = pool.master(address)?;
            ask(|| {
                let mut master = master.clone();
                async move { master.wake(within(CALL, words::WakeRequest {})).await }
            })
            .await
        };
        if let Err(why) = rung.await {
            // It looks for itself within a second or so.
            tracing::debug!(%address, "a master cannot be woken: {why}");
        }
    }
}
