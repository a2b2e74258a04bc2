//! The worker's handle: wishes go in, events come out, and a shim that dies is replaced.
//!
//! A wish is meant for the incarnation that the worker knew when it wished. It hears of the next one late: what it has
//! said until then, in the belief that the former lives, must not be done by the next. An attempt that was granted to
//! the one and ran in the other would be alive while it counts as lost.

use super::link::{AGAIN, AGAIN_AT_MOST, Error, Inventory, Link, Options};
use super::protocol::{Incarnation, Kill, Reply, Request, Running, Start, Status, encode};
use crate::model::Tag;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::mpsc;

/// Events that wait for the worker; then the shim keeps the rest.
const EVENTS: usize = 1024;

/// What happens below the shim.
#[derive(Debug)]
pub enum Event {
    /// A process was made. Told again if the start is told again.
    Started(Running),
    /// Nothing of it is left. Told again at every attaching until it is [forgotten](Shim::forget).
    Ended(Status),
    /// A kill was asked of a tag that is neither running nor in the outbox; or a start that is not granted any more,
    /// because the incarnation that it was meant for, or the lease, is over.
    Missing(Tag),
    /// The shim died, and what it left is surely dead. These tags were told to start, or were running, and
    /// have no status; the others' statuses come as [`Event::Ended`]. A new shim is there, to be
    /// [followed](Shim::follow).
    Gone { incarnation: Incarnation, tags: Vec<Tag> },
    /// A newer worker took over; this is the last event.
    Displaced,
    /// There is no shim, and none can be started; it is being tried again.
    Trouble(Error),
}

/// A connection to the shim that mends itself. When all clones are dropped, it closes; the tasks go on.
#[derive(Clone, Debug)]
pub struct Shim {
    wishes: mpsc::UnboundedSender<Wish>,
}

#[derive(Debug)]
enum Wish {
    Request(Request),
    /// What comes next is meant for this incarnation.
    Follow(Incarnation),
}

impl Shim {
    /// Connects to the living shim of the folder, or ends what a dead one left and starts a new one.
    ///
    /// Waits as long as a dead shim's tasks take to die, or a dying shim takes to end.
    pub async fn attach(options: Options) -> Result<(Shim, Inventory, mpsc::Receiver<Event>), Error> {
        let (link, inventory) = Link::open(&options).await?;
        let (sender, wishes) = mpsc::unbounded_channel();
        let (events, happenings) = mpsc::channel(EVENTS);
        let open = inventory.running.iter().map(|running| running.tag).collect();
        let incarnation = inventory.incarnation;
        let client = Client { options, link, incarnation, meant: incarnation, wishes, events, open, leaving: false };
        tokio::spawn(client.run());
        Ok((Shim { wishes: sender }, inventory, happenings))
    }

    /// What is wished from now on is meant for this incarnation, of which [`Event::Gone`] has told. Wishes for a
    /// former one come to nothing: a start is answered by [`Event::Missing`].
    pub fn follow(&self, incarnation: Incarnation) {
        self.wish(Wish::Follow(incarnation));
    }

    /// Starts an attempt, once: [`Event::Started`] and [`Event::Ended`] follow, or [`Event::Gone`] or
    /// [`Event::Missing`].
    pub fn start(&self, start: Start) {
        self.ask(Request::Start(Box::new(start)));
    }

    /// Ends an attempt: [`Event::Ended`] follows when its whole tree is gone, or [`Event::Missing`].
    pub fn kill(&self, tag: Tag, mode: Kill) {
        self.ask(Request::Kill { tag, mode });
    }

    /// The status was recorded; its file may go.
    pub fn forget(&self, tag: Tag) {
        self.ask(Request::Forget { tag });
    }

    /// The shim kills everything and ends when `CLOCK_BOOTTIME` reads this, unless it is told a later
    /// instant before. Never told, it has no such end.
    pub fn lease(&self, until: Duration) {
        self.ask(Request::Lease { until });
    }

