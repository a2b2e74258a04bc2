//! Files of this machine: moving one to its place is one step, and it is on the disk when that is answered.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Nobody but us: tasks get copies.
const OWN: u32 = 0o700;

/// Moves a file to its place, over one that is there. `between` is a name beside the place, for when the file has to
/// be copied from another disk first.
pub(super) fn place(from: &Path, to: &Path, between: &Path) -> io::Result<()> {
    make_parent(to)?;
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let mut target = File::options().create(true).truncate(true).write(true).mode(0o600).open(between)?;
            io::copy(&mut File::open(from)?, &mut target)?;
            target.sync_all()?;
            fs::rename(between, to)?;
        }
        moved => moved?,
    }
    sync_parent(to)
}

/// Gives a file another name.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_parent(to)
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => {
            removed?;
            sync_parent(path)
        }
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) else { return Ok(()) };
    DirBuilder::new().recursive(true).mode(OWN).create(parent)?;
    // The tenant's folder may be new as well, and that above it.
    for folder in parent.ancestors().skip(1).take(2) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
