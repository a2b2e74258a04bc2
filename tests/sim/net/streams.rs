//! Streams between workers and masters: in order while they last, broken on each side by itself, and with words that
//! arrive after the news of their end.

use crate::kernel::{MILLI, Micros, SECOND};
use crate::world::{Node, World};
use escheduler::calls::{Hello, Link, MasterMail, ToMaster, ToWorker, WorkerMail};
use std::collections::VecDeque;
use tokio::sync::mpsc::UnboundedSender;

/// A worker that wants a stream to every master.
pub(super) struct Attendance {
    hello: Hello,
    mail: UnboundedSender<WorkerMail>,
    /// The masters (their starts) that it has last heard of.
    known: Vec<String>,
}

/// One end of a stream.
pub(super) struct End {
    pid: usize,
    node: Node,
    open: bool,
    /// Since when nothing can be heard from the other side, and how long that is borne.
    silent_since: Option<Micros>,
    patience: Micros,
    /// When the last message so far arrives here.
    last: Micros,
    /// What could not be delivered yet.
    held: VecDeque<Message>,
}

enum Message {
    Up(ToMaster),
    Down(ToWorker),
}

impl Message {
    /// For the trace.
    fn text(&self) -> String {
        match self {
            Message::Up(ToMaster::Report(report)) => format!("report {} {:?}", report.tag, report.what),
            Message::Down(ToWorker::Grant { credit, epoch, job }) => {
                format!("grant {} epoch {epoch} credit {credit}", job.tag)
            }
            Message::Down(ToWorker::Ask { attempt }) => format!("ask {} epoch {}", attempt.tag, attempt.epoch),
            Message::Down(ToWorker::Kill { attempt, now }) => format!("kill {} now {now}", attempt.tag),
            Message::Up(what) => format!("{what:?}"),
            Message::Down(what) => format!("{what:?}"),
        }
    }
}

pub(super) struct Stream {
    master: String,
    to_worker: UnboundedSender<WorkerMail>,
    /// The worker's and the master's.
    ends: [End; 2],
    closed_at: Option<Micros>,
}

const WORKER: usize = 0;

const MASTER: usize = 1;

impl World {
    pub fn attend(&mut self, pid: usize, hello: Hello, mail: UnboundedSender<WorkerMail>) {
        if !self.is_alive(pid) {
            return;
        }
        self.net.attendances.insert(pid, Attendance { hello, mail, known: Vec::new() });
        let former = self.net.streams.iter().filter(|(_, stream)| stream.ends[WORKER].pid == pid);
        let former: Vec<u64> = former.map(|(serial, _)| *serial).collect();
        former.into_iter().for_each(|serial| self.close(serial, WORKER));
        self.q.after(5 * MILLI, move |w| w.connect(pid));
    }

    /// Opens the streams that are missing.
    fn connect(&mut self, pid: usize) {
        if !self.procs.get(pid).is_some_and(|process| process.alive) || !self.acts_now(pid) {
            return;
        }
        let node = self.procs[pid].node;
        let Some(attendance) = self.net.attendances.get(&pid) else { return };
        if attendance.mail.is_closed() {
            return;
        }
        let known = match self.is_linked(node, self.registry_node()) && self.registry.is_up {
            true => self.registry.masters(),
            false => attendance.known.clone(),
        };
        for master in &known {
            let connected = |stream: &Stream| {
                stream.ends[WORKER].pid == pid && stream.ends[WORKER].open && stream.master == *master
            };
            if self.net.streams.values().any(connected) {
                continue;
            }
            let found = self.masters().filter_map(|node| self.machines[node].pid);
            let Some(peer) = found.into_iter().find(|peer| self.procs[*peer].start == *master) else { continue };
            let there = self.procs[peer].node;
            if self.acts_now(peer) && self.is_linked(node, there) && self.dice.chance(0.8) {
                let delay = 2 * self.delay().min(SECOND);
                self.q.after(delay, move |w| w.establish(pid, peer));
            }
        }
        if let Some(attendance) = self.net.attendances.get_mut(&pid) {
            attendance.known = known;
        }
    }

