//! What a master serves.

use super::attendance::Attendance;
use crate::calls::grpc::wire::{self, words};
use crate::calls::{Bell, MasterMail, Registrar};
use crate::model::DefinitionId;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};
use words::master_service_server::MasterService as Calls;

/// What a master hands in to be reached by others.
#[derive(Clone)]
pub struct MasterService {
    /// The start of its process.
    pub start: String,
    /// Where its mail goes.
    pub mail: UnboundedSender<MasterMail>,
    /// Makes the guarded writes in the database.
    pub registrar: Arc<dyn Registrar>,
    /// Its own bell: the one of this process, not the one that rings everywhere.
    pub bell: Arc<dyn Bell>,
}

/// The service, with the streams that it has open.
pub(super) struct Office {
    pub(super) master: MasterService,
    pub(super) streams: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Office {
    fn post(&self, mail: MasterMail) -> Result<Response<words::Taken>, Status> {
        self.master.mail.send(mail).map_err(|_| Status::unavailable("this master leaves"))?;
        Ok(Response::new(words::Taken {}))
    }
}

#[tonic::async_trait]
impl Calls for Office {
    type AttendStream = ReceiverStream<Result<words::FromMaster, Status>>;

    async fn attend(
        &self,
        request: Request<Streaming<words::FromWorker>>,
    ) -> Result<Response<Self::AttendStream>, Status> {
        let (attendance, answers) = Attendance::begin(&self.master, request.into_inner()).await?;
        self.streams.spawn(attendance.last(self.stop.clone()));
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    async fn sign_in(&self, request: Request<words::SignInRequest>) -> Result<Response<words::StandingAnswer>, Status> {
        let who = wire::sign_in(request.into_inner())?;
        Ok(Response::new(wire::answer(self.master.registrar.sign_in(who).await)))
    }

    async fn beat(&self, request: Request<words::BeatRequest>) -> Result<Response<words::StandingAnswer>, Status> {
        let beat = wire::beat(request.into_inner())?;
        Ok(Response::new(wire::answer(self.master.registrar.beat(beat).await)))
    }

    async fn letter(&self, request: Request<words::LetterRequest>) -> Result<Response<words::Taken>, Status> {
        let words::LetterRequest { master, from, report } = request.into_inner();
        if master != self.master.start {
            return Err(Status::failed_precondition("the letter is for another master, which was here before"));
        }
        let report = report.ok_or_else(|| Status::invalid_argument("the letter is empty"))?;
        match wire::report(report)? {
            Some(report) => self.post(MasterMail::Letter { from: wire::holder(from)?, report }),
            None => Ok(Response::new(words::Taken {})),
        }
    }

    async fn pass(&self, request: Request<words::PassRequest>) -> Result<Response<words::Taken>, Status> {
        let words::PassRequest { worker, what } = request.into_inner();
        let what = what.ok_or_else(|| Status::invalid_argument("there is nothing to pass on"))?;
        match wire::from_master(what)? {
            Some(wire::FromMaster::Said(what)) => self.post(MasterMail::Pass { worker, what }),
            Some(wire::FromMaster::Welcome(_)) => Err(Status::invalid_argument("Welcome is not passed on")),
            None => Ok(Response::new(words::Taken {})),
        }
    }

    async fn ended(&self, request: Request<words::EndedRequest>) -> Result<Response<words::Taken>, Status> {
        let definitions: Vec<_> = request.into_inner().definitions.into_iter().map(DefinitionId).collect();
        if definitions.is_empty() {
            return Err(Status::invalid_argument("nothing has ended"));
        }
        self.post(MasterMail::Ended { definitions })
    }

    async fn wake(&self, _: Request<words::WakeRequest>) -> Result<Response<words::Taken>, Status> {
        self.master.bell.ring();
        Ok(Response::new(words::Taken {}))
    }
}
