use super::*;
use crate::dependency::Group;

const SHANGHAI: Tz = Tz::Asia__Shanghai;

fn base() -> Time {
    Time(DateTime::parse_from_rfc3339("2019-03-10T01:30:15+08:00").unwrap().timestamp_millis())
}

fn item(definition: i32, node: Option<&str>, date_value: &str) -> Item {
    let (definition, node) = (DefinitionId(definition), node.map(str::to_owned));
    Item { definition, node, cycle: "day".into(), date_value: date_value.into() }
}

fn watch(relation: Relation, groups: Vec<(Relation, Vec<Item>)>) -> Watch {
    let groups = groups.into_iter().map(|(relation, items)| Group { relation, items }).collect();
    Watch::new(Dependence { relation, groups }, base(), SHANGHAI)
}

fn one(item: Item) -> Watch {
    watch(Relation::And, vec![(Relation::And, vec![item])])
}

/// Answers all that it asks; `run` tells what there is for a definition in an interval (by its place).
fn look(watch: &mut Watch, run: impl Fn(i32, usize) -> Option<(State, Option<FoundNode>)>) -> Verdict {
    look_with(watch, run, Missing::Wait)
}

fn look_with(
    watch: &mut Watch,
    run: impl Fn(i32, usize) -> Option<(State, Option<FoundNode>)>,
    missing: Missing,
) -> Verdict {
    let asked: Vec<Question> = watch.questions().cloned().collect();
    let place = |question: &Question| {
        watch.items.iter().find_map(|item| item.questions.iter().position(|it| it == question)).unwrap()
    };
    let definitions = (1..9).map(|id| (DefinitionId(id), format!("d{id}"))).collect();
    let found = asked.iter().filter_map(|question| {
        let (state, node) = run(question.definition.0, place(question))?;
        Some((question.clone(), Found { instance: InstanceId(question.definition.0 * 10), state, node }))
    });
    let answers = Answers { definitions, runs: found.collect(), asked: asked.clone() };
    watch.learn(&answers, |id| id == InstanceId(80), missing, Time(5));
    watch.verdict()
}

#[test]
fn the_state_of_the_run_decides() {
    use State::*;
    for (state, verdict) in [
        (Success, Verdict::Success),
        (Submitted, Verdict::Waiting),
        (Running, Verdict::Waiting),
        (ReadyPause, Verdict::Waiting),
        (ReadyStop, Verdict::Waiting),
        (WaitingThread, Verdict::Waiting),
        (WaitingDepend, Verdict::Waiting),
        (Pause, Verdict::Failed),
        (Stop, Verdict::Failed),
        (Failure, Verdict::Failed),
        (NeedFaultTolerance, Verdict::Failed),
        (Kill, Verdict::Failed),
    ] {
        assert_eq!(look(&mut one(item(5, None, "last1Days")), |_, _| Some((state, None))), verdict, "{state}");
    }
}

#[test]
fn of_one_node_its_own_state_decides_and_a_retry_is_waited_for() {
    use State::*;
    let node = |state, may_retry| Some(FoundNode { state, may_retry });
    for (run, node, verdict) in [
        (Running, node(Success, false), Verdict::Success),
        (Failure, node(Success, false), Verdict::Success),
        (Running, node(Failure, false), Verdict::Failed),
        (Running, node(Failure, true), Verdict::Waiting),
        (Failure, node(Failure, true), Verdict::Failed),
        (Running, node(NeedFaultTolerance, false), Verdict::Waiting),
        (Running, node(Kill, false), Verdict::Failed),
        // There is no such node, or it has not begun: the run decides.
        (Running, None, Verdict::Waiting),
        (Success, None, Verdict::Success),
    ] {
        let mut watch = one(item(5, Some("load"), "last1Days"));
        assert_eq!(look(&mut watch, |_, _| Some((run, node))), verdict, "{run} {node:?}");
    }
}

#[test]
fn d12_a_run_that_does_not_exist_yet_is_waited_for_unless_that_is_switched_off() {
    let mut watch = one(item(5, None, "last1Days"));
    assert_eq!(look(&mut watch, |_, _| None), Verdict::Waiting);
    assert_eq!(
        watch.report().items[0].text,
        "`d5` from 2019-03-09 00:00:00 until 2019-03-10 00:00:00: there is no run yet"
    );
    assert_eq!(look(&mut watch, |_, _| Some((State::Success, None))), Verdict::Success);
    let mut original = one(item(5, None, "last1Days"));
    assert_eq!(look_with(&mut original, |_, _| None, Missing::Fail), Verdict::Failed);
}

#[test]
fn every_interval_must_be_met_and_the_first_that_is_not_decides() {
    let mut watch = one(item(5, None, "last3Days"));
    assert_eq!(watch.questions().count(), 3);
    // The second is missing, so the failed third does not count yet.
    let with = |second: Option<State>| {
        let states = [Some(State::Success), second, Some(State::Failure)];
        move |_: i32, place: usize| states[place].map(|state| (state, None))
    };
    assert_eq!(look(&mut watch, with(None)), Verdict::Waiting);
    assert_eq!(watch.questions().count(), 1, "only what is waited for is looked up again");
    assert!(!watch.is_curious());
    assert_eq!(look(&mut watch, with(Some(State::Success))), Verdict::Waiting);
    assert!(watch.is_curious(), "what comes after it was not asked");
    assert_eq!(look(&mut watch, with(Some(State::Success))), Verdict::Failed);
}

#[test]
fn items_make_groups_and_groups_the_node() {
    let groups = || {
        vec![
            (Relation::And, vec![item(1, None, "today"), item(2, None, "today")]),
            (Relation::Or, vec![item(3, None, "today"), item(4, None, "today")]),
        ]
    };
    // One and two have succeeded, three has failed, four is missing.
    let run = |definition, _| match definition {
        1 | 2 => Some((State::Success, None)),
        3 => Some((State::Failure, None)),
        _ => None,
    };
    assert_eq!(look(&mut watch(Relation::And, groups()), run), Verdict::Waiting);
    assert_eq!(look(&mut watch(Relation::Or, groups()), run), Verdict::Success);
    let mut later = watch(Relation::And, groups());
    look(&mut later, run);
    assert_eq!(later.definitions().collect::<Vec<_>>(), [DefinitionId(4)]);
    assert_eq!(look(&mut later, |_, _| Some((State::Success, None))), Verdict::Success);
}

#[test]
fn what_is_decided_stays_so() {
    let mut watch = watch(Relation::And, vec![(Relation::And, vec![item(1, None, "today"), item(2, None, "today")])]);
    look(&mut watch, |definition, _| (definition == 1).then_some((State::Success, None)));
    assert_eq!(look(&mut watch, |_, _| Some((State::Success, None))), Verdict::Success);
    let report = watch.report();
    assert_eq!(
        report.results().into_iter().collect::<Vec<_>>(),
        [("1-ALL-day-today", Verdict::Success), ("2-ALL-day-today", Verdict::Success),]
    );
    assert_eq!(Report::read(&report.text()), Some(report));
}

#[test]
fn what_can_never_come_fails_with_a_reason() {
    let text = |mut watch: Watch| {
        let run = |definition, _| (definition == 8).then_some((State::Running, None));
        assert_eq!(look(&mut watch, run), Verdict::Failed);
        watch.report().items[0].text.clone()
    };
    assert_eq!(text(one(item(5, None, "lastYear"))), "`lastYear` is no date value of a dependent item");
    assert!(text(one(item(99, None, "today"))).ends_with(": this process definition does not exist"));
    assert!(text(one(item(8, None, "today"))).ends_with("process instance 80, which waits for this node itself"));
}
