//! Wishes: start a definition, stop, pause, repeat or recover an instance. Each becomes a command row.

use crate::admission::{self, Refusal};
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::form::Form;
use crate::api::param::{Kind::*, Param, Params, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::routes::backfills;
use crate::api::shapes::Receivers;
use crate::model::{
    Command, CommandType, DefinitionId, ExecuteType, FailureStrategy, InstanceId, Priority, ReleaseState, State,
    TaskDependType, Time, WarningType, param,
};
use crate::store::Target;

/// Seconds that the time-out of a start may have.
const TIMEOUTS: std::ops::RangeInclusive<i32> = 1..=86_400;

const DEFINITION: Param = need("processDefinitionId", Int, "The id of the process definition.");
pub const START: Params = &[
    DEFINITION,
    need("failureStrategy", OneOf(FailureStrategy::NAMES), "Whether the other tasks go on when one has failed."),
    need("warningType", OneOf(WarningType::NAMES), "At which ends an alert is sent."),
    may("warningGroupId", Int, "The id of the alert group; empty or 0 means none.").or(0),
    may("startNodeList", AnyText, "The names of the tasks to start from, with commas between them."),
    may("taskDependType", OneOf(TaskDependType::NAMES), "Whether what comes before or after those tasks runs too."),
    may("execType", OneOf(CommandType::NAMES), "The kind of start; empty means START_PROCESS."),
    may("receivers", AnyText, "Mail addresses that are told, with commas between them."),
    may("receiversCc", AnyText, "Mail addresses that get a copy, with commas between them."),
    may("processInstancePriority", OneOf(Priority::NAMES), "Which instances go first when not all can run."),
    may("workerGroupId", Int, "The id of the worker group; -1 means every worker.").or(-1),
    may("timeout", Int, "After how many seconds an alert is sent, 1 to 86400.").or(*TIMEOUTS.end()),
    backfills::RANGE,
    backfills::MODE,
    backfills::PARALLELISM,
    backfills::ORDER,
];
pub const EXECUTE: Params = &[
    need("processInstanceId", Int, "The id of the process instance."),
    need("executeType", OneOf(ExecuteType::NAMES), "What is to happen to it."),
];
pub const CHECK: Params = &[DEFINITION];
pub const RECEIVERS: Params = &[
    may("processDefinitionId", Int, "The id of the process definition.").or(0),
    may("processInstanceId", Int, "The id of one of its instances, if no definition is named.").or(0),
];

/// `executors/start-process-instance`
pub async fn start(call: Call) -> Outcome {
    let form = &call.form;
    if !TIMEOUTS.contains(&form.int_or("timeout", *TIMEOUTS.end())?) {
        return Err(Code::TASK_TIMEOUT.refuse(&[]));
    }
    let command = command(&call)?;
    let kind = form.any_of("execType")?.unwrap_or(CommandType::StartProcess);
    if !matches!(kind, CommandType::StartProcess | CommandType::StartCurrentTask | CommandType::Complement) {
        return Err(Failure::because(format!("execType {kind} does not start a definition")));
    }
    let command = Command { kind, ..command };
    let start_nodes = form.filled("startNodeList").unwrap_or_default();
    match call.store().release_state(call.project()?, command.definition).await? {
        None => return Err(Code::NO_SUCH_DEFINITION.refuse(&[&command.definition])),
        Some(ReleaseState::Offline) => return Err(Code::NOT_ONLINE.refuse(&[&command.definition])),
        Some(ReleaseState::Online) => {}
    }
    admission::check(call.store(), command.definition, start_nodes, command.depend).await.map_err(refused)?;
    let definition = command.definition;
    let mails = ["receivers", "receiversCc"].map(|name| form.given(name).map(str::to_owned));
    if kind == CommandType::Complement {
        return backfills::start(&call, command, mails).await;
    }
    let [receivers, receivers_cc] = mails;
    match call.store().order_start(command, receivers, receivers_cc).await? {
        Some(_) => {
            call.wake_masters();
            Reply::done()
        }
        None => Err(Code::NOT_ONLINE.refuse(&[&definition])),
    }
}

fn command(call: &Call) -> Result<Command, Failure> {
    let form = &call.form;
    Ok(Command {
        strategy: form.one_of("failureStrategy")?,
        warning: form.one_of("warningType")?,
        warning_group: form.int_or("warningGroupId", 0)?,
        depend: form.any_of("taskDependType")?.unwrap_or(TaskDependType::Post),
        priority: form.any_of("processInstancePriority")?.unwrap_or(Priority::Medium),
        worker_group: form.int_or("workerGroupId", -1)?,
        param: parameters(form),
        created_at: Time::now(),
        ..Command::start(DefinitionId(form.int("processDefinitionId")?), call.user()?)
    })
}

/// `command_param`: the nodes to start from, if there are any.
fn parameters(form: &Form) -> String {
    match form.filled("startNodeList") {
        Some(names) => serde_json::json!({ param::START_NODES: names }).to_string(),
        None => "{}".to_owned(),
    }
}

pub(super) fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Missing(id) => Code::NO_SUCH_DEFINITION.refuse(&[&id]),
        Refusal::Offline { ref name, .. } => Code::NOT_ONLINE.refuse(&[name]),
        Refusal::Resources { unknown, .. } if !unknown.is_empty() => {
            Code::NO_SUCH_RESOURCE.refuse(&[&unknown.join(", ")])
        }
        Refusal::Resources { forbidden, .. } => Code::NO_RESOURCE_RIGHT.refuse(&[&forbidden.join(", ")]),
        Refusal::Document { .. } | Refusal::Unsupported { .. } | Refusal::Circle { .. } => {
            Failure::because(refusal.to_string())
        }
        Refusal::Store(error) => error.into(),
    }
}

