//! The parameters that an instance runs with.

use crate::api::Compat;
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::reply::{Outcome, Reply};
use crate::api::shapes::Variables;
use crate::model::{Document, InstanceId, Node, Property, Time};
use crate::params::{Moment, Scope};
use crate::store::InstanceHead;
use chrono_tz::Tz;
use serde_json::{Value, json};

/// `instance/view-variables`: with the values that tasks of the instance get to see.
pub async fn view(call: Call) -> Outcome<Variables> {
    let id = InstanceId(call.form.int("processInstanceId")?);
    let Some(instance) = call.store().full_instance(call.project()?, id).await? else {
        return Err(Code::NO_SUCH_INSTANCE.because(&[&id]));
    };
    let globals = instance.head.global_params.as_deref().unwrap_or_default();
    let global_params: Vec<Property> = serde_json::from_str(globals).unwrap_or_default();
    let moment = moment(&instance.head, call.shared.settings.zone);
    let document = Document::parse(&instance.process_instance_json.unwrap_or_default());
    let nodes = document.map(|document| document.nodes).unwrap_or_default();
    let local_params = nodes
        .iter()
        .filter_map(|node| {
            let locals = resolved(&global_params, node, &moment);
            (!locals.is_empty()).then(|| (node.name.clone(), shaped(call.compat(), node, &locals)))
        })
        .collect();
    Reply::data(&Variables { global_params, local_params })
}

/// The instant that dates are computed from, as the master takes it.
pub(super) fn moment(instance: &InstanceHead, zone: Tz) -> Moment {
    let history = instance.history_cmd.as_deref().unwrap_or_default();
    let started = instance.start_time.unwrap_or_else(Time::now);
    Moment::of_history(history, instance.schedule_time, started, instance.timezone_id.as_deref(), zone)
}

/// The node's own parameters; as they are written if they need each other in a circle.
fn resolved(globals: &[Property], node: &Node, moment: &Moment) -> Vec<Property> {
    let locals = node.local_params();
    match Scope::of_node(globals, &locals, moment) {
        Ok(scope) => scope.locals().to_vec(),
        Err(_) => locals,
    }
}

/// The releases disagree, and no answer suits both.
fn shaped(compat: Compat, node: &Node, locals: &[Property]) -> Value {
    match compat {
        Compat::V1_0 => json!(locals),
        Compat::V1_1 => json!({"taskType": node.kind.name(), "localParamsList": locals}),
    }
}
