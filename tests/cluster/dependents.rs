//! A run at one master, and DEPENDENT nodes at another that wait for it.

use super::Stage;
use crate::ledger::What;
use crate::machine::{Kind, Machine};
use crate::site::shell;
use serde_json::{Value, json};

/// Who is killed while the run lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Nobody,
    OwnerOfTheRun,
    OwnerOfTheNode,
}

fn waits_for(definition: i64) -> Value {
    let item =
        json!({"projectId": 1, "definitionId": definition, "depTasks": "ALL", "cycle": "day", "dateValue": "today"});
    let mut node = shell("waits", "", &[]);
    node["type"] = json!("DEPENDENT");
    node["params"] = json!({});
    node["dependence"] = json!({"relation": "AND", "dependTaskList": [{"relation": "AND", "dependItemList": [item]}]});
    node
}

impl Stage {
    pub(super) fn dependents(&self) {
        for victim in [Victim::Nobody, Victim::OwnerOfTheRun, Victim::OwnerOfTheNode] {
            self.across_masters(victim);
        }
    }

    fn across_masters(&self, victim: Victim) {
        let upstream = self.define(vec![self.sleeper("load", 8.0, &[])]);
        let downstream = self.define(vec![waits_for(upstream), self.sleeper("after", 0.1, &["waits"])]);
        let run = self.cluster.client.start(upstream);
        let owner = self.owner(upstream, run);
        // Starts are dealt out among the masters, so one of a few is another one's.
        let mut waiting = vec![];
        let other = loop {
            waiting.push(self.cluster.client.start(downstream));
            let other = self.owner(downstream, waiting[waiting.len() - 1]);
            if other.name != owner.name {
                break other;
            }
            assert!(waiting.len() < 20, "all starts are {}'s", owner.name);
        };
        let killed = match victim {
            Victim::Nobody => None,
            Victim::OwnerOfTheRun => Some(owner),
            Victim::OwnerOfTheNode => Some(other),
        };
        killed.into_iter().for_each(Machine::kill);
        let loaded = self.await_line(run, "load", What::End, 0);
        for instance in waiting {
            self.must_succeed(downstream, instance);
            let after = self.await_line(instance, "after", What::Start, 0);
            assert!(after.at >= loaded.at, "it did not wait: {after:?} and {loaded:?}");
            assert_eq!(self.starts(instance, "after"), 1, "{victim:?}");
            println!("    {victim:?} killed: {:.2} s after the end", (after.at - loaded.at) as f64 / 100.0);
        }
        self.must_succeed(upstream, run);
        assert_eq!(self.starts(run, "load"), 1, "{victim:?}");
        killed.into_iter().for_each(|machine| self.settle(machine));
    }

    /// The master that drives an instance.
    pub(super) fn owner(&self, definition: i64, instance: i64) -> &Machine {
        let host = self.cluster.client.instance(definition, instance)["host"].clone();
        let masters = self.cluster.of(Kind::Master);
        let owner = masters.into_iter().find(|master| host == master.place.address.to_string());
        owner.unwrap_or_else(|| panic!("the instance names its master: {host}"))
    }
}