/// `executors/start-check`
pub async fn check(call: Call) -> Outcome {
    let id = DefinitionId(call.form.int("processDefinitionId")?);
    admission::check(call.store(), id, "", TaskDependType::Post).await.map_err(refused)?;
    Reply::done()
}

/// `executors/get-receiver-cc`
pub async fn receivers(call: Call) -> Outcome<Receivers> {
    let form = &call.form;
    let definition = match form.int_or("processDefinitionId", 0)? {
        0 => {
            let instance = InstanceId(form.int_or("processInstanceId", 0)?);
            call.store()
                .full_instance(call.project()?, instance)
                .await?
                .and_then(|full| full.head.process_definition_id)
        }
        id => Some(id),
    };
    let id = DefinitionId(definition.unwrap_or_default());
    match call.store().definition(id).await? {
        Some(found) => Reply::data(&Receivers { receivers: found.receivers, receivers_cc: found.receivers_cc }),
        None => Err(Code::NO_SUCH_DEFINITION.because(&[&id])),
    }
}

/// `executors/execute`
pub async fn execute(call: Call) -> Outcome {
    let id = InstanceId(call.form.int("processInstanceId")?);
    let wish: ExecuteType = call.form.one_of("executeType")?;
    let (project, user) = (call.project()?, call.user()?);
    let unknown = || Code::NO_SUCH_INSTANCE.refuse(&[&id]);
    let decided = call.store().order_about(project, id, user, move |target| {
        decide(wish, target).map_err(|denial| (denial, target.state, target.definition))
    });
    match decided.await?.ok_or_else(unknown)? {
        Ok(()) => {
            call.wake_masters();
            Reply::done()
        }
        Err((denial, state, definition)) => Err(match denial {
            Denial::Definition => Code::NO_SUCH_DEFINITION.refuse(&[&definition]),
            Denial::Offline => Code::NOT_ONLINE.refuse(&[&definition]),
            Denial::State => Code::STATE_FORBIDS.refuse(&[&id, &state, &wish]),
            Denial::Already => Code::ALREADY.refuse(&[&id, &State::ReadyPause]),
            Denial::Pending => Code::PENDING.refuse(&[&id]),
        }),
    }
}

/// Why a wish about an instance makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    Definition,
    Offline,
    State,
    Already,
    Pending,
}

