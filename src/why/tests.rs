//! A scenario for each reason.

use super::*;
use crate::engine::Work;
use crate::model::{InstanceId, OverlapPolicy, State, Time};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

fn node(name: &str, after: &[usize]) -> NodeFacts {
    NodeFacts { name: name.into(), work: Work::Task, after: after.to_vec(), group: -1, attempt: None }
}

fn attempt(state: State) -> Attempt {
    Attempt {
        state,
        holder: None,
        may_retry: false,
        ended_at: None,
        retry_interval: Duration::ZERO,
        waits_for: vec![],
        child: None,
    }
}

impl NodeFacts {
    fn is(self, state: State) -> NodeFacts {
        self.with(attempt(state))
    }

    fn with(self, attempt: Attempt) -> NodeFacts {
        NodeFacts { attempt: Some(attempt), ..self }
    }

    fn of(self, work: Work) -> NodeFacts {
        NodeFacts { work, ..self }
    }
}

fn run(nodes: Vec<NodeFacts>) -> InstanceFacts {
    InstanceFacts { state: State::Running, ends_on_failure: false, nodes, places: 10, groups: HashMap::new() }
}

fn fellow(host: &str) -> Fellow {
    Fellow { host: host.into(), overload: None }
}

fn busy(host: &str) -> Fellow {
    Fellow { overload: Some("the load average is 9.00, the limit 8.00".into()), ..fellow(host) }
}

fn crew() -> Crew {
    Crew { masters: vec![fellow("m")], workers: vec![fellow("a"), fellow("b")], sole: false }
}

/// `name: CODE: text` for each node that waits.
fn told(facts: &InstanceFacts, crew: &Crew) -> Vec<String> {
    nodes(facts, crew).iter().map(|it| format!("{}: {:?}: {}", it.name, it.reason.code, it.reason.text)).collect()
}

#[test]
fn a_node_waits_for_those_before_it_through_what_is_forbidden() {
    let nodes = vec![
        node("a", &[]).is(State::Running),
        node("b", &[0]).of(Work::Pass),
        node("c", &[1]),
        node("d", &[]).is(State::Success),
        node("e", &[2, 3]),
    ];
    assert_eq!(told(&run(nodes), &crew()), ["c: Predecessor: it waits for `a`", "e: Predecessor: it waits for `c`"]);
    let many: Vec<NodeFacts> = (0..5).map(|at| node(&format!("n{at}"), &[]).is(State::Running)).collect();
    let all = [many, vec![node("last", &[0, 1, 2, 3, 4])]].concat();
    assert_eq!(told(&run(all), &crew()), ["last: Predecessor: it waits for `n0`, `n1`, `n2` and 2 others"]);
}

#[test]
fn what_comes_after_a_failure_will_not_run_and_what_was_not_chosen_neither() {
    let nodes = vec![
        node("a", &[]).is(State::Failure),
        node("b", &[0]),
        node("c", &[1]),
        node("d", &[]).of(Work::Absent),
        node("e", &[]).is(State::Running),
        node("f", &[3, 4]),
    ];
    assert_eq!(
        told(&run(nodes), &crew()),
        [
            "b: PredecessorFailed: `a` has not succeeded, so it will not run",
            "c: PredecessorFailed: `a` has not succeeded, so it will not run",
            "d: NotChosen: this run does not include it",
            "f: Predecessor: it waits for `e`",
        ]
    );
}

#[test]
fn what_will_be_tried_again_says_when_and_those_after_it_wait() {
    let failed = Attempt {
        may_retry: true,
        ended_at: Some(Time(1000)),
        retry_interval: Duration::from_secs(60),
        ..attempt(State::Failure)
    };
    let facts = run(vec![node("a", &[]).with(failed), node("b", &[0])]);
    let found = nodes(&facts, &crew());
    assert_eq!((found[0].reason.code, found[0].reason.until), (Code::Retry, Some(Time(61_000))));
    assert_eq!(found[1].reason.text, "it waits for `a`");
    let whole = instance(&facts, &found).unwrap();
    assert_eq!((whole.code, whole.until), (Code::Retry, Some(Time(61_000))));
}

#[test]
fn an_attempt_without_a_holder_waits_for_a_slot_of_those_that_may_run_it() {
    let waits = |group| NodeFacts { group, ..node("a", &[]).is(State::Submitted) };
    let groups = HashMap::from([(1, BTreeSet::from(["b".to_owned()])), (2, BTreeSet::from(["far".to_owned()]))]);
    let facts = |group| InstanceFacts { groups: groups.clone(), ..run(vec![waits(group)]) };
    assert_eq!(told(&facts(-1), &crew()), ["a: Slot: none of the 2 workers that may run it has a free slot"]);
    assert_eq!(told(&facts(1), &crew()), ["a: Slot: the worker that may run it has no free slot"]);
    let empty = "a: WorkerGroupEmpty: no worker of its group runs: that is limited to `far`";
    assert_eq!(told(&facts(2), &crew()), [empty]);
    // One that does not exist limits nobody.
    assert_eq!(told(&facts(3), &crew()), ["a: Slot: none of the 2 workers that may run it has a free slot"]);
    let nobody = Crew { workers: vec![], ..crew() };
    assert_eq!(told(&facts(-1), &nobody), ["a: NoWorker: no worker is running"]);
}

