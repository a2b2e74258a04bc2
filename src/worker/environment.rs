//! The environment of a task: built, never inherited.

use super::account::Account;
use crate::queue::Job;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long the environment file may take.
const PATIENCE: Duration = Duration::from_secs(30);

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub type Variables = BTreeMap<String, String>;

/// The environment file (`escheduler.env.path`), read by a shell once per change and not once per task.
pub struct EnvironmentFile {
    path: Option<PathBuf>,
    shell: PathBuf,
    read: Mutex<Option<(SystemTime, Arc<Variables>)>>,
}

impl EnvironmentFile {
    pub fn new(path: Option<PathBuf>, shell: PathBuf) -> Self {
        EnvironmentFile { path, shell, read: Mutex::new(None) }
    }

    /// What the file exports now.
    ///
    /// # Errors
    /// A sentence: the file cannot be read, or the shell failed on it.
    pub fn variables(&self) -> Result<Arc<Variables>, String> {
        let Some(path) = &self.path else { return Ok(Arc::default()) };
        let changed = match std::fs::metadata(path).and_then(|data| data.modified()) {
            Ok(changed) => changed,
            // Told once, at the start.
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Arc::default()),
            Err(why) => return Err(format!("the environment file {} cannot be read: {why}", path.display())),
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, variables)) = read.as_ref()
            && *at == changed
        {
            return Ok(variables.clone());
        }
        let variables = Arc::new(exports(&self.shell, path)?);
        *read = Some((changed, variables.clone()));
        Ok(variables)
    }
}

/// Runs the file in a shell and takes what it exports, apart from what every shell sets.
fn exports(shell: &Path, path: &Path) -> Result<Variables, String> {
    let (status, text, said) = run(shell, path).map_err(|why| {
        format!("the environment file {} cannot be read by {}: {why}", path.display(), shell.display())
    })?;
    if !status.success() {
        return Err(format!("the environment file {} failed in {}: {}", path.display(), shell.display(), said.trim()));
    }
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    let own = ["PWD", "SHLVL", "_", "OLDPWD"];
    Ok(pairs.filter(|(name, _)| !own.contains(name)).map(|(name, value)| (name.into(), value.into())).collect())
}

/// Runs the file; returns how the shell ended and what it printed. Output goes to memory and not through
/// pipes, which a process that the file leaves in the background would keep open.
fn run(shell: &Path, path: &Path) -> io::Result<(ExitStatus, String, String)> {
    let memory = |name: &CStr| Ok::<File, io::Error>(memfd_create(name, MFdFlags::MFD_CLOEXEC)?.into());
    let (mut out, mut err) = (memory(c"variables")?, memory(c"errors")?);
    let mut child = Command::new(shell)
        .args(["-c", ". \"$0\" >/dev/null && exec env -0"])
        .arg(path)
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(err.try_clone()?)
        .spawn()?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(ErrorKind::TimedOut, format!("it takes longer than {PATIENCE:?}")));
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let read = |file: &mut File| {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok::<String, io::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok((status, read(&mut out)?, read(&mut err)?))
}

/// All variables of one attempt. The environment file may change what describes the account, but not
/// what names the attempt.
pub fn of(job: &Job, account: &Account, file: &Variables, zone: &str) -> Variables {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut variables: Variables = [
        ("HOME", text(&account.home)),
        ("USER", account.name.clone()),
        ("LOGNAME", account.name.clone()),
        ("SHELL", text(&account.shell)),
        ("PATH", PATH.to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("TZ", zone.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    variables.extend(file.iter().map(|(name, value)| (name.clone(), value.clone())));
    let named = [
        ("ESCHEDULER_PROCESS_INSTANCE_ID", job.instance().to_string()),
        ("ESCHEDULER_TASK_INSTANCE_ID", job.task().to_string()),
        ("ESCHEDULER_TASK_ATTEMPT", job.attempt.to_string()),
        ("ESCHEDULER_TASK_TAG", job.tag.to_string()),
    ];
    variables.extend(named.map(|(name, value)| (name.to_owned(), value)));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_file_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env.sh");
        std::fs::write(&path, "export A=1\nB=2\nexport C='two words'\n").unwrap();
        let file = EnvironmentFile::new(Some(path.clone()), "/bin/sh".into());
        let read = file.variables().unwrap();
        assert_eq!(read.get("A").map(String::as_str), Some("1"));
        assert_eq!(read.get("B"), None, "what is not exported stays in the file");
        assert_eq!(read.get("C").map(String::as_str), Some("two words"));
        std::fs::write(&path, "export A=3\n").unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        assert_eq!(file.variables().unwrap().get("A").map(String::as_str), Some("3"));
    }

    #[test]
    fn a_broken_environment_file_says_what_the_shell_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env.sh");
        std::fs::write(&path, "if then\n").unwrap();
        let error = EnvironmentFile::new(Some(path), "/bin/sh".into()).variables().unwrap_err();
        assert!(error.contains("env.sh failed in /bin/sh"), "{error}");
    }
}