/// The command that fulfils the wish; none if the same one is under way.
fn decide(wish: ExecuteType, target: &Target) -> Result<Option<CommandType>, Denial> {
    let state = target.state;
    let awaits = |kind| target.pending.contains(&kind);
    match wish {
        ExecuteType::None => Err(Denial::State),
        ExecuteType::Pause if state == State::ReadyPause || awaits(CommandType::Pause) => Err(Denial::Already),
        ExecuteType::Pause if !state.is_running() => Err(Denial::State),
        ExecuteType::Pause if !target.pending.is_empty() => Err(Denial::Pending),
        ExecuteType::Pause => Ok(Some(CommandType::Pause)),
        // Stopping once more, while it stops, is a wish of its own: do not wait for the tasks any longer.
        ExecuteType::Stop if !state.is_running() && !matches!(state, State::ReadyPause | State::ReadyStop) => {
            Err(Denial::State)
        }
        ExecuteType::Stop => Ok((!awaits(CommandType::Stop)).then_some(CommandType::Stop)),
        ExecuteType::Repeat => again(CommandType::Repeat, state.is_finished(), target),
        ExecuteType::RecoverSuspended => {
            let suspended = matches!(state, State::Pause | State::Stop | State::Kill);
            again(CommandType::RecoverSuspended, suspended, target)
        }
        ExecuteType::StartFailure => again(CommandType::StartFailure, state.is_failure(), target),
    }
}

/// A wish to run an ended instance again.
fn again(kind: CommandType, state_allows: bool, target: &Target) -> Result<Option<CommandType>, Denial> {
    match target.release {
        None => Err(Denial::Definition),
        Some(ReleaseState::Offline) => Err(Denial::Offline),
        Some(ReleaseState::Online) if !state_allows => Err(Denial::State),
        Some(ReleaseState::Online) if !target.pending.is_empty() => Err(Denial::Pending),
        Some(ReleaseState::Online) => Ok(Some(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(state: State, pending: &[CommandType]) -> Target {
        Target { state, definition: DefinitionId(1), release: Some(ReleaseState::Online), pending: pending.to_vec() }
    }

    #[test]
    fn each_wish_is_granted_in_its_states_only() {
        let granted = |wish| {
            let allows = |state: &&State| decide(wish, &target(**state, &[])).is_ok();
            State::ALL.iter().filter(allows).map(|state| state.name()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(granted(ExecuteType::None), "");
        assert_eq!(granted(ExecuteType::Pause), "RUNNING_EXEUTION WAITTING_DEPEND");
        assert_eq!(granted(ExecuteType::Stop), "RUNNING_EXEUTION READY_PAUSE READY_STOP WAITTING_DEPEND");
        assert_eq!(
            granted(ExecuteType::Repeat),
            "PAUSE STOP FAILURE SUCCESS NEED_FAULT_TOLERANCE KILL WAITTING_THREAD"
        );
        assert_eq!(granted(ExecuteType::RecoverSuspended), "PAUSE STOP KILL");
        assert_eq!(granted(ExecuteType::StartFailure), "FAILURE NEED_FAULT_TOLERANCE");
    }

    #[test]
    fn what_is_pending_already_is_not_wished_twice() {
        use CommandType::{Pause, Repeat, Stop};
        let running = |wish, pending: &[CommandType]| decide(wish, &target(State::Running, pending));
        assert_eq!(running(ExecuteType::Pause, &[Pause]), Err(Denial::Already));
        assert_eq!(running(ExecuteType::Pause, &[Stop]), Err(Denial::Pending));
        assert_eq!(running(ExecuteType::Stop, &[Pause]), Ok(Some(Stop)));
        assert_eq!(running(ExecuteType::Stop, &[Stop]), Ok(None));
        assert_eq!(decide(ExecuteType::Pause, &target(State::ReadyPause, &[])), Err(Denial::Already));
        for wish in [ExecuteType::Repeat, ExecuteType::StartFailure] {
            assert_eq!(decide(wish, &target(State::Failure, &[Repeat])), Err(Denial::Pending));
        }
    }

    #[test]
    fn only_running_again_needs_the_definition() {
        for (release, denial) in [(None, Denial::Definition), (Some(ReleaseState::Offline), Denial::Offline)] {
            let gone = |state| Target { release, ..target(state, &[]) };
            assert_eq!(decide(ExecuteType::Repeat, &gone(State::Success)), Err(denial));
            assert!(decide(ExecuteType::Pause, &gone(State::Running)).is_ok());
            assert!(decide(ExecuteType::Stop, &gone(State::Running)).is_ok());
        }
    }
}
