//! The folder of a front-end (`server.static.dir`): everybody may read what is served from it.

use super::reader::Reader;
use super::sections::Config;
use std::path::{Path, PathBuf};

const KEY: &str = "server.static.dir";

/// Notes a folder that is not there, or would serve what is nobody's business.
pub(super) fn check(config: &Config, reader: &mut Reader<'_>) {
    let Some(served) = &config.server.static_dir else { return };
    if !served.is_dir() {
        return reader.wrong(KEY, &format!("{} is no folder", served.display()));
    }
    let served = real(served);
    let base = &config.data.basedir;
    let written = [
        ("data.upload.basedir.path", &config.data.upload),
        ("data.download.basedir.path", &config.data.download),
        ("process.exec.basepath", &config.process.exec),
        ("process.log.basepath", &config.process.log),
        ("log.dir", &config.log.dir),
        ("resource.local.path", &config.resource.local),
    ];
    // Below the data folder, a folder of its own is all right.
    let exposed = real(base).starts_with(&served).then_some("data.basedir.path");
    let overlaps = |folder: &PathBuf| folder.starts_with(&served) || served.starts_with(folder);
    let exposed = exposed.or_else(|| written.iter().find(|(_, folder)| overlaps(&real(folder))).map(|(key, _)| *key));
    if let Some(key) = exposed {
        reader.wrong(KEY, &format!("it would serve what lies in the folder of {key}"));
    }
}

fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::config::{Machine, load};
    use std::path::Path;

    /// What is wrong with serving this folder, when data is kept in that one.
    fn mistakes(served: &Path, data: &Path) -> Vec<String> {
        let env = [("ESCHEDULER_SERVER_STATIC_DIR", served), ("ESCHEDULER_DATA_BASEDIR_PATH", data)];
        let env = env.map(|(name, path)| (name.to_owned(), path.display().to_string()));
        let machine = Machine { root: true, home: None, timezone: Some("UTC".into()), etc: "/nonexistent".into() };
        let told = load(None, env, &machine).err().unwrap_or_default();
        told.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_folder_that_holds_what_is_written_is_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let (data, dist) = (folder.path().join("data"), folder.path().join("dist"));
        std::fs::create_dir_all(data.join("logs/deep")).unwrap();
        std::fs::create_dir_all(data.join("ui")).unwrap();
        std::fs::create_dir(&dist).unwrap();
        std::os::unix::fs::symlink(&data, folder.path().join("link")).unwrap();
        assert_eq!(mistakes(&dist, &data), [""; 0]);
        assert_eq!(mistakes(&data.join("ui"), &data), [""; 0]);
        for (served, key) in [
            (data.clone(), "data.basedir.path"),
            (folder.path().to_owned(), "data.basedir.path"),
            (folder.path().join("link"), "data.basedir.path"),
            (data.join("logs"), "process.log.basepath"),
            (data.join("logs/deep"), "process.log.basepath"),
            (dist.join("gone"), "is no folder"),
        ] {
            let told = mistakes(&served, &data);
            assert!(told.len() == 1 && told[0].contains(key), "{}: {told:?}", served.display());
        }
    }
}
