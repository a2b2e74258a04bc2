//! Signs every call to one server, and takes no answer that is not signed by one who knows the secret.

use crate::calls::grpc::header;
use crate::calls::grpc::proof::{self, CHALLENGE_AGE, Challenge, Key};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version};
use tonic::transport::Channel;
use tower::{Service, ServiceExt};

/// A channel to a server, with what is needed to be let in there.
#[derive(Clone)]
pub(in crate::calls::grpc) struct Signed {
    channel: Channel,
    key: Key,
    /// As the server knows itself.
    server: SocketAddr,
    /// The challenge it has given last, and when that came.
    challenge: Arc<Mutex<Option<(Challenge, Instant)>>>,
}

impl Signed {
    pub(super) fn new(channel: Channel, key: Key, server: SocketAddr) -> Signed {
        Signed { channel, key, server, challenge: Arc::default() }
    }

    async fn send(self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let challenge = match self.known() {
            Some(challenge) => challenge,
            None => self.ask(request.uri().clone(), request.version()).await?,
        };
        let claim = proof::claim(&self.key, challenge, self.server, request.uri().path());
        request.headers_mut().insert(header::CALL, text(&claim.text)?);
        let response = self.channel.clone().oneshot(request).await.map_err(broken)?;
        self.learn(response.headers());
        if let Some(status) = Status::from_header_map(response.headers())
            && status.code() == tonic::Code::Unauthenticated
        {
            return Err(status);
        }
        let answer = value(response.headers(), header::ANSWER).unwrap_or_default();
        if claim.accepts(answer) {
            return Ok(response);
        }
        Err(Status::unauthenticated("the other side does not prove that it knows cluster.secret"))
    }

    /// The last challenge, if the server surely still takes an answer to it.
    fn known(&self) -> Option<Challenge> {
        let known = self.challenge.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(_, at)| at.elapsed() < CHALLENGE_AGE / 2).map(|(challenge, _)| challenge)
    }

    fn learn(&self, headers: &HeaderMap) -> Option<Challenge> {
        let challenge = value(headers, header::CHALLENGE).and_then(Challenge::parse)?;
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some((challenge, Instant::now()));
        Some(challenge)
    }

    /// Asks the server for a challenge, as the call that needs it would be made.
    async fn ask(&self, of: Uri, version: Version) -> Result<Challenge, Status> {
        let mut uri = of.into_parts();
        uri.path_and_query = header::CHALLENGE_PATH.parse().ok();
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::POST;
        *request.version_mut() = version;
        *request.uri_mut() = uri.try_into().map_err(|why| Status::internal(format!("no address: {why}")))?;
        request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        let response = self.channel.clone().oneshot(request).await.map_err(broken)?;
        self.learn(response.headers()).ok_or_else(|| Status::unauthenticated("the other side gives no challenge"))
    }
}

fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn text(text: &str) -> Result<HeaderValue, Status> {
    HeaderValue::from_str(text).map_err(|why| Status::internal(why.to_string()))
}

fn broken(why: tonic::transport::Error) -> Status {
    Status::unavailable(super::plain(&why))
}

impl Service<Request<Body>> for Signed {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // The channel is asked when the call is made: it is used twice in one call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
