//! What is going to be written about schedules, worked out before they are due: at the instant itself their rows only
//! have to be compared with what they were.

use super::standing::{Stamp, known, online, read, seen, stamp, stamps};
use super::work::{Statements, Work};
use super::{Begin, Decide, Fired};
use crate::model::{InstanceId, OverlapPolicy, ScheduleId, Time};
use crate::store::Error;
use sea_orm::{ConnectionTrait, DatabaseTransaction};

/// What is going to be written about schedules, as long as they stand as they did.
///
/// It is not foreseen whether a run of a schedule will have ended by then, so that those whose runs must not overlap
/// are left; so are those that are to be taken off line.
#[derive(Default)]
pub struct Foreseen {
    /// As whom each was seen; all that people may change of one changes its time.
    seen: Vec<Stamp>,
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
        let mut rows = seen(db, schedules).await?;
        let online = online(db, &rows).await?;
        let (mut left, mut decided) = (Vec::new(), Vec::new());
        rows.retain(|row| {
            let schedule = read(row.clone());
            let decision = decide(&schedule);
            let is_alone = schedule.overlapping != OverlapPolicy::Parallel && !decision.firings.is_empty();
            let is_foreseen = !is_alone && !decision.offline && online.contains(&schedule.definition);
            match is_foreseen {
                true => decided.push((decision, schedule)),
                false => left.push(schedule.id),
            }
            is_foreseen
        });
        let known = known(db, &decided).await?;
        let mut work = Work::default();
        for (mut decision, schedule) in decided {
            decision.firings.retain(|firing| !known.contains(&(schedule.id.0, firing.at.0)));
            work.add(db, &schedule, decision, at).await?;
        }
        let statements = work.written(begin, db.get_database_backend())?;
        let seen = rows.iter().map(stamp).collect();
        Ok(Foreseen { seen, statements, left })
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
        self.statements.write_nothing()
    }

    /// Writes it, and tells the ids of the instances; `None`, and nothing, if a schedule stands otherwise by now.
    pub(super) async fn carry_out(&self, tx: &DatabaseTransaction) -> Result<Option<Vec<InstanceId>>, Error> {
        match stamps(tx, self.seen.iter().map(|(id, ..)| *id)).await? == self.seen {
            true => self.statements.carry_out(tx).await.map(Some),
            false => Ok(None),
        }
    }

    /// What became of the schedules, once it is written.
    pub(super) fn fired(&self, ids: Vec<InstanceId>) -> Fired {
        self.statements.fired(ids)
    }
}
