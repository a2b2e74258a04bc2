//! DEPENDENT nodes: the runs that they wait for are looked up in the database, for all nodes at once: when a node
//! begins, and when something ends that it may wait for, here or at another master, which tells it.

use super::driver::{AGAIN, Done, Driver};
use super::offices::Office;
use super::run::{Item, Run};
use crate::calls::Place;
use crate::dag::NodeIx;
use crate::dependency::{Answers, Dependence, Question, Report, Verdict, Watch};
use crate::engine::{Event, Exit, Work};
use crate::model::{DefinitionId, InstanceId, Tag, Time};
use crate::store::Error;
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// How often it is looked without anything having ended: another master's word may be lost, or the definition is
/// deleted.
const LOOK: Duration = Duration::from_secs(5);
/// How soon at the earliest after the last look: what ends meanwhile is looked for together.
const REST: Duration = Duration::from_millis(50);

/// An attempt of a DEPENDENT node.
pub(super) struct Dependent {
    node: NodeIx,
    watch: Watch,
    /// What was recorded last.
    told: Option<Report>,
}

/// What a master knows of the DEPENDENT nodes that wait.
#[derive(Default)]
pub(super) struct Dependents {
    /// When to look next, by the time since the machine has started.
    pub look_at: Option<Duration>,
    /// When the last look began.
    looked_at: Option<Duration>,
    /// The instances that have some.
    waiting: BTreeSet<InstanceId>,
    /// The definitions whose runs were last looked for.
    definitions: HashSet<DefinitionId>,
}

impl Driver {
    /// A recorded attempt waits from now on. `begun` is when that was, if it is news.
    pub fn watch(&mut self, id: InstanceId, node: NodeIx, tag: Tag, begun: Option<Time>) {
        let (host, now) = (self.settings.host.clone(), self.now());
        let Some(run) = self.runs.get_mut(&id) else { return };
        if let Some(at) = begun {
            let place = Some(Place { host, ..Place::default() });
            run.inbox.push_back(Item { place, ..Item::from(Event::Started { node, tag, at }) });
        }
        match Dependence::of(&run.nodes[node as usize]) {
            Ok(dependence) => {
                let (base, zone) = run.moment.parts();
                let watch = Watch::new(dependence, base, zone);
                run.dependents.insert(tag, Dependent { node, watch, told: None });
                self.dependents.waiting.insert(id);
                self.look_soon();
            }
            Err(why) => {
                let problem = Some(format!("what this node depends upon makes no sense: {why}"));
                let report = Report { problem, items: vec![] };
                let failed = Event::Finished { node, tag, exit: Exit::Failed, at: now };
                run.inbox.push_back(Item::of_look(tag, Some(report.text()), Some(failed)));
            }
        }
    }

    /// After it was loaded: what waits, waits here.
    pub fn watch_again(&mut self, id: InstanceId) {
        let now = self.now();
        let Some(run) = self.runs.get(&id) else { return };
        let plan = run.engine.plan();
        let waiting = run.engine.waiting_since().filter(|(node, ..)| plan.node(*node).work == Work::Dependency);
        let waiting: Vec<_> = waiting.collect();
        for (node, tag, since) in waiting {
            self.watch(id, node, tag, since.is_none().then_some(now));
        }
    }

    /// The attempt was ended from here.
    pub fn wait_no_more(&mut self, id: InstanceId, node: NodeIx, tag: Tag, exit: Exit) {
        let at = self.now();
        self.post(id, Event::Finished { node, tag, exit, at }.into());
    }

    /// Something of a definition has ended here.
    pub fn ended(&mut self, definition: DefinitionId) {
        if self.dependents.definitions.contains(&definition) {
            self.look_soon();
        }
    }

    /// Something of these definitions has ended at another master.
    pub fn ended_elsewhere(&mut self, definitions: &[DefinitionId]) {
        if definitions.iter().any(|definition| self.dependents.definitions.contains(definition)) {
            self.look_soon();
        }
    }

    /// Something may have ended without anybody telling.
    pub fn look_for_what_has_ended(&mut self) {
        if !self.dependents.waiting.is_empty() {
            self.look_soon();
        }
    }

    /// As soon as the loop comes to it: what begins or ends together is looked up together.
    fn look_soon(&mut self) {
        let now = self.means.clock.boot();
        let soon = self.dependents.looked_at.map_or(now, |at| now.max(at + REST));
        self.look_at(soon);
    }

    fn look_at(&mut self, at: Duration) {
        let next = self.dependents.look_at.map_or(at, |next| next.min(at));
        self.dependents.look_at = Some(next);
    }

