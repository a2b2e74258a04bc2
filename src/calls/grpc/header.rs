//! The headers that proofs travel in, and where a challenge is had.

/// Of a request: see [`proof::Claim`](super::proof::Claim).
pub(super) const CALL: &str = "escheduler-call";

/// Of a response: the server's proof.
pub(super) const ANSWER: &str = "escheduler-answer";

/// Of a response: what the next call is to answer.
pub(super) const CHALLENGE: &str = "escheduler-challenge";

/// Answered to anybody, by the challenge and nothing else.
pub(super) const CHALLENGE_PATH: &str = "/escheduler.cluster.Guard/Challenge";
