//! What is going to be written about schedules, worked out before they are due: at the instant itself their rows only
//! have to be compared with what they were.

use super::standing::{Stamp, online, read, seen, stamp, stamps};
use super::work::{Statements, Work};
use super::{Begin, Decide, Fired};
use crate::model::{DefinitionId, InstanceId, OverlapPolicy, ScheduleId, Time};
use crate::store::Error;
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use std::collections::{BTreeMap, HashSet};

/// What is going to be written about schedules, as long as they stand as they did.
///
/// It is not foreseen whether a run of a schedule will have ended by then, so that those whose runs must not overlap
/// are left; so are those that are to be taken off line.
#[derive(Default)]
pub struct Foreseen {
    /// As whom each was seen; whatever people change of a schedule changes its time.
    seen: Vec<Stamp>,
    /// Their definitions, and when each was changed last: one may be drawn anew while it is on line.
    pub drawn: BTreeMap<DefinitionId, Option<Time>>,
    statements: Statements,
    /// Schedules about which a transaction has to decide.
    pub left: Vec<ScheduleId>,
}

impl Foreseen {
    /// Nothing is known beforehand of these.
    pub fn nothing(schedules: Vec<ScheduleId>) -> Foreseen {
        Foreseen { left: schedules, ..Foreseen::default() }
    }

    pub(super) async fn of(
        db: &impl ConnectionTrait,
        schedules: Vec<ScheduleId>,
        at: Time,
        decide: &Decide,
        begin: &Begin,
    ) -> Result<Foreseen, Error> {
        let rows = seen(db, schedules.clone()).await?;
        let mut drawn = online(db, rows.iter().map(|row| DefinitionId(row.process_definition_id))).await?;
        let (mut seen, mut decided) = (Vec::new(), Vec::new());
        for row in rows {
            let stamp = stamp(&row);
            let schedule = read(row);
            let decision = decide(&schedule);
            let is_alone = schedule.overlapping != OverlapPolicy::Parallel && !decision.firings.is_empty();
            if !is_alone && decision.offline.is_none() && drawn.contains_key(&schedule.definition) {
                seen.push(stamp);
                decided.push((decision, schedule));
            }
        }
        let definitions: HashSet<_> = decided.iter().map(|(_, schedule)| schedule.definition).collect();
        drawn.retain(|id, _| definitions.contains(id));
        // Those that are off line may not be by then.
        let known: HashSet<_> = decided.iter().map(|(_, schedule)| schedule.id).collect();
        let left = schedules.into_iter().filter(|id| !known.contains(id)).collect();
        let work = Work::of(db, decided, at).await?;
        let statements = work.written(begin, db.get_database_backend())?;
        Ok(Foreseen { seen, drawn, statements, left })
    }

    /// Whether anything is known.
    pub fn is_any(&self) -> bool {
        !self.seen.is_empty()
    }

    /// How many instances it makes.
    pub fn begins(&self) -> usize {
        self.statements.begins()
    }

    /// Nothing is due: it is only known when that will be.
    pub(super) fn writes_nothing(&self) -> bool {
        self.statements.writes_nothing()
    }

    /// Writes it, and tells the ids of the instances; `None`, and nothing, if a schedule or its definition stands
    /// otherwise by now.
    pub(super) async fn carry_out(&self, tx: &DatabaseTransaction) -> Result<Option<Vec<InstanceId>>, Error> {
        let stands = stamps(tx, self.seen.iter().map(|(id, ..)| *id)).await? == self.seen
            && online(tx, self.drawn.keys().copied()).await? == self.drawn;
        if stands { self.statements.carry_out(tx).await.map(Some) } else { Ok(None) }
    }

    /// What became of the schedules, once it is written.
    pub(super) fn fired(&self, ids: Vec<InstanceId>) -> Fired {
        self.statements.fired(ids)
    }
}
