//! The network: cuts, messages that are late or lost, calls that time out.

mod streams;

use crate::kernel::{Micros, Queue};
use crate::world::{Node, World};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use streams::{Attendance, Stream};
use tokio::sync::oneshot;

#[derive(Default)]
pub struct Net {
    /// How many faults cut this direction.
    cuts: BTreeMap<(Node, Node), u32>,
    streams: BTreeMap<u64, Stream>,
    last: u64,
    attendances: BTreeMap<usize, Attendance>,
}

/// Where calls come from.
#[derive(Clone)]
pub struct Caller {
    pub q: Arc<Queue>,
    pub node: Node,
}

/// Whoever waits for an answer.
pub type Waiting<T> = Arc<Mutex<Option<oneshot::Sender<Option<T>>>>>;

pub fn answer<T>(waiting: &Waiting<T>, answer: Option<T>) {
    if let Some(waiting) = waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = waiting.send(answer);
    }
}

impl Caller {
    /// Asks a service. `None`: it failed or did not answer in time, whatever it has done or will do.
    pub fn call<T: Send + 'static>(
        &self,
        to: impl FnOnce(&World) -> Node + Send + 'static,
        service: impl FnOnce(&mut World) -> Outcome<T> + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        let node = self.node;
        self.begin(move |w, waiting| {
            let to = to(w);
            w.leg(node, to, move |w| match service(w) {
                Outcome::Answer(value) => w.leg(to, node, move |_| answer(&waiting, Some(value))),
                Outcome::Failed => w.leg(to, node, move |_| answer(&waiting, None)),
                Outcome::Silent => {}
            });
        })
    }

    /// Asks in any way that uses the waiting end, within the usual time.
    pub fn begin<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut World, Waiting<T>) + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        let (tell, told) = oneshot::channel();
        let waiting: Waiting<T> = Arc::new(Mutex::new(Some(tell)));
        self.q.after(0, move |w| {
            let patience = w.plan.patience;
            let late = waiting.clone();
            w.q.after(patience, move |_| answer(&late, None));
            ask(w, waiting);
        });
        async move { told.await.ok().flatten() }
    }
}

/// What a service does about a call.
pub enum Outcome<T> {
    Answer(T),
    Failed,
    Silent,
}

impl World {
    pub fn is_open(&self, from: Node, to: Node) -> bool {
        from == to || !self.net.cuts.contains_key(&(from, to))
    }

    pub fn is_linked(&self, one: Node, other: Node) -> bool {
        self.is_open(one, other) && self.is_open(other, one)
    }

    pub fn cut(&mut self, pairs: Vec<(Node, Node)>, span: Micros) {
        for pair in &pairs {
            *self.net.cuts.entry(*pair).or_default() += 1;
        }
        self.q.after(span, move |w| {
            w.say(|| format!("healed: {pairs:?}"));
            for pair in pairs {
                if let Some(count) = w.net.cuts.get_mut(&pair) {
                    *count -= 1;
                    if *count == 0 {
                        w.net.cuts.remove(&pair);
                    }
                }
            }
        });
    }

    /// A message by itself: lost, or arriving some time.
    pub fn leg(&mut self, from: Node, to: Node, arrive: impl FnOnce(&mut World) + Send + 'static) {
        let lost = !self.is_calm() && self.dice.chance(self.plan.loss);
        if lost || !self.is_open(from, to) {
            return;
        }
        let delay = self.delay();
        self.q.after(delay, move |w| {
            if w.is_open(from, to) {
                arrive(w);
            }
        });
    }
}
