//! `run` and the signals that ask it to leave.

use super::start::Server;
use super::{PROGRAM, Place, Process, is_gone};
use crate::site::{Site, document, eventually, shell};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn each_signal_that_asks_to_leave_is_heard() {
    let place = Place::new();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let server = Server::start(&place, "data", &[]);
        server.address();
        server.signal(signal);
        let ended = server.end();
        assert!(ended.succeeds().out.ends_with("stopped; no task was running\n"), "{signal}: {ended:?}");
        eventually("all processes are gone", || place.processes().is_empty().then_some(()));
    }
}

#[test]
fn a_signal_during_the_start_is_heard() {
    let place = Place::new();
    for _ in 0..10 {
        let server = Server::start(&place, "data", &[]);
        eventually("it has begun", || place.path("data/escheduler.pid").exists().then_some(()));
        server.signal(Signal::SIGTERM);
        let code = server.end().code;
        // Before it listens to signals there is nothing to lose.
        assert!(code == Some(0) || code.is_none(), "{code:?}");
    }
    let server = Server::start(&place, "data", &[]);
    server.address();
    server.stop().succeeds();
}

#[test]
fn tasks_go_on_and_the_last_line_says_how_many() {
    let mut site = Site::start();
    site.project();
    let go = site.folder.path().join("go");
    let wait = |n: u32| {
        format!("echo $$ > {}/pid{n}; until [ -e {} ]; do sleep 0.01; done", site.folder.path().display(), go.display())
    };
    let definition = site.define("two", &document(vec![shell("a", &wait(1), &[]), shell("b", &wait(2), &[])]));
    site.start_instance(definition, &[]);
    let pid = |site: &Site, n: u32| {
        eventually("the task runs", || {
            let text = std::fs::read_to_string(site.folder.path().join(format!("pid{n}"))).ok()?;
            text.ends_with('\n').then(|| text.trim().to_owned())
        })
    };
    let pids = [pid(&site, 1), pid(&site, 2)];
    let (code, last) = site.stop();
    assert_eq!((code, last.as_str()), (Some(0), "stopped; 2 tasks go on and will be taken over"));
    assert!(pids.iter().all(|pid| is_gone(pid).is_none()), "they run");
    site.up();
    std::fs::write(&go, "").expect("our own file");
    eventually("the instance ends", || (site.count(definition, "SUCCESS") == 1).then_some(()));
    for n in [1, 2] {
        assert_eq!(pid(&site, n), pids[n as usize - 1], "it was not started again");
    }
    assert_eq!(site.stop().1, "stopped; no task was running");
}

#[test]
fn a_second_signal_leaves_at_once() {
    let place = Place::new();
    let server = Server::start(&place, "data", &[]);
    server.address();
    let shim =
        eventually("the shim is there", || place.processes().into_iter().find(|pid| *pid != server.pid() as i32));
    let shim = Pid::from_raw(shim);
    // It cannot be taken leave of, so that the first stage lasts.
    kill(shim, Signal::SIGSTOP).expect("the server's child");
    server.signal(Signal::SIGTERM);
    eventually("it is about to leave", || server.out().contains("a second signal leaves at once").then_some(()));
    server.signal(Signal::SIGTERM);
    let ended = server.end();
    kill(shim, Signal::SIGCONT).expect("it outlives the server");
    ended.fails(130, &["left at once; running tasks go on"]);
    assert!(!ended.out.contains("stopped;"), "{ended:?}");
}

#[test]
fn a_run_in_a_pipe_stops_at_sigterm_and_its_tasks_with_it() {
    let place = Place::new();
    let file = place.script("trap 'echo told > @/told; exit 1' TERM; echo $$ > @/pid; while :; do sleep 0.01; done");
    let mut command = place.command(PROGRAM);
    let process = Process::start(command.arg("exec").arg(&file));
    let pid = place.note("pid");
    process.signal(Signal::SIGTERM);
    let ended = process.end();
    ended.fails(130, &["logs and files of the run are in "]);
    assert!(ended.out.contains("stopping") && ended.out.contains("wf: STOP in "), "{ended:?}");
    assert_eq!(place.note("told"), "told");
    eventually("the task is gone", || is_gone(&pid));
}
