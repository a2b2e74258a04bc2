//! Tests that cannot run here. The harness knows no such thing and hides what passing tests print, so the notes go
//! past it to the standard error, and into a file that `make test` counts.

use crate::Missing;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Notes that the running test goes without the server. With `CI=true`, fails it.
pub(crate) fn note(program: Missing) {
    note_skip(&program.sentence());
}

/// Notes that the running test cannot be run, and why. With `CI=true`, fails it.
pub fn note_skip(why: &str) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let count = COUNT.fetch_add(1, Relaxed) + 1;
    assert!(!is_ci(), "{test}: {why}");
    let line = format!("SKIPPED ({count} in this program): {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(file()) {
        // In one piece: tests run side by side.
        let _ = file.write_all(format!("{test}: {why}\n").as_bytes());
    }
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// What was skipped since [`forget_skips`], a line each.
pub fn skips() -> Vec<String> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Begins the count anew.
pub fn forget_skips() {
    let _ = std::fs::remove_file(file());
}

fn file() -> PathBuf {
    crate::template::cache().join("skipped")
}
