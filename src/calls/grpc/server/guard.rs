//! Stands before every service: lets nothing pass that does not prove itself, before anything of it is read.
//!
//! It looks at no list of methods, so none can be forgotten.

use super::listener::Acquaintance;
use crate::calls::grpc::header;
use crate::calls::grpc::proof::{Challenge, Gate, Refusal};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderValue, Request, Response};
use tower::{Layer, Service};

/// How often a refusal is worth a line in the log: strangers must not fill it.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Puts a guard before a service.
#[derive(Clone)]
pub(super) struct Guard {
    post: Arc<Post>,
}

struct Post {
    gate: Mutex<Gate>,
    told: Mutex<Option<Instant>>,
}

impl Guard {
    pub(super) fn new(gate: Gate) -> Guard {
        Guard { post: Arc::new(Post { gate: Mutex::new(gate), told: Mutex::default() }) }
    }
}

impl Post {
    fn challenge(&self) -> Challenge {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner).challenge(Instant::now())
    }

    fn admit(&self, request: &Request<Body>) -> Result<String, Refusal> {
        let proof = request.headers().get(header::CALL).and_then(|proof| proof.to_str().ok()).unwrap_or_default();
        self.gate.lock().unwrap_or_else(PoisonError::into_inner).admit(proof, request.uri().path(), Instant::now())
    }

    fn tell(&self, refusal: Refusal, caller: Option<&Acquaintance>) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if refusal == Refusal::Stale || told.is_some_and(|at| now.saturating_duration_since(at) < TELL_EVERY) {
            return;
        }
        *told = Some(now);
        let from = caller.map_or_else(|| "somebody".to_owned(), |caller| caller.address().to_string());
        match refusal {
            Refusal::Replayed => tracing::warn!("a call from {from} was refused: it has come before"),
            _ => tracing::warn!("a call from {from} was refused: it does not prove that it knows cluster.secret"),
        }
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { post: self.post.clone(), inner }
    }
}

/// A guarded service.
#[derive(Clone)]
pub(super) struct Guarded<S> {
    post: Arc<Post>,
    inner: S,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = futures::future::Either<Ready<Result<Response<Body>, Infallible>>, Answering>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let caller = request.extensions().get::<Acquaintance>();
        if request.uri().path() == header::CHALLENGE_PATH {
            return now(with(Status::ok("").into_http(), header::CHALLENGE, self.post.challenge().to_string()));
        }
        let proof = match self.post.admit(&request) {
            Ok(proof) => proof,
            Err(refusal) => {
                self.post.tell(refusal, caller);
                return now(refused(refusal, self.post.challenge()));
            }
        };
        if let Some(caller) = caller {
            caller.vouch();
        }
        let (answering, challenge) = (self.inner.call(request), self.post.challenge());
        let answered = async move {
            let response = with(answering.await?, header::ANSWER, proof);
            Ok(with(response, header::CHALLENGE, challenge.to_string()))
        };
        futures::future::Either::Right(Box::pin(answered))
    }
}

fn now<R>(response: Response<Body>) -> futures::future::Either<Ready<Result<Response<Body>, Infallible>>, R> {
    futures::future::Either::Left(ready(Ok(response)))
}

fn refused(refusal: Refusal, challenge: Challenge) -> Response<Body> {
    let why = match refusal {
        Refusal::Stranger => "the call does not prove that it knows cluster.secret; it must be the same everywhere",
        Refusal::Stale => "the call answers a challenge of the past",
        Refusal::Replayed => "the call has come before",
    };
    with(Status::unauthenticated(why).into_http(), header::CHALLENGE, challenge.to_string())
}

fn with(mut response: Response<Body>, name: &'static str, value: String) -> Response<Body> {
    // Hexadecimal digits always make a header.
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
