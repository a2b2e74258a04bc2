//! What was under way when the old masters were stopped.
//!
//! Nobody can tell whether a process that an old worker has started still runs, or on which machine. So nothing is
//! started by itself: a run that was under way is ended as FAILURE, its unfinished nodes as NEED_FAULT_TOLERANCE, and
//! its operator has it recovered, once no process of it is left. What waits to be started waits on, except for
//! commands about such runs, and those that begin a child for one: they go to the error table, with the reason.

use super::own::for_ids;
use super::session::{Session, quote};
use super::{Error, Work};
use std::collections::BTreeSet;

/// SUBMITTED_SUCCESS, RUNNING_EXEUTION, READY_PAUSE, READY_STOP, WAITTING_DEPEND.
const UNFINISHED: &str = "0, 1, 2, 4, 11";
const WAITING_THREAD: i32 = 10;
/// RECOVER_TOLERANCE_FAULT_PROCESS: a master takes over what another one was driving when it died.
const FAILOVER: i32 = 2;
const FAILURE: i32 = 6;
const NEED_FAULT_TOLERANCE: i32 = 8;

/// A run that was under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The number of the process instance.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Nodes that a worker had begun, with its address.
    pub nodes: Vec<String>,
}

/// A command that cannot be carried out any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its number.
    pub id: i64,
    /// Why.
    pub reason: String,
}

/// What is found under way.
#[derive(Default)]
pub(super) struct Found {
    pub runs: Vec<Run>,
    pub refused: Vec<Refused>,
    /// Commands, and the instances that they are about.
    about: Vec<(i64, i64)>,
}

/// Looks, and changes nothing.
pub(super) async fn find(session: &mut Session<'_>) -> Result<Found, Error> {
    let unfinished_task = format!(
        "SELECT 1 FROM t_escheduler_task_instance t \
         WHERE t.process_instance_id = p.id AND t.flag = 1 AND t.state IN ({UNFINISHED})"
    );
    let sql = format!(
        "SELECT p.id, p.name FROM t_escheduler_process_instance p WHERE p.state IN ({UNFINISHED}) \
         OR (p.state = {WAITING_THREAD} AND EXISTS ({unfinished_task})) ORDER BY p.id"
    );
    let mut found = Found::default();
    for [id, name] in session.texts(&sql).await? {
        found.runs.push(Run { id: id.parse().unwrap_or_default(), name, nodes: Vec::new() });
    }
    nodes(session, &mut found.runs, &format!("state IN ({UNFINISHED})")).await?;
    let families = families(session, found.runs.iter().map(|run| run.id).collect()).await?;
    let sql = "SELECT id, command_type, command_param FROM t_escheduler_command ORDER BY id";
    for [id, kind, param] in session.texts(sql).await? {
        let (id, kind) = (id.parse().unwrap_or_default(), kind.parse().unwrap_or_default());
        match judge(kind, &param, &families) {
            Verdict::Start => {}
            Verdict::About(instance) => found.about.push((id, instance)),
            Verdict::Refuse(reason) => found.refused.push(Refused { id, reason }),
        }
    }
    Ok(found)
}

/// These runs and their children, also those that have ended: a recovery of the parent begins them again.
async fn families(session: &mut Session<'_>, live: BTreeSet<i64>) -> Result<BTreeSet<i64>, Error> {
    let mut families = live.clone();
    let mut parents: Vec<i64> = live.into_iter().collect();
    while !parents.is_empty() {
        let mut children = Vec::new();
        for piece in parents.chunks(1000) {
            let ids: Vec<_> = piece.iter().map(i64::to_string).collect();
            let sql = format!(
                "SELECT process_instance_id FROM t_escheduler_relation_process_instance \
                 WHERE process_instance_id > 0 AND parent_process_instance_id IN ({})",
                ids.join(", ")
            );
            children.extend(session.texts(&sql).await?.iter().filter_map(|[child]| child.parse::<i64>().ok()));
        }
        children.retain(|child| families.insert(*child));
        parents = children;
    }
    Ok(families)
}

