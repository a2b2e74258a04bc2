//! What the servers say about themselves: lines on stderr, and in a file that is rotated.
//!
//! A line never waits for a disk or a terminal, and never fails the program: it is handed to a thread, and lost
//! and counted if that cannot keep up or cannot write. A line that repeats is counted and not repeated. Task logs
//! are no business of this room.

mod outlet;
mod repeats;
mod rotated;
mod waiting;

use crate::config;
use outlet::Outlet;
use repeats::Repeats;
use rotated::Rotated;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, fmt};
pub use waiting::Waiting;

/// The file in `log.dir`; closed ones are called `escheduler.log.1`, the youngest, and so on.
const FILE: &str = "escheduler.log";

/// Who is to read the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The operator of a server: stderr and the file, as `log.level` says.
    Server,
    /// Who has typed a command: warnings and errors on stderr, without times.
    Console,
}

/// Why there will be no lines.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("log.level: {0}")]
    Level(#[from] ParseError),
    #[error("log.dir: nothing can be written to {dir}: {why}")]
    Folder { dir: PathBuf, why: io::Error },
    #[error("could not start a thread for the server log: {0}")]
    Thread(io::Error),
    #[error("telemetry is set up already: {0}")]
    Twice(#[from] TryInitError),
}

/// Writes what is still waiting when it is dropped; so it is to be dropped last.
#[must_use = "lines that wait are lost unless this is kept until the end"]
#[derive(Default)]
pub struct Guard {
    // In this order: the first tells the others how often lines have come.
    _repeats: Option<repeats::Counting>,
    _outlets: Vec<outlet::Open>,
}

/// Sets up the lines of the whole process, once.
///
/// # Errors
/// The level cannot be read, or there can be no file in the folder. A disk that is full is no error.
pub fn init(config: &config::Log, to: Target) -> Result<Guard, Error> {
    let terminal = io::stderr().is_terminal();
    match to {
        Target::Console => {
            let human = fmt::layer().with_writer(io::stderr).without_time().with_target(false);
            let human = if terminal { human } else { human.with_ansi(false) };
            tracing_subscriber::registry().with(LevelFilter::WARN).with(human).try_init()?;
            Ok(Guard::default())
        }
        Target::Server => {
            let (lines, guard) = server(config, io::stderr(), terminal)?;
            lines.try_init()?;
            Ok(guard)
        }
    }
}

/// Crates that call every lost connection an error. The room that uses them tells what matters; who names them in
/// `log.level` hears them all the same.
const SILENT: &str = "zookeeper_async=off,zookeeper_client=off";

fn server(
    config: &config::Log,
    stderr: impl io::Write + Send + 'static,
    terminal: bool,
) -> Result<(impl Subscriber + Send + Sync + 'static, Guard), Error> {
    let level = EnvFilter::builder().parse(format!("{SILENT},{}", config.level))?;
    let file = Rotated::open(config.dir.join(FILE), config.max_size, config.max_files)
        .map_err(|why| Error::Folder { dir: config.dir.clone(), why })?;
    let stderr = Outlet::open(stderr, false).map_err(Error::Thread)?;
    let file = Outlet::open(file, config.json).map_err(Error::Thread)?;
    let (repeats, counting) = Repeats::new(vec![stderr.outlet(), file.outlet()]).map_err(Error::Thread)?;
    // Colours are left out where NO_COLOR asks for it, too: that is the layer's default.
    let human = fmt::layer().with_writer(stderr.outlet());
    let human = if terminal { human } else { human.with_ansi(false) };
    let lines = tracing_subscriber::registry()
        .with(level)
        .with(human)
        .with(if config.json {
            fmt::layer().json().with_writer(file.outlet()).boxed()
        } else {
            fmt::layer().with_writer(file.outlet()).with_ansi(false).boxed()
        })
        .with(repeats);
    Ok((lines, Guard { _repeats: Some(counting), _outlets: vec![stderr, file] }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::{Arc, Mutex};
    use tracing::{debug, info, info_span, warn};

    #[derive(Clone, Default)]
    struct Stderr(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Stderr {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn config(dir: &Path) -> config::Log {
        config::Log { dir: dir.to_owned(), level: "info".into(), max_size: 1 << 20, max_files: 3, json: false }
    }

    /// What stands on stderr and in the file after the lines were written.
    fn outcome(config: &config::Log, lines: impl FnOnce()) -> (String, String) {
        let stderr = Stderr::default();
        let (subscriber, guard) = server(config, stderr.clone(), false).unwrap();
        tracing::subscriber::with_default(subscriber, lines);
        drop(guard);
        let file = std::fs::read_to_string(config.dir.join(FILE)).unwrap();
        (String::from_utf8(stderr.0.lock().unwrap().clone()).unwrap(), file)
    }

    /// Lines without their times and places.
    fn messages(text: &str) -> Vec<&str> {
        text.lines().map(|line| line.split_once(": ").map_or(line, |(_, message)| message)).collect()
    }

    #[test]
    fn a_line_stands_on_stderr_and_in_the_file_as_the_level_says() {
        let place = tempfile::tempdir().unwrap();
        let (stderr, file) = outcome(&config(place.path()), || {
            info!(task = 7, "started");
            debug!("not told");
        });
        assert_eq!(messages(&stderr), messages(&file));
        assert!(file.ends_with("Z  INFO escheduler::telemetry::tests: started task=7\n"), "{file}");
        assert_eq!(file.lines().count(), 1);
    }

    #[test]
    fn the_file_can_hold_json() {
        let place = tempfile::tempdir().unwrap();
        let (stderr, file) = outcome(&config::Log { json: true, ..config(place.path()) }, || {
            (0..3).for_each(|_| warn!(task = 7, "late"));
        });
        let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let lines: Vec<_> = file.lines().map(parse).collect();
        assert_eq!(lines[0]["fields"], serde_json::json!({"message": "late", "task": 7}));
        assert_eq!(lines[1]["fields"], serde_json::json!({"message": "came 2 times more: late task=7"}));
        assert_eq!(lines[0]["target"], lines[1]["target"]);
        assert!(stderr.starts_with("20"), "{stderr}");
    }

    #[test]
    fn a_repeated_line_is_counted_and_not_repeated() {
        let place = tempfile::tempdir().unwrap();
        let (_, file) = outcome(&config(place.path()), || {
            for round in 0..58 {
                warn!("the database does not answer");
                if round % 20 == 0 {
                    info!(round, "something else");
                }
            }
        });
        let expected = [
            "the database does not answer",
            "something else round=0",
            "something else round=20",
            "something else round=40",
            "came 57 times more: the database does not answer",
        ];
        assert_eq!(messages(&file), expected);
    }

    #[test]
    fn a_line_is_no_repetition_in_another_span_or_at_another_place() {
        let place = tempfile::tempdir().unwrap();
        let (_, file) = outcome(&config(place.path()), || {
            let ended = || info!("ended");
            for task in [1, 2, 2] {
                info_span!("run", task).in_scope(ended);
            }
            info!("ended");
        });
        assert_eq!(messages(&file).len(), 4);
        assert!(file.contains("came once more: ended"));
    }

    #[test]
    fn fine_lines_are_all_told() {
        let place = tempfile::tempdir().unwrap();
        let config = config::Log { level: "warn,escheduler=debug".into(), ..config(place.path()) };
        let (_, file) = outcome(&config, || (0..3).for_each(|_| debug!("again")));
        assert_eq!(messages(&file), ["again"; 3]);
    }

    #[test]
    fn the_files_have_a_bound_and_no_line_is_torn() {
        let place = tempfile::tempdir().unwrap();
        outcome(&config::Log { max_size: 5000, ..config(place.path()) }, || {
            (0..1000).for_each(|number| info!(number, "one of many lines"));
        });
        let mut files: Vec<_> = place.path().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert_eq!(files.len(), 4);
        let texts: Vec<_> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        assert!(texts.iter().all(|text| text.len() <= 5000 && text.ends_with('\n') && text.starts_with("20")));
        assert!(texts[0].ends_with("number=999\n"));
    }

    #[test]
    fn a_full_disk_is_no_error() {
        let place = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", place.path().join(FILE)).unwrap();
        let stderr = Stderr::default();
        let (subscriber, guard) = server(&config(place.path()), stderr.clone(), false).unwrap();
        tracing::subscriber::with_default(subscriber, || (0..100).for_each(|number| info!(number, "line")));
        drop(guard);
        assert_eq!(stderr.0.lock().unwrap().iter().filter(|byte| **byte == b'\n').count(), 100);
    }

    #[test]
    fn a_level_that_cannot_be_read_and_a_folder_that_cannot_be_made_are_errors() {
        let place = tempfile::tempdir().unwrap();
        let refused = |config| server(&config, io::sink(), false).map(|_| ()).unwrap_err().to_string();
        let level = config::Log { level: "escheduler=loud".into(), ..config(place.path()) };
        assert!(refused(level).starts_with("log.level: "));
        std::fs::write(place.path().join("file"), "").unwrap();
        assert!(refused(config(&place.path().join("file"))).starts_with("log.dir: nothing can be written to "));
    }
}
