//! What has ended here is told to the other masters: DEPENDENT nodes may wait for it there.

use super::driver::Driver;
use crate::model::DefinitionId;
use std::collections::BTreeSet;
use std::time::Duration;

/// How soon it is told again: what ends meanwhile is told together.
const REST: Duration = Duration::from_millis(100);

/// The definitions of which something has ended, until that is told. Times are since the machine has started.
#[derive(Default)]
pub(super) struct Endings {
    untold: BTreeSet<DefinitionId>,
    told_at: Option<Duration>,
}

impl Endings {
    /// When to tell, if there is something.
    pub fn tell_at(&self) -> Option<Duration> {
        let next = self.told_at.map_or(Duration::ZERO, |at| at + REST);
        (!self.untold.is_empty()).then_some(next)
    }
}

impl Driver {
    /// Tells the other masters soon that something of a definition has ended here: at once after a while of silence.
    pub fn announce(&mut self, definition: DefinitionId) {
        if self.settings.sole {
            return;
        }
        self.endings.untold.insert(definition);
        if self.endings.tell_at().is_some_and(|at| at <= self.means.clock.boot()) {
            self.tell_others();
        }
    }

    pub fn tell_others(&mut self) {
        self.endings.told_at = Some(self.means.clock.boot());
        let definitions: Vec<DefinitionId> = std::mem::take(&mut self.endings.untold).into_iter().collect();
        self.means.colleagues.ended(definitions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::{Holder, Report, ToWorker};
    use crate::master::stage::{driver, settings};
    use std::sync::{Arc, Mutex};

    /// Writes down what it is told.
    #[derive(Default)]
    struct Heard(Mutex<Vec<Vec<i32>>>);

    impl crate::calls::Colleagues for Heard {
        fn letter(&self, _master: &str, _from: Holder, _report: Report) {}

        fn pass(&self, _worker: &str, _what: ToWorker) {}

        fn ended(&self, definitions: Vec<DefinitionId>) {
            self.0.lock().unwrap().push(definitions.into_iter().map(|id| id.0).collect());
        }
    }

    #[tokio::test]
    async fn however_much_ends_the_others_are_told_a_few_times_a_second() {
        let heard = Arc::new(Heard::default());
        let (mut driver, clock) = driver(heard.clone(), settings()).await;
        assert_eq!(driver.endings.tell_at(), None);
        for end in 0..5000 {
            driver.announce(DefinitionId(1 + end % 3));
        }
        assert_eq!(*heard.0.lock().unwrap(), [[1]], "the first one at once");
        clock.advance(REST);
        assert!(driver.endings.tell_at() <= Some(crate::clock::Clock::boot(&clock)));
        driver.tell_others();
        assert_eq!(heard.0.lock().unwrap()[1..], [[1, 2, 3]], "the others together");
        assert_eq!(driver.endings.tell_at(), None, "nothing is left to tell");
    }

    #[tokio::test]
    async fn a_master_without_others_tells_nobody() {
        let heard = Arc::new(Heard::default());
        let (mut driver, _clock) = driver(heard.clone(), super::super::Settings { sole: true, ..settings() }).await;
        driver.announce(DefinitionId(1));
        assert_eq!((heard.0.lock().unwrap().len(), driver.endings.tell_at()), (0, None));
    }
}
