//! The worker's end of its shim: a connection that mends itself, as the product's does.

use crate::kernel::{MILLI, Micros, Queue};
use crate::world::World;
use escheduler::model::Tag;
use escheduler::planted;
use escheduler::worker::Supervise;
use escheduler::worker::shim::{Event, Incarnation, Inventory, Kill, Start};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

#[derive(Debug)]
pub enum Request {
    /// What comes next is meant for this incarnation.
    Follow(Incarnation),
    Start(Box<Start>),
    Kill(Tag, Kill),
    Forget(Tag),
    Lease(Duration),
    Cap(Duration),
    End,
    Leave,
}

/// The worker's end: a connection that mends itself.
pub struct Client {
    /// The shim that it is connected to.
    serial: Option<u64>,
    incarnation: u64,
    /// The one that wishes are meant for: the last that the worker knows.
    meant: u64,
    /// What is to be said once there is a shim again.
    wishes: VecDeque<Request>,
    /// Told to start or known to run, and not known to have ended.
    open: BTreeSet<Tag>,
    leaving: bool,
    events: mpsc::Sender<Event>,
}

impl Client {
    pub fn new(inventory: &Inventory, serial: u64, events: mpsc::Sender<Event>) -> Client {
        let open = inventory.running.iter().map(|running| running.tag).collect();
        let incarnation = inventory.incarnation.0;
        let wishes = VecDeque::new();
        Client { serial: Some(serial), incarnation, meant: incarnation, wishes, open, leaving: false, events }
    }

    fn tell(&mut self, event: Event) {
        match &event {
            Event::Ended(status) => drop(self.open.remove(&status.tag)),
            Event::Missing(tag) => drop(self.open.remove(tag)),
            _ => {}
        }
        let _ = self.events.try_send(event);
    }
}

/// What the worker's process is handed.
pub struct Wishes {
    pub q: Arc<Queue>,
    pub pid: usize,
}

impl Wishes {
    fn ask(&self, request: Request) {
        let pid = self.pid;
        self.q.after(0, move |w| w.wish(pid, request));
    }
}

impl Supervise for Wishes {
    fn follow(&self, incarnation: Incarnation) {
        self.ask(Request::Follow(incarnation));
    }
    fn start(&self, start: Start) {
        self.ask(Request::Start(Box::new(start)));
    }
    fn kill(&self, tag: Tag, mode: Kill) {
        self.ask(Request::Kill(tag, mode));
    }
    fn forget(&self, tag: Tag) {
        self.ask(Request::Forget(tag));
    }
    fn lease(&self, until: Duration) {
        self.ask(Request::Lease(until));
    }
    fn cap(&self, until: Duration) {
        self.ask(Request::Cap(until));
    }
    fn end(&self) {
        self.ask(Request::End);
    }
    fn leave(&self) {
        self.ask(Request::Leave);
    }
}

impl World {
    pub(super) fn attach(&mut self, node: usize) -> (Inventory, u64) {
        let machine = &mut self.machines[node];
        let (mut running, mut serial, mut incarnation) = (Vec::new(), 0, 0);
        if let Some(shim) = &mut machine.shim {
            running =
                shim.tasks.values().filter(|task| task.ended.is_none()).map(|task| task.running.clone()).collect();
            (serial, incarnation) = (shim.serial, shim.incarnation);
        }
        let ended = machine.disk.outbox.values().cloned().collect();
        (
            Inventory { incarnation: Incarnation(incarnation), found: true, cgroup: false, pid: 1, running, ended },
            serial,
        )
    }

    /// The worker's process wants something.
    pub(super) fn wish(&mut self, pid: usize, request: Request) {
        // To follow is no message.
        let delay = if let Request::Follow(_) = request { 0 } else { self.dice.within(0, 3 * MILLI) };
        let node = self.procs[pid].node;
        let Some(client) = &mut self.procs[pid].client else { return };
        let Some(serial) = client.serial else { return client.wishes.push_back(request) };
        let current = client.meant == client.incarnation || planted::is("old-wish");
        match &request {
            Request::Follow(incarnation) => {
                client.meant = incarnation.0;
                return;
            }
            Request::Start(start) if current => drop(client.open.insert(start.tag)),
            Request::Start(start) => return client.tell(Event::Missing(start.tag)),
            Request::Leave => client.leaving = true,
            Request::Forget(_) => {}
            _ if current => {}
            _ => return,
        }
        let Some(shim) = self.machines[node].shim.as_mut().filter(|shim| shim.serial == serial) else { return };
        let at = (self.q.now() + delay).max(shim.last + 1);
        shim.last = at;
        self.q.at(at, move |w| w.asked(node, serial, request));
    }

    /// Tells the worker, if one is connected to this very shim.
    pub(super) fn reply(&mut self, node: usize, serial: u64, event: Event) {
        let Some(pid) = self.machines[node].pid else { return };
        let delay = 1 + self.dice.within(0, MILLI / 2);
        // In order: what is told at the same moment keeps its order by the queue.
        let now = self.q.now();
        let at = match self.living(node, serial) {
            Some(shim) => {
                shim.last = shim.last.max(now) + delay;
                shim.last
            }
            None => now + delay,
        };
        self.q.at(at, move |w| {
            if let Some(client) = &mut w.procs[pid].client
                && client.serial == Some(serial)
            {
                client.tell(event);
            }
        });
    }

    /// The shim is gone: the worker notices, when it can.
    pub(super) fn hang_up(&mut self, node: usize, serial: u64, last: Micros) {
        if let Some(pid) = self.machines[node].pid {
            // After all that it had still said.
            let soon = self.dice.within(1, 20 * MILLI);
            self.q.at(self.q.now().max(last) + soon, move |w| w.mend(pid, serial));
        }
    }

    pub(super) fn mend(&mut self, pid: usize, serial: u64) {
        let Some(at) = self.acts_at(pid) else { return };
        if at > self.q.now() {
            self.q.at(at, move |w| w.mend(pid, serial));
            return;
        }
        let node = self.procs[pid].node;
        let Some(client) = &mut self.procs[pid].client else { return };
        if client.serial == Some(serial) {
            client.serial = None;
        }
        if client.leaving {
            return;
        }
        let wait = self.dice.within(5 * MILLI, 150 * MILLI);
        self.q.after(wait, move |w| w.mended(pid, node));
    }

    pub(super) fn mended(&mut self, pid: usize, node: usize) {
        match self.acts_at(pid) {
            None => return,
            Some(at) if at > self.q.now() => {
                self.q.at(at, move |w| w.mended(pid, node));
                return;
            }
            Some(_) => {}
        }
        if self.machines[node].shim.is_none() {
            self.new_shim(node);
        }
        let (inventory, serial) = self.attach(node);
        let Some(client) = &mut self.procs[pid].client else { return };
        for status in inventory.ended {
            client.tell(Event::Ended(status));
        }
        let running: BTreeSet<Tag> = inventory.running.iter().map(|running| running.tag).collect();
        let tags: Vec<Tag> = client.open.difference(&running).copied().collect();
        client.open = running;
        if !tags.is_empty() || inventory.incarnation.0 != client.incarnation {
            client.incarnation = inventory.incarnation.0;
            client.tell(Event::Gone { incarnation: inventory.incarnation, tags });
        }
        client.serial = Some(serial);
        let wishes = std::mem::take(&mut client.wishes);
        wishes.into_iter().for_each(|wish| self.wish(pid, wish));
    }
}
