//! Data folders of servers that were set up once and are copied from then on: setting up takes seconds.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where templates are kept from one run of the tests to the next.
pub(crate) fn cache() -> PathBuf {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/servers"));
    match std::fs::create_dir_all(&folder) {
        Ok(()) => folder,
        Err(_) => std::env::temp_dir(),
    }
}

/// Copies the template of this name to `to`; `set_up` makes what it is a copy of, at `to`, the first time. One process
/// at a time sets up; the others wait.
pub(crate) fn copy(name: &str, to: &Path, set_up: impl FnOnce(&Path)) -> io::Result<()> {
    let cache = cache();
    let template = cache.join(name);
    let lock = File::create(cache.join(format!("{name}.lock")))?;
    lock.lock()?;
    if template.is_dir() {
        return copy_folder(&template, to);
    }
    set_up(to);
    // Under its name only when complete.
    let draft = cache.join(format!("{name}.{}", std::process::id()));
    copy_folder(to, &draft)?;
    std::fs::rename(draft, template)
}

/// `cp` keeps owners and modes, and leaves holes where there is nothing to copy.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    let copied = Command::new("cp").args(["-a", "--sparse=always", "--reflink=auto"]).arg(from).arg(to).status()?;
    match copied.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("could not copy {} to {}", from.display(), to.display()))),
    }
}

/// The version of a program, fit for a file name: another version sets up its own template.
pub(crate) fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let text: String = text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    text.split('-').filter(|part| !part.is_empty()).take(8).collect::<Vec<_>>().join("-")
}