    fn establish(&mut self, pid: usize, peer: usize) {
        let (node, there) = (self.procs[pid].node, self.procs[peer].node);
        if !self.acts_now(pid) || !self.acts_now(peer) || !self.is_linked(node, there) {
            return;
        }
        let Some(attendance) = self.net.attendances.get(&pid) else { return };
        let (hello, to_worker) = (attendance.hello.clone(), attendance.mail.clone());
        let master = self.procs[peer].start.clone();
        let doubled =
            |stream: &Stream| stream.ends[WORKER].pid == pid && stream.ends[WORKER].open && stream.master == master;
        if to_worker.is_closed() || self.net.streams.values().any(doubled) {
            return;
        }
        self.net.last += 1;
        let serial = self.net.last;
        let mut end = |pid, node| End {
            pid,
            node,
            open: true,
            silent_since: None,
            patience: self.dice.seconds(2.0, 12.0),
            last: 0,
            held: VecDeque::new(),
        };
        let ends = [end(pid, node), end(peer, there)];
        // The worker may not hear that it was accepted.
        let half = !self.is_calm() && self.dice.chance(0.02);
        let stream = Stream { master: master.clone(), to_worker: to_worker.clone(), ends, closed_at: None };
        self.net.streams.insert(serial, stream);
        let link = |side: usize| {
            let q = self.q.clone();
            move |message| {
                q.after(0, move |w| w.send(serial, side, message));
            }
        };
        let (down, up) = (link(MASTER), link(WORKER));
        let down = Link::with(serial, move |what| down(Message::Down(what)));
        if let Some(mail) = &self.procs[peer].mail {
            let _ = mail.send(MasterMail::Linked { hello, link: down });
        }
        if half {
            self.close(serial, WORKER);
        } else {
            let up = Link::with(serial, move |what| up(Message::Up(what)));
            let _ = to_worker.send(WorkerMail::Linked { master, link: up });
        }
    }

    /// Something is said on a stream, by the end `side`.
    fn send(&mut self, serial: u64, side: usize, message: Message) {
        let delay = self.delay();
        let now = self.q.now();
        let Some(stream) = self.net.streams.get_mut(&serial) else { return };
        if !stream.ends[side].open {
            return;
        }
        let (from, to) = (stream.ends[side].node, &mut stream.ends[1 - side]);
        if self.net.cuts.contains_key(&(from, to.node)) || !to.held.is_empty() {
            to.held.push_back(message);
            return;
        }
        let at = (now + delay).max(to.last + 1);
        to.last = at;
        self.q.at(at, move |w| w.arrive(serial, 1 - side, message));
    }

    fn arrive(&mut self, serial: u64, side: usize, message: Message) {
        let late = self.dice.chance(0.3);
        let Some(stream) = self.net.streams.get_mut(&serial) else { return };
        let (from, peer) = (stream.ends[1 - side].node, stream.ends[1 - side].pid);
        let end = &mut stream.ends[side];
        if self.net.cuts.contains_key(&(from, end.node)) || !end.held.is_empty() {
            end.held.push_back(message);
            return;
        }
        let (now, talks) = (self.q.now(), self.talks);
        if talks {
            let way = format!("{} → {}", self.procs[peer].start, self.procs[end.pid].start);
            println!("{:10.3} {way} [{serial}]: {}", now as f64 / SECOND as f64, message.text());
        }
        match message {
            Message::Up(what) if end.open => {
                if let Some(mail) = &self.procs[end.pid].mail {
                    let _ = mail.send(MasterMail::Said { serial, what });
                }
            }
            // What was read from it before it broke may come after the news of the break.
            Message::Down(what) if end.open || late => {
                let _ = stream.to_worker.send(WorkerMail::Said { master: stream.master.clone(), what });
            }
            Message::Up(_) | Message::Down(_) => {}
        }
    }

