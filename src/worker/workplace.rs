//! Where attempts run: execution folders, scripts, resource files, logs.

use super::account::{Account, Accounts};
use super::environment::{self, EnvironmentFile};
use super::executor::{self, Interpreters, Script};
use crate::calls::Place;
use crate::params::Scope;
use crate::queue::Job;
use crate::resources::{self, Resources};
use futures::TryStreamExt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A folder that tenants pass through on the way to theirs.
const PASSAGE: u32 = 0o711;

/// What is the same for every attempt of this worker.
pub struct Workplace {
    pub host: String,
    /// `process.exec.basepath`
    pub exec: PathBuf,
    pub logs: PathBuf,
    pub resources: Resources,
    pub interpreters: Interpreters,
    pub environment: EnvironmentFile,
    pub accounts: Accounts,
    /// `development.state`: execution folders stay.
    pub keep_folders: bool,
    /// IANA name, for the tasks' `TZ`.
    pub zone: String,
}

/// An attempt that is ready to be started.
pub struct Prepared {
    pub argv: Vec<String>,
    pub folder: PathBuf,
    pub environment: Vec<(String, String)>,
    /// The account to change to, if it is not that of the process.
    pub account: Option<std::sync::Arc<Account>>,
}

/// Why an attempt cannot be started.
#[derive(Debug, PartialEq, Eq)]
pub enum Unprepared {
    /// The disk is full: it can be when there is room again.
    NoRoom(String),
    /// The database does not say which files the task may have: it can be when it answers again.
    NotNow(String),
    /// A sentence for the task's log.
    Never(String),
}

impl From<String> for Unprepared {
    fn from(why: String) -> Self {
        Unprepared::Never(why)
    }
}

impl Workplace {
    /// The execution folder (`EasyScheduler 1.0.1: working directory`).
    pub fn folder(&self, job: &Job) -> PathBuf {
        self.folder_of([job.project.0, job.definition.0, job.instance().0, job.task().0])
    }

    /// The task's log (`EasyScheduler 1.0.1: logs/<definition>/<instance>/<task>.log`).
    pub fn log(&self, job: &Job) -> PathBuf {
        self.log_of([job.project.0, job.definition.0, job.instance().0, job.task().0])
    }

    pub fn place(&self, job: &Job) -> Place {
        self.place_of([job.project.0, job.definition.0, job.instance().0, job.task().0], None)
    }

    /// Where the attempt with these ids (project, definition, instance, task) runs.
    pub fn place_of(&self, ids: [i32; 4], pid: Option<u32>) -> Place {
        let text = |path: PathBuf| Some(path.to_string_lossy().into_owned());
        Place {
            host: self.host.clone(),
            pid,
            execute_path: text(self.folder_of(ids)),
            log_path: text(self.log_of(ids)),
        }
    }

    fn folder_of(&self, ids: [i32; 4]) -> PathBuf {
        self.exec.join("process").join(ids.map(|id| id.to_string()).iter().collect::<PathBuf>())
    }

    fn log_of(&self, [_, definition, instance, task]: [i32; 4]) -> PathBuf {
        self.logs.join(definition.to_string()).join(instance.to_string()).join(format!("{task}.log"))
    }

    /// Makes folder and files of an attempt. May be repeated for the same attempt.
    ///
    /// # Errors
    /// See [`Unprepared`].
    pub fn prepare(&self, job: &Job) -> Result<Prepared, Unprepared> {
        let account = self.accounts.of(job.tenant.as_deref()).map_err(|why| why.to_string())?;
        let file = self.environment.variables()?;
        let environment = environment::of(job, &account, &file, &self.zone);
        let locals = job.node.local_params();
        let scope = Scope::of_node(&job.globals, &locals, &job.moment).map_err(|why| why.to_string())?;
        let script = executor::describe(job, &scope, &self.interpreters, &environment)?;
        let owner = account.foreign.then_some(&*account);

        let folder = self.folder(job);
        let no_folder = |why| cannot("cannot make the execution folder", &folder, why);
        make_folder(&folder).map_err(no_folder)?;
        let log = self.log(job);
        make_log(&log).map_err(|why| cannot("cannot make the log", &log, why))?;
        self.fetch_resources(job, &folder, owner)?;
        let path = folder.join(&script.file_name);
        write_script(&path, &script, owner).map_err(|why| cannot("cannot write the script", &path, why))?;
        // Last: what the tenant owns he could have bent while we still wrote into it.
        give(&File::open(&folder).map_err(no_folder)?, owner).map_err(no_folder)?;

        let mut argv = script.interpreter;
        argv.push(path.to_string_lossy().into_owned());
        let account = account.foreign.then_some(account);
        Ok(Prepared { argv, folder, environment: environment.into_iter().collect(), account })
    }

