//! Process definitions.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::form::Form;
use crate::api::language::Words;
use crate::api::param::{Kind::*, PAGE_NO, PAGE_SIZE, Param, Params, SEARCH, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Definition, Listed};
use crate::dag::Dag;
use crate::model::{DefinitionId, Document, Problem, ProblemKind, ReleaseState, Time, UserId};
use crate::store::{Drawing, Unchanged, Unremoved};

/// The longest name of a definition, in characters.
const NAME_MAX: usize = 255;

const NAME: Param = need("name", Text(NAME_MAX), "The name, unique in its project.");
const DOCUMENT: Param = need("processDefinitionJson", Json, "The workflow: its tasks and global parameters.");
const LOCATIONS: Param = may("locations", Json, "Where the nodes are drawn.");
const CONNECTS: Param = may("connects", Json, "The lines between the nodes.");
const DESC: Param = may("desc", AnyText, "What the workflow is for.");
const PROCESS: Param = need("processId", Int, "The id of the process definition.");
pub const SAVE: Params = &[NAME, DOCUMENT, LOCATIONS, CONNECTS, DESC];
pub const VERIFY: Params = &[need("name", AnyText, "The name to look for.")];
pub const UPDATE: Params =
    &[need("id", Int, "The id of the process definition."), NAME, DOCUMENT, LOCATIONS, CONNECTS, DESC];
pub const RELEASE: Params = &[PROCESS, need("releaseState", Int, "1 takes it on line, 0 takes it off line.")];
pub const SELECT: Params = &[PROCESS];
pub const PAGE: Params = &[
    PAGE_NO,
    PAGE_SIZE,
    SEARCH,
    may("userId", Int, "Only those of this author; empty or 0 means every author.").or(0),
];

pub const ONE: Params = &[need("processDefinitionId", Int, "The id of the process definition.")];
pub const SOME: Params = &[need("processDefinitionIds", Ids, "The ids of the process definitions.")];

/// `process/save`
pub async fn save(call: Call) -> Outcome {
    let mut drawing = drawing(&call.form).await?;
    drawing.locations.get_or_insert_with(|| "{}".to_owned());
    drawing.connects.get_or_insert_with(|| "[]".to_owned());
    let name = drawing.name.clone();
    match call.store().create_definition(call.project()?, call.user()?, drawing).await? {
        Some(_) => Reply::done(),
        None => Err(Code::DEFINITION_EXISTS.refuse(&[&name])),
    }
}

/// `process/verify-name`
pub async fn verify_name(call: Call) -> Outcome {
    let name = call.form.text("name")?;
    match call.store().definition_named(call.project()?, name).await? {
        Some(_) => Err(Code::DEFINITION_EXISTS.refuse(&[&name])),
        None => Reply::done(),
    }
}

/// `process/update`
pub async fn update(call: Call) -> Outcome {
    let id = DefinitionId(call.form.int("id")?);
    let drawing = drawing(&call.form).await?;
    let name = drawing.name.clone();
    match call.store().redraw_definition(call.project()?, id, drawing).await? {
        Ok(()) => Reply::done(),
        Err(Unchanged::Missing) => Err(Code::NO_SUCH_DEFINITION.refuse(&[&id])),
        Err(Unchanged::Online) => Err(Code::IS_ONLINE.refuse(&[&name])),
        Err(Unchanged::NameTaken) => Err(Code::DEFINITION_EXISTS.refuse(&[&name])),
    }
}

/// `process/release`
pub async fn release(call: Call) -> Outcome {
    let id = DefinitionId(call.form.int("processId")?);
    let number = call.form.int("releaseState")?;
    let unknown = || Code::NO_SUCH_DEFINITION.because(&[&id]);
    let state = ReleaseState::from_code(number).ok_or_else(|| {
        let english = format!("releaseState is 0 or 1, not {number}");
        Failure::because(Words::new(english, format!("releaseState 应为 0 或 1，而不是 {number}")))
    })?;
    if state == ReleaseState::Online {
        let definition = call.store().full_definition(call.project()?, id).await?.ok_or_else(unknown)?;
        checked(definition.process_definition_json.unwrap_or_default()).await?;
    }
    match call.store().release_definition(call.project()?, id, state, Time::now()).await? {
        true => Reply::done(),
        false => Err(unknown()),
    }
}

/// `process/select-by-id`
pub async fn select(call: Call) -> Outcome<Definition> {
    let id = DefinitionId(call.form.int("processId")?);
    match call.store().full_definition(call.project()?, id).await? {
        Some(definition) => Reply::data(&Definition::from(definition)),
        None => Err(Code::NO_SUCH_DEFINITION_HERE.refuse(&[&id])),
    }
}

/// `process/list`
pub async fn list(call: Call) -> Outcome<Vec<Definition>> {
    let definitions = call.store().all_definitions(call.project()?).await?;
    Reply::data(&definitions.into_iter().map(Definition::from).collect::<Vec<_>>())
}

