//! A line that repeats is counted and not repeated.
//!
//! The first line of its kind is let through. The same line from the same place and in the same spans is
//! counted for a while, and then told in one remark. As long as it comes on, the remarks become rarer.

use super::outlet::Outlet;
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::DefaultFields;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// How long a line is counted before its number is told for the first time; then twice as long, and so on.
const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);

/// How many different lines are watched at once; others are let through.
const WATCHED: usize = 1000;

/// How much of a line a remark repeats.
const TOLD: usize = 200;

/// The layer that decides which lines come through. What is finer than `info` always does: who asks for it
/// wants all of it.
pub(super) struct Repeats(Arc<Shared>);

/// Tells what was counted and not told yet when it is dropped.
pub(super) struct Counting {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    watch: Watch,
    closing: bool,
}

impl Repeats {
    /// Starts the thread that tells the numbers to these outlets.
    pub(super) fn new(outlets: Vec<Arc<Outlet>>) -> io::Result<(Repeats, Counting)> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let counting = shared.clone();
        let tell = move |told: Told| {
            for outlet in &outlets {
                outlet.remark(*told.of.level(), told.of.target(), &told.to_string());
            }
        };
        let thread = thread::Builder::new().name("log-repeats".into()).spawn(move || counting.run(tell))?;
        Ok((Repeats(shared.clone()), Counting { shared, thread: Some(thread) }))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, context: Context<'_, S>) -> bool {
        let of = event.metadata();
        if *of.level() > Level::INFO {
            return true;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let mut hash = DefaultHasher::new();
        (of.callsite(), &text.0).hash(&mut hash);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<DefaultFields>>() {
                fields.fields.hash(&mut hash);
            }
        }
        let key = (of.callsite(), hash.finish());
        match self.0.state().watch.seen(key, of, &text.0, Instant::now()) {
            Seen::New => true,
            Seen::Again => false,
            Seen::Second => {
                // Somebody has to tell it later, even if no line ever follows.
                self.0.changed.notify_one();
                false
            }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, tell: impl Fn(Told)) {
        let mut state = self.state();
        loop {
            let closing = state.closing;
            let told = state.watch.due(Instant::now(), closing);
            drop(state);
            told.into_iter().for_each(&tell);
            if closing {
                return;
            }
            state = self.state();
            state = match state.watch.next() {
                _ if state.closing => state,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(next) => {
                    let waited = self.changed.wait_timeout(state, next.saturating_duration_since(Instant::now()));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.shared.state().closing = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It cannot fail, and there would be nobody left to be told.
            let _ = thread.join();
        }
    }
}

/// The lines that have come lately. Knows no clock.
#[derive(Default)]
struct Watch {
    lines: HashMap<(Identifier, u64), Line>,
}

struct Line {
    of: &'static Metadata<'static>,
    text: String,
    /// How often it came since it was let through or told.
    more: u64,
    lasts: Duration,
    ends: Instant,
}

/// What came of a line that was seen.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    New,
    /// It is counted from now on.
    Second,
    Again,
}

/// How often a line has come.
struct Told {
    of: &'static Metadata<'static>,
    text: String,
    more: u64,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = if self.more == 1 { "once" } else { &format!("{} times", self.more) };
        write!(f, "came {times} more: {}", self.text)
    }
}

impl Watch {
    fn seen(&mut self, key: (Identifier, u64), of: &'static Metadata<'static>, text: &str, now: Instant) -> Seen {
        if let Some(line) = self.lines.get_mut(&key).filter(|line| line.more > 0 || now < line.ends) {
            line.more += 1;
            return if line.more == 1 { Seen::Second } else { Seen::Again };
        }
        if self.lines.len() >= WATCHED {
            self.lines.retain(|_, line| line.more > 0 || now < line.ends);
        }
        if self.lines.len() < WATCHED {
            let text = text.chars().take(TOLD).collect();
            self.lines.insert(key, Line { of, text, more: 0, lasts: FIRST, ends: now + FIRST });
        }
        Seen::New
    }

