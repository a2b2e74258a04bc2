//! The texts of alerts (`EasyScheduler 1.1.0: alerts`). All of them are JSON made by a serialiser
//! (`EasyScheduler 1.0.1: known defects D22`).

use super::run::Run;
use crate::dag::NodeIx;
use crate::engine::Alert;
use crate::model::{CommandType, ShowType, State, Time, WarningType};
use crate::store::NewAlert;
use serde_json::{Value, json};

/// The row of an alert, if its instance wants one.
pub(super) fn of(run: &Run, alert: Alert, now: Time) -> Option<NewAlert> {
    match alert {
        Alert::Ended(state) => ended(run, state, now),
        Alert::InstanceTimeout => {
            let what =
                json!({"id": run.id().to_string(), "name": run.loaded.name, "event": "timeout", "warnLevel": "middle"});
            Some(new(run, "Process Timeout Warn", ShowType::Table, json!([what])))
        }
        Alert::TaskTimeout { node } => {
            let (id, name) = (task_id(run, node), &run.nodes[node as usize].name);
            let what = json!({"id": id, "name": name, "event": "timeout", "warnLevel": "middle"});
            Some(new(run, "Task Timeout Warn", ShowType::Table, json!([what])))
        }
        Alert::FaultTolerance { node } => Some(fault_tolerance(run, &[node])),
    }
}

/// One alert for all attempts that were lost in one step.
pub(super) fn fault_tolerance(run: &Run, nodes: &[NodeIx]) -> NewAlert {
    let lost = nodes.iter().map(|node| {
        json!({
            "process name": run.loaded.name,
            "task name": run.nodes[*node as usize].name,
            "host": run.loaded.host,
        })
    });
    new(run, "worker fault tolerance", ShowType::Table, Value::Array(lost.collect()))
}

fn ended(run: &Run, state: State, now: Time) -> Option<NewAlert> {
    let wanted = match run.loaded.warning {
        WarningType::None => false,
        WarningType::All => true,
        WarningType::Success => state == State::Success,
        WarningType::Failure => state.is_failure(),
    };
    if !wanted {
        return None;
    }
    let command = command_name(run.loaded.command);
    Some(match state {
        State::Success => new(run, &format!("{command} success"), ShowType::Text, summary(run, state, now)),
        state if state.is_failure() => new(run, &format!("{command} failed"), ShowType::Table, ill_tasks(run)),
        // Paused and stopped runs had an empty content and could not be sent (known defects D21).
        _ => new(run, &format!("{command} {}", state.name().to_lowercase()), ShowType::Text, summary(run, state, now)),
    })
}

fn summary(run: &Run, state: State, now: Time) -> Value {
    let loaded = &run.loaded;
    let recovery = if loaded.command == CommandType::RecoverFault { "YES" } else { "NO" };
    json!([
        format!("Id:{}", loaded.id),
        format!("Name:{}", loaded.name),
        format!("Job type: {}", command_name(loaded.command)),
        format!("State: {state}"),
        format!("Recovery:{recovery}"),
        format!("Run time: {}", loaded.run_times),
        format!("Start time: {}", text(Some(loaded.started_at)).unwrap_or_default()),
        format!("End time: {}", text(Some(now)).unwrap_or_default()),
        format!("Host: {}", loaded.host),
    ])
}

fn ill_tasks(run: &Run) -> Value {
    let rows = run.ill.iter().map(|(node, ill)| {
        let node = &run.nodes[*node as usize];
        json!({
            "task id": ill.task,
            "task name": node.name,
            "task type": node.kind,
            "task state": ill.state,
            "task start time": text(ill.started_at),
            "task end time": text(ill.ended_at),
            "host": ill.host,
            "log path": ill.log_path,
        })
    });
    Value::Array(rows.collect())
}

fn task_id(run: &Run, node: NodeIx) -> String {
    run.rows.get(&node).map(ToString::to_string).unwrap_or_default()
}

fn text(at: Option<Time>) -> Option<String> {
    let at = chrono::DateTime::from_timestamp_millis(at?.0)?;
    Some(at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn new(run: &Run, title: &str, show_type: ShowType, content: Value) -> NewAlert {
    NewAlert {
        title: title.to_owned(),
        show_type,
        content: content.to_string(),
        group: run.loaded.warning_group,
        receivers: run.loaded.receivers.clone(),
        receivers_cc: run.loaded.receivers_cc.clone(),
    }
}

fn command_name(command: CommandType) -> &'static str {
    match command {
        CommandType::StartProcess => "start process",
        CommandType::StartCurrentTask => "start current task process",
        CommandType::RecoverFault => "recover tolerance fault process",
        CommandType::RecoverSuspended => "recover suspended process",
        CommandType::StartFailure => "start failure task process",
        CommandType::Complement => "complement data",
        CommandType::Scheduler => "scheduler",
        CommandType::Repeat => "repeat running",
        CommandType::Pause => "pause",
        CommandType::Stop => "stop",
        CommandType::RecoverWaitingThread => "recover waiting thread",
    }
}
