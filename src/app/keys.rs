//! Where the keys of stored passwords come from: the configuration, or a file of the data folder.

use super::folder::{Claimed, Error};
use crate::config::Config;
use crate::registry::Role;
use crate::secrets::Keyring;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The file with the keys, in the words of `secrets.key`. It is nobody else's to read.
const FILE: &str = "secrets.key";

/// The keys of this process. A process that is alone makes one when it first plays the api; members of a cluster share
/// a database, so theirs has to be configured. Without it there is none.
///
/// # Errors
/// The file cannot be read or made.
pub(super) fn keyring(config: &Config, alone: Option<&Claimed>, wanted: &[Role]) -> Result<Keyring, Error> {
    let configured = config.secrets.key.expose();
    // What does not fit was told when the configuration was read.
    let keys = Keyring::parse(configured).unwrap_or_else(|_| Keyring::empty());
    match alone {
        Some(folder) if keys.is_empty() => {
            let path = folder.path().join(FILE);
            let make = wanted.contains(&Role::Api);
            of_file(&path, make).map_err(|why| Error::Unusable { path, why })
        }
        _ => Ok(keys),
    }
}

fn of_file(path: &Path, make: bool) -> std::io::Result<Keyring> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && make => create(path)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Keyring::empty()),
        read => read?,
    };
    match Keyring::parse(&text) {
        Ok(keys) if !keys.is_empty() || !make => Ok(keys),
        Ok(_) => Err(std::io::Error::other("it holds no key; put the former one back, or remove the file")),
        Err(why) => Err(std::io::Error::other(why)),
    }
}

/// Whole or not at all, and on the disk before anything is encrypted with it.
fn create(path: &Path) -> std::io::Result<String> {
    let text = Keyring::draw();
    let new = path.with_extension("new");
    let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_start_makes_a_key_and_the_next_one_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        assert!(of_file(&path, false).unwrap().is_empty());
        assert!(!path.exists(), "who only reads makes nothing");
        let sealed = of_file(&path, true).unwrap().seal("tiger").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(of_file(&path, true).unwrap().open(&sealed).unwrap().expose(), "tiger");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_damaged_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for text in ["", "abc"] {
            std::fs::write(&path, text).unwrap();
            let error = of_file(&path, true).unwrap_err().to_string();
            assert!(error.contains("key") && (text.is_empty() || !error.contains(text)), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
