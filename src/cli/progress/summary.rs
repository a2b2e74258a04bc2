//! The table at the end.

use super::text::{self, Paint, cell, cut, exact, squeeze};
use super::{NodeView, Snapshot};
use crate::model::State;
use chrono_tz::Tz;
use std::collections::HashMap;
use unicode_width::UnicodeWidthStr;

/// How many nodes are shown whatever became of them.
const SHOWN: usize = 50;

/// A table may be longer than that by so much before nodes are left out.
const SLACK: usize = 10;

/// Columns for the name of a node, beside what it has said; without that there may be more.
const NAME_MAX: usize = 40;
const NAME_MIN: usize = 20;

/// Columns of a table that no terminal limits.
pub(super) const WIDE: usize = 120;

/// What a node has said is left out where there is less room for it.
const SAID_MIN: usize = 10;

/// Nodes in the order in which they began. Of a large workflow those that succeeded, or never began, are left out
/// after the first ones, and counted. `said` is the last line of each node that has printed any.
pub(super) fn table(
    snapshot: &Snapshot,
    said: &HashMap<String, String>,
    columns: usize,
    zone: Tz,
    paint: Paint,
) -> String {
    let mut nodes: Vec<&NodeView> = snapshot.nodes.iter().collect();
    nodes.sort_by_key(|node| (node.started_at.is_none(), node.started_at, node.state.is_none()));
    let all = nodes.len() <= SHOWN + SLACK;
    let (mut shown, mut succeeded, mut not_started) = (Vec::new(), 0, 0);
    for (place, node) in nodes.into_iter().enumerate() {
        match node.state {
            _ if all || place < SHOWN => shown.push(node),
            Some(State::Success) => succeeded += 1,
            None => not_started += 1,
            Some(_) => shown.push(node),
        }
    }
    let mut table = rows(&shown, said, snapshot, columns, zone, paint);
    let rest = [(succeeded, "that succeeded"), (not_started, "that did not start")];
    for (nodes, what) in rest.iter().filter(|(nodes, _)| *nodes > 0) {
        table.push_str(&format!("and {nodes} more {what}\n"));
    }
    table
}

fn rows(
    nodes: &[&NodeView],
    said: &HashMap<String, String>,
    snapshot: &Snapshot,
    columns: usize,
    zone: Tz,
    paint: Paint,
) -> String {
    let mut starts = nodes.iter().filter_map(|node| node.started_at);
    let one_day = starts.all(|start| text::same_day(start, snapshot.now, zone));
    let time = if one_day { text::time } else { text::date_time };
    let mut cells: Vec<[String; 5]> = nodes
        .iter()
        .map(|node| {
            let state = node.state.map_or("not started", text::word).to_owned();
            let start = node.started_at.map_or_else(|| "-".to_owned(), |start| time(start, zone));
            [node.name.clone(), state, node.attempt.to_string(), start, duration(node, snapshot)]
        })
        .collect();
    let head = ["node", "state", "attempts", "start", "duration"];
    let width = |column: usize| {
        let widest = cells.iter().map(|row| row[column].width()).max().unwrap_or(0);
        widest.max(head[column].width())
    };
    let mut widths: [usize; 5] = std::array::from_fn(width);
    let rest = widths[1..].iter().map(|width| width + 2).sum::<usize>() + 1;
    let name_max = if said.is_empty() { columns.saturating_sub(rest).max(NAME_MIN) } else { NAME_MAX };
    widths[0] = widths[0].min(name_max);
    // A line that fills the last column makes some terminals begin a new one.
    let room = columns.saturating_sub(widths.iter().map(|width| width + 2).sum::<usize>() + 1);
    for row in &mut cells {
        row[0] = squeeze(&row[0], widths[0]);
    }
    let line = |row: [&str; 5], said: &str, state: Option<State>| {
        let [name, word, attempts, start, duration] = std::array::from_fn(|column| cell(row[column], widths[column]));
        let attempts = format!("{:>width$}", attempts.trim_end(), width = widths[2]);
        let word = state.map_or(word.clone(), |state| paint.state(state, &word));
        let said = if room < SAID_MIN { String::new() } else { cut(said, room) };
        format!("{}\n", format!("{name}  {word}  {attempts}  {start}  {duration}  {said}").trim_end())
    };
    let last_line = if said.is_empty() { "" } else { "last line" };
    let mut table = paint.dim(line(head, last_line, None).trim_end()) + "\n";
    for (node, row) in nodes.iter().zip(&cells) {
        let said = said.get(&node.name).map_or("", String::as_str);
        table.push_str(&line(row.each_ref().map(String::as_str), said, node.state));
    }
    table
}

fn duration(node: &NodeView, snapshot: &Snapshot) -> String {
    match (node.started_at, node.ended_at) {
        (Some(start), Some(end)) => exact(end.since(start)),
        (Some(start), None) => exact(snapshot.now.since(start)),
        (None, _) => "-".to_owned(),
    }
}
