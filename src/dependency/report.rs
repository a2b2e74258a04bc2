//! What is kept, and shown, of how a DEPENDENT node stands.

use super::Verdict;
use crate::model::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the items of an attempt stand: kept with the attempt, so that it outlives the master that has looked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Why nothing can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    #[serde(default)]
    pub items: Vec<ItemReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemReport {
    /// See [`Item::key`](super::Item::key).
    pub key: String,
    pub result: Verdict,
    /// What was found, in words.
    pub text: String,
    /// When it was found to be so.
    pub at: Time,
}

impl Report {
    pub fn read(text: &str) -> Option<Report> {
        serde_json::from_str(text).ok()
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The results by key, as the API shows them.
    pub fn results(&self) -> BTreeMap<&str, Verdict> {
        self.items.iter().map(|item| (item.key.as_str(), item.result)).collect()
    }

    /// What keeps the node waiting, in words.
    pub fn open(&self) -> impl Iterator<Item = &ItemReport> {
        self.items.iter().filter(|item| item.result == Verdict::Waiting)
    }
}
