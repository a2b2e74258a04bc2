//! PYTHON: one process, the interpreter and the script.

use super::{Interpreters, Script, app_id, is_program, on_path, script_text};
use crate::params::Scope;
use crate::queue::Job;
use crate::worker::environment::Variables;
use std::path::{Path, PathBuf};

pub fn describe(job: &Job, scope: &Scope, site: &Interpreters, environment: &Variables) -> Result<Script, String> {
    let text = script_text(job, scope)?;
    let interpreter = interpreter(site, environment)?.to_string_lossy().into_owned();
    Ok(Script { file_name: format!("py_{}_node.py", app_id(job)), text, interpreter: vec![interpreter] })
}

/// `worker.python`, else `PYTHON_HOME` of the environment file, else `python3`, else `python`.
/// `PYTHON_HOME` may be the interpreter or the folder it is installed in (`EasyScheduler 1.1.0: known
/// defects I8`).
fn interpreter(site: &Interpreters, environment: &Variables) -> Result<PathBuf, String> {
    if let Some(python) = &site.python {
        return Ok(python.clone());
    }
    if let Some(home) = environment.get("PYTHON_HOME").filter(|home| !home.is_empty()) {
        let home = Path::new(home);
        let places = [home.to_owned(), home.join("bin/python3"), home.join("bin/python")];
        return places.into_iter().find(|place| is_program(place)).ok_or_else(|| {
            format!("PYTHON_HOME of the environment file is {}, where no interpreter is", home.display())
        });
    }
    ["python3", "python"]
        .iter()
        .find_map(|name| on_path(name, environment))
        .ok_or_else(|| "no Python interpreter was found; install python3, or set worker.python".to_owned())
}