/// `process/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Definition>> {
    let part = call.form.page()?;
    let author = Some(call.form.int_or("userId", 0)?).filter(|id| *id != 0).map(UserId);
    let search = call.form.search()?;
    let found = call.store().definitions(call.project()?, search, author, part).await?;
    Reply::data(&Listed::of(found, part, Definition::from))
}

/// `process/delete`
pub async fn delete(call: Call) -> Outcome {
    remove(&call, DefinitionId(call.form.int("processDefinitionId")?)).await?;
    Reply::done()
}

/// `process/batch-delete`: one by one, so that what one of them holds up does not keep the others.
pub async fn delete_some(call: Call) -> Outcome {
    let mut left = Vec::new();
    for id in call.form.ids("processDefinitionIds")? {
        match remove(&call, DefinitionId(id)).await {
            Ok(()) => {}
            Err(failure @ Failure::Store(_)) => return Err(failure),
            Err(_) => left.push(id.to_string()),
        }
    }
    if left.is_empty() { Reply::done() } else { Err(Code::DELETE_DEFINITIONS.refuse(&[&left.join(",")])) }
}

async fn remove(call: &Call, id: DefinitionId) -> Result<(), Failure> {
    let account = call.account()?;
    let parents = call.store().parents_of_definition(id).await?;
    if call.store().release_state(call.project()?, id).await?.is_some() && !parents.is_empty() {
        return Err(Code::STILL_A_SUB_PROCESS.because(&[&id, &parents.join(", ")]));
    }
    match call.store().delete_definition(call.project()?, id, account).await? {
        Ok(()) => Ok(()),
        Err(Unremoved::Missing) => Err(Code::NO_SUCH_DEFINITION.refuse(&[&id])),
        Err(Unremoved::Foreign) => Err(Code::NO_PRIVILEGE.refuse(&[&account.name])),
        Err(Unremoved::Online) => Err(Code::ONLINE_UNDELETED.refuse(&[&id])),
        Err(Unremoved::Scheduled(schedule)) => Err(Code::SCHEDULE_ONLINE_UNDELETED.refuse(&[&schedule])),
        Err(Unremoved::Schedules) => Err(Code::SEVERAL_SCHEDULES.because(&[&id])),
        Err(Unremoved::Live(live)) => Err(Code::STILL_RUNNING.because(&[&live])),
        Err(Unremoved::Pending) => Err(Code::STILL_WANTED.because(&[&id])),
    }
}

/// What was drawn: texts as they came, and what the document says in columns of its own.
async fn drawing(form: &Form) -> Result<Drawing, Failure> {
    let name = form.name("name", NAME_MAX)?.to_owned();
    let json = form.text("processDefinitionJson")?.to_owned();
    let document = checked(json.clone()).await?;
    let globals =
        serde_json::to_string(&document.global_params).map_err(|error| Failure::Generic(error.to_string()))?;
    let json_text = |name, empty: &str| {
        form.given(name).map(|text| if text.trim().is_empty() { empty.to_owned() } else { text.to_owned() })
    };
    Ok(Drawing {
        name,
        document: json,
        globals,
        timeout_minutes: i32::try_from(document.timeout_minutes).unwrap_or(i32::MAX),
        tenant_id: document.tenant_id,
        desc: form.given("desc").map(str::to_owned),
        locations: json_text("locations", "{}"),
        connects: json_text("connects", "[]"),
        at: Time::now(),
    })
}

/// Reads a document, on a blocking thread: one may have thousands of nodes.
pub(super) async fn checked(json: String) -> Result<Document, Failure> {
    let read = tokio::task::spawn_blocking(move || -> Result<_, Vec<Problem>> {
        let document = Document::parse(&json)?;
        Dag::of(&document).map_err(|problem| vec![problem])?;
        Ok(document)
    });
    match read.await {
        Ok(Ok(document)) => Ok(document),
        Ok(Err(problems)) => Err(invalid(&problems)),
        Err(error) => Err(Failure::Generic(error.to_string())),
    }
}

/// The code of the first problem that has one of its own, and the text of all.
fn invalid(problems: &[Problem]) -> Failure {
    let code = |kind| match kind {
        ProblemKind::NotJson => Some(Code::DOCUMENT_NOT_JSON),
        ProblemKind::NoTasks => Some(Code::DOCUMENT_EMPTY),
        ProblemKind::Cycle => Some(Code::DOCUMENT_CYCLE),
        ProblemKind::NodeParams => Some(Code::DOCUMENT_PARAMS),
        ProblemKind::Other => None,
    };
    let texts = problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ");
    match problems.iter().find_map(|problem| code(problem.kind)) {
        Some(code) => code.refuse(&[&texts]),
        None => Failure::invalid("processDefinitionJson", texts),
    }
}
