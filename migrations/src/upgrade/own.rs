//! Fills the columns that EasyScheduler did not have, from what it did write down.

use super::catalog::Catalog;
use super::session::{Session, quote};
use super::walk::{Walk, done};
use super::{Error, Work};
use std::collections::{BTreeMap, HashMap};

/// How many rows are named in one statement.
const NAMED: usize = 1000;

/// `attempt`: which row of its node a task row is, counted within its instance. A recovery goes on from the highest.
pub(super) async fn attempts(work: &mut Work<'_, '_>) -> Result<(), Error> {
    let walk = Walk {
        step: "attempts",
        table: "t_escheduler_task_instance",
        key: "process_instance_id",
        doing: "numbering the attempts of the instances",
    };
    walk.go(work, async |session, range| {
        let sql = format!(
            "SELECT id, process_instance_id, name FROM t_escheduler_task_instance WHERE {range} \
             ORDER BY process_instance_id, id"
        );
        let mut seen: HashMap<(String, String), u32> = HashMap::new();
        let mut later: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for [id, instance, name] in session.texts(&sql).await? {
            let attempt = seen.entry((instance, name)).or_default();
            *attempt += 1;
            if *attempt > 1 {
                later.entry(*attempt).or_default().push(id);
            }
        }
        for (attempt, ids) in later {
            let set = format!("UPDATE t_escheduler_task_instance SET attempt = {attempt}");
            for_ids(session, &set, &ids).await?;
        }
        Ok(())
    })
    .await
}

/// `root_id`: the topmost instance above a child. Those that are nobody's child have none.
pub(super) async fn roots(work: &mut Work<'_, '_>) -> Result<(), Error> {
    if work.journal.is_done(&done("roots")) {
        return Ok(());
    }
    let sql = "SELECT process_instance_id, parent_process_instance_id FROM t_escheduler_relation_process_instance \
               WHERE process_instance_id > 0 AND parent_process_instance_id > 0 ORDER BY id";
    let parents: HashMap<i64, i64> = work.session.texts(sql).await?.iter().filter_map(pair).collect();
    let walk = Walk {
        step: "roots",
        table: "t_escheduler_process_instance",
        key: "id",
        doing: "finding the families of the instances",
    };
    walk.go(work, async |session, range| {
        let sql = format!("SELECT id FROM t_escheduler_process_instance WHERE is_sub_process = 1 AND {range}");
        let mut families: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for [id] in session.texts(&sql).await? {
            if let Some(root) = id.parse().ok().and_then(|child| root(&parents, child)) {
                families.entry(root).or_default().push(id);
            }
        }
        let families: Vec<(i64, String)> =
            families.into_iter().flat_map(|(root, ids)| ids.into_iter().map(move |id| (root, id))).collect();
        for piece in families.chunks(NAMED) {
            let cases: String = piece.iter().map(|(root, id)| format!(" WHEN {id} THEN {root}")).collect();
            let ids: Vec<_> = piece.iter().map(|(_, id)| id.clone()).collect();
            let set = format!("UPDATE t_escheduler_process_instance SET root_id = CASE id{cases} END");
            for_ids(session, &set, &ids).await?;
        }
        Ok(())
    })
    .await
}

fn pair([one, other]: &[String; 2]) -> Option<(i64, i64)> {
    Some((one.parse().ok()?, other.parse().ok()?))
}

/// Follows the links upwards; a circle has no top.
fn root(parents: &HashMap<i64, i64>, child: i64) -> Option<i64> {
    let mut at = *parents.get(&child)?;
    for _ in 0..parents.len() {
        match parents.get(&at) {
            Some(parent) => at = *parent,
            None => return Some(at),
        }
    }
    None
}

/// `last_request_ms`: a log-in lives on from its last renewal.
pub(super) async fn sessions(work: &mut Work<'_, '_>) -> Result<(), Error> {
    let walk = Walk { step: "sessions", table: "t_escheduler_session", key: "id", doing: "taking the log-ins over" };
    walk.go(work, async |session, range| {
        let sql = format!(
            "UPDATE t_escheduler_session SET last_request_ms = \
             TIMESTAMPDIFF(MICROSECOND, '1970-01-01', last_login_time) DIV 1000 WHERE {range}"
        );
        session.run(&sql).await.map(drop)
    })
    .await
}

/// `next_fire_ms`: where Quartz has left off, for schedules that are on line with their definition
/// (`EasyScheduler 1.0.1: taking schedules over`). Without it the next time from now on is due. The tables of Quartz are read,
/// and left as they are.
pub(super) async fn schedules(work: &mut Work<'_, '_>, catalog: &Catalog) -> Result<(), Error> {
    const STEP: &str = "schedules";
    if work.journal.is_done(STEP) {
        return Ok(());
    }
    let mut fires = Vec::new();
    if let Some(triggers) = catalog.table_like("QRTZ_TRIGGERS") {
        let sql = format!(
            "SELECT SUBSTRING(JOB_NAME, 5), NEXT_FIRE_TIME FROM `{triggers}` \
             WHERE SCHED_NAME = 'EasyScheduler' AND JOB_NAME LIKE 'job\\_%' AND NEXT_FIRE_TIME > 0"
        );
        fires.extend(work.session.texts(&sql).await?.iter().filter_map(pair));
    }
    work.session.begin().await?;
    for (schedule, next) in fires {
        let sql = format!(
            "UPDATE t_escheduler_schedules s \
             JOIN t_escheduler_process_definition d ON d.id = s.process_definition_id \
             SET s.next_fire_ms = {next} \
             WHERE s.id = {schedule} AND s.release_state = 1 AND d.release_state = 1 AND d.flag = 1"
        );
        work.session.run(&sql).await?;
    }
    work.journal.note(work.session, STEP, "done").await?;
    work.session.commit().await
}

/// Runs the statement for these rows, a thousand at a time.
pub(super) async fn for_ids(session: &mut Session<'_>, set: &str, ids: &[String]) -> Result<(), Error> {
    for piece in ids.chunks(NAMED) {
        let ids: Vec<_> = piece.iter().map(|id| quote(id)).collect();
        session.run(&format!("{set} WHERE id IN ({})", ids.join(", "))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_topmost_and_a_circle_has_none() {
        let parents = HashMap::from([(3, 2), (2, 1), (8, 9), (9, 8)]);
        assert_eq!(root(&parents, 3), Some(1));
        assert_eq!(root(&parents, 1), None);
        assert_eq!(root(&parents, 8), None);
    }
}
