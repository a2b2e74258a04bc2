//! The folders that the program writes to: made at the start, or tried by `config check`.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::{BUILT_IN, Backend, Loaded, Mistake};

/// Everybody may pass, nobody but us may look.
const PASSAGE: u32 = 0o711;

/// Makes every folder that is written to and tries to write there, so that a read-only disk is told at the start.
pub fn prepare(loaded: &Loaded) -> Result<(), Vec<Mistake>> {
    each(loaded, |folder| {
        // Tenants pass through on the way to their execution folders; what lies here is none of their business.
        DirBuilder::new()
            .recursive(true)
            .mode(PASSAGE)
            .create(folder)
            .map_err(|error| format!("cannot be made: {error}"))?;
        let probe = folder.join(format!(".write-probe-{}", std::process::id()));
        fs::write(&probe, b"").map_err(|error| format!("cannot be written to: {error}"))?;
        fs::remove_file(&probe).map_err(|error| format!("cannot be written to: {error}"))
    })
}

/// Whether [`prepare`] would succeed, without making anything.
pub(super) fn try_out(loaded: &Loaded) -> Result<(), Vec<Mistake>> {
    each(loaded, |folder| {
        let there = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(folder);
        if !there.is_dir() {
            return Err(format!("cannot be made: {} is no folder", there.display()));
        }
        access(there, AccessFlags::W_OK | AccessFlags::X_OK)
            .map_err(|error| format!("cannot be written to: {}: {}", there.display(), error.desc()))
    })
}

/// Tries each folder; below one that fails no further word is lost.
fn each(loaded: &Loaded, act: impl Fn(&Path) -> Result<(), String>) -> Result<(), Vec<Mistake>> {
    let mut failed: Vec<PathBuf> = Vec::new();
    let mut mistakes = Vec::new();
    for (key, folder) in folders(loaded) {
        if failed.iter().any(|above| folder.starts_with(above)) {
            continue;
        }
        if let Err(what) = act(&folder) {
            let place = loaded.values.get(key).map_or(BUILT_IN, |value| &value.source);
            mistakes.push(Mistake::new(place, format!("{key}: {} {what}", folder.display())));
            failed.push(folder);
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

/// What is written to, the outermost first.
fn folders(loaded: &Loaded) -> Vec<(&'static str, PathBuf)> {
    let config = &loaded.config;
    let mut folders = vec![
        ("data.basedir.path", config.data.basedir.clone()),
        ("data.upload.basedir.path", config.data.upload.clone()),
        ("data.download.basedir.path", config.data.download.clone()),
        ("process.exec.basepath", config.process.exec.clone()),
        ("process.log.basepath", config.process.log.clone()),
        ("log.dir", config.log.dir.clone()),
        ("resource.local.path", config.resource.local.clone()),
    ];
    if let Backend::Sqlite(file) = &config.database.backend {
        folders.extend(file.parent().map(|folder| ("datasource.url", folder.to_owned())));
    }
    folders
}
