//! The command line, as people type it: the real program, in a place of its own.

mod config;
mod container;
mod exec;
mod input;
mod migrate;
mod signals;
mod start;
mod terminal;

use crate::site::{PATIENCE, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Instant;

const PROGRAM: &str = env!("CARGO_BIN_EXE_escheduler");

/// A folder for everything that a test writes. Whatever runs in it ends with it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["tmp", "home"] {
            std::fs::create_dir(folder.path().join(name)).expect("our own folder");
        }
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711)).expect("our own folder");
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where `exec` makes its folders.
    fn tmp(&self) -> PathBuf {
        self.path("tmp")
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("our own folder");
        std::fs::write(&path, text).expect("our own file");
        path
    }

    /// A workflow file of one node, whose script may name this place as `@`.
    fn script(&self, text: &str) -> PathBuf {
        let script = text.replace('@', &self.folder.path().to_string_lossy());
        let document = serde_json::json!({"name": "wf", "tasks": [{"name": "node", "script": script}]});
        self.write("wf.json", &document.to_string())
    }

    /// The program, or another one, that knows nothing of the machine but this place.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ESCHEDULER_")) {
            command.env_remove(name);
        }
        command.current_dir(self.path("home")).env("HOME", self.path("home")).env("TMPDIR", self.tmp());
        command.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("TZ").stdin(Stdio::null());
        command
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let mut command = self.command(PROGRAM);
        Process::start(command.args(arguments))
    }

    /// Runs the program to its end.
    fn run(&self, arguments: &[&str]) -> Outcome {
        self.start(arguments).end()
    }

    fn exec(&self, file: &Path) -> Outcome {
        self.run(&["exec", &file.to_string_lossy()])
    }

    /// Runs a command of the shell, in which `$P` is the program.
    fn shell(&self, line: &str) -> Outcome {
        let mut shell = self.command("/bin/bash");
        Process::start(shell.env("P", PROGRAM).args(["-c", line])).end()
    }

    /// Names in a folder of this place.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).expect("our own folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// Living processes that have to do with this place.
    fn processes(&self) -> Vec<i32> {
        let own = self.folder.path().to_string_lossy().into_owned();
        let about = |pid: &i32| {
            let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let text = [read("cmdline"), read("environ")].concat();
            String::from_utf8_lossy(&text).contains(&own) && lives(*pid)
        };
        let entries = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(about).collect()
    }

    /// What a script has written into a file, once it has.
    fn note(&self, name: &str) -> String {
        eventually(name, || {
            std::fs::read_to_string(self.path(name)).ok().filter(|text| text.ends_with('\n')).map(|t| t.trim().into())
        })
    }

    /// Neither process nor temporary folder is left.
    fn assert_clean(&self) {
        assert_eq!(self.names("tmp"), Vec::<String>::new());
        eventually("all processes are gone", || self.processes().is_empty().then_some(()));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let begun = Instant::now();
        loop {
            let processes = self.processes();
            if processes.is_empty() || begun.elapsed() > PATIENCE {
                break;
            }
            for pid in processes {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

/// Whether anything of the process still runs.
fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

fn is_gone(pid: &str) -> Option<()> {
    (!lives(pid.parse().expect("a number"))).then_some(())
}

/// A process that is killed when a test loses it.
struct Process {
    child: Child,
    out: Option<JoinHandle<String>>,
    err: Option<JoinHandle<String>>,
}

#[derive(Debug)]
struct Outcome {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Process {
    fn start(command: &mut Command) -> Process {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be started");
        let (out, err) = (child.stdout.take().map(collect), child.stderr.take().map(collect));
        Process { child, out, err }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("our own child");
    }

    fn end(mut self) -> Outcome {
        let status = eventually("the process ends", || self.child.try_wait().expect("our own child"));
        let [out, err] = [self.out.take(), self.err.take()].map(|text| text.map(|text| text.join().expect("a text")));
        Outcome { code: status.code(), out: out.unwrap_or_default(), err: err.unwrap_or_default() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Outcome {
    /// Everything that is expected on the standard error, if the code is as expected.
    fn fails(&self, code: i32, with: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in with {
            assert!(self.err.contains(text), "`{text}` is missing: {self:?}");
        }
    }

    fn succeeds(&self) -> &Outcome {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
