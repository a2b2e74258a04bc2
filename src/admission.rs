//! May this definition be started? Asked by the API before it accepts a start, and again by the master
//! when it claims one, so that both say the same.

use crate::engine::Plan;
use crate::model::{DefinitionId, Document, Problem, ReleaseState, TaskDependType};
use crate::store::{self, Definition, Records};

/// A definition that may be started.
pub struct Admitted {
    pub definition: Definition,
    pub document: Document,
}

/// Why a definition cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("process definition {0} does not exist")]
    Missing(DefinitionId),
    #[error("process definition `{name}` is not online")]
    Offline { id: DefinitionId, name: String },
    #[error("the workflow of `{name}` cannot run: {}", list(problems))]
    Document { name: String, problems: Vec<Problem> },
    #[error("this release cannot run every node of `{name}` yet: {}", nodes.join(", "))]
    Unsupported { name: String, nodes: Vec<String> },
    #[error("the author of `{name}` cannot use every resource that it names: {}", complaints(unknown, forbidden))]
    Resources { name: String, unknown: Vec<String>, forbidden: Vec<String> },
    #[error("sub-processes contain each other: {}", names.join(" → "))]
    Circle { names: Vec<String> },
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

fn complaints(unknown: &[String], forbidden: &[String]) -> String {
    let unknown = unknown.iter().map(|resource| format!("there is no `{resource}`"));
    let forbidden = forbidden.iter().map(|resource| format!("`{resource}` is not his, nor was it granted to him"));
    unknown.chain(forbidden).collect::<Vec<_>>().join("; ")
}

/// Checks a definition and everything nested in it. `start_nodes` is the text of `StartNodeNameList`.
///
/// # Errors
/// The first reason found; of one document, all its problems.
pub async fn check(
    store: &dyn Records,
    id: DefinitionId,
    start_nodes: &str,
    depend: TaskDependType,
) -> Result<Admitted, Refusal> {
    check_known(store, known(store, id).await?, start_nodes, depend).await
}

/// The same for a definition that was read already.
///
/// # Errors
/// The first reason found; of one document, all its problems.
pub async fn check_known(
    store: &dyn Records,
    definition: Definition,
    start_nodes: &str,
    depend: TaskDependType,
) -> Result<Admitted, Refusal> {
    let id = definition.id;
    let top = admit_known(store, definition).await?;
    let chosen = Plan::split_names(&top.document, start_nodes);
    Plan::new(&top.document, &chosen, depend)
        .map_err(|problems| Refusal::Document { name: top.definition.name.clone(), problems })?;
    let mut path = vec![(id, top.definition.name.clone(), nested(&top.document))];
    let mut seen = std::collections::HashSet::from([id]);
    // Depth first, so that the path at hand is the circle if a definition on it comes again.
    while let Some((_, _, open)) = path.last_mut() {
        let Some(next) = open.pop() else {
            path.pop();
            continue;
        };
        if let Some(start) = path.iter().position(|(id, ..)| *id == next) {
            let mut names: Vec<String> = path[start..].iter().map(|(_, name, _)| format!("`{name}`")).collect();
            names.extend(names.first().cloned());
            return Err(Refusal::Circle { names });
        }
        if seen.insert(next) {
            let child = admit(store, next).await?;
            path.push((next, child.definition.name, nested(&child.document)));
        }
    }
    Ok(top)
}

/// Checks one definition by itself.
///
/// # Errors
/// It does not exist, is off line, or its workflow cannot run.
pub async fn admit(store: &dyn Records, id: DefinitionId) -> Result<Admitted, Refusal> {
    admit_known(store, known(store, id).await?).await
}

async fn known(store: &dyn Records, id: DefinitionId) -> Result<Definition, Refusal> {
    store.definition(id).await?.ok_or(Refusal::Missing(id))
}

async fn admit_known(store: &dyn Records, definition: Definition) -> Result<Admitted, Refusal> {
    let (id, name) = (definition.id, definition.name.clone());
    if definition.release != ReleaseState::Online {
        return Err(Refusal::Offline { id, name });
    }
    let document = match Document::parse(&definition.document) {
        Ok(document) => document,
        Err(problems) => return Err(Refusal::Document { name, problems }),
    };
    let nodes = document.unsupported();
    if !nodes.is_empty() {
        return Err(Refusal::Unsupported { name, nodes });
    }
    check_resources(store, &definition, &document).await?;
    Ok(Admitted { definition, document })
}

/// Whether the author may use the files that the nodes name. The worker asks again when it copies them.
async fn check_resources(store: &dyn Records, definition: &Definition, document: &Document) -> Result<(), Refusal> {
    let nodes = document.nodes.iter().filter(|node| !node.forbidden);
    let mut names: Vec<String> = nodes.flat_map(|node| node.resources()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let found = store.named_resources(definition.author, names.clone()).await?;
    let (known, unknown): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| found.contains_key(name));
    let is_forbidden = |name: &String| found.get(name).is_some_and(|named| !named.allowed);
    let forbidden: Vec<_> = known.into_iter().filter(is_forbidden).collect();
    match unknown.is_empty() && forbidden.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Resources { name: definition.name.clone(), unknown, forbidden }),
    }
}

fn nested(document: &Document) -> Vec<DefinitionId> {
    let nodes = document.nodes.iter().filter(|node| node.kind == crate::model::TaskType::SubProcess && !node.forbidden);
    nodes.filter_map(|node| node.sub_definition().map(DefinitionId)).collect()
}
