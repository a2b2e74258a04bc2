use super::*;
use std::io;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Out {
    /// What was written since the last look.
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

const PLAIN: Look = Look { terminal: None, colours: false, zone: Tz::UTC };
const TERMINAL: Look = Look { terminal: Some(|| (60, 24)), ..PLAIN };

/// 12:00:00 and so many milliseconds.
fn at(millis: i64) -> Time {
    Time(1_790_164_800_000 + millis)
}

fn node(name: &str) -> NodeView {
    NodeView {
        name: name.into(),
        kind: "SHELL".into(),
        state: None,
        attempt: 0,
        started_at: None,
        ended_at: None,
        waits: None,
    }
}

fn running(name: &str, attempt: u32, start: i64) -> NodeView {
    NodeView { state: Some(State::Running), attempt, started_at: Some(at(start)), ..node(name) }
}

fn ended(name: &str, state: State, start: i64, end: i64) -> NodeView {
    NodeView { state: Some(state), ended_at: Some(at(end)), ..running(name, 1, start) }
}

fn snapshot(now: i64, instance_state: State, nodes: &[NodeView]) -> Snapshot {
    Snapshot { instance_state, nodes: nodes.to_vec(), now: at(now) }
}

fn progress(look: Look) -> (Progress, Out) {
    let out = Out::default();
    (Progress::new("daily".into(), out.clone(), look), out)
}

#[test]
fn without_a_terminal_each_change_is_a_line_and_a_table_ends_it() {
    let (mut progress, out) = progress(PLAIN);
    let queued = NodeView { state: Some(State::Submitted), attempt: 1, ..node("extract") };
    progress.show(snapshot(0, State::Running, &[queued, node("load")]));
    assert_eq!(out.take(), "");
    progress.show(snapshot(1100, State::Running, &[running("extract", 1, 1000), node("load")]));
    progress.show(snapshot(2000, State::Running, &[running("extract", 1, 1000), node("load")]));
    assert_eq!(out.take(), "12:00:01 extract: running\n");
    let extract = ended("extract", State::Success, 1000, 3100);
    let failed = ended("load", State::Failure, 3200, 3300);
    progress.show(snapshot(3400, State::Running, &[failed, extract.clone()]));
    assert_eq!(out.take(), "12:00:03 extract: SUCCESS after 2.1 s\n12:00:03 load: FAILURE after 100 ms\n");
    progress.show(snapshot(64_000, State::ReadyStop, &[running("load", 2, 63_300), extract.clone()]));
    assert_eq!(out.take(), "12:01:03 load: running (attempt 2)\n12:01:04 daily: stopping\n");
    let killed = NodeView { attempt: 2, ..ended("load", State::Kill, 63_300, 65_000) };
    progress.show(snapshot(65_100, State::Stop, &[killed, extract, node("publish")]));
    assert_eq!(out.take(), "12:01:05 load: KILL after 1.7 s (attempt 2)\n");
    progress.finish();
    let expected = "\
node     state        attempts  start     duration
extract  SUCCESS             1  12:00:01  2.1 s
load     KILL                2  12:01:03  1.7 s
publish  not started         0  -         -
daily: STOP in 1 min 05 s (3 nodes)
";
    assert_eq!(out.take(), expected);
}

#[test]
fn a_terminal_shows_one_picture_in_the_place_of_the_last() {
    let (mut progress, out) = progress(TERMINAL);
    let nodes = [ended("a", State::Success, 0, 900), running("b", 1, 0), running("c", 2, 500), node("d")];
    progress.show(snapshot(1000, State::Running, &nodes));
    let picture = "daily  1.0 s\x1b[K\n███████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒░░░░░░░░\x1b[K\n1 of 4 done, 2 running, 1 waiting\x1b[K\n  \
        b                                              1.0 s\x1b[K\n  \
        c                                       0.5 s  attempt 2\x1b[K\n\x1b[J";
    let drawn = out.take();
    assert_eq!(drawn.replace(' ', ""), picture.replace(' ', ""));
    assert!(drawn.lines().all(|line| line.replace("\x1b[K", "").chars().count() < 60));
    progress.show(snapshot(1050, State::Running, &nodes));
    assert_eq!(out.take(), "", "not more than ten pictures a second");
    progress.show(snapshot(1100, State::Running, &nodes));
    assert!(out.take().starts_with("\r\x1b[5Adaily  1.1 s\x1b[K\n"));
    progress.say("stopping");
    assert!(out.take().starts_with("\r\x1b[5A\x1b[Jstopping\ndaily"));
    progress.finish();
    let end = out.take();
    assert!(end.starts_with("\r\x1b[5A\x1b[Jnode") && end.ends_with("\ndaily: running in 1.1 s (4 nodes)\n"));
}

#[test]
fn of_many_running_nodes_the_oldest_are_shown_and_the_others_counted() {
    let nodes: Vec<_> = (0..47).map(|n| running(&format!("node {n}"), 1, 1000 - n)).collect();
    let seen = snapshot(2000, State::Running, &nodes);
    let lines = live::picture("daily", &seen, at(0), (80, 24), Paint(false));
    assert_eq!(lines.len(), 14);
    assert!(lines[3].starts_with("  node 46 ") && lines[13] == "  and 37 more");
    let low = live::picture("daily", &seen, at(0), (10, 6), Paint(false));
    assert_eq!(low.len(), 5);
    assert!(low.iter().all(|line| line.chars().count() < 10), "{low:?}");
    assert_eq!(live::picture("daily", &seen, at(0), (0, 2), Paint(false)), [""]);
}

#[test]
fn of_long_names_both_ends_are_shown() {
    let cut = |name: &str, columns| text::squeeze(name, columns);
    assert_eq!(cut("extract", 7), "extract");
    assert_eq!([6, 5, 2, 1, 0].map(|columns| cut("extract", columns)), ["ext…ct", "ex…ct", "e…", "…", ""]);
    assert_eq!(cut("数据数据", 6), "数…据");
    let name = "数据".repeat(30);
    let (mut progress, out) = progress(PLAIN);
    progress.show(snapshot(0, State::Success, &[ended(&name, State::Success, 0, 0), ended("b", State::Success, 0, 0)]));
    progress.said("b", "done");
    out.take();
    progress.finish();
    let text = out.take();
    let lines: Vec<_> = text.lines().collect();
    let shown = format!("{}…{}", "数据".repeat(5), "据".to_owned() + &"数据".repeat(4));
    assert!(lines[1].starts_with(&format!("{shown}   SUCCESS")), "{text}");
    assert!(lines[2].starts_with(&format!("b{}  SUCCESS", " ".repeat(39))), "{text}");
}

#[test]
fn a_large_workflow_shows_its_first_nodes_and_all_that_failed() {
    let mut nodes: Vec<_> = (0..5000).map(|n| ended(&format!("n{n}"), State::Success, n, n)).collect();
    nodes[4000] = ended("broken", State::Failure, 4000, 4000);
    nodes.extend((0..200).map(|n| node(&format!("after {n}"))));
    let table = summary::table(&snapshot(0, State::Failure, &nodes), &HashMap::new(), 80, Tz::UTC, Paint(false));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 1 + 50 + 1 + 2);
    assert!(lines[51].starts_with("broken"));
    assert_eq!(lines[52..], ["and 4949 more that succeeded", "and 200 more that did not start"]);
}

