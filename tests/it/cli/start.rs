//! `run` and `migrate`: what is needed to start, what is refused, and what lies where afterwards.

use super::{Outcome, PROGRAM, Place, Process, is_root};
use crate::site::eventually;
use nix::sys::signal::Signal;
use sea_orm::{ConnectionTrait, Database};
use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A process that serves, with what it has printed so far.
pub struct Server {
    process: Process,
    out: PathBuf,
    err: PathBuf,
}

impl Server {
    /// Starts `run` with a data folder of this place and any free port.
    pub fn start(place: &Place, data: &str, arguments: &[&str]) -> Server {
        let mut command = place.command(PROGRAM);
        command.arg("run").args(arguments);
        Server::of(place, data, command)
    }

    fn of(place: &Place, data: &str, mut command: Command) -> Server {
        let (out, err) = (place.path(&format!("{data}.out")), place.path(&format!("{data}.err")));
        let file = |path: &Path| File::create(path).expect("our own file");
        command.env("ESCHEDULER_DATA_BASEDIR_PATH", place.path(data)).env("ESCHEDULER_SERVER_PORT", "0");
        let child = command.stdout(file(&out)).stderr(file(&err)).spawn().expect("it can be started");
        Server { process: Process { child, out: None, err: None }, out, err }
    }

    pub fn out(&self) -> String {
        std::fs::read_to_string(&self.out).expect("our own file")
    }

    pub fn err(&self) -> String {
        std::fs::read_to_string(&self.err).expect("our own file")
    }

    /// Waits until it serves; returns its address.
    pub fn address(&self) -> String {
        eventually("it serves", || {
            let ready = self.out().contains("data is kept in ");
            ready.then(|| self.out().split("http://").nth(1)?.split('/').next().map(str::to_owned))?
        })
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    pub fn end(self) -> Outcome {
        let Server { process, out, err } = self;
        let read = |path: &Path| std::fs::read_to_string(path).expect("our own file");
        Outcome { code: process.end().code, out: read(&out), err: read(&err) }
    }

    pub fn stop(self) -> Outcome {
        self.signal(Signal::SIGTERM);
        self.end()
    }
}

fn get(address: &str, path: &str) -> Result<u16, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    Ok(agent.get(format!("http://{address}{path}")).call()?.status().as_u16())
}

#[test]
fn two_copies_with_a_port_and_a_folder_each_run_side_by_side() {
    let place = Place::new();
    let (one, other) = (Server::start(&place, "one", &[]), Server::start(&place, "other", &[]));
    let addresses = [one.address(), other.address()];
    assert_ne!(addresses[0], addresses[1]);
    for address in &addresses {
        assert!(get(address, "/escheduler/").is_ok());
    }
    one.stop().succeeds();
    assert!(get(&addresses[1], "/escheduler/").is_ok());
    assert!(other.stop().succeeds().out.ends_with("stopped; no task was running\n"));
}

#[test]
fn a_second_process_on_a_data_folder_is_refused_and_told_the_process() {
    let place = Place::new();
    let first = Server::start(&place, "data", &[]);
    first.address();
    let folder = place.path("data").display().to_string();
    let told = format!("the data folder {folder} is in use by process {};", first.pid());
    for arguments in ["run", "migrate"] {
        let line = format!("ESCHEDULER_DATA_BASEDIR_PATH={folder} ESCHEDULER_SERVER_PORT=0 $P {arguments}");
        place.shell(&line).fails(3, &[&told, "ESCHEDULER_DATA_BASEDIR_PATH"]);
    }
    assert!(get(&first.address(), "/escheduler/").is_ok(), "the first one is not disturbed");
    first.stop().succeeds();
}

#[test]
fn a_port_in_use_is_named_and_nothing_runs() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let line =
        format!("ESCHEDULER_DATA_BASEDIR_PATH={} ESCHEDULER_SERVER_PORT={port} $P run", place.path("data").display());
    let ended = place.shell(&line);
    ended.fails(3, &[&format!("cannot listen on 127.0.0.1:{port}: "), "server.port", "ESCHEDULER_SERVER_PORT"]);
    assert!(!place.path("data").exists(), "nothing was begun");
    // The same folder works as soon as the port does.
    let server = Server::start(&place, "data", &[]);
    server.address();
    server.stop().succeeds();
}

