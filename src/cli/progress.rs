//! What `exec` shows of a run: live lines on a terminal, otherwise a line for each change; a table at the end.
//!
//! It is fed with snapshots and knows neither clock nor database. When nobody reads any more it falls silent;
//! that is no reason to end a run.

mod live;
mod summary;
#[cfg(test)]
mod tests;
mod text;

use crate::model::{State, Time};
use chrono_tz::Tz;
use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;
use text::Paint;
pub(super) use text::clean;

/// The least time between two pictures on a terminal.
const FRAME: Duration = Duration::from_millis(100);

/// A run at one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub instance_state: State,
    /// Every node once, with its newest attempt; in any order.
    pub nodes: Vec<NodeView>,
    pub now: Time,
}

/// A node at one instant.
#[derive(Clone, Debug)]
pub struct NodeView {
    pub name: String,
    pub kind: String,
    /// `None` before its first attempt.
    pub state: Option<State>,
    /// The number of the attempt, from 1 on; 0 before the first.
    pub attempt: u32,
    pub started_at: Option<Time>,
    pub ended_at: Option<Time>,
    /// Why it does not run, if it has not for a while.
    pub waits: Option<Waits>,
}

/// Why a node does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    pub text: String,
    /// There is nothing but to wait for the nodes before it.
    pub in_order: bool,
}

/// What the reader's screen is like.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns and rows, asked for every picture; `None` where there is no terminal.
    pub terminal: Option<fn() -> (usize, usize)>,
    pub colours: bool,
    /// Times are shown in this zone.
    pub zone: Tz,
}

impl Look {
    /// That of the standard output. `plain` asks for no colours, as `NO_COLOR` does.
    pub fn of_stdout(plain: bool, zone: Tz) -> Look {
        use std::io::IsTerminal;
        let terminal = std::io::stdout().is_terminal().then_some(text::stdout_size as fn() -> (usize, usize));
        Look { terminal, colours: terminal.is_some() && !plain, zone }
    }
}

/// The display of one run.
pub struct Progress {
    name: String,
    screen: Screen,
    look: Look,
    paint: Paint,
    /// When the first snapshot was taken.
    began: Time,
    last: Option<Snapshot>,
    /// When the picture was drawn last.
    drawn: Option<Time>,
    told: HashMap<String, (Option<State>, u32)>,
    /// The reason that was last told for each node.
    reasons: HashMap<String, String>,
    said: HashMap<String, String>,
}

impl Progress {
    /// A display of the workflow `name` on `out`.
    pub fn new(name: String, out: impl Write + Send + 'static, look: Look) -> Progress {
        let screen = Screen { out: Box::new(out), height: 0, gone: false };
        let paint = Paint(look.colours);
        Progress {
            name: clean(&name),
            screen,
            look,
            paint,
            began: Time(0),
            last: None,
            drawn: None,
            told: HashMap::new(),
            reasons: HashMap::new(),
            said: HashMap::new(),
        }
    }

    /// Shows what has changed. On a terminal the next picture is drawn if the last one is old enough; so call it
    /// now and then even if nothing has changed, for the times to go on.
    pub fn show(&mut self, mut snapshot: Snapshot) {
        for node in &mut snapshot.nodes {
            node.name = clean(&node.name);
            if let Some(waits) = &mut node.waits {
                waits.text = clean(&waits.text);
            }
        }
        let before = self.last.as_ref().map(|last| last.instance_state);
        if before.is_none() {
            let starts = snapshot.nodes.iter().filter_map(|node| node.started_at);
            self.began = starts.min().unwrap_or(snapshot.now).min(snapshot.now);
        }
        if self.look.terminal.is_none() {
            self.tell_changes(&snapshot, before);
        } else if self.drawn.is_none_or(|drawn| snapshot.now.since(drawn) >= FRAME || snapshot.now < drawn) {
            self.draw(&snapshot);
        }
        self.last = Some(snapshot);
    }

    /// Shows the same with the times of now. Does nothing where there is no terminal.
    pub fn tick(&mut self, now: Time) {
        if let Some(mut last) = self.last.take() {
            last.now = now;
            self.draw(&last);
            self.last = Some(last);
        }
    }

    /// Shows a sentence that stays.
    pub fn say(&mut self, sentence: &str) {
        self.screen.print(&format!("{}\n", clean(sentence)));
        if let Some(last) = self.last.take() {
            self.draw(&last);
            self.last = Some(last);
        }
    }

    /// The last line that a node has printed, for the table.
    pub fn said(&mut self, node: &str, line: &str) {
        self.said.insert(clean(node), clean(line));
    }

