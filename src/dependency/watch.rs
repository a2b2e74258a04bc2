//! One DEPENDENT node while it waits.

#[cfg(test)]
mod tests;

use super::{DateValue, Dependence, Interval, Item, ItemReport, Relation, Report, Verdict, of_node};
use crate::model::{DefinitionId, InstanceId, State, Time};
use chrono::DateTime;
use chrono_tz::Tz;
use std::collections::HashMap;

/// Which run of a definition counts for an interval?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    pub definition: DefinitionId,
    /// One node of it; `None`: the whole run.
    pub node: Option<String>,
    pub interval: Interval,
    /// The interval of the business dates: the schedule times of backfills that count for it.
    pub business: Interval,
}

/// The run that counts: the newest that has not ended, else the one that has ended last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub instance: InstanceId,
    pub state: State,
    /// Its node, if that was asked for and has begun.
    pub node: Option<FoundNode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundNode {
    pub state: State,
    /// It failed, and may be tried again.
    pub may_retry: bool,
}

/// What a look has found.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The names of the definitions that exist.
    pub definitions: HashMap<DefinitionId, String>,
    /// No entry: there is no such run.
    pub runs: HashMap<Question, Found>,
    /// What was asked.
    pub asked: Vec<Question>,
}

/// What becomes of a run that does not exist (`dependent.missing`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// It may still come.
    #[default]
    Wait,
    /// It counts as failed, as in EasyScheduler.
    Fail,
}

/// What an attempt of a DEPENDENT node waits for, and what is known of it.
#[derive(Clone, Debug)]
pub struct Watch {
    relation: Relation,
    /// Each with how many of the items are its own.
    groups: Vec<(Relation, usize)>,
    items: Vec<Watched>,
    zone: Tz,
}

#[derive(Clone, Debug)]
struct Watched {
    item: Item,
    /// One for each interval, the oldest first.
    questions: Vec<Question>,
    /// How many of them, from the first on, were answered by a success.
    met: usize,
    /// Whether all that are left are to be asked, and not only the first of them.
    all: bool,
    verdict: Verdict,
    text: String,
    at: Time,
}

impl Watch {
    /// `base` is what dates are reckoned from: the run's schedule time, else its start.
    pub fn new(dependence: Dependence, base: Time, zone: Tz) -> Watch {
        let groups = dependence.groups.iter().map(|group| (group.relation, group.items.len())).collect();
        let items = dependence.groups.into_iter().flat_map(|group| group.items);
        let items = items.map(|item| Watched::new(item, base, zone)).collect();
        Watch { relation: dependence.relation, groups, items, zone }
    }

    /// What is to be looked up next.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.items.iter().filter(|item| item.verdict == Verdict::Waiting).flat_map(|item| {
            let left = item.questions.get(item.met..).unwrap_or_default();
            &left[..if item.all { left.len() } else { left.len().min(1) }]
        })
    }

    /// Whether a look makes sense at once, and not only when something may have changed.
    pub fn is_curious(&self) -> bool {
        self.verdict() == Verdict::Waiting && self.items.iter().any(|item| item.verdict == Verdict::Waiting && item.all)
    }

    /// Takes what a look has found. `is_own` tells the runs that cannot end before this very node has. What is decided
    /// stays so.
    pub fn learn(&mut self, answers: &Answers, is_own: impl Fn(InstanceId) -> bool, missing: Missing, now: Time) {
        let zone = self.zone;
        for item in self.items.iter_mut().filter(|item| item.verdict == Verdict::Waiting) {
            item.learn(answers, &is_own, missing, zone, now);
        }
    }

    pub fn verdict(&self) -> Verdict {
        let mut verdicts = self.items.iter().map(|item| item.verdict);
        let group = |(relation, count): &(Relation, usize)| (*relation, verdicts.by_ref().take(*count).collect());
        of_node(self.relation, &self.groups.iter().map(group).collect::<Vec<_>>())
    }

    pub fn report(&self) -> Report {
        let item = |item: &Watched| ItemReport {
            key: item.item.key(),
            result: item.verdict,
            text: item.text.clone(),
            at: item.at,
        };
        Report { problem: None, items: self.items.iter().map(item).collect() }
    }

    /// The definitions whose runs it waits for.
    pub fn definitions(&self) -> impl Iterator<Item = DefinitionId> {
        self.items.iter().filter(|item| item.verdict == Verdict::Waiting).map(|item| item.item.definition)
    }
}

