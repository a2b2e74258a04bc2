//! `escheduler run`

use super::{Conf, Exit, block_on, cannot, complain, say};
use crate::app::{self, App, DataFolder, Ground, Patience, Roles};
use crate::config::{self, Loaded};
use crate::registry::Role;
use crate::telemetry::{self, Target};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) fn run(roles: Option<Vec<Role>>, conf: &Conf) -> Result<(), Exit> {
    let loaded = conf.load(vec![])?;
    let roles = roles.unwrap_or_else(|| Role::ALL.to_vec());
    block_on(serve(loaded, roles))
}

/// Says why nothing was started.
pub(super) fn cannot_start(error: &app::Error) -> Exit {
    complain(&error.to_string());
    match error {
        app::Error::Unsupported(_) | app::Error::Resources(_) => Exit::Wrong,
        app::Error::Folders(_) | app::Error::Folder(_) | app::Error::Store { .. } | app::Error::Cluster(_) => {
            Exit::CannotStart
        }
    }
}

async fn serve(loaded: Loaded, wanted: Vec<Role>) -> Result<(), Exit> {
    let config = loaded.config.clone();
    let mut signals = Signals::new().map_err(|error| cannot(&format!("signals cannot be received: {error}")))?;
    // The port first: if it is taken, nothing has been touched.
    let listener = if wanted.contains(&Role::Api) { Some(listen(&loaded).await?) } else { None };
    let ground = Ground::claim(&loaded, &wanted).map_err(|error| cannot_start(&error))?;
    let _logs = telemetry::init(&config.log, Target::Server)
        .map_err(|error| cannot(&format!("the server log cannot be written: {error}")))?;
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    if !app::is_cluster(&config) {
        warn_of_missing(&wanted);
    }
    let app = tokio::select! {
        app = App::on(ground, Patience::Unlimited) => app.map_err(|error| cannot_start(&error))?,
        () = signals.next() => {
            say("stopped before anything was started");
            return Ok(());
        }
    };
    let mut roles = Roles::of(&wanted);
    if let Some(listener) = listener {
        let address = listener.local_addr().unwrap_or(config.server.socket());
        app.serve(listener, &mut roles).await;
        say(&format!("escheduler {} serves http://{address}/", env!("CARGO_PKG_VERSION")));
        say("the first login is admin / escheduler123; keep server.address at 127.0.0.1 as long as it is");
    }
    if let Some(address) = app.address() {
        let roles: Vec<_> = wanted.iter().map(|role| role.name()).collect();
        say(&format!("member of the cluster as {}, at {address}", roles.join(", ")));
    }
    say(&format!("data is kept in {}; Ctrl-C stops, running tasks go on", config.data.basedir.display()));
    app.start(&wanted, &mut roles).await.map_err(|error| cannot_start(&error))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "started");
    let broken = tokio::select! {
        () = signals.next() => None,
        broken = roles.broken() => Some(broken),
    };
    match &broken {
        Some(why) => tracing::error!("{why}"),
        None => say("stopping; a second signal leaves at once"),
    }
    let tasks = tokio::select! {
        tasks = app.stop(roles, config.shutdown.grace) => tasks,
        () = signals.next() => {
            complain("left at once; running tasks go on");
            std::process::exit(Exit::Interrupted as i32);
        }
    };
    match tasks {
        0 => say("stopped; no task was running"),
        1 => say("stopped; 1 task goes on and will be taken over"),
        tasks => say(&format!("stopped; {tasks} tasks go on and will be taken over")),
    }
    if broken.is_some() { Err(Exit::Failed) } else { Ok(()) }
}

/// Takes the port. If that fails because the program runs already, it says so instead.
async fn listen(loaded: &Loaded) -> Result<TcpListener, Exit> {
    let socket = loaded.config.server.socket();
    TcpListener::bind(socket).await.map_err(|error| {
        if let Some(in_use) = DataFolder::new(&loaded.config.data.basedir).user() {
            return cannot(&in_use.to_string());
        }
        let source = |key: &str| loaded.values.get(key).map_or(config::BUILT_IN, |value| &value.source);
        cannot(&format!(
            "cannot listen on {socket}: {error}; set another server.port (ESCHEDULER_SERVER_PORT; now {}) or \
            server.address (ESCHEDULER_SERVER_ADDRESS; now {})",
            source("server.port"),
            source("server.address"),
        ))
    })
}

fn warn_of_missing(wanted: &[Role]) {
    let missing: Vec<_> = Role::ALL.iter().filter(|role| !wanted.contains(role)).map(|role| role.name()).collect();
    if !missing.is_empty() {
        tracing::warn!(
            "nobody plays {} here, and on embedded parts nobody else can: their work waits",
            missing.join(", ")
        );
    }
}

/// The signals that ask the process to leave.
pub(super) struct Signals {
    each: Vec<Signal>,
}

impl Signals {
    pub fn new() -> std::io::Result<Signals> {
        let mut kinds = vec![SignalKind::terminate(), SignalKind::interrupt()];
        // Who has started us by `nohup` wants us to stay.
        if !is_ignored(SignalKind::hangup()) {
            kinds.push(SignalKind::hangup());
        }
        Ok(Signals { each: kinds.into_iter().map(signal).collect::<Result<_, _>>()? })
    }

    pub async fn next(&mut self) {
        let each = self.each.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures::future::select_all(each).await;
    }
}

/// As it was when the process was started.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
