//! What can be typed. Arguments and the environment are read here and nowhere else.

mod admin;
mod exec;
mod init;
mod migrate;
pub mod progress;
mod run;
pub mod workflow_file;

use crate::config::{self, Loaded, Machine};
use crate::registry::Role;
use clap::{Args, Parser, Subcommand};
use migrations::upgrade::Zone;
use nix::sys::signal::SigSet;
use nix::sys::stat::{Mode, umask};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What exit codes mean; `--help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    /// The workflow was run, and failed.
    Failed = 1,
    /// Wrong arguments, workflow or configuration.
    Wrong = 2,
    /// Nothing was started: a folder, a port or the database cannot be used.
    CannotStart = 3,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the workflow was run, and failed
  2    wrong arguments, workflow file or configuration
  3    cannot start: a folder, a port or the database cannot be used
  130  interrupted";

const EXIT_CODES_OF_RUN: &str = "\
Exit codes:
  0    stopped by a signal
  1    a part of the program could not go on
  2    wrong arguments or configuration
  3    cannot start: a folder, a port or the database cannot be used
  130  left at once, by a second signal";

const EXIT_CODES_OF_MIGRATE: &str = "\
Exit codes:
  0    the database is up to date, or with --dry-run: could be
  1    the database failed in the middle; start the command again
  2    wrong arguments or configuration
  3    refused: the database cannot be used, or not be understood; nothing was changed";

const EXIT_CODES_OF_WORKER_DEAD: &str = "\
Exit codes:
  0    it is declared dead, or was before
  1    refused: it lives, or the question was not confirmed; nothing was changed
  2    wrong arguments or configuration, or no such worker
  3    the database or ZooKeeper cannot be used; call it again, doing it twice is harmless";

const EXIT_CODES_OF_EXEC: &str = "\
Exit codes:
  0    the run succeeded
  1    the run failed
  2    wrong arguments, workflow file or configuration
  3    cannot start: no folder for temporary files can be used
  130  stopped by a signal";

/// A distributed workflow scheduler in one executable, a drop-in for EasyScheduler 1.x.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve: the API, and everything that runs workflows
    #[command(after_help = format!(
        "Without --roles the process plays all five roles on embedded parts: nothing else is needed.\n\
        Tasks survive the process: they go on when it stops or crashes, and are taken over when it comes back.\n\n\
        At the first SIGINT, SIGTERM or SIGHUP it takes no new work and leaves within shutdown.grace;\n\
        at a second one it leaves at once.\n\n{EXIT_CODES_OF_RUN}"
    ))]
    Run {
        /// Roles to play, separated by commas
        #[arg(long, value_delimiter = ',', value_enum)]
        roles: Option<Vec<Role>>,
        #[command(flatten)]
        conf: Conf,
    },
    /// Run one workflow file to its end, in a private instance without a port
    #[command(after_help = format!(
        "The file is a workflow document, as JSON or as YAML. A node needs a name and a script:\n\n  \
        name: daily\n  params: {{day: \"2024-01-31\"}}\n  tasks:\n    \
        - name: extract\n      script: echo \"rows of ${{day}}\"\n    \
        - name: load\n      script: echo loaded\n      after: [extract]\n\n\
        Try it:  escheduler exec daily.yaml -p day=2024-02-01\n\n\
        The scripts run as you, in a folder below TMPDIR that is removed if the run succeeds and named if not.\n\
        The first Ctrl-C stops the run, a second one kills what does not leave.\n\n{EXIT_CODES_OF_EXEC}"
    ))]
    Exec {
        /// The workflow file; `-` reads it from the standard input
        file: PathBuf,
        /// Set a global parameter of the workflow; may be given several times
        #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
        params: Vec<(String, String)>,
        #[command(flatten)]
        conf: Conf,
    },
    /// Create or upgrade the tables of the database, also of one that EasyScheduler 1.x has made
    #[command(after_help = format!(
        "The database is that of datasource.url. An empty one gets its tables, an older one of ours is brought up to date,\n\
        and a MySQL database of EasyScheduler 1.0.0 to 1.1.0 is upgraded in place and keeps every row. Anything else is\n\
        refused. A second run does nothing.\n\n\
        Before you upgrade a database of EasyScheduler 1.x: stop all its servers (masters, workers, api, alert), keep a\n\
        backup, and look at what --dry-run says. Times become UTC. Runs that were under way are ended as FAILURE, for you\n\
        to recover once nothing of them is left on the old workers; nothing is started by itself. If the upgrade is\n\
        interrupted, start it again: it goes on where it was.\n\n{EXIT_CODES_OF_MIGRATE}"
    ))]
    Migrate {
        /// Say what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// The time zone of the old servers, such as Asia/Shanghai or +08:00 [default: that of the database server]
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<Zone>,
        #[command(flatten)]
        conf: Conf,
    },
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Tell a cluster what only a person can know
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Start tasks, and outlive the worker that asked for them (started by the worker itself)
    #[command(hide = true)]
    Shim {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        no_cgroup: bool,
        #[arg(long)]
        leased: bool,
    },
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Declare the worker of a host dead, so that its tasks are tried elsewhere
    #[command(after_help = format!(
        "Nobody has to call this as long as leases end (worker.lease, 10s unless set): a worker that is not heard of for\n\
        that long has ended its tasks, and the masters declare it dead by themselves. It is for worker.lease = \"never\",\n\
        for a worker that was stopped on purpose and will not come back (worker.restart.lease), and for who cannot wait.\n\n\
        You vouch that nothing of the worker runs any more, and that nothing of it goes on by itself: its machine is off or\n\
        wiped, or its service, its shim and all its tasks were killed. If you are wrong, tasks run twice.\n\n\
        What is known of the worker is shown; if it still renews its lease, nothing is done. At a terminal you are asked to\n\
        confirm. Then its present life is marked as dead in ZooKeeper and in the database, as a master does it. Its tasks\n\
        become NEED_FAULT_TOLERANCE and are tried again, which uses up no retry. If the worker comes back after all, it\n\
        ends what it has left, and serves as a new one.\n\n\
        Try it:  escheduler admin worker-dead 10.1.2.3\n\n{EXIT_CODES_OF_WORKER_DEAD}"
    ))]
    WorkerDead {
        /// The host as the monitor of the workers shows it (server.host, else an address), or the name of one worker
        host: String,
        /// Do not ask: you vouch that nothing of this worker runs any more
        #[arg(long)]
        yes: bool,
        /// Do it although the worker still renews its lease: its tasks run twice until it has heard of it and ended them
        #[arg(long)]
        even_if_alive: bool,
        #[command(flatten)]
        conf: Conf,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Report every mistake in files and environment, with its place
    Check {
        #[command(flatten)]
        conf: Conf,
    },
    /// Print every key with its value and where that comes from; secrets are masked
    Show {
        #[command(flatten)]
        conf: Conf,
    },
}

#[derive(Args)]
struct Conf {
    /// Folder with escheduler.toml or the original's property files [default: /etc/escheduler if it is there]
    #[arg(long = "conf", value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Conf {
    fn load(&self, more: Vec<(String, String)>) -> Result<Loaded, Exit> {
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        config::load(self.dir.as_deref(), environment.chain(more), &Machine::here()).map_err(|mistakes| {
            complain(&config::report(&mistakes));
            Exit::Wrong
        })
    }
}

/// Reads `name=value`.
fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("give a name and a value: -p date=2024-01-31".into()),
    }
}

/// The program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::Shim { dir, no_cgroup, leased } = &arguments.command {
        return crate::worker::shim::main(dir, !no_cgroup, *leased);
    }
    if std::process::id() == 1 {
        return init::supervise();
    }
    take_defaults();
    let exit = match arguments.command {
        Command::Run { roles, conf } => run::run(roles, &conf),
        Command::Exec { file, params, conf } => exec::exec(&file, &params, &conf),
        Command::Migrate { dry_run, time_zone, conf } => migrate::migrate(dry_run, time_zone, &conf),
        Command::Admin(AdminCommand::WorkerDead { host, yes, even_if_alive, conf }) => {
            admin::worker_dead(&host, admin::Vouched { yes, even_if_alive }, &conf)
        }
        Command::Config(ConfigCommand::Check { conf }) => check(&conf),
        Command::Config(ConfigCommand::Show { conf }) => conf.load(vec![]).map(|loaded| say(&config::show(&loaded))),
        Command::Shim { .. } => Ok(()),
    };
    exit.err().unwrap_or(Exit::Done).into()
}

fn check(conf: &Conf) -> Result<(), Exit> {
    let loaded = conf.load(vec![])?;
    match config::check(&loaded) {
        Ok(summary) => {
            say(&summary);
            Ok(())
        }
        Err(mistakes) => {
            complain(&config::report(&mistakes));
            Err(Exit::Wrong)
        }
    }
}

/// Whoever started us may hold signals back, process 1 for one, or have wishes about the modes of files. What lies in
/// the data folder is ours alone, and folders can be passed through: tenants do, on the way to theirs.
fn take_defaults() {
    // It cannot fail: the set is a good one.
    let _ = SigSet::empty().thread_set_mask();
    umask(Mode::from_bits_truncate(0o066));
}

/// Prints to the standard output. Whoever reads it may have gone, which is no error.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "escheduler: {}", text.trim_end());
}

/// Says why nothing was started.
fn cannot(why: &str) -> Exit {
    complain(why);
    Exit::CannotStart
}

/// Runs something on a runtime of its own, and does not wait for threads that hang in a system call.
fn block_on<T>(work: impl Future<Output = Result<T, Exit>>) -> Result<T, Exit> {
    let runtime = runtime()?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}

/// The runtime of everything but the shim.
fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| cannot(&format!("the runtime cannot be started: {error}")))
}
