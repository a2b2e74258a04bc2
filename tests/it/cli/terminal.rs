//! `exec` on a terminal: what a person sees, and what the keys do.

use super::{PROGRAM, Place, container, is_gone};
use crate::site::eventually;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{OpenptyResult, Winsize, openpty};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A screen with a program on it.
struct Terminal {
    keys: Option<File>,
    /// Everything that was written to the screen.
    written: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    closed: Arc<AtomicBool>,
    child: Child,
    size: (u16, u16),
}

/// Rows and columns.
const SIZE: (u16, u16) = (24, 80);

impl Terminal {
    /// Runs a command with a new terminal as its controlling one.
    fn start(place: &Place, arguments: &[&str], size: (u16, u16), environment: &[(&str, &str)]) -> Terminal {
        let window = Winsize { ws_row: size.0, ws_col: size.1, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&window, None).expect("a terminal");
        // Or every program that is started meanwhile keeps it open.
        for end in [&master, &slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("our own descriptor");
        }
        let other = |slave: &OwnedFd| Stdio::from(slave.try_clone().expect("a descriptor"));
        let mut command = place.command("/usr/bin/setsid");
        command.arg("--ctty").args(arguments).envs(environment.iter().copied());
        command.stdin(other(&slave)).stdout(other(&slave)).stderr(Stdio::from(slave));
        let child = command.spawn().expect("setsid can be started");
        drop(command); // with its ends of the terminal
        let keys = File::from(master);
        let (written, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (screen, sink, end) = (keys.try_clone().expect("a descriptor"), written.clone(), closed.clone());
        let reader = Some(std::thread::spawn(move || read(screen, &sink, &end)));
        Terminal { keys: Some(keys), written, reader, closed, child, size }
    }

    fn exec(place: &Place, script: &str) -> Terminal {
        let file = place.script(script);
        Terminal::start(place, &[PROGRAM, "exec", &file.to_string_lossy()], SIZE, &[])
    }

    /// Closes the window.
    fn hang_up(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        self.reader.take().expect("it was open").join().expect("no panic");
        self.keys = None;
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("no panic")).into_owned()
    }

    /// What a person sees now.
    fn screen(&self) -> String {
        let [rows, columns] = [self.size.0, self.size.1].map(|size| size.try_into().expect("more than none"));
        let mut parser = vt100::Parser::new(rows, columns, 0);
        parser.process(&self.written.lock().expect("no panic"));
        parser.screen().contents()
    }

    fn shows(&self, text: &str) {
        eventually(text, || self.screen().contains(text).then_some(()));
    }

    fn press(&mut self, key: &[u8]) {
        self.keys.as_mut().expect("it was not hung up").write_all(key).expect("a key");
    }

    fn ctrl_c(&mut self) {
        self.press(b"\x03");
    }

    /// The exit code.
    fn end(&mut self) -> Option<i32> {
        let status = eventually("the program ends", || self.child.try_wait().expect("our own child"));
        status.code()
    }
}

