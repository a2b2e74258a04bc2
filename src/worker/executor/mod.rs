//! One file per kind of task: it describes what is to be started. Starting is the shim's business.

mod python;
mod shell;

use super::environment::Variables;
use crate::model::TaskType;
use crate::params::Scope;
use crate::queue::Job;
use std::path::{Path, PathBuf};

/// A task as a script in its execution folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub file_name: String,
    pub text: String,
    /// Program and arguments before the script's path; the program is an absolute path.
    pub interpreter: Vec<String>,
}

/// What executors are told about the site.
#[derive(Clone, Debug)]
pub struct Interpreters {
    /// `worker.shell`
    pub shell: PathBuf,
    /// `worker.python`
    pub python: Option<PathBuf>,
}

/// Describes an attempt.
///
/// # Errors
/// A sentence for the task's log: a parameter cannot be expanded, an interpreter is missing.
pub fn describe(job: &Job, scope: &Scope, site: &Interpreters, environment: &Variables) -> Result<Script, String> {
    match job.node.kind {
        TaskType::Shell => shell::describe(job, scope, site),
        TaskType::Python => python::describe(job, scope, site, environment),
        other => Err(format!("nodes of type {other} cannot be run by this release")),
    }
}

/// The name part of the original's files: `<definition>_<instance>_<task>` (`EasyScheduler 1.0.1: appId`).
fn app_id(job: &Job) -> String {
    format!("{}_{}_{}", job.definition, job.instance(), job.task())
}

/// A script as its author meant it: without byte-order mark, without Windows line ends, with a last line end.
fn normalised(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut text = text.replace("\r\n", "\n");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The expanded script of a node.
fn script_text(job: &Job, scope: &Scope) -> Result<String, String> {
    let expanded = scope.expand(job.node.param("rawScript"));
    expanded.map(|text| normalised(&text)).map_err(|why| format!("the script cannot be expanded: {why}"))
}

/// Finds a program as a shell would.
fn on_path(program: &str, environment: &Variables) -> Option<PathBuf> {
    let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
    path.split(':').map(|folder| Path::new(folder).join(program)).find(|file| is_program(file))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.is_absolute() && path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
