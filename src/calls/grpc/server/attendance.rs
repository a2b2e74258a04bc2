//! A worker's stream, at the master's end.

use super::MasterService;
use crate::calls::cluster::next_serial;
use crate::calls::grpc::pump::{End, IN_FLIGHT, pump};
use crate::calls::grpc::wire::{self, words};
use crate::calls::{Hello, Link, MasterMail, ToWorker};
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

/// How long a worker may take to say who it is.
const HELLO: Duration = Duration::from_secs(2);

pub(super) type Outbound = Sender<Result<words::FromMaster, Status>>;

/// A stream that has begun.
pub(super) struct Attendance {
    hello: Hello,
    link: Link<ToWorker>,
    said: UnboundedReceiver<ToWorker>,
    inbound: Streaming<words::FromWorker>,
    outbound: Outbound,
    mail: UnboundedSender<MasterMail>,
}

impl Attendance {
    /// Waits for the worker to say who it is, and greets it.
    pub(super) async fn begin(
        master: &MasterService,
        mut inbound: Streaming<words::FromWorker>,
    ) -> Result<(Attendance, Receiver<Result<words::FromMaster, Status>>), Status> {
        let first = tokio::time::timeout(HELLO, inbound.message()).await;
        let first = first.map_err(|_| Status::deadline_exceeded("the worker does not say who it is"))??;
        let first = first.map(wire::from_worker).transpose()?.flatten();
        let Some(wire::FromWorker::Hello { hello, master: meant }) = first else {
            return Err(Status::invalid_argument("a stream begins with Hello"));
        };
        if meant != master.start {
            return Err(Status::failed_precondition("another master has this address now"));
        }
        let (outbound, answers) = mpsc::channel(IN_FLIGHT);
        let welcome = words::Welcome { start: master.start.clone() };
        // There is room: it is the first.
        let _ = outbound.try_send(Ok(words::FromMaster { what: Some(words::from_master::What::Welcome(welcome)) }));
        let (sender, said) = mpsc::unbounded_channel();
        let mail = master.mail.clone();
        Ok((Attendance { hello, link: Link::new(next_serial(), sender), said, inbound, outbound, mail }, answers))
    }

    /// Carries messages both ways until the stream ends. The master is told of its beginning and of its end, once
    /// each, and of nothing in between before or after.
    pub(super) async fn last(self, stop: CancellationToken) {
        let Attendance { hello, link, said, inbound, outbound, mail } = self;
        let (serial, worker) = (link.serial, hello.holder.clone());
        tracing::debug!(%worker, serial, "a stream begins");
        if mail.send(MasterMail::Linked { hello, link }).is_err() {
            return;
        }
        let end = tokio::select! {
            end = listen(inbound, serial, &mail) => end,
            end = pump(said, outbound, wire::to_worker_words, Ok) => end,
            () = stop.cancelled() => End::Stopped,
            () = mail.closed() => End::Stopped,
        };
        tracing::debug!(%worker, serial, "a stream has ended: {end}");
        // A master that is gone needs no word of it.
        let _ = mail.send(MasterMail::Unlinked { serial });
    }
}

/// Hands on what the worker says, in its order.
async fn listen(mut inbound: Streaming<words::FromWorker>, serial: u64, mail: &UnboundedSender<MasterMail>) -> End {
    loop {
        let said = match inbound.message().await {
            Ok(Some(said)) => wire::from_worker(said),
            Ok(None) => return End::Gone("the worker has closed it".into()),
            Err(status) => return End::Gone(status.message().to_owned()),
        };
        let what = match said {
            Ok(Some(wire::FromWorker::Said(what))) => what,
            Ok(Some(wire::FromWorker::Hello { .. })) => return End::Gone("the worker said Hello twice".into()),
            Ok(None) => continue,
            Err(garbled) => return End::Gone(garbled.to_string()),
        };
        if mail.send(MasterMail::Said { serial, what }).is_err() {
            return End::Stopped;
        }
    }
}