impl Watched {
    fn new(item: Item, base: Time, zone: Tz) -> Watched {
        let definition = item.definition;
        let questions = item.date_value.parse::<DateValue>().map_err(|why| why.to_string()).and_then(|value| {
            let intervals = value.intervals(base, zone).unwrap_or_default().into_iter();
            let node = item.node.clone();
            let question = |interval: Interval| {
                let business = interval.a_day_earlier(zone)?;
                Some(Question { definition, node: node.clone(), interval, business })
            };
            let questions: Option<Vec<_>> = intervals.map(question).collect();
            let out_of_time = || format!("`{}` lies beyond the calendar", item.date_value);
            questions.filter(|questions| !questions.is_empty()).ok_or_else(out_of_time)
        });
        let (questions, verdict, text) = match questions {
            Ok(questions) => (questions, Verdict::Waiting, "not looked at yet".to_owned()),
            Err(why) => (vec![], Verdict::Failed, why),
        };
        Watched { item, questions, met: 0, all: true, verdict, text, at: base }
    }

    fn learn(
        &mut self,
        answers: &Answers,
        is_own: &impl Fn(InstanceId) -> bool,
        missing: Missing,
        zone: Tz,
        now: Time,
    ) {
        let mut text = None;
        while let Some(question) = self.questions.get(self.met) {
            // What was met may let others come into question that were not asked.
            self.all = !answers.asked.contains(question);
            if self.all {
                break;
            }
            let (verdict, found) = judge(question, answers, is_own, missing);
            text = Some(self.told(question, answers, &found, zone));
            match verdict {
                Verdict::Success => self.met += 1,
                Verdict::Waiting => break,
                Verdict::Failed => {
                    self.verdict = Verdict::Failed;
                    break;
                }
            }
        }
        if self.met == self.questions.len() {
            self.verdict = Verdict::Success;
        }
        if let Some(text) = text.filter(|text| *text != self.text) {
            (self.text, self.at) = (text, now);
        }
    }

    fn told(&self, question: &Question, answers: &Answers, found: &str, zone: Tz) -> String {
        let time = |instant: Time| {
            let instant = DateTime::from_timestamp_millis(instant.0).unwrap_or_default();
            instant.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()
        };
        let name = answers.definitions.get(&question.definition).map(|name| format!("`{name}`"));
        let name = name.unwrap_or_else(|| format!("process definition {}", question.definition));
        let met = match (self.met, self.questions.len()) {
            (_, 1) => String::new(),
            (met, all) => format!("; {met} of {all} intervals before it are met"),
        };
        let node = question.node.as_ref().map(|node| format!("node `{node}` of ")).unwrap_or_default();
        let (from, until) = (time(question.interval.from), time(question.interval.until));
        format!("{node}{name} from {from} until {until}: {found}{met}")
    }
}

/// What a run, or that there is none, comes to, and the words for it.
fn judge(
    question: &Question,
    answers: &Answers,
    is_own: &impl Fn(InstanceId) -> bool,
    missing: Missing,
) -> (Verdict, String) {
    let Some(found) = answers.runs.get(question) else {
        return match missing {
            _ if !answers.definitions.contains_key(&question.definition) => {
                (Verdict::Failed, "this process definition does not exist".to_owned())
            }
            Missing::Wait => (Verdict::Waiting, "there is no run yet".to_owned()),
            Missing::Fail => (Verdict::Failed, "there is no run".to_owned()),
        };
    };
    let id = found.instance;
    if is_own(id) {
        return (Verdict::Failed, format!("that is process instance {id}, which waits for this node itself"));
    }
    let ended = found.state.is_finished() && found.state != State::WaitingThread;
    match found.node {
        Some(FoundNode { state, may_retry }) => {
            let retries = !ended && (state == State::NeedFaultTolerance || (state == State::Failure && may_retry));
            let verdict = if retries { Verdict::Waiting } else { of_state(state) };
            (verdict, format!("its state in process instance {id} is {state}"))
        }
        None => (of_state(found.state), format!("the state of process instance {id} is {}", found.state)),
    }
}

fn of_state(state: State) -> Verdict {
    use State::*;
    match state {
        Success => Verdict::Success,
        Submitted | Running | ReadyPause | ReadyStop | WaitingThread | WaitingDepend => Verdict::Waiting,
        Pause | Stop | Failure | NeedFaultTolerance | Kill => Verdict::Failed,
    }
}
