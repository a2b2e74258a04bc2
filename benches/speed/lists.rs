//! What the pages of the front-end ask for, over years of [history](super::history).

use super::site::Site;
use super::{Table, history, ms, quantile};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const RATE: usize = 200;
const SECONDS: usize = 30;
/// More than ever wait at once if the target is met.
const CALLERS: usize = 32;
/// What a call costs that reads a single row.
const FLOOR: &str = "who am I";

/// A name for the row of the table, and how the number of a request becomes its path.
type Kind = (&'static str, fn(usize) -> String);

const KINDS: [Kind; 6] = [
    (FLOOR, |_| "users/get-user-info".into()),
    ("definitions", |n| list(n, "process", history::DEFINITIONS)),
    ("instances", |n| list(n, "instance", history::INSTANCES - history::INSTANCES / history::SUB_PROCESSES)),
    ("tasks", |n| list(n, "task-instance", history::TASKS)),
    ("counts of a project's home page", counts),
    ("projects", |n| format!("projects/list-paging?pageSize=10&pageNo={}", 1 + n % (history::PROJECTS / 10))),
];

const SEARCHES: [Kind; 4] = [
    ("definitions", |n| search(n, "process", &format!("ition-{}", n % 100))),
    ("instances", |n| search(n, "instance", &format!("-0-{}", n % 100))),
    ("tasks", |n| search(n, "task-instance", ["task-7", "no such task"][n % 2])),
    ("projects", |n| format!("projects/list-paging?pageSize=10&pageNo=1&searchVal={}", n % 10)),
];

pub fn rows(table: &mut Table) {
    let begun = Instant::now();
    let site = Site::with_history(history::fill);
    println!("  history made in {:.0} s", begun.elapsed().as_secs_f64());
    for (number, (_, path)) in KINDS.iter().enumerate() {
        site.get(&path(number));
    }
    at_a_steady_rate(&site, table);
    one_at_a_time(&site, table);
}

/// Requests come when they are due, whether or not those before were answered; what one waits for its turn counts.
fn at_a_steady_rate(site: &Site, table: &mut Table) {
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let answered = Mutex::new(BTreeMap::<&str, Vec<f64>>::new());
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= RATE * SECONDS {
                        return;
                    }
                    let due = begun + Duration::from_secs(1) * number as u32 / RATE as u32;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let (name, path) = KINDS[number % KINDS.len()];
                    site.get(&path(number / KINDS.len()));
                    answered
                        .lock()
                        .expect("no caller fails")
                        .entry(name)
                        .or_default()
                        .push(due.elapsed().as_secs_f64());
                }
            });
        }
    });
    let mut answered = answered.into_inner().expect("no caller fails");
    let floor = answered.remove(FLOOR).map(shown).expect("it is among the kinds").0;
    for (name, _) in KINDS.iter().filter(|(name, _)| *name != FLOOR) {
        let (figures, p99) = shown(answered.remove(name).expect("each kind was asked"));
        let row = format!("{name}, {RATE} requests/s of all kinds");
        table.row(&row, figures, format!("{floor} for a single row"), ("p99 30 ms".into(), p99 <= 0.030));
    }
}

fn one_at_a_time(site: &Site, table: &mut Table) {
    for (name, path) in SEARCHES {
        let took = |number| {
            let begun = Instant::now();
            site.get(&path(number));
            begun.elapsed().as_secs_f64()
        };
        let (figures, p99) = shown((0..100).map(took).collect());
        let row = format!("{name} with search text, one at a time");
        table.row(&row, figures, "-".into(), ("p99 300 ms".into(), p99 <= 0.300));
    }
}

/// The figures as text, and p99.
fn shown(mut seconds: Vec<f64>) -> (String, f64) {
    let (p50, p99) = (quantile(&mut seconds, 0.5), quantile(&mut seconds, 0.99));
    (format!("p50 {}, p99 {}", ms(p50), ms(p99)), p99)
}

/// A page of a list of some project: mostly one of the first, now and then any.
fn list(number: usize, noun: &str, rows: usize) -> String {
    let pages = rows / history::PROJECTS / 10;
    let page = if number.is_multiple_of(4) { number * 31 % pages } else { number % 5.min(pages) };
    let project = history::project(1 + number * 37 % history::PROJECTS);
    format!("projects/{project}/{noun}/list-paging?pageSize=10&pageNo={}&searchVal=", page + 1)
}

fn search(number: usize, noun: &str, text: &str) -> String {
    let project = history::project(1 + number * 37 % history::PROJECTS);
    format!("projects/{project}/{noun}/list-paging?pageSize=10&pageNo=1&searchVal={}", text.replace(' ', "%20"))
}

/// What happened today.
fn counts(number: usize) -> String {
    let call = ["task-state-count", "process-state-count", "define-user-count"][number % 3];
    let today = chrono::Utc::now().format("%Y-%m-%d");
    let project = 1 + number * 37 % history::PROJECTS;
    format!("projects/analysis/{call}?projectId={project}&startDate={today}%2000:00:00&endDate={today}%2023:59:59")
}
