//! Writes into the ledger which shims are gone, whoever ended them: with a shim, all that it has started is over.

use crate::cluster::Cluster;
use crate::ledger::{Line, held, now};
use crate::machine::{Kind, Machine};
use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Far shorter than [`LATE`](crate::judge::LATE).
const LOOK: Duration = Duration::from_millis(50);

/// Watches until told that all is over.
pub fn watch(cluster: &Cluster, over: &AtomicBool) {
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    while !over.load(Relaxed) {
        let held = held();
        for machine in cluster.of(Kind::Worker) {
            let last = told.entry(&machine.name).or_default();
            if let Some(life) = gone(machine, &held)
                && life > *last
            {
                *last = life;
                cluster.ledger.write(&Line::Over { machine: machine.name.clone(), life, at: now() });
            }
        }
        std::thread::sleep(LOOK);
    }
}

/// The last shim of the machine that is gone. A living one holds the lock of its folder, and a new life begins only
/// when the one before is over.
fn gone(machine: &Machine, held: &HashMap<u64, i32>) -> Option<u64> {
    let folder = machine.data().join("shim");
    let life: u64 = std::fs::read_to_string(folder.join("life")).ok()?.trim().parse().ok()?;
    let lives = held.contains_key(&std::fs::metadata(folder.join("shim.lock")).ok()?.ino());
    if lives { life.checked_sub(1) } else { Some(life) }
}
