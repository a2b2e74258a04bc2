//! Children: what a SUB_PROCESS node begins, and what it takes over from its parent.

use super::run::Run;
use crate::admission::{self, Refusal};
use crate::model::{Command, CommandType, DefinitionId, InstanceId, Property, Time};
use crate::params::{Moment, cure};
use crate::store::{ChildStart, Error, NewInstance, Records};
use std::sync::Arc;

/// What children take over from their parent.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub root: InstanceId,
    pub command: CommandType,
    parent: InstanceId,
    template: Command,
    globals: Arc<Vec<Property>>,
    moment: Moment,
}

impl Family {
    pub fn of(run: &Run) -> Family {
        let loaded = &run.loaded;
        // The kind of the first command: a child of a scheduled run is a scheduled run.
        let first = loaded.history.split(',').next().and_then(|name| name.parse().ok());
        let template = Command {
            kind: first.unwrap_or(CommandType::StartProcess),
            strategy: loaded.strategy,
            warning: loaded.warning,
            warning_group: loaded.warning_group,
            schedule_time: loaded.schedule_time,
            zone: loaded.zone.clone(),
            priority: loaded.priority,
            worker_group: loaded.worker_group,
            ..Command::start(loaded.definition, loaded.executor)
        };
        Family {
            root: loaded.root,
            command: loaded.command,
            parent: loaded.id,
            template,
            globals: run.globals.clone(),
            moment: run.moment,
        }
    }

    /// Describes the child of a SUB_PROCESS node; `None` if it cannot be begun, and the log says why.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn begin(
        &self,
        store: &dyn Records,
        definition: DefinitionId,
        settings: &super::Settings,
        now: Time,
    ) -> Result<Option<ChildStart>, Error> {
        let admitted = match admission::admit(store, definition).await {
            Ok(admitted) => admitted,
            Err(Refusal::Store(error)) => return Err(error),
            Err(refusal) => {
                tracing::warn!(instance = %self.parent, "a sub-process fails before it began: {refusal}");
                return Ok(None);
            }
        };
        let mut globals = admitted.document.global_params.clone();
        // Its own parameters, and those of its parent that it does not define (EasyScheduler 1.1.0).
        let inherited = self.globals.iter().filter(|theirs| !globals.iter().any(|own| own.prop == theirs.prop));
        let inherited: Vec<Property> = inherited.cloned().collect();
        globals.extend(inherited);
        let globals = match cure(&globals, &self.moment) {
            Ok(globals) => globals,
            Err(why) => {
                tracing::warn!(instance = %self.parent, "a sub-process fails before it began: {why}");
                return Ok(None);
            }
        };
        let command = Command { definition, created_at: now, ..self.template.clone() };
        let new = new_instance(command, &admitted, globals, settings, now);
        Ok(Some(ChildStart::New(Box::new(NewInstance { root: Some(self.root), ..new }))))
    }
}

/// How many letters the name of an instance may have (`EasyScheduler 1.0.1: t_escheduler_process_instance.name`).
const LONGEST_NAME: usize = 255;

/// The name of an instance (`EasyScheduler 1.0.1: name, version, milliseconds`); a long one of its definition is cut.
fn name(definition: &str, version: i32, at: Time) -> String {
    let end = format!("-{version}-{}", at.0);
    definition.chars().take(LONGEST_NAME.saturating_sub(end.len())).chain(end.chars()).collect()
}

/// The row of a new instance.
pub(super) fn new_instance(
    command: Command,
    admitted: &admission::Admitted,
    globals: Vec<Property>,
    settings: &super::Settings,
    now: Time,
) -> NewInstance {
    let definition = admitted.definition.clone();
    NewInstance {
        command,
        owner: settings.owner.clone(),
        host: settings.host.clone(),
        name: name(&definition.name, definition.version, now),
        document: definition.document,
        locations: definition.locations,
        connects: definition.connects,
        globals: serde_json::to_string(&globals).unwrap_or_else(|_| "[]".into()),
        timeout_minutes: definition.timeout_minutes,
        tenant_id: definition.tenant_id,
        started_at: now,
        root: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_instance_fits_its_column() {
        assert_eq!(name("daily", 3, Time(1_700_000_000_000)), "daily-3-1700000000000");
        let long = name(&"ä".repeat(255), 12, Time(1_700_000_000_000));
        assert_eq!(long.chars().count(), LONGEST_NAME);
        assert!(long.ends_with("ä-12-1700000000000"));
    }
}