    /// When there is something to tell.
    fn next(&self) -> Option<Instant> {
        self.lines.values().filter(|line| line.more > 0).map(|line| line.ends).min()
    }

    /// What is to be told now, or at once.
    fn due(&mut self, now: Instant, at_once: bool) -> Vec<Told> {
        let due = self.lines.values_mut().filter(|line| line.more > 0 && (at_once || line.ends <= now));
        due.map(|line| {
            line.lasts = (line.lasts * 2).min(LONGEST);
            line.ends = now + line.lasts;
            Told { of: line.of, text: line.text.clone(), more: std::mem::take(&mut line.more) }
        })
        .collect()
    }
}

/// The message and the fields of an event.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        let name = if field.name() == "message" { "" } else { field.name() };
        let equals = if name.is_empty() { "" } else { "=" };
        // Writing to a text does not fail.
        let _ = write!(self.0, "{space}{name}{equals}{value:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::OnceLock;
    use tracing_subscriber::layer::SubscriberExt;

    /// The place of some line.
    fn place() -> &'static Metadata<'static> {
        static PLACE: OnceLock<&'static Metadata<'static>> = OnceLock::new();
        struct Look;
        impl<S: Subscriber> Layer<S> for Look {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                PLACE.get_or_init(|| event.metadata());
            }
        }
        let look = tracing_subscriber::registry().with(Look);
        tracing::subscriber::with_default(look, || tracing::warn!("a line"));
        PLACE.get().unwrap()
    }

    /// Lines by name, at seconds.
    struct Scene {
        watch: Watch,
        start: Instant,
    }

    impl Scene {
        fn new() -> Scene {
            Scene { watch: Watch::default(), start: Instant::now() }
        }

        fn at(&self, second: u64) -> Instant {
            self.start + Duration::from_secs(second)
        }

        fn passes(&mut self, line: u64, second: u64) -> bool {
            let key = (place().callsite(), line);
            self.watch.seen(key, place(), &format!("line {line}"), self.at(second)) == Seen::New
        }

        fn told(&mut self, second: u64) -> Vec<String> {
            let mut told: Vec<_> = self.watch.due(self.at(second), false).iter().map(Told::to_string).collect();
            told.sort();
            told
        }
    }

    #[test]
    fn remarks_become_rarer_while_a_line_goes_on() {
        let mut scene = Scene::new();
        let mut remarks = Vec::new();
        assert!(scene.passes(1, 0));
        for second in 1..2000 {
            assert!(!scene.passes(1, second));
            remarks.extend(scene.told(second).iter().map(|_| second));
        }
        assert_eq!(remarks, [10, 30, 70, 150, 310, 630, 1230, 1830]);
    }

    #[test]
    fn a_line_that_comes_seldom_is_let_through() {
        let mut scene = Scene::new();
        assert!([0, 10, 20, 300].iter().all(|&second| scene.passes(1, second)));
        assert_eq!(scene.watch.next(), None);
    }

    #[test]
    fn what_was_counted_is_told_even_if_nothing_follows() {
        let mut scene = Scene::new();
        assert!(scene.passes(1, 0) && scene.passes(2, 1));
        (0..3).for_each(|_| assert!(!scene.passes(1, 2)));
        assert!(!scene.passes(2, 2));
        assert_eq!(scene.watch.next(), Some(scene.at(10)));
        assert_eq!(scene.told(9), [""; 0]);
        assert_eq!(scene.told(11), ["came 3 times more: line 1", "came once more: line 2"]);
        assert_eq!(scene.watch.next(), None);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut scene = Scene::new();
        assert!((0..5000).all(|line| scene.passes(line, 0)));
        assert_eq!(scene.watch.lines.len(), WATCHED);
        assert!(scene.passes(5000, 10) && scene.watch.lines.len() == 1);
    }
}