#[test]
fn machines_that_are_too_busy_are_named() {
    let facts = run(vec![node("a", &[]).is(State::Submitted)]);
    let all = Crew { workers: vec![busy("a"), busy("b")], ..crew() };
    let why = "a: Overload: the workers take nothing more on for now (a: the load average is 9.00, the limit 8.00)";
    assert_eq!(told(&facts, &all), [why]);
    let one = Crew { workers: vec![busy("a"), fellow("b")], ..crew() };
    assert_eq!(nodes(&facts, &one)[0].reason.code, Code::Slot);
}

#[test]
fn an_attempt_with_a_holder_is_about_to_start_but_within_one_process_waits_for_a_slot() {
    let held = Attempt { holder: Some("w-1".into()), ..attempt(State::Submitted) };
    let facts = run(vec![node("a", &[]).with(held)]);
    let handed = "a: HandedOver: worker w-1 was given it, and has not said yet that it has started";
    assert_eq!(told(&facts, &crew()), [handed]);
    let sole = Crew { workers: vec![fellow("here")], sole: true, ..crew() };
    assert_eq!(told(&facts, &sole), ["a: Slot: the worker that may run it has no free slot"]);
}

#[test]
fn an_instance_that_has_all_its_tasks_under_way_lets_the_rest_wait() {
    let facts = InstanceFacts { places: 1, ..run(vec![node("a", &[]).is(State::Running), node("b", &[])]) };
    assert_eq!(told(&facts, &crew()), ["b: Places: its instance runs as many tasks at once as it may, which are 1"]);
    let free = run(vec![node("b", &[])]);
    assert_eq!(nodes(&free, &crew())[0].reason.code, Code::Turn);
    let nobody = Crew { masters: vec![], ..crew() };
    assert_eq!(nodes(&free, &nobody)[0].reason.code, Code::NoMaster);
    let lost = run(vec![node("b", &[]).is(State::NeedFaultTolerance)]);
    assert_eq!(nodes(&lost, &crew())[0].reason.code, Code::Turn);
}

#[test]
fn what_a_logic_node_waits_for_is_said() {
    let waits = |for_: &[&str]| Attempt {
        waits_for: for_.iter().map(|text| (*text).to_owned()).collect(),
        ..attempt(State::Running)
    };
    let facts = run(vec![
        node("d", &[]).of(Work::Dependency).with(waits(&["`daily` of yesterday", "`other`"])),
        node("s", &[]).of(Work::Child).with(Attempt { child: Some(InstanceId(7)), ..attempt(State::Running) }),
    ]);
    let found = nodes(&facts, &crew());
    assert_eq!((found[0].reason.code, found[1].reason.code), (Code::Dependency, Code::SubProcess));
    assert_eq!(found[0].reason.text, "it waits for `daily` of yesterday; and for 1 more");
    assert_eq!(found[1].reason.text, "its sub-process, process instance 7, has not ended");
    assert_eq!(instance(&facts, &found).unwrap().code, Code::Dependency);
}

#[test]
fn orders_hold_everything_up() {
    let with = |state| InstanceFacts { state, ..run(vec![node("a", &[]).is(State::Running), node("b", &[])]) };
    assert_eq!(nodes(&with(State::ReadyPause), &crew())[0].reason.code, Code::Paused);
    assert_eq!(nodes(&with(State::ReadyStop), &crew())[0].reason.code, Code::Stopping);
    assert_eq!(nodes(&with(State::Pause), &crew()), []);
    assert_eq!(instance(&with(State::Pause), &[]).unwrap().code, Code::Paused);
    assert_eq!(instance(&with(State::Success), &[]), None);
    let failing = InstanceFacts {
        ends_on_failure: true,
        ..run(vec![node("a", &[]).is(State::Failure), node("b", &[]).is(State::Running), node("c", &[])])
    };
    assert_eq!(nodes(&failing, &crew())[0].reason.code, Code::Stopping);
}

#[test]
fn an_instance_of_which_something_runs_needs_no_reason() {
    let facts = run(vec![node("a", &[]).is(State::Running), node("b", &[]).is(State::Submitted)]);
    assert_eq!(instance(&facts, &nodes(&facts, &crew())), None);
}

#[test]
fn what_was_asked_for_waits_for_masters_or_for_the_run_before_it() {
    let code = |crew: &Crew, in_hand| start(Start::Command, crew, in_hand, 5).code;
    assert_eq!(code(&crew(), 0), Code::Command);
    assert_eq!(code(&Crew { masters: vec![], ..crew() }, 0), Code::NoMaster);
    assert_eq!(code(&crew(), 5), Code::Instances);
    let full = Crew { masters: vec![busy("m")], ..crew() };
    // One without any work takes some on, however busy its machine is.
    assert_eq!((code(&full, 1), code(&full, 0)), (Code::Overload, Code::Command));
    let firing = Start::Firing { policy: OverlapPolicy::Wait, last: Some(InstanceId(9)) };
    let reason = start(firing, &crew(), 0, 5);
    assert_eq!(
        (reason.code, reason.text.as_str()),
        (Code::Overlap, "process instance 9 has not ended, and the schedule's overlap policy is wait")
    );
}
