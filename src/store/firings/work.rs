//! What one transaction writes about the instants that were decided upon.

use super::standing::known;
use super::{Begin, Decision, Fired, Firing, NEVER, Near, waiting};
use crate::model::{Command, CommandType, InstanceId, Outcome, OverlapPolicy, ReleaseState, Schedule, Time};
use crate::store::entity::{command, firing, schedules};
use crate::store::runs::command::row as command_row;
use crate::store::runs::insert::Inserts;
use crate::store::{Error, NewInstance};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, DatabaseTransaction, EntityTrait, QueryFilter, QueryTrait, Statement,
};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// How many rows one statement inserts: databases count its values.
const AT_ONCE: usize = 500;

/// What one transaction is going to write, table by table: the fewer statements, the sooner all have fired.
#[derive(Default)]
pub(super) struct Work {
    firings: Vec<firing::ActiveModel>,
    commands: Vec<Command>,
    /// Schedules by what their `next_fire_ms` becomes.
    moved: BTreeMap<i64, Vec<i32>>,
    /// Schedules whose definition is off line or gone.
    pub offline: Vec<i32>,
    /// When they are due next.
    next: Vec<Near>,
}

impl Work {
    /// What comes of these decisions, but for instants that were decided upon before.
    pub async fn of(db: &impl ConnectionTrait, decided: Vec<(Decision, Schedule)>, now: Time) -> Result<Work, Error> {
        let (known, mut work) = (known(db, &decided).await?, Work::default());
        for (mut decision, schedule) in decided {
            decision.firings.retain(|firing| !known.contains(&(schedule.id.0, firing.at.0)));
            work.add(db, &schedule, decision, now).await?;
        }
        Ok(work)
    }

    /// Only for a schedule whose runs must not overlap the database is asked, and perhaps written.
    async fn add(
        &mut self,
        tx: &impl ConnectionTrait,
        schedule: &Schedule,
        decision: Decision,
        now: Time,
    ) -> Result<(), Error> {
        let alone = schedule.overlapping != OverlapPolicy::Parallel;
        let mut busy = alone && !decision.firings.is_empty() && waiting::is_busy(tx, schedule.id).await?;
        let mut queue = if busy { waiting::waiting(tx, schedule.id).await?.len() } else { 0 };
        for Firing { at, missed, runs } in decision.firings {
            if busy && runs && schedule.overlapping == OverlapPolicy::Replace {
                queue = 0;
                busy = self.clear(tx, schedule).await?;
            }
            let outcome = match (runs, busy, schedule.overlapping) {
                (false, ..) => Outcome::Missed,
                (true, true, OverlapPolicy::Skip) => Outcome::Skipped,
                (true, true, _) if queue >= waiting::LONGEST_QUEUE => Outcome::Skipped,
                (true, true, _) => Outcome::Waiting,
                (true, false, _) => Outcome::Started,
            };
            match outcome {
                Outcome::Started => {
                    busy = alone;
                    self.commands.push(schedule.command(at, now));
                }
                Outcome::Waiting => queue += 1,
                Outcome::Skipped | Outcome::Missed => {}
            }
            self.firings.push(firing::ActiveModel {
                schedule_id: Set(schedule.id.0),
                fire_ms: Set(at.0),
                fired_ms: Set(now.0),
                outcome: Set(outcome.code()),
                missed: Set(missed),
            });
        }
        if schedule.next.is_none() || decision.next != schedule.next {
            let next = decision.next.map_or(NEVER, |next| next.0);
            self.moved.entry(next).or_default().push(schedule.id.0);
        }
        if let Some(at) = decision.next {
            let (schedule, definition, jitter) = (schedule.id, schedule.definition, schedule.jitter);
            self.next.push(Near { schedule, definition, at, jitter });
        }
        Ok(())
    }

