//! What tasks themselves have written down: one line at their start, one at their end, in the order in which
//! it happened. Tests judge by it, never by the program's own tables.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

pub struct Ledger {
    path: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Start(Attempt),
    End(Attempt),
    Fail(Attempt),
    /// These processes died in a power cut.
    Cut(Vec<i32>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub instance: i64,
    pub node: String,
    pub number: u32,
    pub pid: i32,
}

impl Ledger {
    /// A new ledger in the folder, which every account may write.
    pub fn new(folder: &Path) -> Ledger {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("ledger");
        std::fs::write(&path, "").expect("our own folder");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("our own file");
        Ledger { path }
    }

    /// A script that writes its start, does `work`, and writes its end.
    pub fn script(&self, node: &str, work: &str) -> String {
        format!("{}{work}\n{}", self.line("start", node), self.line("end", node))
    }

    /// A script line that writes one line.
    pub fn line(&self, what: &str, node: &str) -> String {
        let (instance, attempt) = ("$ESCHEDULER_PROCESS_INSTANCE_ID", "$ESCHEDULER_TASK_ATTEMPT");
        format!("echo \"{what} {instance} {node} {attempt} $$\" >> {}\n", self.path.display())
    }

    /// A script that fails as often as told, and then succeeds. It counts failures that it wrote down, so an
    /// attempt that was lost does not count.
    pub fn failing(&self, node: &str, work: &str, failures: u32) -> String {
        let (start, fail, end) = (self.line("start", node), self.line("fail", node), self.line("end", node));
        let past = format!("grep -c \"^fail $ESCHEDULER_PROCESS_INSTANCE_ID {node} \" {}", self.path.display());
        format!("{start}{work}\nif [ \"$({past})\" -lt {failures} ]; then\n{fail}exit 3\nfi\n{end}")
    }

    /// Writes a power cut down. To be called when the processes are dead.
    pub fn cut(&self, pids: &[i32]) {
        let pids: Vec<String> = pids.iter().map(i32::to_string).collect();
        let mut file = std::fs::File::options().append(true).open(&self.path).expect("our own file");
        file.write_all(format!("cut {}\n", pids.join(" ")).as_bytes()).expect("our own file");
    }

    pub fn lines(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(&self.path).expect("our own file");
        text.lines().map(|line| parse(line).unwrap_or_else(|| panic!("no line of a ledger: {line:?}"))).collect()
    }

    /// How many attempts have started, not ended, and live.
    pub fn running(&self) -> usize {
        let mut open = std::collections::HashSet::new();
        for line in self.lines() {
            match line {
                Line::Start(attempt) => open.extend([attempt.pid]),
                Line::End(attempt) | Line::Fail(attempt) => open.retain(|pid| *pid != attempt.pid),
                Line::Cut(dead) => open.retain(|pid| !dead.contains(pid)),
            }
        }
        open.retain(|pid| crate::processes::lives(*pid));
        open.len()
    }

    /// How often each node of each instance has started.
    pub fn starts(&self) -> BTreeMap<(i64, String), usize> {
        let mut starts = BTreeMap::new();
        for line in self.lines() {
            if let Line::Start(attempt) = line {
                *starts.entry((attempt.instance, attempt.node)).or_default() += 1;
            }
        }
        starts
    }
}

fn parse(line: &str) -> Option<Line> {
    let mut words = line.split(' ');
    let what = words.next()?;
    if what == "cut" {
        return Some(Line::Cut(words.filter_map(|pid| pid.parse().ok()).collect()));
    }
    let attempt = Attempt {
        instance: words.next()?.parse().ok()?,
        node: words.next()?.to_owned(),
        number: words.next()?.parse().ok()?,
        pid: words.next()?.parse().ok()?,
    };
    match what {
        "start" => Some(Line::Start(attempt)),
        "end" => Some(Line::End(attempt)),
        "fail" => Some(Line::Fail(attempt)),
        _ => None,
    }
}

/// What became of the attempts of one node.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub attempts: Vec<Past>,
}

#[derive(Clone, Debug)]
pub struct Past {
    pub number: u32,
    pid: i32,
    pub started: usize,
    /// Line of its end, and whether it was a good one.
    pub ended: Option<(usize, bool)>,
    /// Line of the power cut that it died in.
    pub cut: Option<usize>,
}

impl History {
    pub fn succeeded(&self) -> usize {
        self.attempts.iter().filter(|past| matches!(past.ended, Some((_, true)))).count()
    }

    pub fn failed(&self) -> usize {
        self.attempts.iter().filter(|past| matches!(past.ended, Some((_, false)))).count()
    }
}

/// The history of each node of each instance.
pub fn histories(lines: &[Line]) -> BTreeMap<(i64, String), History> {
    let mut found: BTreeMap<(i64, String), History> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        match line {
            Line::Start(attempt) => {
                let past = Past { number: attempt.number, pid: attempt.pid, started: at, ended: None, cut: None };
                found.entry((attempt.instance, attempt.node.clone())).or_default().attempts.push(past);
            }
            Line::End(attempt) | Line::Fail(attempt) => {
                let history = found.entry((attempt.instance, attempt.node.clone())).or_default();
                let past = history.attempts.iter_mut().rev().find(|past| past.pid == attempt.pid);
                let past = past.unwrap_or_else(|| panic!("an end without a start: {attempt:?}"));
                past.ended = Some((at, matches!(line, Line::End(_))));
            }
            Line::Cut(pids) => {
                let all = found.values_mut().flat_map(|history| &mut history.attempts);
                // A number is used again some day, so the first cut after the start counts.
                let died = |past: &&mut Past| past.cut.is_none() && pids.contains(&past.pid);
                all.filter(died).for_each(|past| past.cut = Some(at));
            }
        }
    }
    found
}

/// What is wrong with a history: an attempt number used twice, one that began while the former one could live,
/// or after the former one had succeeded.
///
/// One that was written to its end may still die with its end unknown, in a power cut. So after a success only a
/// cut excuses another attempt; that its successors had not begun is [`order_breaches`]' to see.
pub fn breaches(history: &History, cuts: &[usize]) -> Vec<String> {
    let mut wrong = Vec::new();
    for pair in history.attempts.windows(2) {
        let [former, next] = pair else { continue };
        if next.number <= former.number {
            wrong.push(format!("attempt {} began after attempt {}", next.number, former.number));
        }
        let over = former.ended.map(|(at, _)| at).or(former.cut);
        if over.is_none_or(|at| at > next.started) {
            wrong.push(format!("attempt {} began while attempt {} could live", next.number, former.number));
        }
        if let Some((ended, true)) = former.ended
            && !cuts.iter().any(|cut| (ended..next.started).contains(cut))
        {
            wrong.push(format!("attempt {} began although attempt {} had succeeded", next.number, former.number));
        }
    }
    wrong
}

/// What began before all attempts at what it waits for were over, and the last one a success.
pub fn order_breaches(node: &str, history: &History, parent: &str, before: Option<&History>) -> Vec<String> {
    let begun = history.attempts.iter().map(|past| past.started).min();
    let Some(begun) = begun else { return vec![] };
    let last = before.and_then(|before| before.attempts.last());
    match last.and_then(|last| last.ended) {
        Some((ended, true)) if ended < begun => vec![],
        _ => vec![format!("`{node}` began before the last attempt at `{parent}` had succeeded")],
    }
}

/// Where the power was cut.
pub fn cuts(lines: &[Line]) -> Vec<usize> {
    let cut = |(at, line): (usize, &Line)| matches!(line, Line::Cut(_)).then_some(at);
    lines.iter().enumerate().filter_map(cut).collect()
}
