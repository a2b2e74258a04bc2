//! The picture of a run that goes on.

use super::text::{Paint, cell, cut, span, squeeze};
use super::{NodeView, Snapshot, Waits};
use crate::model::{State, Time};
use unicode_width::UnicodeWidthStr;

/// How many running nodes are shown by name.
const SHOWN: usize = 10;
const BAR: usize = 30;
/// Columns for the name of a node.
const NAME_MAX: usize = 60;

/// The lines of the picture, none wider than the terminal and fewer than it has rows.
pub(super) fn picture(
    name: &str,
    snapshot: &Snapshot,
    began: Time,
    (columns, rows): (usize, usize),
    paint: Paint,
) -> Vec<String> {
    // A line that fills the last column makes some terminals begin a new one.
    let columns = columns.saturating_sub(1);
    let count = Count::of(&snapshot.nodes);
    let now = snapshot.now;
    let mut lines = vec![
        cut(&format!("{name}  {}", span(now.since(began))), columns),
        count.bar(BAR.min(columns), paint),
        cut(&count.words(snapshot.instance_state), columns),
    ];
    let mut running: Vec<&NodeView> = snapshot.nodes.iter().filter(|node| is_busy(node)).collect();
    running.sort_by_key(|node| (node.started_at.unwrap_or(now), &node.name));
    let shown = running.len().min(SHOWN).min(rows.saturating_sub(5));
    lines.extend(running[..shown].iter().map(|node| busy(node, now, columns)));
    if shown < running.len() {
        lines.push(cut(&format!("  and {} more", running.len() - shown), columns));
    }
    let left = rows.saturating_sub(2 + lines.len()).min(SHOWN - shown);
    lines.extend(reasons(&snapshot.nodes, left).map(|line| cut(&line, columns)));
    lines.truncate(rows.saturating_sub(1));
    lines
}

/// Why nodes do not run: first those that wait for something else than their turn.
fn reasons(nodes: &[NodeView], room: usize) -> impl Iterator<Item = String> {
    let mut waiting: Vec<_> = nodes.iter().filter_map(|node| Some((node, node.waits.as_ref()?))).collect();
    waiting.sort_by_key(|(_, waits)| waits.in_order);
    let line = |(node, waits): (&NodeView, &Waits)| format!("  {}: {}", squeeze(&node.name, NAME_MAX / 2), waits.text);
    waiting.into_iter().take(room).map(line).collect::<Vec<_>>().into_iter()
}

fn is_busy(node: &NodeView) -> bool {
    matches!(group(node), Group::Running)
}

fn busy(node: &NodeView, now: Time, columns: usize) -> String {
    let attempt = if node.attempt > 1 { &format!("  attempt {}", node.attempt) } else { "" };
    let elapsed = node.started_at.map_or_else(String::new, |start| span(now.since(start)));
    let right = format!("{elapsed:>12}{attempt}");
    let width = columns.saturating_sub(2 + right.width()).min(NAME_MAX);
    cut(&format!("  {}{right}", cell(&squeeze(&node.name, width), width)), columns)
}

enum Group {
    Done,
    Failed,
    Running,
    Queued,
    Waiting,
}

fn group(node: &NodeView) -> Group {
    match node.state {
        None => Group::Waiting,
        Some(State::Success) => Group::Done,
        Some(State::Submitted | State::WaitingThread) => Group::Queued,
        Some(State::Running | State::ReadyPause | State::ReadyStop | State::WaitingDepend) => Group::Running,
        Some(State::Failure | State::NeedFaultTolerance | State::Kill | State::Stop | State::Pause) => Group::Failed,
    }
}

/// How many nodes are in which group.
#[derive(Default)]
struct Count {
    done: usize,
    failed: usize,
    running: usize,
    queued: usize,
    waiting: usize,
}

impl Count {
    fn of(nodes: &[NodeView]) -> Count {
        let mut count = Count::default();
        for node in nodes {
            *match group(node) {
                Group::Done => &mut count.done,
                Group::Failed => &mut count.failed,
                Group::Running => &mut count.running,
                Group::Queued => &mut count.queued,
                Group::Waiting => &mut count.waiting,
            } += 1;
        }
        count
    }

    fn all(&self) -> usize {
        self.done + self.failed + self.running + self.queued + self.waiting
    }

    /// The share of each group; what has begun is never rounded up to the end.
    fn bar(&self, width: usize, paint: Paint) -> String {
        let up_to = |nodes: usize| nodes * width / self.all().max(1);
        let (done, failed) = (up_to(self.done), up_to(self.done + self.failed));
        let running = up_to(self.done + self.failed + self.running);
        let signs = |sign: &str, from: usize, to: usize| sign.repeat(to - from);
        let [good, bad] = [signs("█", 0, done), signs("█", done, failed)];
        let [busy, rest] = [signs("▒", failed, running), signs("░", running, width)];
        [paint.good(&good), paint.bad(&bad), paint.busy(&busy), paint.dim(&rest)].concat()
    }

    fn words(&self, state: State) -> String {
        let mut words = vec![format!("{} of {} done", self.done, self.all())];
        let others =
            [(self.running, "running"), (self.failed, "failed"), (self.queued, "queued"), (self.waiting, "waiting")];
        words.extend(others.iter().filter(|(nodes, _)| *nodes > 0).map(|(nodes, word)| format!("{nodes} {word}")));
        if matches!(state, State::ReadyPause | State::ReadyStop) {
            words.push(super::text::word(state).to_owned());
        }
        words.join(", ")
    }
}