    /// This end takes the stream for broken.
    fn close(&mut self, serial: u64, side: usize) {
        let soon = self.dice.seconds(0.0, 1.5);
        let Some(stream) = self.net.streams.get_mut(&serial) else { return };
        if !std::mem::replace(&mut stream.ends[side].open, false) {
            return;
        }
        if side == WORKER {
            let _ = stream.to_worker.send(WorkerMail::Unlinked { master: stream.master.clone(), serial });
        } else if let Some(mail) = &self.procs[stream.ends[MASTER].pid].mail {
            let _ = mail.send(MasterMail::Unlinked { serial });
        }
        let (from, to) = (stream.ends[side].node, stream.ends[1 - side].node);
        if self.is_open(from, to) {
            self.q.after(soon, move |w| w.close(serial, 1 - side));
        }
    }

    /// The process is dead: its kernel says so to whom it can reach.
    pub fn process_gone(&mut self, pid: usize) {
        self.net.attendances.remove(&pid);
        let mut gone = Vec::new();
        for (serial, stream) in &mut self.net.streams {
            for side in [WORKER, MASTER] {
                if stream.ends[side].pid == pid && stream.ends[side].open {
                    stream.ends[side].open = false;
                    gone.push((*serial, 1 - side, stream.ends[side].node, stream.ends[1 - side].node));
                }
            }
        }
        for (serial, side, from, to) in gone {
            let soon = self.dice.seconds(0.0, 0.3);
            if self.is_open(from, to) && self.machines[from].dark_until <= self.q.now() {
                self.q.after(soon, move |w| w.close(serial, side));
            }
        }
    }

    pub fn tick_streams(&mut self) {
        let now = self.q.now();
        let mut broken = Vec::new();
        let mut flushed = Vec::new();
        let mut old = Vec::new();
        for (serial, stream) in &self.net.streams {
            let [worker, master] = &stream.ends;
            let linked = self.is_linked(worker.node, master.node);
            for side in [WORKER, MASTER] {
                let (end, other) = (&stream.ends[side], &stream.ends[1 - side]);
                let heard = linked && other.open && self.acts_now(other.pid);
                match end.silent_since {
                    _ if !end.open => {}
                    Some(since) if !heard && now - since >= end.patience && self.acts_now(end.pid) => {
                        broken.push((*serial, side));
                    }
                    _ => {}
                }
                if !end.held.is_empty() && self.is_open(other.node, end.node) {
                    flushed.push((*serial, side));
                }
            }
            if !worker.open && !master.open && stream.closed_at.is_some_and(|at| now - at > 20 * SECOND) {
                old.push(*serial);
            }
        }
        for (serial, side) in flushed {
            self.flush(serial, side);
        }
        broken.into_iter().for_each(|(serial, side)| self.close(serial, side));
        old.into_iter().for_each(|serial| drop(self.net.streams.remove(&serial)));
        self.watch_streams();
        let pids: Vec<usize> = self.net.attendances.keys().copied().collect();
        pids.into_iter().for_each(|pid| self.connect(pid));
    }

    /// Notes since when each end hears nothing.
    fn watch_streams(&mut self) {
        let now = self.q.now();
        let mut streams = std::mem::take(&mut self.net.streams);
        for stream in streams.values_mut() {
            let linked = self.is_linked(stream.ends[WORKER].node, stream.ends[MASTER].node);
            for side in [WORKER, MASTER] {
                let other = &stream.ends[1 - side];
                let heard = linked && other.open && self.acts_now(other.pid);
                let since = &mut stream.ends[side].silent_since;
                *since = if heard { None } else { since.or(Some(now)) };
            }
            if !stream.ends[WORKER].open && !stream.ends[MASTER].open {
                stream.closed_at.get_or_insert(now);
            }
        }
        self.net.streams = streams;
    }

    /// The way is free again: what was held back arrives, in order.
    fn flush(&mut self, serial: u64, side: usize) {
        let delay = self.delay();
        let now = self.q.now();
        let Some(stream) = self.net.streams.get_mut(&serial) else { return };
        let end = &mut stream.ends[side];
        let held = std::mem::take(&mut end.held);
        let mut at = (now + delay).max(end.last + 1);
        for message in held {
            self.q.at(at, move |w| w.arrive(serial, side, message));
            at += 1;
        }
        end.last = at;
    }
}
