//! `escheduler admin`: what only a person can know or decide.

use super::{Conf, Exit, block_on, cannot, complain, say};
use crate::app;
use crate::clock::SystemClock;
use crate::master::{Coroner, Found, Unanswered};
use crate::model::Time;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

/// How often a worker is tried to be declared dead that moves its beat all the while.
const TRIES: u32 = 20;

/// How sure the operator is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vouched {
    /// Nobody is asked.
    pub yes: bool,
    /// Signs of life are no reason to refuse.
    pub even_if_alive: bool,
}

pub(super) fn worker_dead(host: &str, vouched: Vouched, conf: &Conf) -> Result<(), Exit> {
    let config = conf.load(vec![])?.config;
    if !app::is_cluster(&config) {
        complain(
            "this configuration is not that of a cluster (zookeeper.quorum is empty): a worker of a single process \
             takes its tasks over when it is started again in its data folder",
        );
        return Err(Exit::Wrong);
    }
    block_on(async {
        let ports = app::look(&config).await.map_err(|error| cannot(&error.to_string()))?;
        let coroner = Coroner::new(Arc::new(ports.store.clone()), ports.registry.clone(), Arc::new(SystemClock));
        let ended = declare(&coroner, host, vouched).await;
        ports.leave().await;
        ended
    })
}

async fn declare(coroner: &Coroner, host: &str, vouched: Vouched) -> Result<(), Exit> {
    let all = coroner.workers().await.map_err(|error| unanswered(&error))?;
    let found = of_host(&all, host)?;
    found.iter().for_each(|worker| say(&describe(worker, Time::now())));
    let open: Vec<Found> = found.into_iter().filter(|worker| !worker.is_fenced()).collect();
    if open.is_empty() {
        say("declared dead already; nothing was changed");
        return Ok(());
    }
    if !vouched.even_if_alive {
        refuse_if_alive(coroner, &open).await?;
    }
    if !vouched.yes {
        ask(host, &mut std::io::stdin().lock(), std::io::stdin().is_terminal())?;
    }
    for worker in &open {
        bury(coroner, worker, vouched).await?;
        say(&format!("{} is declared dead", worker.holder()));
    }
    say(
        "the masters try its tasks again within seconds, as far as they had not ended. Should the worker come back, it \
         ends what it has left of them, and then serves as a new one",
    );
    Ok(())
}

/// The workers of a host, or the one that is named.
fn of_host(all: &[Found], host: &str) -> Result<Vec<Found>, Exit> {
    let is_meant = |worker: &&Found| worker.host() == host || worker.holder().worker == host;
    let found: Vec<Found> = all.iter().filter(is_meant).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let mut hosts: Vec<&str> = all.iter().map(Found::host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let known = match hosts.as_slice() {
        [] => "no worker has ever signed in".to_owned(),
        hosts => format!("known are {}", hosts.join(", ")),
    };
    complain(&format!("no worker of the host {host} has ever signed in; {known}"));
    Err(Exit::Wrong)
}

fn describe(worker: &Found, now: Time) -> String {
    let heard = match worker.heard_at() {
        Some(at) => format!("last heard of {} ago", span(now.since(at))),
        None => "never heard of".into(),
    };
    let lease = match worker.lease() {
        Some(lease) => format!("its lease lasts {}", span(lease)),
        None => "its lease never ends".into(),
    };
    let dead = if worker.is_fenced() { ", declared dead" } else { "" };
    format!("worker {} of host {}: {heard}; {lease}{dead}", worker.holder(), worker.host())
}

/// In words that are exact enough for people.
fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

async fn refuse_if_alive(coroner: &Coroner, open: &[Found]) -> Result<(), Exit> {
    let longest = open.iter().map(Found::watch).max().unwrap_or_default();
    say(&format!("looking for {} whether it still renews its lease ...", span(longest)));
    match coroner.first_sign_of_life(open).await.map_err(|error| unanswered(&error))? {
        None => Ok(()),
        Some(holder) => {
            complain(&format!(
                "{holder} lives: it has just renewed its lease. Nothing was changed. Stop it first, which leaves its \
                 tasks to its next start; or kill it with its shim and its tasks, or switch its machine off, and call \
                 this again. (--even-if-alive declares it dead nevertheless: its tasks may then run twice, until it \
                 has heard of that and ended them)"
            ));
            Err(Exit::Failed)
        }
    }
}

/// Lets a person confirm it by the host's name.
fn ask(host: &str, answers: &mut impl BufRead, terminal: bool) -> Result<(), Exit> {
    if !terminal {
        complain(
            "there is no terminal to ask at: give --yes, by which you vouch that nothing of this worker runs any more, \
             and that nothing of it will go on by itself",
        );
        return Err(Exit::Wrong);
    }
    let question = format!(
        "Do you vouch that nothing of this worker runs any more, neither its service, nor its shim, nor any task?\n\
         If you are wrong, its tasks run twice. Type {host} to confirm: "
    );
    let mut answer = String::new();
    let asked = write!(std::io::stdout(), "{question}").and_then(|()| std::io::stdout().flush());
    if asked.and_then(|()| answers.read_line(&mut answer)).is_ok() && answer.trim() == host {
        return Ok(());
    }
    complain("not confirmed; nothing was changed");
    Err(Exit::Failed)
}

async fn bury(coroner: &Coroner, worker: &Found, vouched: Vouched) -> Result<(), Exit> {
    let mut worker = worker.clone();
    let tries = if vouched.even_if_alive { TRIES } else { 1 };
    for _ in 0..tries {
        if coroner.declare_dead(&worker).await.map_err(|error| unanswered(&error))? {
            return Ok(());
        }
        let all = coroner.workers().await.map_err(|error| unanswered(&error))?;
        match all.into_iter().find(|other| other.holder() == worker.holder()) {
            // A master was faster.
            Some(now) if now.is_fenced() => return Ok(()),
            Some(now) => worker = now,
            None => break,
        }
    }
    complain(&format!(
        "{} is not declared dead: it has shown a sign of life meanwhile, or begun anew. Call this again to see how it \
         stands",
        worker.holder()
    ));
    Err(Exit::Failed)
}

fn unanswered(error: &Unanswered) -> Exit {
    cannot(&format!("{error}; call this again when it answers, doing it twice is harmless"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_host_confirms() {
        for (answer, confirmed) in [("w1\n", true), ("  w1 \n", true), ("y\n", false), ("w11\n", false), ("", false)] {
            assert_eq!(ask("w1", &mut answer.as_bytes(), true).is_ok(), confirmed, "{answer:?}");
        }
    }

    #[test]
    fn without_a_terminal_nobody_is_asked() {
        assert_eq!(ask("w1", &mut "w1\n".as_bytes(), false), Err(Exit::Wrong));
    }

    #[test]
    fn spans_are_told_in_words() {
        let told = [0, 119, 120, 7199, 7200, 172_799, 172_800].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(told, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]);
    }
}
