//! `servers` for the Makefile: what is missing, in words or as Debian packages, and what was skipped.
//!
//!     servers packages    the packages to install, on one line; nothing if all is there
//!     servers forget      begins the count of skipped tests anew
//!     servers skipped     prints the tests that were skipped since, and how many

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("packages") => println!("{}", servers::missing_packages().join(" ")),
        Some("forget") => servers::forget_skips(),
        Some("skipped") => skipped(),
        _ => {
            eprintln!("usage: servers packages | forget | skipped");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn skipped() {
    let skips = servers::skips();
    for skip in &skips {
        println!("skipped: {skip}");
    }
    if !skips.is_empty() {
        println!("{} tests were SKIPPED, because servers are missing; see above what to install", skips.len());
    }
}