    pub fn look_for_runs(&mut self) {
        self.dependents.look_at = None;
        if !self.offices.enter(Office::Dependents) {
            return;
        }
        self.dependents.looked_at = Some(self.means.clock.boot());
        let runs = &self.runs;
        self.dependents.waiting.retain(|id| runs.get(id).is_some_and(|run| !run.dependents.is_empty()));
        let waiting = || self.dependents.waiting.iter().filter_map(|id| self.runs.get(id));
        let watches = || waiting().flat_map(|run| run.dependents.values()).map(|dependent| &dependent.watch);
        let mut questions: Vec<Question> = watches().flat_map(Watch::questions).cloned().collect();
        let mut known = HashSet::new();
        questions.retain(|question| known.insert(question.clone()));
        self.dependents.definitions = watches().flat_map(Watch::definitions).collect();
        if self.dependents.waiting.is_empty() {
            self.offices.leave(Office::Dependents);
            return;
        }
        let store = self.means.records.clone();
        self.work.spawn(async move {
            let answers = match questions.is_empty() {
                true => Ok(Answers::default()),
                false => store.awaited(questions).await,
            };
            Done::Seen(answers)
        });
    }

    pub fn seen(&mut self, answers: Result<Answers, Error>) {
        let again = self.offices.leave(Office::Dependents);
        let again_after = if answers.is_ok() { LOOK } else { AGAIN };
        self.look_at(self.means.clock.boot() + again_after);
        if let Ok(answers) = self.answered(answers) {
            let ids: Vec<InstanceId> = self.dependents.waiting.iter().copied().collect();
            for id in ids {
                self.learn(id, &answers);
            }
        }
        if again {
            self.look_soon();
        }
    }

    fn learn(&mut self, id: InstanceId, answers: &Answers) {
        let (now, missing) = (self.now(), self.settings.missing);
        let own = self.line_of(id);
        let Some(run) = self.runs.get_mut(&id) else { return };
        let (mut curious, mut news) = (false, vec![]);
        for (tag, dependent) in &mut run.dependents {
            let watch = &mut dependent.watch;
            watch.learn(answers, |found| own.contains(&found), missing, now);
            curious |= watch.is_curious();
            let (verdict, report) = (watch.verdict(), watch.report());
            // One that was not asked about yet has nothing to tell.
            let is_fresh = dependent.told.is_none() && watch.is_curious();
            if is_fresh || dependent.told.as_ref() == Some(&report) {
                continue;
            }
            let (node, tag, text) = (dependent.node, *tag, report.text());
            let finished = |exit| Event::Finished { node, tag, exit, at: now };
            let event = match verdict {
                Verdict::Waiting => None,
                Verdict::Success => Some(finished(Exit::Success)),
                Verdict::Failed => Some(finished(Exit::Failed)),
            };
            dependent.told = Some(report);
            news.push(Item::of_look(tag, Some(text), event));
        }
        let is_news = !news.is_empty();
        run.inbox.extend(news);
        if curious {
            self.look_soon();
        }
        if is_news {
            self.advance(id);
        }
    }

    /// The instance and those that it is a part of: none of them ends before it has.
    fn line_of(&self, id: InstanceId) -> BTreeSet<InstanceId> {
        let parent = |id: &InstanceId| self.runs.get(id).and_then(Run::parent).map(|parent| parent.instance);
        std::iter::successors(Some(id), parent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::{Embedded, MasterMail};
    use crate::clock::Clock;
    use crate::master::stage::{driver, settings};
    use std::sync::Arc;

    fn ended(driver: &mut Driver, definition: i32) -> Option<Duration> {
        driver.receive(MasterMail::Ended { definitions: vec![DefinitionId(definition)] });
        driver.dependents.look_at
    }

    #[tokio::test]
    async fn only_an_end_that_somebody_waits_for_is_looked_for_and_many_of_them_together() {
        let (mut driver, clock) = driver(Arc::new(Embedded::new("me".into()).0), settings()).await;
        assert_eq!(ended(&mut driver, 7), None, "nobody waits");
        driver.look_for_what_has_ended();
        assert_eq!(driver.dependents.look_at, None);
        driver.dependents.definitions.insert(DefinitionId(7));
        assert_eq!(ended(&mut driver, 8), None, "for another one");
        let now = clock.boot();
        assert_eq!(ended(&mut driver, 7), Some(now), "at once");
        driver.look_for_runs();
        driver.dependents.definitions.insert(DefinitionId(7));
        for _ in 0..5000 {
            assert_eq!(ended(&mut driver, 7), Some(now + REST), "not as often as something ends");
        }
    }

    #[tokio::test]
    async fn without_an_answer_of_the_database_it_is_asked_again_soon() {
        let (mut driver, clock) = driver(Arc::new(Embedded::new("me".into()).0), settings()).await;
        driver.seen(Ok(Answers::default()));
        assert_eq!(driver.dependents.look_at, Some(clock.boot() + LOOK));
        driver.seen(Err(Error::Unavailable(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("it is gone")))));
        assert_eq!(driver.dependents.look_at, Some(clock.boot() + AGAIN));
    }
}
