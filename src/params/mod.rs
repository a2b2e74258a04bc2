//! Global, local and system parameters: what `${name}` and `$[time expression]` stand for in a run.
//!
//! Knows no clock and no environment: the instant that dates are computed from is handed in as a [`Moment`].
//! Masters [`cure`] the globals when an instance is made; workers build a [`Scope`] per task and expand the
//! node's texts with it. The rules are those of `EasyScheduler 1.0.1: parameters and placeholders`, less its
//! accidents; each departure is explained where it is made.

mod arithmetic;
mod dictionary;
mod moment;
mod pattern;
mod placeholder;
#[cfg(test)]
mod tests;
mod time_expression;

pub use moment::Moment;

use crate::model::Property;
use dictionary::Allowance;
use std::collections::{HashMap, HashSet};
use time_expression::Reading;

/// Why a text cannot be expanded. Unknown names and unreadable expressions are no errors: they stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the parameter `{name}` refers to itself: {path}")]
    Circular { name: String, path: String },
    /// A few parameters that double each other would fill any memory.
    #[error("the values of the parameters add more than {} MiB to the text", LONGEST >> 20)]
    TooLong,
}

/// How many bytes of values may go into the texts of one call.
const LONGEST: usize = 16 << 20;

/// Computes the values of globals, once per instance: the result is what `process_instance.global_params` stores.
///
/// Values may use system parameters, one another in any order, and time expressions, anywhere in the text. (The
/// original only looks at values that begin with `$`.) A global overrides the system parameter of its name; of
/// two globals with one name the first counts.
///
/// # Errors
/// A global that needs its own value, and values that grow beyond all bounds.
pub fn cure(globals: &[Property], moment: &Moment) -> Result<Vec<Property>, Error> {
    let globals = first_of_each_name(globals);
    let system = moment.system_parameters();
    let entries: Vec<(&str, &str)> = pairs(&globals).chain(system.iter().map(|(n, v)| (*n, v.as_str()))).collect();
    let mut known = HashMap::new();
    for (index, (name, _)) in entries.iter().enumerate() {
        known.entry(*name).or_insert(index);
    }
    let values = dictionary::resolve(&entries, |_, name| known.get(name).copied(), moment)?;
    Ok(globals.into_iter().zip(values).map(|(global, value)| Property { value, ..global.clone() }).collect())
}

/// What the texts of one node are expanded with: cured globals, overlaid by the node's locals.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Locals in their order, then the globals that no local hides.
    properties: Vec<Property>,
    locals: usize,
    index: HashMap<String, usize>,
    moment: Moment,
}

impl Scope {
    /// Computes the values of a node's parameters.
    ///
    /// A name in a value means the global, else the system parameter, else another local. So a local `x=${x}`
    /// takes the global's value; where there is none it keeps its text, as any unknown name does, because the
    /// shell may know an `x`. (The original fails the task.) Every parameter keeps its declared type.
    ///
    /// # Errors
    /// Locals that need each other's values in a circle, and values that grow beyond all bounds.
    pub fn of_node(globals: &[Property], locals: &[Property], moment: &Moment) -> Result<Scope, Error> {
        let (globals, locals) = (first_of_each_name(globals), first_of_each_name(locals));
        let system = moment.system_parameters();
        let entries: Vec<(&str, &str)> =
            pairs(&locals).chain(pairs(&globals)).chain(system.iter().map(|(n, v)| (*n, v.as_str()))).collect();
        let (mut outer, mut inner) = (HashMap::new(), HashMap::new());
        for (index, (name, _)) in entries.iter().enumerate() {
            let names = if index < locals.len() { &mut inner } else { &mut outer };
            names.entry(*name).or_insert(index);
        }
        let find = |asking: usize, name: &str| {
            [outer.get(name), inner.get(name)].into_iter().flatten().copied().find(|index| *index != asking)
        };
        let values = dictionary::resolve(&entries, find, moment)?;

        let hidden = |property: &Property| inner.contains_key(property.prop.as_str());
        let properties: Vec<Property> = locals
            .iter()
            .chain(&globals)
            .zip(values)
            .enumerate()
            .filter(|(index, (property, _))| *index < locals.len() || !hidden(property))
            .map(|(_, (property, value))| Property { value, ..(*property).clone() })
            .collect();
        let index = properties.iter().enumerate().map(|(index, p)| (p.prop.clone(), index)).collect();
        Ok(Scope { properties, locals: locals.len(), index, moment: *moment })
    }

    /// Expands a node's text: a script, the arguments of a program, a title.
    ///
    /// First `${name}`, then `$[time expression]` with the moment's base. System parameters are not known here;
    /// they are used through a parameter (`dt=${system.biz.date}`). Everything else stays as it is, so that the
    /// shell finds its own `${x:-y}`, `$$`, `$(…)` and `$[i+1]`.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn expand(&self, text: &str) -> Result<String, Error> {
        let mut allowance = Allowance::new(LONGEST);
        let named = placeholder::expand(text, |name| match self.get(name) {
            Some(value) => allowance.spend(value).map(Some),
            None => Ok(None),
        })?;
        Ok(time_expression::expand(&named, &self.moment, Reading::Script).into_owned())
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.property(name).map(|property| property.value.as_str())
    }

    /// A parameter with its type, as SQL binds it.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.index.get(name).and_then(|index| self.properties.get(*index))
    }

    /// Locals in their order, then the globals that no local hides.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The node's own parameters in their order, as PROCEDURE binds them.
    pub fn locals(&self) -> &[Property] {
        &self.properties[..self.locals]
    }
}

fn first_of_each_name(properties: &[Property]) -> Vec<&Property> {
    let mut seen = HashSet::new();
    properties.iter().filter(|property| seen.insert(property.prop.as_str())).collect()
}

fn pairs<'a>(properties: &[&'a Property]) -> impl Iterator<Item = (&'a str, &'a str)> {
    properties.iter().map(|property| (property.prop.as_str(), property.value.as_str()))
}
