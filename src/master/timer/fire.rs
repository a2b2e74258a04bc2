//! What happens at an instant.

use super::portion::{Manner, Outcome, Portion};
use super::{AHEAD, EARLY, Foresight, OFF, Timer, decision};
use crate::master::claim::{Begun, Claimed};
use crate::master::claiming;
use crate::master::driver::ahead;
use crate::master::places::Held;
use crate::master::starts::{self, Ready, Starts};
use crate::model::{Command, DefinitionId, InstanceId, Schedule, ScheduleId, Time};
use crate::store::{Begin, Decide, Decision, Error, Fired, NewInstance};
use futures::{StreamExt, stream};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How many schedules fire in one transaction, and how many transactions are under way at once.
pub(super) const TOGETHER: usize = 256;
const AT_ONCE: usize = 4;
/// For how many schedules it is worked out beforehand what will be written.
const FORESEEN: usize = 1024;
/// What was worked out for an instant that is longer ago is old: it would date runs too early.
const FRESH: Duration = Duration::from_millis(100);

impl Timer {
    /// Works out what is going to be written at the next instant.
    pub(super) async fn foresee(&mut self) {
        let Some((at, _)) = self.due.first().copied() else { return };
        let due = self.due.range((at, ScheduleId(i32::MIN))..=(at, ScheduleId(i32::MAX)));
        // What its master leaves lying is rarely left for us.
        let due = due.filter(|(_, id)| self.is_ours(*id)).take(FORESEEN);
        let due: Vec<_> = due.filter_map(|(_, id)| Some((*id, self.held.get(id)?.1))).collect();
        let (made, mut portions) = (self.means.clock.boot(), Vec::new());
        if self.means.places.is_open() {
            let mut places = self.means.places.free();
            portions = self.portions(due, at).await;
            for portion in &mut portions {
                // If the database does not answer, that is said when they are due.
                let Ok(begins) = portion.foresee(places).await else { break };
                places -= begins;
            }
        }
        self.foreseen = Some(Foresight { at, made, portions });
    }