#[test]
fn a_run_over_midnight_shows_the_date() {
    let table = summary::table(
        &snapshot(86_400_000, State::Running, &[running("a", 1, 0)]),
        &HashMap::new(),
        80,
        Tz::Asia__Shanghai,
        Paint(false),
    );
    assert!(table.ends_with("a     running         1  09-23 20:00:00  1 d 00 h\n"), "{table}");
}

#[test]
fn colours_are_used_only_when_asked_for() {
    for colours in [false, true] {
        let (mut progress, out) = progress(Look { colours, ..PLAIN });
        progress.show(snapshot(0, State::Failure, &[ended("a", State::Failure, 0, 0)]));
        progress.finish();
        assert_eq!(out.take().contains("\x1b[31mFAILURE"), colours);
    }
}

#[test]
fn names_cannot_command_the_terminal() {
    let (mut progress, out) = progress(PLAIN);
    progress.show(snapshot(0, State::Success, &[ended("a\x1b[2J\nb", State::Success, 0, 0)]));
    progress.finish();
    assert!(!out.take().contains('\x1b'));
}

#[test]
fn lengths_of_time_are_as_exact_as_it_is_of_use() {
    let spans =
        [0, 99, 2149, 59_999, 60_000, 3_599_999, 3_600_000, 90_000_000].map(Duration::from_millis).map(text::span);
    assert_eq!(spans, ["0.0 s", "0.0 s", "2.1 s", "59.9 s", "1 min 00 s", "59 min 59 s", "1 h 00 min", "1 d 01 h"]);
}