#[test]
fn an_address_that_is_not_of_this_machine_is_named() {
    let place = Place::new();
    let line = format!(
        "ESCHEDULER_DATA_BASEDIR_PATH={} ESCHEDULER_SERVER_ADDRESS=192.0.2.1 $P run",
        place.path("data").display()
    );
    place.shell(&line).fails(3, &["cannot listen on 192.0.2.1:12345: ", "server.address"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_left_as_it_was() {
    let place = Place::new();
    std::fs::create_dir(place.path("data")).expect("our own folder");
    let folder = place.path("data").display().to_string();
    let line = format!("ESCHEDULER_DATA_BASEDIR_PATH={folder} ESCHEDULER_SERVER_PORT=0 $P run");
    let ended = if is_root() {
        let mount =
            format!("mount --bind -o ro {folder} {folder} && touch {folder}/x 2> /dev/null; [ $? = 1 ] && {line}");
        let ended = place.shell(&format!("unshare --mount /bin/bash -c '{mount}'"));
        if ended.err.contains("unshare failed") || ended.err.contains("mount:") {
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{ended:?}");
            eprintln!("SKIPPED: no folder can be made read-only here");
            return;
        }
        ended
    } else {
        std::fs::set_permissions(place.path("data"), PermissionsExt::from_mode(0o555)).expect("our own folder");
        place.shell(&line)
    };
    ended.fails(3, &[&format!("the data folder {folder} cannot be used: ")]);
    assert_eq!(place.names("data"), Vec::<String>::new());
}

#[test]
fn a_folder_of_somebody_else_is_named() {
    if !is_root() {
        eprintln!("SKIPPED: only root can become another account");
        return;
    }
    let place = Place::new();
    std::fs::create_dir(place.path("data")).expect("our own folder");
    std::fs::set_permissions(place.path("data"), PermissionsExt::from_mode(0o555)).expect("our own folder");
    let folder = place.path("data").display().to_string();
    let run =
        format!("ESCHEDULER_DATA_BASEDIR_PATH={folder} setpriv --reuid=65534 --regid=65534 --clear-groups $P run");
    place.shell(&run).fails(3, &[&format!("the data folder {folder} cannot be used: Permission denied")]);
    let file = place.path("data/file").display().to_string();
    std::fs::write(&file, "").expect("our own file");
    place.shell(&format!("ESCHEDULER_DATA_BASEDIR_PATH={file} $P run")).fails(3, &[&file]);
    assert_eq!(place.names("data"), ["file"]);
}

#[test]
fn a_log_folder_that_cannot_be_written_is_named_with_its_key() {
    let place = Place::new();
    let line = format!(
        "ESCHEDULER_DATA_BASEDIR_PATH={} ESCHEDULER_SERVER_PORT=0 ESCHEDULER_LOG_DIR=/proc/x $P run",
        place.path("data").display()
    );
    place.shell(&line).fails(3, &["ESCHEDULER_LOG_DIR: log.dir: /proc/x cannot be made: "]);
}

#[test]
fn roles_that_are_left_out_are_named_in_a_warning() {
    let place = Place::new();
    let server = Server::start(&place, "data", &["--roles", "api,logger"]);
    server.address();
    eventually("the warning", || {
        let err = server.err();
        err.contains("nobody plays master, worker, alert here").then_some(())
    });
    server.stop().succeeds();
    place.run(&["run", "--roles", "master,cook"]).fails(2, &["cook", "worker", "logger", "alert"]);
}

#[test]
fn a_database_that_a_later_release_has_changed_is_refused_by_name() {
    let place = Place::new();
    let folder = place.path("data");
    let migrate = format!("ESCHEDULER_DATA_BASEDIR_PATH={} $P migrate", folder.display());
    place.shell(&migrate).succeeds();
    let url = format!("sqlite://{}?mode=rw", folder.join("escheduler.db").display());
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let db = Database::connect(url).await.expect("the database");
        let step = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_from_the_future', 0)";
        db.execute_unprepared(step).await.expect("our own database");
        db.close().await.expect("our own database");
    });
    let before = std::fs::read(folder.join("escheduler.db")).expect("the database");
    let told = ["a later release has changed the database", "m29991231_000001_from_the_future", "escheduler.db"];
    place.shell(&migrate).fails(3, &told);
    let run = format!("ESCHEDULER_DATA_BASEDIR_PATH={} ESCHEDULER_SERVER_PORT=0 $P run", folder.display());
    place.shell(&run).fails(3, &told);
    assert_eq!(std::fs::read(folder.join("escheduler.db")).expect("the database"), before, "it was not touched");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let place = Place::new();
    place.write("data/escheduler.db", &"this is a diary, not a database\n".repeat(1000));
    let line = format!("ESCHEDULER_DATA_BASEDIR_PATH={} $P migrate", place.path("data").display());
    place.shell(&line).fails(3, &["escheduler.db", "file is not a database"]);
    let text = std::fs::read_to_string(place.path("data/escheduler.db")).expect("our own file");
    assert_eq!(text.lines().count(), 1000);
}

#[test]
fn migrating_is_repeatable_and_says_where() {
    let place = Place::new();
    let line = format!("ESCHEDULER_DATA_BASEDIR_PATH={} $P migrate", place.path("data").display());
    for _ in 0..2 {
        let ended = place.shell(&line);
        ended.succeeds();
        assert!(ended.out.contains(&place.path("data/escheduler.db").display().to_string()), "{}", ended.out);
    }
}

#[test]
fn everything_lies_below_the_data_folder_and_is_nobody_else_s() {
    for umask in ["0000", "0022", "0077"] {
        let place = Place::new();
        let mut command = place.command("/bin/sh");
        command.args(["-c", &format!("umask {umask}; exec \"$0\" run"), PROGRAM]);
        let server = Server::of(&place, "data", command);
        server.address();
        eventually("everybody has begun", || place.path("data/shim/shim.sock").exists().then_some(()));
        let mut seen = 0;
        for path in walk(&place.path("data")) {
            // A file that is written under another name first may have got its own meanwhile.
            let Ok(data) = path.symlink_metadata() else { continue };
            let mode = data.mode() & 0o7777;
            let open = if data.is_dir() { 0o711 } else { 0o700 };
            assert_eq!(mode & !open, 0, "umask {umask}: {} has mode {mode:o}", path.display());
            seen += 1;
        }
        assert!(seen > 10);
        for folder in ["data", "data/exec"] {
            let mode = place.path(folder).metadata().expect("the folder is there").mode() & 0o7777;
            assert_eq!(mode, 0o711, "umask {umask}: tenants pass through {folder}");
        }
        server.stop().succeeds();
        for elsewhere in ["home", "tmp"] {
            assert_eq!(place.names(elsewhere), Vec::<String>::new());
        }
        eventually("all processes are gone", || place.processes().is_empty().then_some(()));
    }
}

/// Everything in a folder that keeps still.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("our own folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<PathBuf> = entries.filter(|path| path.symlink_metadata().is_ok()).collect();
    let folders: Vec<PathBuf> = all.iter().filter(|path| path.is_dir()).cloned().collect();
    folders.iter().for_each(|folder| all.extend(walk(folder)));
    all
}
