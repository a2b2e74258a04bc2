//! The program as process 1.

use super::{PROGRAM, Place, Process, is_root};
use crate::site::eventually;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Makes the next program process 1 of a namespace that ends with it.
pub const UNSHARE: [&str; 5] = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

/// Says so if it is not allowed here.
pub fn can_unshare() -> bool {
    let tried = std::process::Command::new(UNSHARE[0]).args(&UNSHARE[1..]).arg("/bin/true").output();
    if tried.is_ok_and(|tried| tried.status.success()) {
        return true;
    }
    assert!(
        !(is_root() && std::env::var_os("CI").is_some_and(|value| value == "true")),
        "no namespace can be made although this is root"
    );
    eprintln!("SKIPPED: no process namespace can be made here");
    false
}

/// The process that has another as its parent.
fn child_of(parent: u32) -> Option<i32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

#[test]
fn process_1_reaps_orphans_and_passes_signals_on() {
    if !can_unshare() {
        return;
    }
    let place = Place::new();
    // The grandchild outlives its parent; whoever becomes its parent must reap it.
    let script =
        "trap 'echo told > @/told; exit 1' TERM; (sleep 0.01 & ) ; echo $$ > @/pid; while :; do sleep 0.01; done";
    let file = place.script(script);
    let mut command = place.command(UNSHARE[0]);
    let whole = Process::start(command.args(&UNSHARE[1..]).arg(PROGRAM).arg("exec").arg(&file));
    assert!(place.note("pid").parse::<u32>().is_ok_and(|pid| pid > 2), "the program is not process 1 itself");
    let first = eventually("process 1 is there", || child_of(whole.child.id()));
    let zombies = || {
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
        children.split_whitespace().filter(|pid| !super::lives(pid.parse().expect("a number"))).count()
    };
    eventually("nobody waits to be reaped", || (zombies() == 0).then_some(()));
    kill(Pid::from_raw(first), Signal::SIGTERM).expect("our own grandchild");
    let ended = whole.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(place.note("told"), "told");
}

#[test]
fn process_1_ends_with_the_exit_code_of_the_program() {
    if !can_unshare() {
        return;
    }
    let place = Place::new();
    for (script, code) in [("true", 0), ("false", 1)] {
        let file = place.script(script);
        let mut command = place.command(UNSHARE[0]);
        let ended = Process::start(command.args(&UNSHARE[1..]).arg(PROGRAM).arg("exec").arg(&file)).end();
        assert_eq!(ended.code, Some(code), "{ended:?}");
    }
}