    /// Stops what runs for a schedule, and drops what waits. Whether something still runs.
    async fn clear(&mut self, tx: &impl ConnectionTrait, schedule: &Schedule) -> Result<bool, Error> {
        let id = schedule.id;
        command::Entity::delete_many()
            .filter(command::Column::ScheduleId.eq(id.0))
            .filter(command::Column::ProcessInstanceId.is_null())
            .exec(tx)
            .await?;
        self.commands.retain(|wish| wish.schedule != Some(id) || wish.instance.is_some());
        let mut live: Vec<InstanceId> = waiting::live(tx, id).await?;
        let busy = !live.is_empty();
        let stopped = self.commands.iter().filter_map(|wish| wish.instance).collect::<HashSet<_>>();
        live.retain(|instance| !stopped.contains(instance));
        for instance in live {
            self.commands.push(Command::about(CommandType::Stop, instance, schedule.definition, schedule.user));
        }
        waiting::give_up_waiting(tx, id).await?;
        for earlier in self.firings.iter_mut().filter(|firing| *firing.schedule_id.as_ref() == id.0) {
            if [Outcome::Waiting.code(), Outcome::Started.code()].contains(earlier.outcome.as_ref()) {
                earlier.outcome = Set(Outcome::Skipped.code());
            }
        }
        Ok(busy)
    }

    /// Takes out the wishes that become instances at once.
    fn begin(&mut self, begin: &Begin) -> Arc<[NewInstance]> {
        let mut made = Vec::new();
        self.commands.retain(|wish| {
            let begins = wish.kind == CommandType::Scheduler && made.len() < begin.most;
            let instance = begins.then(|| (begin.instance)(wish)).flatten();
            let goes_by_command = instance.is_none();
            made.extend(instance);
            goes_by_command
        });
        made.into()
    }

    /// All this as statements. What can begin at once becomes an instance, and the rest commands.
    pub fn written(mut self, begin: &Begin, backend: DatabaseBackend) -> Result<Statements, Error> {
        use schedules::Column;
        let instances = Inserts::of(self.begin(begin), backend)?;
        let Work { firings, commands, moved, offline, next } = self;
        let waiting = Outcome::Waiting.code();
        let waiting = firings.iter().filter(|firing| *firing.outcome.as_ref() == waiting).count();
        let mut others = Vec::new();
        for rows in firings.chunks(AT_ONCE) {
            others.push(firing::Entity::insert_many(rows.to_vec()).build(backend));
        }
        for wishes in commands.chunks(AT_ONCE) {
            let rows = wishes.iter().cloned().map(command_row);
            others.push(command::Entity::insert_many(rows).build(backend));
        }
        for (next, schedules) in moved {
            let moved = schedules::Entity::update_many().col_expr(Column::NextFireMs, Expr::value(next));
            others.push(moved.filter(Column::Id.is_in(schedules)).build(backend));
        }
        if !offline.is_empty() {
            let offline = schedules::Entity::update_many()
                .col_expr(Column::ReleaseState, Expr::value(ReleaseState::Offline.code()))
                .col_expr(Column::NextFireMs, Expr::value(None::<i64>))
                .filter(Column::Id.is_in(offline));
            others.push(offline.build(backend));
        }
        Ok(Statements { instances, others, commands: commands.len(), waiting, next })
    }
}

/// What one transaction writes, written down.
#[derive(Default)]
pub(super) struct Statements {
    instances: Inserts,
    others: Vec<Statement>,
    commands: usize,
    waiting: usize,
    next: Vec<Near>,
}

impl Statements {
    /// How many instances it makes.
    pub fn begins(&self) -> usize {
        self.instances.new.len()
    }

    /// Whether the database stays as it is.
    pub fn writes_nothing(&self) -> bool {
        self.others.is_empty()
    }

    /// Writes it; the ids of the instances.
    pub async fn carry_out(&self, tx: &DatabaseTransaction) -> Result<Vec<InstanceId>, Error> {
        let ids = self.instances.carry_out(tx).await?;
        for statement in &self.others {
            tx.execute_raw(statement.clone()).await?;
        }
        Ok(ids)
    }

    /// What became of the schedules, once it is written.
    pub fn fired(&self, ids: Vec<InstanceId>) -> Fired {
        let begun = ids.into_iter().zip(self.instances.new.iter().cloned()).collect();
        Fired { begun, commands: self.commands, waiting: self.waiting, next: self.next.clone() }
    }
}
