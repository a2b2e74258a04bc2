//! The environment as the highest layer: `ESCHEDULER_` and the key in capitals.

use std::collections::BTreeMap;

use super::Findings;
use super::layer::Layer;
use super::table::{Table, nearest};

/// What every variable of ours begins with.
const PREFIX: &str = "ESCHEDULER_";

/// What tasks are given; a program started inside a task sees them, and they are no keys.
pub const TASK_VARIABLES: [&str; 4] =
    ["ESCHEDULER_PROCESS_INSTANCE_ID", "ESCHEDULER_TASK_INSTANCE_ID", "ESCHEDULER_TASK_ATTEMPT", "ESCHEDULER_TASK_TAG"];

/// Picks the variables that name a key; others of our prefix are a warning, since container platforms make such names.
pub(super) fn read(env: &BTreeMap<String, String>, table: &Table, found: &mut Findings) -> Layer {
    let variables: BTreeMap<String, &str> = table.names().map(|key| (variable(key), key)).collect();
    let mut layer = Layer::default();
    for (name, value) in env.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        match variables.get(name) {
            Some(key) if is_service_link(key, value) => {
                found.warnings.push(format!("{name} holds the address of a container service and is ignored"));
            }
            Some(key) => layer.set(key, value.clone(), Some(name)),
            None if TASK_VARIABLES.contains(&name.as_str()) => {}
            None => {
                let nearest = closest(name, &variables);
                found.warnings.push(format!("{name} is no known key and is ignored; the nearest is {nearest}"));
            }
        }
    }
    layer
}

/// The variable that sets a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace(['.', '-'], "_").to_uppercase())
}

/// Kubernetes gives `<SERVICE>_PORT=tcp://10.0.0.1:80` to every container; a service named `escheduler-server` would
/// so set our port.
fn is_service_link(key: &str, value: &str) -> bool {
    key.ends_with("port") && ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// The nearest variable. Keys that begin with `escheduler.` carry that word twice, which is easily forgotten.
fn closest<'v>(name: &str, variables: &'v BTreeMap<String, &str>) -> &'v str {
    let doubled = name.replacen(PREFIX, &format!("{PREFIX}{PREFIX}"), 1);
    if let Some((name, _)) = variables.get_key_value(&doubled) {
        return name;
    }
    nearest(name, variables.keys().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_variable_of_its_own() {
        let table = Table::built_in();
        let variables: std::collections::BTreeSet<String> = table.names().map(variable).collect();
        assert_eq!(variables.len(), table.names().count());
        assert!(TASK_VARIABLES.iter().all(|name| !variables.contains(*name)));
    }
}
