//! Processes that have nothing to do with the cluster, and must survive it.

use crate::processes::lives;
use std::process::{Child, Command, Stdio};

pub struct Canaries(Vec<Child>);

impl Canaries {
    pub fn new(count: usize) -> Canaries {
        let canary = |_| Command::new("sleep").arg("99999").stdin(Stdio::null()).spawn().expect("sleep is installed");
        Canaries((0..count).map(canary).collect())
    }

    /// A sentence for each that is dead.
    pub fn dead(&self) -> Vec<String> {
        let dead = self.0.iter().filter(|canary| !lives(canary.id().cast_signed()));
        dead.map(|canary| format!("process {}, which is nobody's task, was killed", canary.id())).collect()
    }
}

impl Drop for Canaries {
    fn drop(&mut self) {
        for canary in &mut self.0 {
            // It is our own child; at worst it is dead already.
            let _ = canary.kill();
            let _ = canary.wait();
        }
    }
}