    /// Fires what is due by now.
    pub(super) async fn fire(&mut self) -> Result<(), Error> {
        // Whoever has set the clock may have set it wrong: that is asked before anything fires by it.
        if (ahead(&*self.means.clock) - self.ahead).unsigned_abs() > OFF.as_millis() as u64 {
            return self.look().await;
        }
        let (now, boot) = (self.means.clock.now(), self.means.clock.boot());
        let mut due = Vec::new();
        while let Some((at, schedule)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, schedule));
            due.extend(self.held.remove(&schedule).map(|(_, definition)| (schedule, definition)));
        }
        if let Some(Foresight { at, made, portions }) = self.foreseen.take_if(|foreseen| foreseen.at <= now)
            && now.since(at) < FRESH
            && boot.saturating_sub(made) < EARLY + FRESH
        {
            let mut fired: HashSet<_> = portions.iter().flat_map(|portion| &portion.schedules).copied().collect();
            let left: HashSet<_> =
                self.fire_portions(portions, Portion::fire_foreseen, now).await?.into_iter().collect();
            fired.retain(|schedule| !left.contains(schedule));
            due.retain(|(schedule, _)| !fired.contains(schedule));
        }
        // Those that were left are looked up anew: perhaps it is their definition that has changed.
        let portions = self.portions(due, now).await;
        self.fire_portions(portions, Portion::fire, now).await.map(drop)
    }

    /// How schedules fire at an instant; those that may become instances at once are looked up for all together.
    async fn portions(&self, due: Vec<(ScheduleId, DefinitionId)>, now: Time) -> Vec<Portion> {
        if due.is_empty() {
            return vec![];
        }
        let (records, places) = (self.means.records.clone(), &self.means.places);
        let definitions: Vec<_> = due.iter().map(|(_, definition)| *definition).collect();
        let ready = match places.is_open() {
            true => Starts::new(&*records, &self.means.settings).ready(definitions, places.free()).await,
            false => Ready::new(),
        };
        let manner = self.manner(now, ready);
        let portion = |due: &[(ScheduleId, DefinitionId)]| {
            Portion::new(due.iter().map(|(schedule, _)| *schedule).collect(), manner.clone())
        };
        due.chunks(TOGETHER).map(portion).collect()
    }

    /// Tells which did not fire.
    pub(super) async fn fire_portions<F: Future<Output = Outcome>>(
        &mut self,
        portions: Vec<Portion>,
        fire: fn(Portion, usize) -> F,
        now: Time,
    ) -> Result<Vec<ScheduleId>, Error> {
        let places = self.means.places.clone();
        let fires = portions.into_iter().map(|portion| {
            let manner = portion.manner.clone();
            let wanted = if manner.ready.is_empty() { 0 } else { portion.schedules.len() };
            let held = places.hold_without_queue(wanted);
            async move { (fire(portion, held.count).await, manner, held) }
        });
        let mut fires = stream::iter(fires).buffer_unordered(AT_ONCE);
        let (mut broken, horizon) = (None, now + AHEAD);
        let (mut next, mut left) = (Vec::new(), Vec::new());
        while let Some((outcome, manner, held)) = fires.next().await {
            // What was not written is found again by the next look. If it was written and the answer is lost, the
            // instances are ours, and the next sweep finds them.
            let Outcome { fired, left: these, error } = outcome;
            broken = broken.or(error);
            // Those that are left will hold places anew.
            let is_vain = fired.begun.is_empty() && !these.is_empty();
            left.extend(these);
            let Fired { begun, commands, waiting, next: later } = fired;
            if commands > 0 {
                self.means.bell.ring();
            }
            // What they wait for may have ended before anybody could see that they do.
            if waiting > 0 {
                self.means.rings.ended.notify_one();
            }
            // Also without an instance: commands may wait for the places.
            if held.count > 0 && !is_vain {
                self.pass_on(begun, &manner.ready, held).await;
            }
            next.extend(later.into_iter().filter(|near| near.at <= horizon));
        }
        drop(fires);
        next.into_iter().for_each(|near| self.hold(near));
        broken.map_or(Ok(left), Err)
    }

    /// Hands instances over to be driven.
    async fn pass_on(&self, begun: Vec<(InstanceId, NewInstance)>, ready: &Ready, places: Held) {
        let records = self.means.records.clone();
        let mut starts = Starts::new(&*records, &self.means.settings);
        let mut instances = Vec::with_capacity(begun.len());
        for (id, new) in begun {
            instances.push(match ready.get(&new.command.definition) {
                Some(admitted) => claiming::take(&mut starts, id, new, admitted).await,
                None => Claimed::Known(id),
            });
        }
        // If the driver has left, so do we.
        let _ = self.means.begun.send(Begun { instances, places });
    }

    /// How schedules fire at an instant of the wall clock.
    pub(super) fn manner(&self, now: Time, ready: Ready) -> Arc<Manner> {
        let (known, settings) = (ready.clone(), self.means.settings.clone());
        let instance = move |wish: &Command| {
            let admitted = known.get(&wish.definition)?;
            starts::instance(wish.clone(), admitted, &settings, now).ok()
        };
        let begin = Begin { most: 0, instance: Arc::new(instance) };
        Arc::new(Manner { timetable: self.means.timetable.clone(), now, decide: self.decide(now), begin, ready })
    }

    /// How a transaction decides about a schedule at an instant of the wall clock.
    fn decide(&self, now: Time) -> Decide {
        let (calendars, grace) = (self.calendars.clone(), self.means.settings.grace);
        Arc::new(move |schedule: &Schedule| match calendars.of(schedule) {
            Ok(calendar) => decision::decide(schedule, now, grace, &|at| calendar.next_after(at)),
            Err(why) => Decision { offline: Some(why.to_string()), ..Decision::default() },
        })
    }
}
