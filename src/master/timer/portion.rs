//! Schedules that fire in one transaction. What that is going to write is worked out before it, and before their
//! instant if there is time; where things stand otherwise by then, the transaction decides.

use crate::master::starts::Ready;
use crate::model::{ScheduleId, Time};
use crate::store::{Begin, Decide, Error, Fired, Foreseen, Timetable};
use std::sync::Arc;

/// How schedules fire.
pub(super) struct Manner {
    pub timetable: Arc<dyn Timetable>,
    pub now: Time,
    pub decide: Decide,
    pub begin: Begin,
    /// The definitions whose firings may become instances at once.
    pub ready: Ready,
}

pub(super) struct Portion {
    pub schedules: Vec<ScheduleId>,
    pub manner: Arc<Manner>,
    foreseen: Option<Foreseen>,
}

impl Portion {
    pub fn new(schedules: Vec<ScheduleId>, manner: Arc<Manner>) -> Portion {
        Portion { schedules, manner, foreseen: None }
    }

    /// Works out what is going to be written.
    pub async fn foresee(&mut self) {
        let Manner { timetable, now, decide, begin, .. } = &*self.manner;
        let begin = Begin { most: self.schedules.len(), ..begin.clone() };
        // Why it cannot be known, the transaction will tell.
        self.foreseen = timetable.foresee(self.schedules.clone(), *now, decide.clone(), begin).await.ok();
    }

    /// Fires; at most so many instances begin. Some of them may, although the others could not fire.
    pub async fn fire(mut self, places: usize) -> (Fired, Result<(), Error>) {
        if self.foreseen.is_none() {
            self.foresee().await;
        }
        let (mut all, left) = match self.fire_foreseen(places).await {
            Ok(fired) => fired,
            Err(error) => return (Fired::default(), Err(error)),
        };
        if left.is_empty() {
            return (all, Ok(()));
        }
        let most = places.saturating_sub(all.begun.len());
        let outcome = self.fire_together(left, most).await.map(|fired| all.add(fired));
        (all, outcome)
    }

    /// Writes what was foreseen, and tells what is left.
    async fn fire_foreseen(&mut self, places: usize) -> Result<(Fired, Vec<ScheduleId>), Error> {
        let Some(foreseen) = self.foreseen.take().filter(|it| it.is_any() && it.begins() <= places) else {
            return Ok((Fired::default(), self.schedules.clone()));
        };
        let foreseen = Arc::new(foreseen);
        match self.manner.timetable.fire_foreseen(foreseen.clone()).await {
            Ok(Some(fired)) => Ok((fired, foreseen.left.clone())),
            Err(error @ Error::Unavailable(_)) => Err(error),
            Ok(None) | Err(_) => Ok((Fired::default(), self.schedules.clone())),
        }
    }

    /// In one transaction; if that cannot work, each by itself and by a command, which is rejected by itself: one that
    /// is ill is not to keep the others from firing.
    async fn fire_together(&self, schedules: Vec<ScheduleId>, most: usize) -> Result<Fired, Error> {
        let Manner { timetable, now, decide, begin, .. } = &*self.manner;
        let begin = Begin { most, ..begin.clone() };
        let error = match timetable.fire(schedules.clone(), *now, decide.clone(), begin).await {
            Err(error) if !matches!(error, Error::Unavailable(_)) => error,
            fired => return fired,
        };
        tracing::error!("{} schedules cannot fire together, so each fires by itself: {error}", schedules.len());
        let mut all = Fired::default();
        for schedule in schedules {
            match timetable.fire(vec![schedule], *now, decide.clone(), Begin::nothing()).await {
                Ok(fired) => all.add(fired),
                Err(error @ Error::Unavailable(_)) => return Err(error),
                Err(error) => tracing::error!(%schedule, "the schedule cannot fire: {error}"),
            }
        }
        Ok(all)
    }
}
