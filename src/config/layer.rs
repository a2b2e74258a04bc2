//! One source of values, ready to be laid over another.

use ::config::{ConfigError, Map, Source, ValueKind};

use super::{BUILT_IN, Value};

/// The values of one file, of the environment, or of the built-in table, under flat keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    values: Map<String, ::config::Value>,
}

impl Layer {
    /// Sets a key; `place` is remembered as its source, none for a built-in value.
    pub(super) fn set(&mut self, key: &str, text: String, place: Option<&str>) {
        let place = place.map(str::to_owned);
        self.values.insert(key.to_owned(), ::config::Value::new(place.as_ref(), text));
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, ::config::Value>, ConfigError> {
        Ok(self.values.clone())
    }

    /// Keeps keys flat: the usual way reads a dotted key as a path of tables, in which
    /// `zookeeper.escheduler.lock.masters` cannot be both a value and the prefix of another key.
    fn collect_to(&self, cache: &mut ::config::Value) -> Result<(), ConfigError> {
        if !matches!(cache.kind, ValueKind::Table(_)) {
            cache.kind = ValueKind::Table(Map::new());
        }
        if let ValueKind::Table(flat) = &mut cache.kind {
            flat.extend(self.values.clone());
        }
        Ok(())
    }
}

/// The text and the source of a merged value.
pub(super) fn unwrap(value: ::config::Value) -> Value {
    let source = value.origin().unwrap_or(BUILT_IN).to_owned();
    Value { text: value.into_string().unwrap_or_default(), source }
}
