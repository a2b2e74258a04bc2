//! Turns texts into types, and notes what does not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::table::{Kind, Table};
use super::{BUILT_IN, Mistake, Value, show, units};

/// Reads keys one by one. A value that does not fit is noted and replaced, so that the reading goes on to the next.
pub(super) struct Reader<'v> {
    values: &'v BTreeMap<String, Value>,
    asked: BTreeSet<String>,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'v> Reader<'v> {
    pub(super) fn new(values: &'v BTreeMap<String, Value>) -> Self {
        Reader { values, asked: BTreeSet::new(), mistakes: Vec::new() }
    }

    /// Reads a key by the given rule.
    pub(super) fn read<T>(&mut self, key: &str, rule: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.asked.insert(key.to_owned());
        let Some(value) = self.values.get(key) else {
            self.mistakes.push(Mistake::new(BUILT_IN, format!("{key} is missing from the built-in table")));
            return None;
        };
        rule(&value.text).map_err(|what| self.wrong(key, &what)).ok()
    }

    /// Where the value of a key comes from.
    pub(super) fn source(&self, key: &str) -> &str {
        self.values.get(key).map_or(BUILT_IN, |value| &value.source)
    }

    /// Notes that the value of a key is wrong.
    pub(super) fn wrong(&mut self, key: &str, what: &str) {
        let place = self.values.get(key).map_or(BUILT_IN, |value| &value.source);
        let what = if show::is_secret(key) { "the value does not fit" } else { what };
        self.mistakes.push(Mistake::new(place, format!("{key}: {what}")));
    }

    /// Notes what is wrong with a secret, in words that do not hold it.
    pub(super) fn wrong_secret(&mut self, key: &str, what: &'static str) {
        let place = self.values.get(key).map_or(BUILT_IN, |value| &value.source);
        self.mistakes.push(Mistake::new(place, format!("{key}: {what}")));
    }

    /// Notes that two keys must not be alike, at the one that somebody has set.
    pub(super) fn clash(&mut self, key: &str, other: &str) {
        let set = |key: &str| self.values.get(key).is_some_and(|value| value.source != BUILT_IN);
        let (key, other) = if set(key) { (key, other) } else { (other, key) };
        self.wrong(key, &format!("must not be the folder of {other}"));
    }

    pub(super) fn text(&mut self, key: &str) -> String {
        self.read(key, |text| Ok(text.to_owned())).unwrap_or_default()
    }

    pub(super) fn flag(&mut self, key: &str) -> bool {
        self.read(key, flag).unwrap_or_default()
    }

    /// A number of things, at least one.
    pub(super) fn count(&mut self, key: &str) -> usize {
        self.read(key, |text| match whole(text)? {
            0 => Err("must be at least 1".to_owned()),
            count => usize::try_from(count).map_err(|_| format!("{count} is too large")),
        })
        .unwrap_or_default()
    }

    /// A number that is not negative.
    pub(super) fn number(&mut self, key: &str) -> f64 {
        self.read(key, number).unwrap_or_default()
    }

    /// A whole number, zero included.
    pub(super) fn whole(&mut self, key: &str) -> usize {
        self.read(key, |text| usize::try_from(whole(text)?).map_err(|_| format!("{text} is too large")))
            .unwrap_or_default()
    }

    pub(super) fn duration(&mut self, key: &str) -> Duration {
        self.read(key, units::duration).unwrap_or_default()
    }

    /// A duration that the original writes as a bare number of seconds; never zero.
    pub(super) fn seconds(&mut self, key: &str) -> Duration {
        self.read(key, |text| match units::seconds(text)? {
            Duration::ZERO => Err("must be longer than nothing".to_owned()),
            duration => Ok(duration),
        })
        .unwrap_or_default()
    }

    /// A duration that the original writes as a bare number of milliseconds.
    pub(super) fn millis(&mut self, key: &str) -> Duration {
        self.read(key, |text| match text.parse() {
            Ok(millis) => Ok(Duration::from_millis(millis)),
            Err(_) => units::duration(text),
        })
        .unwrap_or_default()
    }

    pub(super) fn size(&mut self, key: &str) -> u64 {
        self.read(key, |text| match units::size(text)? {
            0 => Err("must be at least 1 byte".to_owned()),
            size => Ok(size),
        })
        .unwrap_or_default()
    }

    pub(super) fn port(&mut self, key: &str) -> u16 {
        self.read(key, |text| text.parse().map_err(|_| format!("{} is no port; ports go from 0 to 65535", quote(text))))
            .unwrap_or_default()
    }

    pub(super) fn address(&mut self, key: &str) -> IpAddr {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.read(key, |text| match text {
            "localhost" => Ok(localhost),
            _ => text.parse().map_err(|_| format!("{} is no IP address such as 127.0.0.1 or 0.0.0.0", quote(text))),
        })
        .unwrap_or(localhost)
    }

    pub(super) fn path(&mut self, key: &str) -> PathBuf {
        self.read(key, absolute).unwrap_or_default()
    }

    /// A path that may be left out.
    pub(super) fn path_if_set(&mut self, key: &str) -> Option<PathBuf> {
        self.read(key, |text| if text.is_empty() { Ok(None) } else { absolute(text).map(Some) }).flatten()
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        self.read(key, |text| {
            let chosen = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
            chosen.map(|(_, choice)| *choice).ok_or_else(|| {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                format!("{} is none of {}", quote(text), words.join(", "))
            })
        })
    }

    /// Checks the keys that no section has asked for against the kind of their default.
    pub(super) fn check_the_rest(&mut self, table: &Table) {
        let rest: Vec<&String> = self.values.keys().filter(|key| !self.asked.contains(*key)).collect();
        for key in rest {
            self.read(key, |text| match table.kind(key) {
                Kind::Flag => flag(text).map(drop),
                Kind::Whole => whole(text).map(drop),
                Kind::Number => number(text).map(drop),
                Kind::Duration => units::duration(text).map(drop),
                Kind::Size => units::size(text).map(drop),
                Kind::Text => Ok(()),
            });
        }
    }
}

/// A value inside quotes, as messages show it.
pub(super) fn quote(text: &str) -> String {
    format!("{text:?}")
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("{} is neither true nor false", quote(text))),
    }
}

fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{} is no whole number", quote(text)))
}

fn number(text: &str) -> Result<f64, String> {
    match f64::from_str(text) {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err(format!("{} is no number", quote(text))),
    }
}

fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    if text.contains("${") {
        return Err(format!("{} holds a place-holder that is not known here", quote(text)));
    }
    if !path.is_absolute() {
        return Err(format!("{} is no absolute path", quote(text)));
    }
    // Rebuilt from its components, so that /a//b/ and /a/b are one folder.
    Ok(path.components().collect())
}
