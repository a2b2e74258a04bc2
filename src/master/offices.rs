//! Small things that are done once at a time, or said once a minute.

use crate::store::Error;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Work beside the loop that is not begun again before it came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Office {
    Commands,
    Sweep,
    Beat,
    Broker,
    Dependents,
}

#[derive(Default)]
pub(super) struct Offices {
    busy: Vec<Office>,
    /// Asked for while it was busy.
    again: Vec<Office>,
    complaints: Complaints,
}

impl Offices {
    /// Whether the work may begin now; if not, [`leave`](Offices::leave) tells that it was asked for.
    pub fn enter(&mut self, office: Office) -> bool {
        let begins = !self.busy.contains(&office);
        let list = if begins { &mut self.busy } else { &mut self.again };
        if !list.contains(&office) {
            list.push(office);
        }
        begins
    }

    /// The work came back; whether it was asked for meanwhile.
    pub fn leave(&mut self, office: Office) -> bool {
        self.busy.retain(|other| *other != office);
        let asked = self.again.contains(&office);
        self.again.retain(|other| *other != office);
        asked
    }

    /// Passes on what the database answered; that it did not, is said once a minute.
    pub fn answered<T>(&self, answer: Result<T, Error>) -> Result<T, ()> {
        answer.map_err(|error| self.complaints.complain(&error))
    }

    pub fn log(&self) -> Complaints {
        self.complaints.clone()
    }
}

/// A complaint about the database, at most once a minute.
#[derive(Clone, Default)]
pub(super) struct Complaints {
    last: Arc<Mutex<Option<Instant>>>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Complaints {
    pub fn complain(&self, error: &dyn Display) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|at| at.elapsed() >= MINUTE) {
            *last = Some(Instant::now());
            tracing::error!("nothing can be recorded, so nothing new is begun; running tasks go on: {error}");
        }
    }

    /// The database answers again.
    pub fn relieve(&self) {
        if self.last.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("the database can be written again; work goes on");
        }
    }
}
