//! The Gantt chart of an instance.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::Gantt;
use crate::dag::Dag;
use crate::model::{Document, InstanceId, Time};

/// `instance/view-gantt`
pub async fn view(call: Call) -> Outcome<Gantt> {
    let id = InstanceId(call.form.int("processInstanceId")?);
    let Some(instance) = call.store().full_instance(call.project()?, id).await? else {
        return Err(Code::NO_SUCH_INSTANCE.because(&[&id]));
    };
    let names = in_order(&instance.process_instance_json.unwrap_or_default())?;
    Reply::data(&Gantt::of(names, call.store().tasks_among(&[id]).await?, Time::now()))
}

/// The names of the nodes of a document, each after those that it waits for.
fn in_order(json: &str) -> Result<Vec<String>, Failure> {
    let unreadable = |why: String| Failure::because(format!("the workflow of the instance: {why}"));
    let document = Document::parse(json)
        .map_err(|problems| unreadable(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let dag = Dag::of(&document).map_err(|problem| unreadable(problem.to_string()))?;
    let name = |node: &u32| document.nodes.get(*node as usize).map(|node| node.name.clone());
    Ok(dag.order().iter().filter_map(name).collect())
}
