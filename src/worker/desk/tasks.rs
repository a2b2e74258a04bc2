//! What the shim tells of tasks.

use super::Desk;
use crate::calls::What;
use crate::model::Tag;
use crate::worker::attempts::{Held, Stage, from_note, outcome};
use crate::worker::shim::{self, Event, Running, Status};
use std::path::Path;

impl Desk {
    /// A task of an earlier worker process goes on.
    pub(super) fn adopt(&mut self, running: Running) {
        #[cfg(feature = "sim")]
        if crate::planted::is("forgets-start") {
            return;
        }
        let Some(attempt) = from_note(running.tag, &running.note) else {
            tracing::warn!(tag = %running.tag, pid = running.pid, "nobody knows whose task this is; it is ended");
            return self.shim.kill(running.tag, shim::Kill::Gently);
        };
        let place = self.workshop.place(&attempt, Some(running.pid));
        let stage = Stage::Handed { started_at: Some(running.started_at) };
        self.held.insert(running.tag, Held { attempt, place, stage, master: None });
    }

    /// What the shim tells.
    ///
    /// # Errors
    /// The shim has gone over to another worker, so this one has nothing to do any more.
    pub(in crate::worker) fn happened(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Started(running) => self.started(running),
            Event::Ended(status) => self.ended(status),
            // Neither running nor ended: it is certainly not there.
            Event::Missing(tag) => self.end(tag, What::Lost),
            Event::Gone { tags, .. } => tags.into_iter().for_each(|tag| self.end(tag, What::Lost)),
            Event::Trouble(error) => tracing::error!("{error}; tasks cannot be started until it is mended"),
            Event::Displaced => return Err("another worker has taken the shim of this data folder over".into()),
        }
        Ok(())
    }

    fn started(&mut self, running: Running) {
        let Some(held) = self.held.get_mut(&running.tag) else { return };
        if let Stage::Handed { started_at } = &mut held.stage {
            *started_at = Some(running.started_at);
            held.place.pid = Some(running.pid);
            self.tell(running.tag);
        }
    }

    pub(super) fn ended(&mut self, status: Status) {
        let tag = status.tag;
        if !self.held.contains_key(&tag) {
            // Of an earlier worker process.
            let Some(attempt) = from_note(tag, &status.note) else { return self.shim.forget(tag) };
            let place = self.workshop.place(&attempt, status.pid);
            let stage = Stage::Handed { started_at: None };
            self.held.insert(tag, Held { attempt, place, stage, master: None });
        }
        let held = self.held.get_mut(&tag).expect("it was put there if it was missing");
        if matches!(held.stage, Stage::Ended(_)) {
            return;
        }
        held.place.pid = status.pid;
        let what = outcome(&status, held.place.clone());
        if let (shim::Exit::NotStarted(why), Some(log)) = (&status.exit, &held.place.log_path) {
            self.workshop.explain(Path::new(log), why);
        }
        self.end(tag, what);
    }

    /// The attempt is over; reported until the owner has recorded it.
    pub(super) fn end(&mut self, tag: Tag, what: What) {
        let Some(held) = self.held.get_mut(&tag) else { return };
        if let Stage::Ended(_) = held.stage {
            return;
        }
        held.stage = Stage::Ended(what);
        self.stale = true;
        self.tell(tag);
        self.pump();
    }
}