    /// Copies the files of the node's `resourceList` into the execution folder, on a thread that may wait.
    fn fetch_resources(&self, job: &Job, folder: &Path, owner: Option<&Account>) -> Result<(), Unprepared> {
        for name in job.node.resources() {
            if let Err(why) = resources::fits(&name) {
                return Err(format!("the resource `{name}` cannot be copied: {why}").into());
            }
            let runtime = tokio::runtime::Handle::current();
            let file = runtime.block_on(self.resources.open_for_task(job.definition, &name));
            let file = file.map_err(|why| not_fetched(&name, why))?;
            let target = folder.join(&name);
            let what = format!("the resource `{name}` cannot be copied to");
            runtime.block_on(copy(file, &target, owner)).map_err(|why| cannot(&what, &target, why))?;
        }
        Ok(())
    }

    /// Puts the folders of an ended instance aside, so that a repetition finds a clean place at once.
    /// They are removed later: right after thousands of deletions, some disks make new files slowly.
    pub fn discard(&self, ids: [i32; 3]) {
        if self.keep_folders {
            return;
        }
        let [project, definition, instance] = ids.map(|id| id.to_string());
        let folder = self.exec.join("process").join(project).join(definition).join(&instance);
        let trash = self.trash();
        let name = format!("{instance}-{}", crate::model::Time::now().0);
        let moved = DirBuilder::new().recursive(true).mode(0o700).create(&trash).and_then(|()| {
            match fs::rename(&folder, trash.join(name)) {
                Err(why) if why.kind() == ErrorKind::NotFound => Ok(()),
                moved => moved,
            }
        });
        if let Err(error) = moved {
            tracing::warn!(folder = %folder.display(), %error, "could not put an execution folder aside");
        }
    }

    fn trash(&self) -> PathBuf {
        self.exec.join("trash")
    }

    /// Removes what was put aside more than `age` ago.
    pub fn empty_trash(&self, age: std::time::Duration) {
        let Ok(entries) = fs::read_dir(self.trash()) else { return };
        let put_aside = |name: &str| name.rsplit_once('-').and_then(|(_, at)| at.parse().ok()).map(crate::model::Time);
        for entry in entries.flatten() {
            let at = put_aside(&entry.file_name().to_string_lossy());
            if at.is_none_or(|at| crate::model::Time::now().since(at) >= age)
                && let Err(error) = remove_all(&entry.path())
            {
                tracing::warn!(folder = %entry.path().display(), %error, "could not remove an execution folder");
            }
        }
    }
}

/// Tells the user why an attempt could not be started, in the only place where he looks: its log.
pub fn explain(log: &Path, why: &str) -> io::Result<()> {
    make_parent(log, 0o700)?;
    let mut file = File::options().create(true).append(true).mode(0o600).open(log)?;
    writeln!(file, "[escheduler] the task was not started: {why}")
}

/// Removes a folder with all that is in it, also what a task left without permission to change it.
pub fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(why) if why.kind() == ErrorKind::PermissionDenied => {
            unlock(folder)?;
            fs::remove_dir_all(folder)
        }
        removed => removed,
    }
}

/// Gives us back the right to change a folder and those below. Links are not followed.
fn unlock(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            unlock(&entry.path())?;
        }
    }
    Ok(())
}

/// A new folder that is ours alone until it is given away. One that a crash has left half-made goes first.
fn make_folder(folder: &Path) -> io::Result<()> {
    make_parent(folder, PASSAGE)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {
            remove_all(folder)?;
            DirBuilder::new().mode(0o700).create(folder)
        }
        made => made,
    }
}

async fn copy(mut from: resources::Bytes, target: &Path, owner: Option<&Account>) -> io::Result<()> {
    let mut to = File::options().create_new(true).write(true).mode(0o600).open(target)?;
    while let Some(piece) = from.try_next().await? {
        to.write_all(&piece)?;
    }
    give(&to, owner)
}

fn not_fetched(name: &str, why: resources::Error) -> Unprepared {
    match why {
        resources::Error::Store(why @ crate::store::Error::Unavailable(_)) => Unprepared::NotNow(why.to_string()),
        why => Unprepared::Never(format!("the resource `{name}` cannot be copied: {why}")),
    }
}

fn cannot(what: &str, path: &Path, why: io::Error) -> Unprepared {
    let sentence = format!("{what} {}: {why}", path.display());
    match why.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Unprepared::NoRoom(sentence),
        _ => Unprepared::Never(sentence),
    }
}

/// Made here, so that the shim needs no room for it.
fn make_log(path: &Path) -> io::Result<()> {
    make_parent(path, 0o700)?;
    File::options().create(true).append(true).mode(0o600).open(path).map(drop)
}

fn write_script(path: &Path, script: &Script, owner: Option<&Account>) -> io::Result<()> {
    let mut file = File::options().create_new(true).write(true).mode(0o700).open(path)?;
    file.write_all(script.text.as_bytes())?;
    give(&file, owner)
}

/// By descriptor: a name could mean something else by now.
fn give(file: &File, owner: Option<&Account>) -> io::Result<()> {
    match owner {
        Some(account) => std::os::unix::fs::fchown(file, Some(account.uid), Some(account.gid)),
        None => Ok(()),
    }
}

/// Makes the folders above `path`. Usually they are there already, so that is tried first.
fn make_parent(path: &Path, mode: u32) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.is_dir() => DirBuilder::new().recursive(true).mode(mode).create(parent),
        _ => Ok(()),
    }
}
