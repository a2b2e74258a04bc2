//! Why something does not run: one reason, as a code and in words.
//!
//! Asked by people, through the API and in `exec`. The answer is made of what is true when it is asked: the database,
//! and who is there according to the registry. What only one master knows (who has which slot) is not asked for: an
//! attempt without a holder waits for a slot, whoever has them.
//!
//! [`nodes`], [`instance`] and [`start`] are pure: facts in, reasons out. [`Desk`] collects the facts.

mod desk;
mod nodes;
mod reason;
mod starts;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Error, Limits, Pending, Standing};
pub use nodes::{Attempt, InstanceFacts, NodeFacts, NodeReason, instance, nodes};
pub use reason::{Code, Reason};
pub use starts::{Start, start};

/// Who is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crew {
    pub masters: Vec<Fellow>,
    pub workers: Vec<Fellow>,
    /// One process: its worker takes whatever it is given, and lets it wait by itself.
    pub sole: bool,
}

/// A living master or worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fellow {
    pub host: String,
    /// Why its machine takes nothing more on, if so.
    pub overload: Option<String>,
}

/// Why none of these takes anything on, if that is because of the machines: what the first of them says.
fn overload<'a>(fellows: impl IntoIterator<Item = &'a Fellow>) -> Option<String> {
    let mut first = None;
    for fellow in fellows {
        let why = fellow.overload.as_ref()?;
        first.get_or_insert_with(|| format!("{}: {why}", fellow.host));
    }
    first
}

/// `first`, `second` and so many others.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len() {
        more if more > SHOWN => format!("{} and {} others", shown.join(", "), more - SHOWN),
        _ => shown.join(", "),
    }
}