    /// Shows how it ended: a table of the nodes, and a last line.
    pub fn finish(&mut self) {
        let Some(last) = self.last.take() else { return };
        let columns = self.look.terminal.map_or(summary::WIDE, |size| size().0);
        let table = summary::table(&last, &self.said, columns, self.look.zone, self.paint);
        let state = self.paint.state(last.instance_state, text::word(last.instance_state));
        let nodes = if last.nodes.len() == 1 { "1 node" } else { &format!("{} nodes", last.nodes.len()) };
        let took = text::exact(last.now.since(self.began));
        self.screen.print(&format!("{table}{}: {state} in {took} ({nodes})\n", self.name));
    }

    fn draw(&mut self, snapshot: &Snapshot) {
        let Some(size) = self.look.terminal else { return };
        self.drawn = Some(snapshot.now);
        let picture = live::picture(&self.name, snapshot, self.began, size(), self.paint);
        self.screen.draw(&picture);
    }

    fn tell_changes(&mut self, snapshot: &Snapshot, before: Option<State>) {
        let mut lines: Vec<(Time, String)> = Vec::new();
        for node in &snapshot.nodes {
            lines.extend(self.tell_reason(node).map(|line| (snapshot.now, line)));
            let seen = (node.state, node.attempt);
            if self.told.get(&node.name) == Some(&seen) {
                continue;
            }
            self.told.insert(node.name.clone(), seen);
            if let Some(what) = change(node, self.paint) {
                let at = if what.ended { node.ended_at } else { node.started_at };
                lines.push((at.unwrap_or(snapshot.now), format!("{}: {}", node.name, what.text)));
            }
        }
        let now = snapshot.instance_state;
        if before.is_some_and(|before| before != now) && matches!(now, State::ReadyPause | State::ReadyStop) {
            lines.push((snapshot.now, format!("{}: {}", self.name, text::word(now))));
        }
        lines.sort_by_key(|(at, _)| *at);
        let zone = self.look.zone;
        let lines: String = lines.iter().map(|(at, line)| format!("{} {line}\n", text::time(*at, zone))).collect();
        self.screen.print(&lines);
    }
}

impl Progress {
    /// A line about why a node does not run, once for each reason. That it is not its turn yet is not worth one.
    fn tell_reason(&mut self, node: &NodeView) -> Option<String> {
        let waits = node.waits.as_ref().filter(|waits| !waits.in_order)?;
        if self.reasons.get(&node.name) == Some(&waits.text) {
            return None;
        }
        self.reasons.insert(node.name.clone(), waits.text.clone());
        Some(format!("{}: {}", node.name, waits.text))
    }
}

/// What is worth a line.
struct Change {
    text: String,
    ended: bool,
}

/// Nodes that wait, for others or for a free slot, are not worth one.
fn change(node: &NodeView, paint: Paint) -> Option<Change> {
    let state = node.state.filter(|state| *state != State::Submitted)?;
    let shown = paint.state(state, text::word(state));
    let attempt = if node.attempt > 1 { &format!(" (attempt {})", node.attempt) } else { "" };
    let took =
        node.started_at.zip(node.ended_at).map(|(start, end)| format!(" after {}", text::exact(end.since(start))));
    let ended = state.is_finished();
    Some(Change { text: if ended { shown + &took.unwrap_or_default() + attempt } else { shown + attempt }, ended })
}

/// Where it is shown.
struct Screen {
    out: Box<dyn Write + Send>,
    /// Lines of the picture that stands there now.
    height: usize,
    /// Nobody reads any more.
    gone: bool,
}

impl Screen {
    /// Puts a picture in the place of the last one. No line may be wider than the terminal.
    fn draw(&mut self, lines: &[String]) {
        let mut text = self.to_top();
        for line in lines {
            text.push_str(line);
            text.push_str("\x1b[K\n");
        }
        text.push_str("\x1b[J");
        self.write(&text);
        self.height = lines.len();
    }

    /// Writes lines that stay, in the place of the picture.
    fn print(&mut self, text: &str) {
        let clear = if self.height == 0 { String::new() } else { self.to_top() + "\x1b[J" };
        self.write(&(clear + text));
        self.height = 0;
    }

    fn to_top(&self) -> String {
        if self.height == 0 { String::new() } else { format!("\r\x1b[{}A", self.height) }
    }

    fn write(&mut self, text: &str) {
        if !self.gone && !text.is_empty() {
            self.gone = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err();
        }
    }
}
