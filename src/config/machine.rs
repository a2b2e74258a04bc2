//! What the defaults need to know about the machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};

use super::{BUILT_IN, Findings, Mistake, Value, original};

/// The place-holder for the folder below which everything lies.
const BASEDIR: &str = "${data.basedir.path}";

/// The machine as far as defaults depend on it; handed in, so that a test can make one up.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Whether the process runs as root.
    pub root: bool,
    /// The account's home folder; `HOME` in the environment beats it.
    pub home: Option<PathBuf>,
    /// The machine's IANA time zone; `TZ` in the environment beats it.
    pub timezone: Option<String>,
    /// The configuration folder that is read when none is given and this one is there.
    pub etc: PathBuf,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn here() -> Machine {
        let user = geteuid();
        Machine {
            root: user.is_root(),
            home: User::from_uid(user).ok().flatten().map(|user| user.dir),
            timezone: iana_time_zone::get_timezone().ok(),
            etc: PathBuf::from("/etc/escheduler"),
        }
    }

    /// Fills in the values that are empty until the machine is known, and puts the base folder into the others.
    pub(super) fn complete(
        &self,
        values: &mut BTreeMap<String, Value>,
        conf_dir: Option<&Path>,
        env: &BTreeMap<String, String>,
        found: &mut Findings,
    ) {
        fill(values, "server.timezone", || Some(self.timezone(env, found)));
        fill(values, "escheduler.env.path", || env_file(conf_dir, original::ENV_SHELL));
        fill(values, "escheduler.env.py", || env_file(conf_dir, original::ENV_PYTHON));
        fill(values, "data.basedir.path", || self.basedir(env));
        let basedir = values.get("data.basedir.path").map_or("", |value| &value.text).to_owned();
        if basedir.is_empty() {
            let what = "data.basedir.path: there is no home folder to put it into; set it, \
                        for example ESCHEDULER_DATA_BASEDIR_PATH=/var/lib/escheduler";
            found.mistakes.push(Mistake::new(BUILT_IN, what));
        }
        // If the base folder is wrong, that is told once; the folders below it shall not be called wrong as well.
        let above = if basedir.starts_with('/') { basedir.trim_end_matches('/') } else { "/nonexistent" };
        for (_, value) in values.iter_mut().filter(|(key, _)| *key != "data.basedir.path") {
            value.text = value.text.replace(BASEDIR, above);
        }
    }

    fn basedir(&self, env: &BTreeMap<String, String>) -> Option<String> {
        if self.root {
            return Some("/var/lib/escheduler".to_owned());
        }
        let home =
            env.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute()).or_else(|| self.home.clone())?;
        Some(home.join(".local/share/escheduler").display().to_string())
    }

    fn timezone(&self, env: &BTreeMap<String, String>, found: &mut Findings) -> String {
        let known = |name: &&str| name.parse::<chrono_tz::Tz>().is_ok();
        let from_env = env.get("TZ").map(|zone| zone.trim_start_matches(':')).filter(known);
        if let Some(zone) = from_env.or(self.timezone.as_deref().filter(known)) {
            return zone.to_owned();
        }
        found.warnings.push("server.timezone: the machine does not tell its time zone; UTC is taken".to_owned());
        "UTC".to_owned()
    }
}

/// Gives a key that is empty the value that its sentence in the manual promises.
fn fill(values: &mut BTreeMap<String, Value>, key: &str, default: impl FnOnce() -> Option<String>) {
    if let Some(value) = values.get_mut(key).filter(|value| value.text.is_empty()) {
        value.text = default().unwrap_or_default();
    }
}

/// An environment file of the original below the configuration folder, if it is there.
fn env_file(conf_dir: Option<&Path>, name: &str) -> Option<String> {
    let file = std::path::absolute(conf_dir?.join(name)).ok()?;
    file.is_file().then(|| file.display().to_string())
}
