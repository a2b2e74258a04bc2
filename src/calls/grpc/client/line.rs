//! A worker's stream to one master, made again whenever it has broken.

use super::pool::{Pool, failure};
use super::{CALL, plain};
use crate::calls::cluster::next_serial;
use crate::calls::grpc::pump::{End, IN_FLIGHT, pump};
use crate::calls::grpc::wire::{self, words};
use crate::calls::{Failure, Hello, Link, WorkerMail};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

/// Between two tries: the first pause, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

pub(super) struct Line {
    /// The start of the master's process.
    pub(super) master: String,
    pub(super) address: SocketAddr,
    pub(super) pool: Pool,
    pub(super) hello: Hello,
    pub(super) mail: mpsc::UnboundedSender<WorkerMail>,
    /// Whether the master is a member.
    pub(super) listed: watch::Receiver<bool>,
    pub(super) stop: CancellationToken,
}

/// A stream that both sides have greeted each other on.
struct Open {
    outbound: mpsc::Sender<words::FromWorker>,
    inbound: Streaming<words::FromMaster>,
}

impl Line {
    /// Ends when the process leaves, or when the master is no member and its stream has broken.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        let mut pause = PAUSES.0;
        let mut told = false;
        while *self.listed.borrow_and_update() && !self.mail.is_closed() {
            let Some(opened) = stop.run_until_cancelled(self.open()).await else { return };
            match opened {
                Ok(open) => {
                    let since = Instant::now();
                    let end = self.last(open).await;
                    tracing::debug!(master = self.master, "the stream has ended: {end}");
                    told = false;
                    if since.elapsed() > PAUSES.1 {
                        pause = PAUSES.0;
                    }
                }
                Err(why) => {
                    // Once: a master that is gone is tried for as long as it is a member.
                    if !std::mem::replace(&mut told, true) {
                        let (master, address) = (&self.master, self.address);
                        tracing::info!(master, %address, "the master cannot be reached, and is tried again: {why}");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => pause = (2 * pause).min(PAUSES.1),
                // Whoever waits for a master that has left waits no longer.
                Ok(()) = self.listed.changed() => {}
            }
        }
    }

    /// Makes a connection of its own, says who we are, and looks whether it is the master that is meant.
    async fn open(&self) -> Result<Open, Failure> {
        let mut master = self.pool.connect(self.address).await?;
        let (outbound, said) = mpsc::channel(IN_FLIGHT);
        // There is room: it is the first.
        let _ = outbound.try_send(wire::hello_words(self.hello.clone(), self.master.clone()));
        let greeting = async {
            let mut inbound = master.attend(ReceiverStream::new(said)).await?.into_inner();
            let first = inbound.message().await?;
            Ok((inbound, first))
        };
        let (inbound, first) = timeout(CALL, greeting)
            .await
            .map_err(|_| Failure::Unreachable(format!("it took longer than {CALL:?}")))?
            .map_err(|status| failure(&status))?;
        match first.map(wire::from_master) {
            Some(Ok(Some(wire::FromMaster::Welcome(start)))) if start == self.master => Ok(Open { outbound, inbound }),
            Some(Ok(Some(wire::FromMaster::Welcome(_)))) => {
                Err(Failure::Unreachable("another master has its address now".into()))
            }
            Some(Err(garbled)) => Err(Failure::Unreachable(garbled.to_string())),
            Some(Ok(_)) | None => Err(Failure::Unreachable("it does not say who it is".into())),
        }
    }

    /// Carries messages both ways until the stream ends.
    async fn last(&self, open: Open) -> End {
        let Open { outbound, inbound } = open;
        let (sender, said) = mpsc::unbounded_channel();
        let link = Link::new(next_serial(), sender);
        let (serial, master) = (link.serial, self.master.clone());
        if self.mail.send(WorkerMail::Linked { master: master.clone(), link }).is_err() {
            return End::Stopped;
        }
        let end = tokio::select! {
            end = listen(inbound, &master, &self.mail) => end,
            end = pump(said, outbound, wire::to_master_words, std::convert::identity) => end,
            () = self.stop.cancelled() => End::Stopped,
            () = self.mail.closed() => End::Stopped,
        };
        // A worker that is gone needs no word of it.
        let _ = self.mail.send(WorkerMail::Unlinked { master, serial });
        end
    }
}

/// Hands on what the master says, in its order.
async fn listen(
    mut inbound: Streaming<words::FromMaster>,
    master: &str,
    mail: &mpsc::UnboundedSender<WorkerMail>,
) -> End {
    loop {
        let said = match inbound.message().await {
            Ok(Some(said)) => wire::from_master(said),
            Ok(None) => return End::Gone("the master has closed it".into()),
            Err(status) => return End::Gone(plain(&status)),
        };
        let what = match said {
            Ok(Some(wire::FromMaster::Said(what))) => what,
            Ok(Some(wire::FromMaster::Welcome(_))) => return End::Gone("the master said Welcome twice".into()),
            Ok(None) => continue,
            Err(garbled) => return End::Gone(garbled.to_string()),
        };
        if mail.send(WorkerMail::Said { master: master.to_owned(), what }).is_err() {
            return End::Stopped;
        }
    }
}
