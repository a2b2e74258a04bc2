//! What a logger serves: the port [`logs`](crate::logs), read here for others.

use crate::calls::grpc::wire::words;
use crate::logs::{self, Logs};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::{Request, Response, Status};
use words::log_answer::What;
use words::log_service_server::LogService;

/// How many logs are read at a time: an answer may hold some 16 MiB, so this bounds the memory.
const READS_MAX: usize = 8;

/// The service.
pub(super) struct Reading {
    logs: Arc<dyn Logs>,
    places: Semaphore,
}

impl Reading {
    pub(super) fn new(logs: Arc<dyn Logs>) -> Reading {
        Reading { logs, places: Semaphore::new(READS_MAX) }
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, Status> {
        self.places.acquire().await.map_err(|_| Status::unavailable("this logger leaves"))
    }
}

#[tonic::async_trait]
impl LogService for Reading {
    async fn lines(&self, request: Request<words::LinesRequest>) -> Result<Response<words::LogAnswer>, Status> {
        let words::LinesRequest { host, path, skip, limit } = request.into_inner();
        let _place = self.place().await?;
        Ok(answer(self.logs.lines(&host, &path, skip, limit).await.map(Bytes::from)))
    }

    async fn bytes(&self, request: Request<words::BytesRequest>) -> Result<Response<words::LogAnswer>, Status> {
        let words::BytesRequest { host, path, from, max } = request.into_inner();
        let _place = self.place().await?;
        let max = usize::try_from(max).unwrap_or(usize::MAX).min(logs::ANSWER_MAX);
        Ok(answer(self.logs.bytes(&host, &path, from, max).await))
    }
}

fn answer(read: Result<Bytes, logs::Error>) -> Response<words::LogAnswer> {
    let what = match read {
        Ok(data) => What::Data(data),
        Err(logs::Error::Missing(_)) => What::Missing(words::Nothing {}),
        Err(logs::Error::Outside(_)) => What::Outside(words::Nothing {}),
        Err(logs::Error::Unreadable { why, .. }) => What::Unreadable(why.to_string()),
        Err(why @ logs::Error::Silent { .. }) => What::Unreadable(why.to_string()),
    };
    Response::new(words::LogAnswer { what: Some(what) })
}
