//! The servers start, answer, survive what tests do to them, and leave nothing behind.

use servers::{Ensemble, Mariadb, Postgres, Server, Zookeeper};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The end of a test that a server is missing for.
macro_rules! need {
    ($server:expr) => {
        match $server {
            Some(server) => server,
            None => return,
        }
    };
}

fn processes_inside(folder: &Path) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))).count()
}

/// What every server has to stand: `ask` fails the test unless the server answers.
fn is_robust(server: &Server, ask: impl Fn()) {
    ask();
    server.kill();
    assert_eq!(processes_inside(server.folder()), 0);
    server.start();
    ask();
    server.pause();
    server.resume();
    ask();
    server.stop();
    server.start();
    ask();
}

#[test]
fn mariadb_keeps_what_it_has_committed() {
    let mariadb = need!(Mariadb::start());
    let url = mariadb.database();
    let database = url.rsplit('/').next().unwrap();
    mariadb.execute(&format!("CREATE TABLE {database}.t (n INT); INSERT INTO {database}.t VALUES (7)"));
    is_robust(&mariadb, || assert_eq!(mariadb.execute(&format!("SELECT n FROM {database}.t")), "7\n"));
    assert_ne!(mariadb.database(), url);
}

#[test]
fn postgres_keeps_what_it_has_committed() {
    let postgres = need!(Postgres::start());
    postgres.execute("CREATE TABLE t (n INT)");
    postgres.execute("INSERT INTO t VALUES (7)");
    is_robust(&postgres, || assert_eq!(postgres.execute("SELECT n FROM t"), "7\n"));
    assert_ne!(postgres.database(), postgres.database());
}

#[test]
fn zookeeper_serves_again() {
    let zookeeper = need!(Zookeeper::start());
    is_robust(&zookeeper, || assert_eq!(zookeeper.mode().as_deref(), Some("standalone")));
}

#[test]
fn an_ensemble_elects_another_leader() {
    let ensemble = need!(Ensemble::start());
    let first = ensemble.leader().unwrap();
    first.kill();
    let start = Instant::now();
    while ensemble.leader().is_none() {
        assert!(start.elapsed() < Duration::from_secs(60), "no new leader");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_ne!(ensemble.leader().unwrap().port(), first.port());
    first.start();
    ensemble.wait();
    assert_eq!(first.mode().as_deref(), Some("follower"));
}

#[test]
fn a_paused_server_answers_nothing() {
    let zookeeper = need!(Zookeeper::start());
    zookeeper.pause();
    assert_eq!(zookeeper.mode(), None);
    zookeeper.resume();
    assert!(zookeeper.mode().is_some());
}

#[test]
fn tests_share_servers() {
    let (mariadb, postgres) = (need!(servers::mariadb()), need!(servers::postgres()));
    assert_eq!(servers::mariadb().unwrap().port(), mariadb.port());
    assert_ne!(mariadb.database(), mariadb.database());
    assert_ne!(postgres.database(), postgres.database());
    assert_eq!(need!(servers::zookeeper()).mode().as_deref(), Some("standalone"));
}

#[test]
fn a_dropped_server_leaves_nothing() {
    let server = need!(Zookeeper::start());
    let folder = server.folder().to_owned();
    drop(server);
    assert_eq!((processes_inside(&folder), folder.exists()), (0, false));
}

/// Set in the program that [`no_server_outlives_its_program`] starts.
const VICTIM: &str = "SERVERS_TEST_VICTIM";

#[test]
fn no_server_outlives_its_program() {
    if std::env::var_os(VICTIM).is_some() {
        return start_and_wait();
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_server_outlives_its_program", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(victim.stdout.take().unwrap());
    let lines = std::io::BufRead::lines(output).map_while(Result::ok);
    let folders: Vec<_> = lines.filter_map(|line| Some(line.split_once("folder ")?.1.to_owned())).take(3).collect();
    victim.kill().unwrap();
    victim.wait().unwrap();
    let start = Instant::now();
    for folder in folders.iter().map(Path::new) {
        while folder.exists() || processes_inside(folder) > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "{} is still used", folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn start_and_wait() {
    let (mariadb, postgres, zookeeper) = (Mariadb::start(), Postgres::start(), Zookeeper::start());
    postgres.as_ref().inspect(|server| server.pause());
    for folder in [
        mariadb.as_ref().map(|server| server.folder()),
        postgres.as_ref().map(|server| server.folder()),
        zookeeper.as_ref().map(|server| server.folder()),
    ] {
        println!("folder {}", folder.unwrap_or(Path::new("/nowhere")).display());
    }
    std::thread::sleep(Duration::from_secs(60));
}
