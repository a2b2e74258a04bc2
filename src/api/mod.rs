//! HTTP: the API that the web front-end of EasyScheduler 1.x talks to (`EasyScheduler 1.0.1: HTTP API`).
//!
//! ```text
//! server ─▶ router ─▶ session: who is it? ─▶ form ─▶ permission ─▶ a route: parse → call → render ─▶ reply
//! ```
//!
//! [`table`] is the list of everything that can be called: method, path, status, permission, code of the
//! unexpected, parameters, function. Routes call the store and nothing else; whatever is to happen to an instance becomes a
//! command row, and the masters are woken. The room knows neither engine nor workers.

mod audit;
mod bearer;
mod call;
mod code;
mod document;
mod form;
mod guard;
mod health;
mod housekeeping;
mod language;
mod origin;
mod param;
mod password;
mod permission;
mod presence;
mod reply;
mod request_id;
mod router;
mod routes;
mod server;
mod session;
mod shapes;
mod site;
mod table;
mod upload;
mod welcome;

pub use guard::Limits;
pub use housekeeping::Retention;
pub use presence::{Presence, Stage};

use crate::calls::Bell;
use crate::logs::Logs;
use crate::registry::Muster;
use crate::resources::Resources;
use crate::secrets::Keyring;
use crate::store::Store;
use crate::why;
use chrono_tz::Tz;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The role: what it needs to be served.
pub struct Api {
    pub store: Store,
    pub bell: Arc<dyn Bell>,
    pub logs: Arc<dyn Logs>,
    /// Who is there.
    pub muster: Arc<dyn Muster>,
    /// What passwords of data sources are sealed with.
    pub secrets: Arc<Keyring>,
    /// The roles of this process.
    pub presence: Presence,
    pub resources: Resources,
    pub settings: Settings,
}

/// What the operator may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zone of the times in parameters.
    pub zone: Tz,
    /// How long after its last request a login expires.
    pub session_timeout: Duration,
    /// The largest request body other than an upload, in bytes.
    pub max_post: u64,
    /// The largest request that uploads a file, in bytes.
    pub max_upload: u64,
    /// In front of every path; begins with a slash and does not end with one, or is empty.
    pub context_path: String,
    /// Which release to follow where the two contradict each other.
    pub compat: Compat,
    /// Whether Hadoop wants Kerberos.
    pub kerberos: bool,
    /// The ZooKeeper servers of the cluster, as `host:port`.
    pub zookeeper: Vec<String>,
    /// The folder of a front-end that is served beside the API.
    pub site: Option<PathBuf>,
    /// Whose word is believed about where a request comes from.
    pub proxies: Vec<IpAddr>,
    /// How many log-ins may fail.
    pub logins: Limits,
    /// How long what has happened is remembered.
    pub retention: Retention,
    /// How much masters and workers take on, for who asks why something does not run.
    pub limits: why::Limits,
}

/// A release of the original whose front-end is to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    V1_0,
    V1_1,
}

/// What all requests share.
struct Shared {
    store: Store,
    bell: Arc<dyn Bell>,
    logs: Arc<dyn Logs>,
    muster: Arc<dyn Muster>,
    secrets: Arc<Keyring>,
    presence: Presence,
    health: health::Health,
    site: Option<site::Site>,
    resources: Resources,
    settings: Settings,
    sessions: session::Sessions,
    passwords: password::Passwords,
    guard: guard::Guard,
    address: SocketAddr,
}

impl Api {
    /// Answers requests until told to stop; those that are being answered then get their answer.
    ///
    /// # Errors
    /// The listener does not tell its address.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
        let Api { store, bell, logs, muster, secrets, presence, resources, settings } = self;
        let shared = Shared {
            sessions: session::Sessions::new(store.clone(), settings.session_timeout),
            passwords: password::Passwords::default(),
            guard: guard::Guard::new(settings.logins),
            address: listener.local_addr()?,
            store,
            bell,
            logs,
            muster,
            secrets,
            presence,
            health: health::Health::default(),
            site: settings.site.clone().map(site::Site::new),
            resources: resources.clone(),
            settings,
        };
        let (store, retention) = (shared.store.clone(), shared.settings.retention);
        let router = router::router(Arc::new(shared));
        let served = async {
            server::serve(listener, router, &stop, server::Patience::default()).await;
            resources.settle().await;
        };
        tokio::join!(served, resources.tidy(stop.clone()), housekeeping::run(&store, retention, &stop));
        Ok(())
    }
}
