//! Killed at every statement in turn: once before the server gets it, once after, so that nobody hears its answer. What
//! is done stays done, and the end is the same.

use super::proxy::{Fate, Proxy};
use super::snapshot::{Reader, Snapshot};
use super::upgraded::{compare, expected};
use super::{BERLIN, need, old_database, options, upgrade};
use migrations::upgrade::Options;
use servers::{Mariadb, mariadb};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// What was cut, and where the latest cut was.
#[derive(Default)]
struct Cuts {
    seen: HashSet<(Fate, String, String)>,
    before: String,
    latest: String,
}

impl Cuts {
    /// Cuts at each statement that was not cut at yet; the statement before it tells apart those of one text.
    fn judge(&mut self, statement: &str) -> Fate {
        let before = std::mem::replace(&mut self.before, statement.to_owned());
        for fate in [Fate::CutBefore, Fate::CutAfter] {
            if self.seen.insert((fate, before.clone(), statement.to_owned())) {
                self.before.clear();
                self.latest = format!("{fate:?} {statement}");
                return fate;
            }
        }
        Fate::Passed
    }
}

/// Upgrades through cut after cut until nothing is left to be cut; answers how many there were.
pub async fn upgrade_in_pieces(maria: &Mariadb, url: &str, options: &Options) -> usize {
    let proxy = Proxy::to(maria.port());
    let cuts = Arc::new(Mutex::new(Cuts::default()));
    let shared = cuts.clone();
    proxy.judge(move |statement| shared.lock().unwrap().judge(statement));
    let through = proxy.url(url);
    loop {
        let before = cuts.lock().unwrap().seen.len();
        cuts.lock().unwrap().before.clear();
        let ended = upgrade(&through, options).await;
        let (after, latest) = {
            let cuts = cuts.lock().unwrap();
            (cuts.seen.len(), cuts.latest.clone())
        };
        match ended {
            Ok(_) if after == before => return after,
            // The last words of a connection are not waited for.
            Ok(_) => {}
            Err(error) => assert!(after > before, "failed without a cut: {error}; the latest was {latest}"),
        }
    }
}

/// Two databases hold the same. When our own steps were taken does not count.
fn same(one: &Snapshot, other: &Snapshot) {
    let [mut one, mut other] = [one.clone(), other.clone()];
    for steps in [&mut one, &mut other].into_iter().filter_map(|snapshot| snapshot.tables.get_mut("seaql_migrations")) {
        steps.values_mut().for_each(|step| drop(step.remove("applied_at")));
    }
    compare(&one, &other);
    compare(&other, &one);
}

#[tokio::test]
async fn killed_at_every_statement_a_further_run_finishes_and_the_end_is_the_same() {
    let maria = need!(mariadb());
    // Some tables go in one piece, some in several.
    let options = Options { batch: 13, ..options(BERLIN) };
    let undisturbed = old_database(maria, "1.0.0", 20);
    let interrupted = old_database(maria, "1.0.0", 20);
    let mut reader = Reader::to(&interrupted).await;
    let expected = expected(&mut reader, BERLIN).await;
    upgrade(&undisturbed, &options).await.unwrap();
    let begun = std::time::Instant::now();
    let cuts = upgrade_in_pieces(maria, &interrupted, &options).await;
    assert!(cuts > 600, "only {cuts} cuts");
    println!("{cuts} cuts in {:?}", begun.elapsed());
    let found = reader.snapshot().await;
    compare(&expected, &found);
    same(&found, &Reader::to(&undisturbed).await.snapshot().await);
    assert_eq!(reader.shape().await, Reader::to(&undisturbed).await.shape().await);
}

/// `make test-upgrade`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn a_hundred_thousand_rows_of_each_release_killed_at_every_statement() {
    use std::time::Instant;
    // A few more: the shares of the tables are rounded.
    const ROWS: usize = 110_000;
    let maria = need!(Mariadb::start());
    for version in super::old::VERSIONS {
        let begun = Instant::now();
        let options = Options { batch: 5000, ..options(BERLIN) };
        let url = old_database(&maria, version, ROWS);
        let mut reader = Reader::to(&url).await;
        let expected = expected(&mut reader, BERLIN).await;
        let made = begun.elapsed();
        let undisturbed = old_database(&maria, version, ROWS);
        let begun = Instant::now();
        upgrade(&undisturbed, &options).await.unwrap();
        let alone = begun.elapsed();
        let begun = Instant::now();
        let cuts = upgrade_in_pieces(&maria, &url, &options).await;
        let found = reader.snapshot().await;
        let rows = compare(&expected, &found);
        assert!(rows >= 100_000, "{rows}");
        same(&found, &Reader::to(&undisturbed).await.snapshot().await);
        println!(
            "{version}: {rows} rows compared; made in {made:.0?}; upgraded at a stretch in {alone:.1?}; with {cuts} cuts \
             in {:.0?}",
            begun.elapsed()
        );
    }
}
