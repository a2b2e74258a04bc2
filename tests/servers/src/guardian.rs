//! What ends a server when the test does not come to it: because it was killed, or because its harness called
//! `exit`, which drops no static. A signal at the death of the parent would not do: it comes when the *thread* ends
//! that started the server, and tests are threads.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits until its input ends, which is when the last process ends that holds the other end of the pipe. Then kills
/// what works inside the folder, until nothing does, and removes the folder. It is told nothing but the folder.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
read -r _
for round in 1 2 3 4 5 6 7 8 9 10; do
    found=
    for process in /proc/[0-9]*; do
        case "$(readlink "$process/cwd" 2>/dev/null)" in
            "$1" | "$1"/* | "$1 "*) found=1; kill -9 "${process#/proc/}" 2>/dev/null ;;
        esac
    done
    [ -z "$found" ] && [ "$round" -gt 1 ] && break
    sleep 0.1
done
rm -rf "$1"
"#;

/// A small process beside the server. It acts when this value is dropped.
pub(crate) struct Guardian {
    process: Child,
}

impl Guardian {
    /// In a process group of its own, so that Ctrl-C does not reach it.
    pub(crate) fn over(folder: &Path) -> io::Result<Guardian> {
        let process = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "guardian"])
            .arg(folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Guardian { process })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
