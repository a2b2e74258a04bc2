//! Values that refer to one another, resolved.

use super::time_expression::{self, Reading};
use super::{Error, LONGEST, Moment, placeholder};

/// How many more bytes of values may be inserted.
pub(super) struct Allowance {
    left: usize,
}

impl Allowance {
    pub(super) fn new(bytes: usize) -> Self {
        Allowance { left: bytes }
    }

    /// Hands out a value if it still fits.
    pub(super) fn spend<'v>(&mut self, value: &'v str) -> Result<&'v str, Error> {
        self.left = self.left.checked_sub(value.len()).ok_or(Error::TooLong)?;
        Ok(value)
    }
}

/// Why a text cannot be expanded at once.
enum Stop {
    /// The value of this entry is needed first.
    Needs(usize),
    Fails(Error),
}

/// The value of every entry, given as (name, text). `find(asking, name)` tells which entry a name in the text of
/// the entry `asking` means.
///
/// A text that needs a value not yet known is put aside and begun anew later. Each such restart yields the value
/// it waited for, so there are at most as many restarts as entries; and no chain of parameters, however long,
/// can exhaust the stack.
pub(super) fn resolve(
    entries: &[(&str, &str)],
    find: impl Fn(usize, &str) -> Option<usize>,
    moment: &Moment,
) -> Result<Vec<String>, Error> {
    let mut values: Vec<Option<String>> = vec![None; entries.len()];
    let mut waiting = vec![false; entries.len()];
    let mut left = LONGEST;
    for first in 0..entries.len() {
        let mut path = vec![first];
        while let Some(&entry) = path.last() {
            if values[entry].is_some() {
                path.pop();
                continue;
            }
            waiting[entry] = true;
            let mut allowance = Allowance::new(left);
            let attempt = placeholder::expand(entries[entry].1, |name| {
                let Some(index) = find(entry, name) else { return Ok(None) };
                let value = values[index].as_deref().ok_or(Stop::Needs(index))?;
                allowance.spend(value).map(Some).map_err(Stop::Fails)
            });
            match attempt {
                Ok(text) => {
                    let value = time_expression::expand(&text, moment, Reading::Value).into_owned();
                    left = allowance.left;
                    values[entry] = Some(value);
                    path.pop();
                }
                Err(Stop::Needs(index)) if waiting[index] => return Err(circular(entries, &path, index)),
                Err(Stop::Needs(index)) => path.push(index),
                Err(Stop::Fails(error)) => return Err(error),
            }
        }
    }
    Ok(values.into_iter().flatten().collect())
}

/// More names than this tell nobody more.
const NAMES_SHOWN: usize = 8;

fn circular(entries: &[(&str, &str)], path: &[usize], again: usize) -> Error {
    let name = entries[again].0;
    let circle: Vec<&str> = path.iter().skip_while(|entry| **entry != again).map(|entry| entries[*entry].0).collect();
    let mut names: Vec<&str> = circle.iter().copied().take(NAMES_SHOWN).collect();
    if circle.len() > NAMES_SHOWN {
        names.push("…");
    }
    names.push(name);
    Error::Circular { name: name.to_owned(), path: names.join(" → ") }
}