/// Adds to each run which of its nodes a worker has begun.
async fn nodes(session: &mut Session<'_>, runs: &mut [Run], state: &str) -> Result<(), Error> {
    for piece in runs.chunks_mut(500) {
        let ids: Vec<_> = piece.iter().map(|run| run.id.to_string()).collect();
        let sql = format!(
            "SELECT process_instance_id, name, host FROM t_escheduler_task_instance \
             WHERE process_instance_id IN ({}) AND flag = 1 AND {state} AND host IS NOT NULL AND host <> '' ORDER BY id",
            ids.join(", ")
        );
        for [instance, name, host] in session.texts(&sql).await? {
            if let Some(run) = piece.iter_mut().find(|run| run.id.to_string() == instance) {
                run.nodes.push(format!("{name} on {host}"));
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// A start, which nobody has begun.
    Start,
    /// A wish about an instance that has ended.
    About(i64),
    Refuse(String),
}

/// Says what becomes of a command.
fn judge(kind: i32, param: &str, live: &BTreeSet<i64>) -> Verdict {
    let param: serde_json::Value = serde_json::from_str(param).unwrap_or_default();
    let number = |name: &str| match param.get(name) {
        Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_i64(),
        None => None,
    };
    if let Some(parent) = number("parentProcessInstanceId") {
        return Verdict::Refuse(format!(
            "the upgrade has ended instance {parent}, which this child was to be begun for; a recovery begins another"
        ));
    }
    // Beside it: RECOVER_SUSPENDED_PROCESS, START_FAILURE_TASK_PROCESS, REPEAT_RUNNING; RECOVER_WAITTING_THREAD.
    let instance = match kind {
        FAILOVER | 3 | 4 | 7 => number("ProcessInstanceId"),
        10 => number("WaittingThreadInstanceId"),
        _ => return Verdict::Start,
    };
    match instance.filter(|instance| *instance > 0) {
        None => Verdict::Refuse("the command names no instance".into()),
        Some(instance) if live.contains(&instance) => Verdict::Refuse(format!(
            "instance {instance}, or the one that it is a child of, was under way at the upgrade; it is to be recovered \
             once no process of it is left"
        )),
        Some(instance) if kind == FAILOVER => {
            Verdict::Refuse(format!("instance {instance} was to be taken over from a master that died, but has ended"))
        }
        Some(instance) => Verdict::About(instance),
    }
}

/// Ends the runs and sorts the commands: one transaction, once.
pub(super) async fn set_aside(work: &mut Work<'_, '_>) -> Result<(), Error> {
    const STEP: &str = "runs";
    if work.journal.is_done(STEP) {
        return Ok(());
    }
    let found = find(work.session).await?;
    let (session, begun) = (&mut *work.session, quote(&work.begun));
    session.begin().await?;
    let ids: Vec<String> = found.runs.iter().map(|run| run.id.to_string()).collect();
    for piece in ids.chunks(1000) {
        let tasks = format!(
            "UPDATE t_escheduler_task_instance SET state = {NEED_FAULT_TOLERANCE}, end_time = COALESCE(end_time, {begun}) \
             WHERE flag = 1 AND state IN ({UNFINISHED}, {WAITING_THREAD}) AND process_instance_id IN ({})",
            piece.join(", ")
        );
        session.run(&tasks).await?;
    }
    let runs = format!("UPDATE t_escheduler_process_instance SET state = {FAILURE}, end_time = {begun}");
    for_ids(session, &runs, &ids).await?;
    for (command, instance) in &found.about {
        let sql = format!("UPDATE t_escheduler_command SET process_instance_id = {instance} WHERE id = {command}");
        session.run(&sql).await?;
    }
    for refused in &found.refused {
        refuse(session, refused).await?;
    }
    work.journal.note(session, STEP, "done").await?;
    session.commit().await
}

/// Moves a command to the error table. An older error may have its number; it is kept.
async fn refuse(session: &mut Session<'_>, Refused { id, reason }: &Refused) -> Result<(), Error> {
    const COLUMNS: &str = "command_type, executor_id, process_definition_id, command_param, task_depend_type, \
                           failure_strategy, warning_type, warning_group_id, schedule_time, start_time, update_time, \
                           dependence, process_instance_priority, worker_group_id";
    let taken = format!("SELECT MAX(id) + 1 FROM t_escheduler_error_command HAVING SUM(id = {id}) > 0");
    let new = session.text(&taken).await?.unwrap_or_else(|| id.to_string());
    let insert = format!(
        "INSERT INTO t_escheduler_error_command (id, {COLUMNS}, message) \
         SELECT {new}, {COLUMNS}, {} FROM t_escheduler_command WHERE id = {id}",
        quote(reason)
    );
    session.run(&insert).await?;
    session.run(&format!("DELETE FROM t_escheduler_command WHERE id = {id}")).await.map(drop)
}

/// The runs that this upgrade has ended, and how many commands it has refused, read back.
pub(super) async fn ended(session: &mut Session<'_>, begun: &str) -> Result<Vec<Run>, Error> {
    let sql = format!(
        "SELECT id, name FROM t_escheduler_process_instance WHERE state = {FAILURE} AND end_time = {} ORDER BY id",
        quote(begun)
    );
    let mut runs = Vec::new();
    for [id, name] in session.texts(&sql).await? {
        runs.push(Run { id: id.parse().unwrap_or_default(), name, nodes: Vec::new() });
    }
    nodes(session, &mut runs, &format!("state = {NEED_FAULT_TOLERANCE}")).await?;
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_wait_on_unless_they_are_about_what_was_under_way() {
        let live = BTreeSet::from([7]);
        for (kind, param, verdict) in [
            (0, "", Verdict::Start),
            (0, "{}", Verdict::Start),
            (6, "", Verdict::Start),
            (5, r#"{"complementStartDate":"2019-03-01 00:00:00"}"#, Verdict::Start),
            (7, r#"{"ProcessInstanceId":"5"}"#, Verdict::About(5)),
            (3, r#"{"ProcessInstanceId":5}"#, Verdict::About(5)),
            (10, r#"{"WaittingThreadInstanceId":"6"}"#, Verdict::About(6)),
        ] {
            assert_eq!(judge(kind, param, &live), verdict, "{kind} {param}");
        }
        for (kind, param) in [
            (0, r#"{"id":3,"parentProcessInstanceId":7,"parentTaskInstanceId":9,"processInstanceId":0}"#),
            (2, r#"{"ProcessInstanceId":"5"}"#),
            (4, r#"{"ProcessInstanceId":"7"}"#),
            (7, r#"{"processInstanceId":"5"}"#),
            (7, "not JSON"),
        ] {
            assert!(matches!(judge(kind, param, &live), Verdict::Refuse(_)), "{kind} {param}");
        }
    }
}