fn read(mut screen: File, sink: &Mutex<Vec<u8>>, closed: &AtomicBool) {
    let mut bytes = [0; 4096];
    while !closed.load(Ordering::Relaxed) {
        let mut ready = [PollFd::new(screen.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, 10u8).is_ok_and(|ready| ready == 0) {
            continue;
        }
        match screen.read(&mut bytes) {
            Ok(read @ 1..) => sink.lock().expect("no panic").extend_from_slice(&bytes[..read]),
            // Nobody has the other end any more.
            Ok(0) | Err(_) => return,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

const WAITING: &str = "echo $$ > @/pid; until [ -e @/go ]; do sleep 0.01; done; echo went on";

#[test]
fn a_terminal_shows_what_runs_and_then_a_table_in_its_place() {
    let place = Place::new();
    let mut terminal = Terminal::exec(&place, WAITING);
    terminal.shows("0 of 1 done, 1 running");
    assert!(terminal.screen().starts_with("wf  "), "{}", terminal.screen());
    place.write("go", "");
    assert_eq!(terminal.end(), Some(0));
    terminal.shows("wf: SUCCESS in ");
    let screen = terminal.screen();
    assert!(screen.starts_with("node  state    attempts  start     duration  last line\nnode  SUCCESS"), "{screen}");
    assert!(screen.contains("went on") && !screen.contains("running"), "{screen}");
    assert!(terminal.written().contains("\x1b[32mSUCCESS"), "success is green");
    place.assert_clean();
}

#[test]
fn a_narrow_terminal_never_breaks_a_line_of_the_picture() {
    let place = Place::new();
    let nodes: String = (0..12)
        .map(|n| {
            format!(
                "- {{name: a rather long name {n}, script: 'until [ -e {}/go ]; do sleep 0.01; done'}}\n",
                place.folder.path().display()
            )
        })
        .collect();
    let file = place.write("wide.yaml", &format!("tasks:\n{nodes}"));
    let mut terminal = Terminal::start(&place, &[PROGRAM, "exec", &file.to_string_lossy()], (8, 30), &[]);
    terminal.shows("0 of 12 done, 12 running");
    let screen = terminal.screen();
    assert!(screen.starts_with("wide  ") && screen.contains("\n  and 9 more"), "{screen}");
    place.write("go", "");
    assert_eq!(terminal.end(), Some(0));
    terminal.shows("wide: SUCCESS in ");
}

#[test]
fn no_colours_where_none_are_wanted_and_no_picture_on_a_dumb_terminal() {
    for (name, value, escapes) in [("NO_COLOR", "1", true), ("TERM", "dumb", false)] {
        let place = Place::new();
        let file = place.script("echo hello");
        let mut terminal = Terminal::start(&place, &[PROGRAM, "exec", &file.to_string_lossy()], SIZE, &[(name, value)]);
        assert_eq!(terminal.end(), Some(0));
        terminal.shows("wf: SUCCESS in ");
        assert!(!terminal.written().contains("\x1b[32m"), "{name}: {}", terminal.written());
        assert_eq!(terminal.written().contains('\x1b'), escapes, "{name}");
    }
}

#[test]
fn ctrl_c_stops_the_run_and_says_how_to_kill_it() {
    let place = Place::new();
    let mut terminal = Terminal::exec(&place, WAITING);
    let pid = place.note("pid");
    terminal.ctrl_c();
    assert_eq!(terminal.end(), Some(130));
    // The last line.
    terminal.shows("logs and files of the run are in ");
    let screen = terminal.screen();
    for line in ["stopping; Ctrl-C once more kills what does not leave", "wf: STOP in "] {
        assert!(screen.contains(line), "`{line}` is missing:\n{screen}");
    }
    assert_eq!(place.names("tmp").len(), 1);
    eventually("the task is gone", || is_gone(&pid));
    eventually("all processes are gone", || place.processes().is_empty().then_some(()));
}

#[test]
fn a_second_ctrl_c_kills_what_does_not_leave() {
    let place = Place::new();
    let file = place.script("trap '' TERM; echo $$ > @/pid; while :; do sleep 0.01; done");
    let long = [("ESCHEDULER_WORKER_KILL_GRACE", "1h")];
    let mut terminal = Terminal::start(&place, &[PROGRAM, "exec", &file.to_string_lossy()], SIZE, &long);
    let pid = place.note("pid");
    terminal.ctrl_c();
    terminal.shows("1 running, stopping");
    terminal.ctrl_c();
    assert_eq!(terminal.end(), Some(130));
    eventually("the task is gone", || is_gone(&pid));
}

#[test]
fn a_terminal_that_is_closed_stops_the_run() {
    let place = Place::new();
    let mut terminal =
        Terminal::exec(&place, "trap 'echo told > @/told; exit 1' TERM; echo $$ > @/pid; while :; do sleep 0.01; done");
    let pid = place.note("pid");
    terminal.hang_up();
    assert_eq!(terminal.end(), Some(130));
    assert_eq!(place.note("told"), "told");
    eventually("the task is gone", || is_gone(&pid));
}

#[test]
fn ctrl_c_at_process_1_of_a_container_is_one_signal_not_two() {
    if !container::can_unshare() {
        return;
    }
    let place = Place::new();
    let script = "trap 'sleep 0.2; echo told > @/told; exit 1' TERM; echo $$ > @/pid; while :; do sleep 0.01; done";
    let file = place.script(script);
    let file = file.to_string_lossy();
    let mut arguments = container::UNSHARE.to_vec();
    arguments.extend([PROGRAM, "exec", &file]);
    let mut terminal = Terminal::start(&place, &arguments, SIZE, &[]);
    place.note("pid");
    terminal.ctrl_c();
    assert_eq!(terminal.end(), Some(130));
    assert_eq!(place.note("told"), "told");
    assert!(!terminal.screen().contains("killing"), "{}", terminal.screen());
}
