//! Why something does not run; beyond the original.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, Params, may};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::Why;
use crate::model::{DefinitionId, InstanceId};
use crate::why::{Desk, Error};

pub const ASK: Params = &[
    may("processInstanceId", Int, "The id of the process instance that does not get on.").or(0),
    may("processDefinitionId", Int, "Instead of that, the id of the process definition of which nothing begins.").or(0),
];

/// `instance/why`
pub async fn ask(call: Call) -> Outcome<Why> {
    let shared = &call.shared;
    let desk = Desk { store: call.store(), muster: &*shared.muster, limits: shared.settings.limits };
    let given = |name| Ok::<_, Failure>(Some(call.form.int_or(name, 0)?).filter(|id| *id != 0));
    match (given("processInstanceId")?, given("processDefinitionId")?) {
        (Some(id), None) => of_instance(&call, &desk, InstanceId(id)).await,
        (None, Some(id)) => of_definition(&call, &desk, DefinitionId(id)).await,
        _ => Err(Failure::invalid("processInstanceId", "name either an instance or a definition")),
    }
}

async fn of_instance(call: &Call, desk: &Desk<'_>, id: InstanceId) -> Outcome<Why> {
    let known = call.store().state_in(call.project()?, id).await?;
    known.ok_or_else(|| Code::NO_SUCH_INSTANCE.refuse(&[&id]))?;
    Reply::data(&Why::of_instance(id, desk.instance(id).await?))
}

async fn of_definition(call: &Call, desk: &Desk<'_>, id: DefinitionId) -> Outcome<Why> {
    let known = call.store().full_definition(call.project()?, id).await?;
    known.ok_or_else(|| Code::NO_SUCH_DEFINITION.refuse(&[&id]))?;
    Reply::data(&Why::of_definition(id, desk.definition(id).await?))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Store(error) => error.into(),
            Error::Registry(error) => error.into(),
            Error::Document(_) => Failure::because(error.to_string()),
        }
    }
}
