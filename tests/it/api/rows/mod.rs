//! The contract: every row of the specification, proved.
//!
//! [`specification::ROWS`] is the list of all 133 calls. What a row needs besides is a right call, and one call for
//! each code that a client can cause. They stand in a file per group, like this:
//!
//! ```ignore
//! row("POST queue/create", Shape::Null, |_, n| form(&[("queue", &format!("root.q{n}")), ("queueName", &n)]))
//!     .code(10129, |_, n| form(&[("queue", &"default"), ("queueName", &n)]))
//!     .code(10130, |_, _| form(&[("queueName", &"default")])),
//! ```
//!
//! A `code` says only what differs from the right call. Closures are handed the [`Scene`] (people, a project in the
//! middle of its life) and a number that no other call gets; they may prepare things first, by calls or with
//! `scene.wait(…)` in the store. All that needs no words of its own follows from the specification: status, envelope,
//! exact keys, texts in two languages, the five callers ([`Who`]), missing parameters, pages, unknown projects, and the
//! generic code with a store that fails. A row is covered when all of that was asked and answered.
//!
//! `API_ROWS=queue cargo test --test it api::rows` proves only the rows whose name contains the text.

mod case;
mod logs;
mod people;
mod projects;
mod promise;
mod proof;
mod resources;
mod scene;
mod schedules;
mod shape;
mod sources;
pub mod specification;

use case::Row;
use proof::Findings;
use scene::Scene;
use specification::{ROWS, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

/// One file each; each group has a scene of its own and runs beside the others.
const GROUPS: [fn() -> Vec<Row>; 6] =
    [people::rows, projects::rows, schedules::rows, logs::rows, resources::rows, sources::rows];

#[test]
fn the_specification_has_133_rows_and_each_once() {
    let names: BTreeSet<_> = ROWS.iter().map(Spec::name).collect();
    assert_eq!((ROWS.len(), names.len()), (133, 133));
    let cases: Vec<_> = GROUPS.iter().flat_map(|rows| rows()).map(|row| row.name).collect();
    let known: BTreeSet<_> = cases.iter().collect();
    assert_eq!(known.len(), cases.len(), "no row is shown twice");
    for name in cases {
        assert!(names.contains(name), "`{name}` is no row of the specification");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_keeps_the_contract() {
    let only = std::env::var("API_ROWS").unwrap_or_default();
    let mut groups = tokio::task::JoinSet::new();
    for rows in GROUPS {
        let rows: Vec<Row> = rows().into_iter().filter(|row| row.name.contains(&only)).collect();
        if !rows.is_empty() {
            groups.spawn(group(rows));
        }
    }
    let mut found = BTreeMap::new();
    while let Some(findings) = groups.join_next().await {
        let Some(findings) = findings.expect("a group is proved") else { return };
        found.extend(findings);
    }
    let covered = report(&found, &only);
    let wrong: Vec<_> =
        found.iter().flat_map(|(name, found)| found.wrong.iter().map(move |w| format!("{name}: {w}"))).collect();
    assert!(wrong.is_empty(), "{} mistakes:\n{}", wrong.len(), wrong.join("\n"));
    if only.is_empty() {
        assert_eq!(covered, ROWS.len(), "every row is covered");
    }
}

/// The findings about each row; `None` where the database server is missing.
async fn group(rows: Vec<Row>) -> Option<BTreeMap<String, Findings>> {
    let scene = Scene::new().await?;
    let mut found = BTreeMap::new();
    let mut prepared = Vec::new();
    for row in &rows {
        let spec = ROWS.iter().find(|spec| spec.name() == row.name).expect("a row of the specification");
        found.insert(spec.name(), proof::prove(&scene, spec, row));
        prepared.push((spec, row));
    }
    let prepared: Vec<_> =
        prepared.into_iter().map(|(spec, row)| (spec, row, (row.right)(&scene, scene.next()))).collect();
    scene.world.store.clone().close().await;
    for (spec, row, form) in prepared {
        found.entry(spec.name()).or_default().wrong.extend(proof::prove_generic(&scene, spec, row, &form));
    }
    Some(found)
}

/// Past the test harness, which keeps what a passing test prints to itself.
fn report(found: &BTreeMap<String, Findings>, only: &str) -> usize {
    let mut lines = Vec::new();
    let mut covered = 0_usize;
    for name in ROWS.iter().map(Spec::name).filter(|name| name.contains(only)) {
        match found.get(&name) {
            None => lines.push(format!("  {name}: nothing is shown of it")),
            Some(Findings { wrong, lacks }) if wrong.is_empty() && lacks.is_empty() => covered += 1,
            Some(Findings { wrong, lacks }) => {
                let lacks = lacks.iter().map(|what| format!("lacks {what}"));
                lines.push(format!("  {name}: {}", wrong.iter().cloned().chain(lacks).collect::<Vec<_>>().join("; ")));
            }
        }
    }
    let kind = module_path!().split("::").nth(1).unwrap_or_default();
    lines.insert(0, format!("{kind}: {covered} of {} rows covered", ROWS.len()));
    let _ = writeln!(std::io::stderr(), "{}", lines.join("\n"));
    covered
}