#[test]
fn short_lengths_of_time_that_are_over_are_told_apart() {
    assert_eq!([7, 999, 1000].map(Duration::from_millis).map(text::exact), ["7 ms", "999 ms", "1.0 s"]);
}

#[test]
fn the_table_shows_what_each_node_has_printed_last_as_far_as_there_is_room() {
    let nodes = [ended("a", State::Success, 0, 12), ended("b", State::Success, 0, 900)];
    let said = HashMap::from([("a".to_owned(), "hello, hello, hello".to_owned())]);
    let table = |columns| summary::table(&snapshot(0, State::Success, &nodes), &said, columns, Tz::UTC, Paint(false));
    let wide = "\
node  state    attempts  start     duration  last line
a     SUCCESS         1  12:00:00  12 ms     hello, hello, hello
b     SUCCESS         1  12:00:00  900 ms
";
    assert_eq!(table(80), wide);
    assert!(table(60).contains("12 ms     hello, hello,…\n"), "{}", table(60));
    assert!(table(60).lines().all(|line| line.chars().count() < 60));
    assert!(!table(50).contains("hello"));
}

#[test]
fn a_reader_who_has_gone_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut progress = Progress::new("daily".into(), writer, PLAIN);
    progress.show(snapshot(0, State::Running, &[running("a", 1, 0)]));
    progress.say("going on");
    progress.show(snapshot(1, State::Success, &[ended("a", State::Success, 0, 1)]));
    progress.finish();
    assert!(progress.screen.gone);
}

fn waits(name: &str, text: &str, in_order: bool) -> NodeView {
    NodeView { waits: Some(Waits { text: text.into(), in_order }), ..node(name) }
}

#[test]
fn why_a_node_does_not_run_is_told_once_unless_it_is_not_its_turn() {
    let (mut progress, out) = progress(PLAIN);
    let nodes = |text: &str| [waits("load", text, false), waits("publish", "it waits for `load`", true)];
    progress.show(snapshot(0, State::Running, &nodes("no worker is running")));
    assert_eq!(out.take(), "12:00:00 load: no worker is running\n");
    progress.show(snapshot(1000, State::Running, &nodes("no worker is running")));
    assert_eq!(out.take(), "");
    progress.show(snapshot(2000, State::Running, &nodes("no slot is free")));
    assert_eq!(out.take(), "12:00:02 load: no slot is free\n");
}

#[test]
fn a_terminal_shows_below_what_runs_why_the_rest_does_not() {
    let (mut progress, out) = progress(TERMINAL);
    let nodes =
        [waits("publish", "it waits for `load`", true), waits("load", "no slot is free", false), running("a", 1, 0)];
    progress.show(snapshot(1000, State::Running, &nodes));
    let drawn = out.take();
    let lines: Vec<&str> = drawn.lines().map(|line| line.trim_end_matches("\x1b[K").trim_start()).collect();
    assert!(lines[3].starts_with("a "), "{drawn}");
    assert_eq!(lines[4..6], ["load: no slot is free", "publish: it waits for `load`"]);
}