    /// A lease that was told before counts at most until this instant.
    pub fn cap(&self, until: Duration) {
        self.ask(Request::Cap { until });
    }

    /// Everything is killed at once, and the shim ends: [`Event::Gone`] follows.
    pub fn end(&self) {
        self.ask(Request::End);
    }

    /// The last word of a worker that stops: the shim may end at once if nothing runs, instead of after a
    /// while. No new one is started.
    pub fn leave(&self) {
        self.ask(Request::Leave);
    }

    fn ask(&self, request: Request) {
        self.wish(Wish::Request(request));
    }

    fn wish(&self, wish: Wish) {
        // Without a receiver another worker has displaced us, and was told everything.
        let _ = self.wishes.send(wish);
    }
}

/// Carries requests to the shim and events from it.
struct Client {
    options: Options,
    link: Link,
    incarnation: Incarnation,
    /// The one that wishes are meant for: the last that the worker knows.
    meant: Incarnation,
    wishes: mpsc::UnboundedReceiver<Wish>,
    events: mpsc::Sender<Event>,
    /// Told to start or known to run, and not known to have ended.
    open: HashSet<Tag>,
    leaving: bool,
}

impl Client {
    async fn run(mut self) {
        let mut out = Vec::new();
        loop {
            tokio::select! {
                wish = self.wishes.recv() => {
                    let Some(wish) = wish else { break };
                    out.clear();
                    self.take(wish, &mut out).await;
                    while let Ok(wish) = self.wishes.try_recv() {
                        self.take(wish, &mut out).await;
                    }
                    self.link.send(&out).await;
                }
                reply = self.link.next() => match reply {
                    Ok(Reply::Displaced) => {
                        let _ = self.events.send(Event::Displaced).await;
                        break;
                    }
                    Ok(reply) => self.hear(reply).await,
                    Err(_) if self.leaving => break,
                    Err(_) => self.mend().await,
                }
            }
            if self.events.is_closed() {
                break;
            }
        }
    }

    async fn take(&mut self, wish: Wish, out: &mut Vec<u8>) {
        let request = match wish {
            Wish::Request(request) => request,
            Wish::Follow(incarnation) => {
                self.meant = incarnation;
                return;
            }
        };
        let current = self.meant == self.incarnation;
        match &request {
            Request::Start(start) if current => drop(self.open.insert(start.tag)),
            Request::Start(start) => drop(self.events.send(Event::Missing(start.tag)).await),
            Request::Leave => self.leaving = true,
            _ => {}
        }
        if current || matches!(request, Request::Forget { .. } | Request::Leave) {
            encode(&request, out);
        }
    }

    async fn hear(&mut self, reply: Reply) {
        let event = match reply {
            Reply::Started(running) => Event::Started(running),
            Reply::Ended(status) => {
                self.open.remove(&status.tag);
                Event::Ended(status)
            }
            Reply::Missing { tag } => {
                self.open.remove(&tag);
                Event::Missing(tag)
            }
            Reply::Hello { .. } | Reply::Displaced => return,
        };
        let _ = self.events.send(event).await;
    }

    /// The connection broke: the shim died or gave us up. Finds the next one, and says what is lost.
    async fn mend(&mut self) {
        let mut wait = AGAIN;
        let (link, inventory) = loop {
            match Link::open(&self.options).await {
                Ok(reached) => break reached,
                Err(error) => {
                    let _ = self.events.send(Event::Trouble(error)).await;
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(AGAIN_AT_MOST);
                }
            }
            if self.events.is_closed() {
                return;
            }
        };
        self.link = link;
        for status in inventory.ended {
            self.hear(Reply::Ended(status)).await;
        }
        let running: HashSet<Tag> = inventory.running.iter().map(|running| running.tag).collect();
        let tags: Vec<Tag> = self.open.difference(&running).copied().collect();
        self.open = running;
        if !tags.is_empty() || inventory.incarnation != self.incarnation {
            self.incarnation = inventory.incarnation;
            let _ = self.events.send(Event::Gone { incarnation: inventory.incarnation, tags }).await;
        }
    }
}
