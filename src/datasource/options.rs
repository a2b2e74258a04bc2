//! The further options of a connection: `k=v` texts, joined by the sign that the driver of the original expects.

use super::Misfit;
use crate::model::DbType;
use serde_json::{Map, Value};

/// Options in the order in which they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(Vec<(String, String)>);

impl Options {
    /// Reads the request parameter: a JSON object of plain values, or nothing.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(text: &str, kind: DbType) -> Result<Options, Misfit> {
        if text.trim().is_empty() {
            return Ok(Options::default());
        }
        let object: Map<String, Value> = serde_json::from_str(text).map_err(|_| Misfit::NoObject)?;
        object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| option(name, value, kind))
            .collect()
    }

    /// Reads what [`Options::text`] has written.
    pub fn split(text: &str, kind: DbType) -> Options {
        let parts = text.split(separator(kind)).filter(|part| !part.trim().is_empty());
        Options(
            parts
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// As the document holds them; `None` if there are none.
    pub fn text(&self, kind: DbType) -> Option<String> {
        let texts: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!texts.is_empty()).then(|| texts.join(separator(kind)))
    }

    /// As the edit form wants them.
    pub fn object(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
    }

    /// The value of an option, whatever the case of its name.
    pub fn get(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    }
}

impl FromIterator<(String, String)> for Options {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(options: T) -> Self {
        Options(options.into_iter().collect())
    }
}

fn option(name: String, value: Value, kind: DbType) -> Result<(String, String), Misfit> {
    let text = match value {
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return Err(Misfit::NoText(name)),
    };
    let separator = separator(kind);
    let strange = |text: &str| text.contains(separator) || text.contains(char::is_control);
    if name.trim().is_empty() || name.contains('=') || strange(&name) || strange(&text) {
        return Err(Misfit::Unwritable { name, separator });
    }
    Ok((name.trim().to_owned(), text))
}

fn separator(kind: DbType) -> &'static str {
    match kind {
        DbType::Mysql | DbType::Postgresql | DbType::Clickhouse | DbType::Oracle => "&",
        DbType::Hive | DbType::Spark | DbType::Sqlserver => ";",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_joined_as_the_driver_wants_and_come_back() {
        let typed = r#"{"useUnicode":"true","retries":3,"ssl":false,"gone":null}"#;
        for (kind, text) in [
            (DbType::Mysql, "useUnicode=true&retries=3&ssl=false"),
            (DbType::Spark, "useUnicode=true;retries=3;ssl=false"),
            (DbType::Sqlserver, "useUnicode=true;retries=3;ssl=false"),
        ] {
            let options = Options::parse(typed, kind).unwrap();
            assert_eq!(options.text(kind).as_deref(), Some(text));
            assert_eq!(Options::split(text, kind), options);
            assert_eq!(options.get("USEUNICODE"), Some("true"));
        }
        for nothing in ["", " ", "{}"] {
            let options = Options::parse(nothing, DbType::Mysql).unwrap();
            assert_eq!((options.text(DbType::Mysql), options.object().len()), (None, 0));
        }
    }

    #[test]
    fn what_cannot_be_joined_is_refused() {
        for text in ["[]", "x", r#"{"a":{}}"#, r#"{"a":"1&b=2"}"#, r#"{"a=b":"1"}"#, r#"{"":"1"}"#, "{\"a\":\"\\n\"}"] {
            assert!(Options::parse(text, DbType::Mysql).is_err(), "{text}");
        }
        assert!(Options::parse(r#"{"a":"1&2"}"#, DbType::Hive).is_ok());
    }
}
