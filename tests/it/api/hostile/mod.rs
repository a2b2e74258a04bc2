//! Hostile input, drawn from the document of the API: whatever is documented is attacked, a new call too.
//!
//! The real program is served, and somebody sends it what no front-end would: texts of a megabyte, NUL, broken UTF-8,
//! SQL, paths, JSON where none is wanted and something else where it is, forged headers, broken forms, bodies that
//! end early. Every request must be answered, in the form and with the codes that the document promises; nothing may
//! be logged as an error; and what others own must be there afterwards as it was before.
//!
//! Each case follows from a seed and its number alone. What fails says how to send it again:
//!
//! ```text
//! make test-api-hostile SEED=7 CASE=123
//! ```

mod case;
mod form;
mod grounds;
mod logins;
mod values;
mod verdict;
mod wire;

use case::Case;
use grounds::Grounds;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Instant;

/// How many cases are a part of every run of the tests.
const FEW: u64 = 500;
const SEED: u64 = 20_190_620;

#[test]
fn hostile_requests_are_answered_and_harm_nobody() {
    let Some(mut grounds) = Grounds::new() else { return };
    attack(&mut grounds, number("SEED").unwrap_or(SEED), number("CASES").unwrap_or(FEW), number("CASE"));
}

fn number(name: &str) -> Option<u64> {
    std::env::var(format!("ESCHEDULER_HOSTILE_{name}")).ok()?.parse().ok()
}

fn attack(grounds: &mut Grounds, seed: u64, cases: u64, only: Option<u64>) {
    let begun = Instant::now();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    let numbers = only.map_or(0..cases, |number| number..number + 1);
    for number in numbers.clone() {
        if number % 100 == 99 {
            grounds.tend();
        }
        let case = Case::draw(seed, number, grounds);
        let answer = wire::send(grounds.address(), &case.bytes, case.is_cut);
        match verdict::judge(&case, &answer, grounds) {
            Ok(what) => *seen.entry(what).or_default() += 1,
            Err(fault) => faults.push(format!("{fault}\n    {}", again(seed, &case))),
        }
        grounds.recover(case.caller, &answer);
        if faults.len() >= 20 {
            break;
        }
    }
    let sent = numbers.end - numbers.start;
    let summary: Vec<String> = seen.iter().map(|(what, count)| format!("{what}: {count}")).collect();
    let kind = module_path!().split("::").nth(1).unwrap_or_default();
    let _ = writeln!(
        std::io::stderr(),
        "{kind}: {sent} hostile requests with seed {seed} in {:.1?} upon {} operations: {}",
        begun.elapsed(),
        grounds.operations.len(),
        summary.join(", ")
    );
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    grounds.must_be_unharmed();
}

/// How to send a case again, and what it was.
fn again(seed: u64, case: &Case) -> String {
    let head: String =
        case.bytes.iter().take(1500).flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect();
    format!(
        "make test-api-hostile SEED={seed} CASE={} sends as {:?}, {} bytes: {head}",
        case.number,
        case.caller,
        case.bytes.len()
    )
}
