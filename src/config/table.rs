//! The table of known keys: what stands in `conf/escheduler.toml`.

use std::collections::BTreeMap;

use super::layer::Layer;
use super::{files, units};

/// The manual of all keys with their defaults, compiled in.
pub(super) const MANUAL: &str = include_str!("../../conf/escheduler.toml");

/// What a value must look like, told by the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flag,
    Whole,
    Number,
    Duration,
    Size,
    Text,
}

impl Kind {
    fn of(default: &files::Scalar) -> Kind {
        match default {
            files::Scalar::Flag(_) => Kind::Flag,
            files::Scalar::Whole(_) => Kind::Whole,
            files::Scalar::Number(_) => Kind::Number,
            files::Scalar::Text(text) if units::duration(text).is_ok() => Kind::Duration,
            files::Scalar::Text(text) if units::size(text).is_ok() => Kind::Size,
            files::Scalar::Text(_) => Kind::Text,
        }
    }
}

/// All keys that exist, with their defaults.
pub(super) struct Table {
    keys: BTreeMap<String, (Kind, String)>,
}

impl Table {
    /// Reads the manual.
    pub(super) fn built_in() -> Table {
        let (entries, mistakes) = files::entries(MANUAL);
        debug_assert!(mistakes.is_empty(), "conf/escheduler.toml cannot be read");
        let keys = entries.into_iter().filter_map(|entry| {
            let default = entry.value.ok()?;
            Some((entry.key, (Kind::of(&default), default.into_text())))
        });
        Table { keys: keys.collect() }
    }

    /// The defaults as the lowest layer.
    pub(super) fn layer(&self) -> Layer {
        let mut layer = Layer::default();
        for (key, (_, default)) in &self.keys {
            layer.set(key, default.clone(), None);
        }
        layer
    }

    /// Whether there is such a key. Hadoop's own `fs.` keys are open ended: they are passed on to it.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.keys.contains_key(key) || (key.starts_with("fs.") && distance(key, self.nearest(key)) > 2)
    }

    /// What the value of a key must look like.
    pub(super) fn kind(&self, key: &str) -> Kind {
        self.keys.get(key).map_or(Kind::Text, |(kind, _)| *kind)
    }

    /// The known key that is spelt most like this one.
    pub(super) fn nearest(&self, key: &str) -> &str {
        nearest(key, self.names())
    }

    /// Every key, in alphabetical order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Whether a key, or the first part of one, reads like this.
    pub(super) fn has_section(&self, name: &str) -> bool {
        self.names().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }
}

/// The name out of `names` that is spelt most like `name`.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> &'n str {
    names.min_by_key(|candidate| distance(name, candidate)).unwrap_or_default()
}

/// How many slips of the finger lie between two names, whatever the case of their letters.
pub(super) fn distance(one: &str, other: &str) -> usize {
    strsim::osa_distance(&one.to_lowercase(), &other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_manual_is_explained_by_a_sentence() {
        let mut comment: Option<&str> = None;
        let mut explained = 0;
        for line in MANUAL.lines() {
            if line.starts_with('#') {
                comment = Some(line);
            } else if line.contains(" = ") {
                let sentence = comment.take().unwrap_or_else(|| panic!("no sentence above: {line}"));
                assert!(sentence.starts_with("# ") && sentence.ends_with('.'), "not a sentence: {sentence}");
                explained += 1;
            } else {
                comment = None;
            }
        }
        assert_eq!(explained, Table::built_in().names().count());
    }

    #[test]
    fn the_manual_can_be_read_and_gives_each_key_once() {
        let (entries, mistakes) = files::entries(MANUAL);
        assert!(mistakes.is_empty());
        assert_eq!(entries.len(), Table::built_in().names().count());
    }

    #[test]
    fn a_transposed_letter_finds_its_key() {
        assert_eq!(Table::built_in().nearest("master.exec.trheads"), "master.exec.threads");
        assert_eq!(Table::built_in().nearest("server.prot"), "server.port");
        assert_eq!(Table::built_in().nearest("worker.threads"), "worker.exec.threads");
    }

    #[test]
    fn a_key_of_hadoop_is_passed_on_but_a_slip_in_a_known_one_is_not() {
        let table = Table::built_in();
        assert!(table.knows("fs.s3a.path.style.access"));
        assert!(!table.knows("fs.defualtFS"));
    }
}
