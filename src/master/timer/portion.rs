//! Schedules that fire in one transaction. What that is going to write is worked out before it; where things stand
//! otherwise by then, the transaction decides.

use crate::master::starts::Ready;
use crate::model::{DefinitionId, ScheduleId, Time};
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

/// What became of a portion.
pub(super) struct Outcome {
    pub fired: Fired,
    /// These did not fire: they do not stand as they did when it was worked out what they would do.
    pub left: Vec<ScheduleId>,
    pub error: Option<Error>,
}

impl Outcome {
    fn left(left: Vec<ScheduleId>) -> Outcome {
        Outcome { fired: Fired::default(), left, error: None }
    }
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

    /// Works out what is going to be written, with so many instances at most; tells how many there are.
    ///
    /// # Errors
    /// The database does not answer. Whatever else keeps it from being known, the transaction will tell.
    pub async fn foresee(&mut self, most: usize) -> Result<usize, Error> {
        let Manner { timetable, now, decide, begin, ready } = &*self.manner;
        let begin = Begin { most, ..begin.clone() };
        let foreseen = match timetable.foresee(self.schedules.clone(), *now, decide.clone(), begin).await {
            Err(error @ Error::Unavailable(_)) => return Err(error),
            Err(error) => {
                tracing::warn!("what {} schedules will do cannot be foreseen: {error}", self.schedules.len());
                return Ok(0);
            }
            Ok(foreseen) => foreseen,
        };
        // What was read of a definition may be old already.
        let is_ready = |(id, at): (&DefinitionId, &Option<Time>)| {
            ready.get(id).is_none_or(|admitted| admitted.definition.changed_at == *at)
        };
        self.foreseen = Some(foreseen).filter(|foreseen| foreseen.is_any() && foreseen.drawn.iter().all(is_ready));
        Ok(self.foreseen.as_ref().map_or(0, Foreseen::begins))
    }

    /// Fires as it was foreseen, if there are so many places.
    pub async fn fire_foreseen(mut self, places: usize) -> Outcome {
        let foreseen = self.foreseen.take().filter(|foreseen| foreseen.begins() <= places).map(Arc::new);
        let Some(foreseen) = foreseen else { return Outcome::left(self.schedules) };
        match self.manner.timetable.fire_foreseen(foreseen.clone()).await {
            Ok(Some(fired)) => Outcome { fired, left: foreseen.left.clone(), error: None },
            Ok(None) => Outcome::left(self.schedules),
            Err(error @ Error::Unavailable(_)) => Outcome { error: Some(error), ..Outcome::left(vec![]) },
            Err(error) => {
                tracing::warn!("what was foreseen of {} schedules cannot be written: {error}", self.schedules.len());
                Outcome::left(self.schedules)
            }
        }
    }

    /// Fires whatever is due; at most so many instances begin. Some of them may, although the others could not fire.
    pub async fn fire(mut self, places: usize) -> Outcome {
        if let Err(error) = self.foresee(places).await {
            return Outcome { error: Some(error), ..Outcome::left(vec![]) };
        }
        let manner = self.manner.clone();
        let mut all = self.fire_foreseen(places).await;
        let left = std::mem::take(&mut all.left);
        if !left.is_empty() {
            match manner.fire_together(left, places.saturating_sub(all.fired.begun.len())).await {
                Ok(fired) => all.fired.add(fired),
                Err(error) => all.error = Some(error),
            }
        }
        all
    }
}

impl Manner {
    /// In one transaction; if that cannot work, each by itself and by a command, which is rejected by itself: one that
    /// is ill is not to keep the others from firing.
    async fn fire_together(&self, schedules: Vec<ScheduleId>, most: usize) -> Result<Fired, Error> {
        let Manner { timetable, now, decide, begin, .. } = self;
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
