//! Configuration: one flat map of dotted keys, read once, then plain data.
//!
//! `conf/escheduler.toml` is compiled in and is the only list of keys and defaults. Above it lie the files of the
//! `--conf` folder (the original's property files, then `escheduler.toml`), above those the environment. Keys stay one
//! flat map to the end, because the original has keys that are a value and the prefix of another key at once.
//! All mistakes are collected and told together, each with its place.
//!
//! This room knows no role and keeps no global. `cli` hands it the folder, the environment and the [`Machine`]; `app`
//! hands each room its section of [`Config`].

mod assemble;
mod cluster;
mod database;
mod environment;
mod files;
mod folders;
mod layer;
mod machine;
mod original;
mod reader;
mod resource;
mod sections;
mod show;
mod site;
mod table;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub use environment::TASK_VARIABLES;
pub use folders::prepare;
pub use machine::Machine;
pub use sections::{
    Alert, Backend, Cluster, Compat, Config, Data, Database, Development, Escheduler, Hadoop, Language, Log, Logger,
    Master, Process, Queue, Resource, Secrets, Server, Shutdown, Storage, Tls, Worker, Zookeeper, ZookeeperClient,
};
pub use show::{Secret, check, report, show};

pub(crate) use table::nearest;

use layer::Layer;
use table::Table;

/// What came of reading the configuration.
pub struct Loaded {
    /// The typed sections, as the rooms want them.
    pub config: Config,
    /// Every key with its value and where that comes from.
    pub values: BTreeMap<String, Value>,
    /// What is probably not meant, worth a line in the log at every start.
    pub warnings: Vec<String>,
    /// What is read but changes nothing here; told by [`check`] only.
    pub notes: Vec<String>,
}

impl fmt::Debug for Loaded {
    /// Secrets are masked, so that a debug print may go into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(self))
    }
}

/// The text of one key.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// The value as text, `${data.basedir.path}` put in.
    pub text: String,
    /// Where it was read: [`BUILT_IN`], `file:line`, or the name of an environment variable.
    pub source: String,
}

/// The source of a value that nobody has set.
pub const BUILT_IN: &str = "built in";

/// Something in the configuration that has to be mended before anything can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// `file:line`, the name of an environment variable, or a folder.
    pub place: String,
    /// What is wrong there, without secrets.
    pub what: String,
}

impl Mistake {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Mistake { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// What is found while reading, besides values.
#[derive(Default)]
struct Findings {
    mistakes: Vec<Mistake>,
    warnings: Vec<String>,
    notes: Vec<String>,
}

/// Reads the configuration: built-in defaults, the files in `conf_dir` (or in the machine's default folder if that is
/// there), then the environment.
///
/// `env` is the whole environment of the process; nothing here reads it by itself. All mistakes come back at once.
pub fn load(
    conf_dir: Option<&Path>,
    env: impl IntoIterator<Item = (String, String)>,
    machine: &Machine,
) -> Result<Loaded, Vec<Mistake>> {
    let table = Table::built_in();
    let env: BTreeMap<String, String> = env.into_iter().collect();
    let conf_dir = conf_dir.or_else(|| Some(machine.etc.as_path()).filter(|etc| etc.is_dir()));
    let mut found = Findings::default();

    let mut layers = vec![table.layer()];
    layers.extend(conf_dir.into_iter().flat_map(|dir| files::read(dir, &table, &mut found)));
    layers.push(environment::read(&env, &table, &mut found));

    let mut values = merge(layers, &mut found);
    machine.complete(&mut values, conf_dir, &env, &mut found);
    let config = assemble::read(&values, &table, &mut found);
    if found.mistakes.is_empty() {
        return Ok(Loaded { config, values, warnings: found.warnings, notes: found.notes });
    }
    Err(found.mistakes)
}

/// Lays the layers over each other; a later one wins.
fn merge(layers: Vec<Layer>, found: &mut Findings) -> BTreeMap<String, Value> {
    // Not by `config::Config::builder()`, which turns the collected keys into nested tables once more.
    match ::config::Source::collect(&layers) {
        Ok(merged) => merged.into_iter().map(|(key, value)| (key, layer::unwrap(value))).collect(),
        Err(error) => {
            found.mistakes.push(Mistake::new(BUILT_IN, error.to_string()));
            BTreeMap::new()
        }
    }
}
