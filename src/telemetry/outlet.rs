//! One place that lines go to, with a thread of its own that does the waiting.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tracing::Level;

/// How many bytes may wait for the thread; what comes beyond them is lost and counted.
const WAITING: usize = 4 << 20;

/// How long the end of the program waits for a place that takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Takes lines, from any thread, at once.
pub(super) struct Outlet {
    state: Mutex<State>,
    changed: Condvar,
    json: bool,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that found no room.
    lost: u64,
    closing: bool,
    closed: bool,
}

/// Writes what waits when it is dropped.
pub(super) struct Open(Arc<Outlet>);

impl Outlet {
    /// Starts the thread that writes to `place`. Remarks about the lines look like the lines: JSON or not.
    pub(super) fn open(place: impl Write + Send + 'static, json: bool) -> io::Result<Open> {
        let outlet = Arc::new(Outlet { state: Mutex::default(), changed: Condvar::new(), json });
        let thread = thread::Builder::new().name("server-log".into());
        let shared = outlet.clone();
        thread.spawn(move || Pump { place, torn: false, lost: 0 }.run(&shared))?;
        Ok(Open(outlet))
    }

    /// Takes whole lines.
    fn take(&self, lines: &[u8]) {
        let mut state = self.state();
        if state.waiting.len() + lines.len() > WAITING {
            state.lost += count(lines);
        } else {
            state.waiting.extend_from_slice(lines);
            self.changed.notify_all();
        }
    }

    /// Takes a remark that is not an event.
    pub(super) fn remark(&self, level: Level, target: &str, text: &str) {
        self.take(self.line(level, target, text).as_bytes());
    }

    fn line(&self, level: Level, target: &str, text: &str) -> String {
        let time = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        if self.json {
            let fields = serde_json::json!({ "message": text });
            let line = serde_json::json!({
                "timestamp": time, "level": level.as_str(), "fields": fields, "target": target
            });
            format!("{line}\n")
        } else {
            format!("{time} {level:>5} {target}: {text}\n")
        }
    }

    fn lost(&self, lines: u64, why: &str) -> String {
        self.line(Level::WARN, module_path!(), &format!("{lines} lines of the log were lost here: {why}"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &Outlet {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.take(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Open {
    pub(super) fn outlet(&self) -> Arc<Outlet> {
        self.0.clone()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.closing = true;
        self.0.changed.notify_all();
        let until = Instant::now() + PATIENCE;
        while !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The thread's side.
struct Pump<W> {
    place: W,
    /// The last line was written in part.
    torn: bool,
    /// Lines that could not be written, since the last that could.
    lost: u64,
}

impl<W: Write> Pump<W> {
    fn run(mut self, outlet: &Outlet) {
        loop {
            let mut state = outlet.state();
            while state.waiting.is_empty() && state.lost == 0 && !state.closing {
                state = outlet.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let (lines, lost) = (std::mem::take(&mut state.waiting), std::mem::take(&mut state.lost));
            if lines.is_empty() && lost == 0 {
                state.closed = true;
                return outlet.changed.notify_all();
            }
            drop(state);
            self.write(outlet, &lines);
            if lost > 0 {
                self.write(outlet, outlet.lost(lost, "they came faster than they could be written").as_bytes());
            }
        }
    }

    fn write(&mut self, outlet: &Outlet, lines: &[u8]) {
        let mut remark = String::new();
        if self.torn {
            remark.push('\n');
        }
        if self.lost > 0 {
            remark.push_str(&outlet.lost(self.lost, "they could not be written"));
        }
        if self.put(remark.as_bytes()) < remark.len() {
            self.lost += count(lines);
        } else {
            let written = self.put(lines);
            self.lost = count(&lines[written..]);
        }
    }

    /// Writes as many bytes as can be written.
    fn put(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.place.write(&bytes[written..]) {
                Ok(more) if more > 0 => {
                    written += more;
                    self.torn = bytes[written - 1] != b'\n';
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => break,
            }
        }
        written
    }
}

fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::sync::mpsc;

    /// Keeps what was written; asked for each piece how much of it may be.
    struct Place<F> {
        text: Arc<Mutex<Vec<u8>>>,
        room: F,
    }

    impl<F: FnMut(usize) -> usize> Write for Place<F> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match (self.room)(bytes.len()) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                room => {
                    self.text.lock().unwrap().extend_from_slice(&bytes[..room]);
                    Ok(room)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is in the place after these pieces were written, times left out.
    fn outcome(room: impl FnMut(usize) -> usize, pieces: &[&str]) -> String {
        let text = Arc::new(Mutex::new(Vec::new()));
        let outlet = Outlet { state: Mutex::default(), changed: Condvar::new(), json: false };
        let mut pump = Pump { place: Place { text: text.clone(), room }, torn: false, lost: 0 };
        pieces.iter().for_each(|piece| pump.write(&outlet, piece.as_bytes()));
        let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        let lines =
            text.lines().map(|line| line.split_once(" escheduler::telemetry::outlet: ").map_or(line, |(_, told)| told));
        lines.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_told_when_it_can_be_written_again() {
        let rooms = |rooms: Vec<usize>| {
            let mut rooms = rooms.into_iter();
            move |wanted: usize| rooms.next().unwrap_or(wanted).min(wanted)
        };
        let pieces = ["a\n", "b\nc\n", "d\n", "e\n"];
        assert_eq!(outcome(rooms(vec![]), &pieces), "a|b|c|d|e");
        let full = outcome(rooms(vec![9, 0, 0]), &pieces);
        assert_eq!(full, "a|3 lines of the log were lost here: they could not be written|e");
        let torn = outcome(rooms(vec![9, 3, 0, 0]), &pieces);
        assert_eq!(torn, "a|b|c|2 lines of the log were lost here: they could not be written|e");
    }

    #[test]
    fn a_full_disk_stops_nobody() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let open = Outlet::open(full, false).unwrap();
        let outlet = open.outlet();
        (0..100_000).for_each(|_| (&*outlet).write_all(b"a line of the log\n").unwrap());
        drop(open);
        assert!(outlet.state().closed);
    }

    #[test]
    fn a_place_that_takes_nothing_stops_nobody_and_what_finds_no_room_is_told() {
        let (release, wait) = mpsc::channel::<()>();
        let text = Arc::new(Mutex::new(Vec::new()));
        let room = move |wanted| wait.recv().map_or(wanted, |()| wanted);
        let open = Outlet::open(Place { text: text.clone(), room }, true).unwrap();
        let outlet = open.outlet();
        let line = [&[b'x'; (1 << 20) - 1][..], b"\n"].concat();
        (0..20).for_each(|_| outlet.take(&line));
        drop(release);
        drop(open);
        let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        let kept = text.lines().filter(|line| line.starts_with('x')).count();
        let remarks = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let lost = remarks.map(|remark| {
            assert_eq!(remark["level"], "WARN");
            let told = remark["fields"]["message"].as_str().unwrap();
            let number =
                told.strip_suffix(" lines of the log were lost here: they came faster than they could be written");
            number.unwrap().parse::<usize>().unwrap()
        });
        assert_eq!(kept + lost.sum::<usize>(), 20);
        assert!((4..=9).contains(&kept), "{kept}");
    }
}
