//! `healthz`: this process answers. `readyz`: it can do its part, because its roles are up and the database answers.
//!
//! Both are for supervisors and load balancers, which log in nowhere: they tell no more than that, and ask the database
//! once a second at most, however often they are asked. The registry is no part of it: what the API takes in while
//! that is silent waits in the database, and all API nodes at once would be the wrong ones to take out.

use super::Shared;
use super::code::Code;
use super::document;
use super::language::Language;
use super::presence::Stage;
use super::reply;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long an answer of the database counts.
const FRESH: Duration = Duration::from_secs(1);
/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found lately.
#[derive(Default)]
pub struct Health {
    database: Mutex<Option<(Instant, bool)>>,
}

/// `healthz`
pub async fn live() -> Response<Body> {
    reply::success(&document::Health { status: "up" })
}

/// `readyz`
pub async fn ready(shared: Arc<Shared>) -> Response<Body> {
    let roles = shared.presence.all();
    let missing = roles.iter().filter(|(_, stage)| *stage != Stage::Up);
    let mut missing: Vec<String> = missing.map(|(role, stage)| format!("{role} is {}", stage.name())).collect();
    if !database_answers(&shared).await {
        missing.push("the database does not answer".to_owned());
    }
    if !missing.is_empty() {
        // For programs, which know one language.
        let text = Code::NOT_READY.text(Language::English, &[missing.join(", ")]);
        return reply::error(StatusCode::SERVICE_UNAVAILABLE, Code::NOT_READY.number, &text);
    }
    let roles: Map<_, _> = roles.iter().map(|(role, stage)| (role.name().to_owned(), json!(stage.name()))).collect();
    reply::success(&document::Readiness { status: "ready", database: "up", roles })
}

async fn database_answers(shared: &Shared) -> bool {
    let mut last = shared.health.database.lock().await;
    match *last {
        Some((at, answers)) if at.elapsed() < FRESH => answers,
        _ => {
            let answers = matches!(timeout(PATIENCE, shared.store.ping()).await, Ok(Ok(())));
            *last = Some((Instant::now(), answers));
            answers
        }
    }
}
