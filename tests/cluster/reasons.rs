//! Why nodes and starts wait, where that takes a cluster: the reasons are held still by stopping whoever would end them.

use super::Stage;
use crate::machine::Kind;
use crate::site::{eventually, is_finished};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// How often something is tried that does not always show what it is for: masters that stand still for too long are
/// gone for the registry, and then that is the reason.
const TRIES: usize = 20;

/// How many starts wait at once for masters that stand still, and how many people ask for them.
const BURST: usize = 40;
const PEOPLE: usize = 8;

impl Stage {
    pub(super) fn says_worker_group_empty(&self) {
        // There is a machine of this address, but no worker.
        let address = self.cluster.of(Kind::Api)[0].place.address;
        let group = self.group_of("deserted", &address.to_string());
        let definition = self.define(vec![self.bound("n", group)]);
        let instance = self.cluster.client.start(definition);
        let text = self.says(instance, "n", "WORKER_GROUP_EMPTY");
        assert_eq!(text, format!("no worker of its group runs: that is limited to `{address}`"));
        assert_eq!(self.why(instance)["reason"]["code"], "WORKER_GROUP_EMPTY", "nothing of it runs");
        let chosen = self.cluster.of(Kind::Worker)[0];
        let form = [("id", &*group.to_string()), ("name", "deserted"), ("ipList", &chosen.place.address.to_string())];
        self.cluster.client.post("worker-group/save", &form);
        self.ran_once(definition, instance);
    }

    pub(super) fn says_handed_over(&self) {
        let chosen = self.cluster.of(Kind::Worker)[1];
        let address = chosen.place.address;
        let group = self.group_of("still", &address.to_string());
        let definition = self.define(vec![self.bound("n", group)]);
        // Its shim alone: the worker itself has to take the attempt, and to renew its lease.
        chosen.signal_shim(Signal::SIGSTOP);
        let instance = self.cluster.client.start(definition);
        let text = self.says(instance, "n", "HANDED_OVER");
        assert_eq!(self.starts(instance, "n"), 0);
        chosen.signal_shim(Signal::SIGCONT);
        assert!(text.starts_with(&format!("worker {address}-")), "{text}");
        self.ran_once(definition, instance);
    }

    pub(super) fn says_command(&self) {
        let definition = self.define(vec![self.sleeper("n", 0.1, &[])]);
        let waits = |_| {
            let known = self.cluster.client.instances(definition).len();
            let pending = self.without_masters(|| {
                assert!(self.cluster.client.try_start(definition, "CONTINUE").is_some(), "the start is accepted");
                self.pending(definition)
            });
            self.all_run_once(definition, known + 1);
            let waiting: Vec<_> = pending.iter().map(|it| (&it["commandType"], &it["reason"]["code"])).collect();
            waiting == [(&json!("START_PROCESS"), &json!("COMMAND"))]
        };
        assert!((0..TRIES).any(waits), "a start never waited as a command");
        assert_eq!(self.pending(definition), Vec::<Value>::new());
    }

    pub(super) fn says_turn(&self) {
        let definition = self.define(vec![self.sleeper("n", 0.1, &[])]);
        assert!((0..TRIES).any(|_| self.turn_is_seen(definition)), "no instance was without its first step");
    }

    /// Instances are made many at once, and their first steps are recorded one by one: masters that stand still as
    /// soon as there are instances have usually not recorded all of them.
    fn turn_is_seen(&self, definition: i64) -> bool {
        let client = &self.cluster.client;
        let known = client.instances(definition).len();
        let ask = || {
            for _ in 0..BURST / PEOPLE {
                assert!(client.try_start(definition, "CONTINUE").is_some(), "the start is accepted");
            }
        };
        self.without_masters(|| std::thread::scope(|scope| (0..PEOPLE).for_each(|_| drop(scope.spawn(ask)))));
        eventually("some begin", || (client.instances(definition).len() > known).then_some(()));
        let seen = self.without_masters(|| {
            let begun = client.instances(definition);
            begun.iter().filter_map(|row| row["id"].as_i64()).any(|id| self.reason(id, "n")["code"] == "TURN")
        });
        self.all_run_once(definition, known + BURST);
        seen
    }

    /// What is done while all masters stand still.
    fn without_masters<T>(&self, work: impl FnOnce() -> T) -> T {
        let masters = self.cluster.of(Kind::Master);
        masters.iter().for_each(|master| master.signal(Signal::SIGSTOP));
        let done = work();
        masters.iter().for_each(|master| master.signal(Signal::SIGCONT));
        done
    }

    /// A new worker group of one address.
    fn group_of(&self, name: &str, address: &str) -> i32 {
        self.cluster.client.post("worker-group/save", &[("name", name), ("ipList", address)]);
        let groups = self.cluster.client.get("worker-group/all-groups");
        let group = groups.as_array().expect("a list").iter().find(|group| group["name"] == name);
        group.and_then(|group| group["id"].as_i64()).expect("the group") as i32
    }

    fn why(&self, instance: i64) -> Value {
        self.cluster.client.get(&format!("projects/p/instance/why?processInstanceId={instance}"))
    }

    /// The reason of a node that waits; null for another one.
    fn reason(&self, instance: i64, node: &str) -> Value {
        let answer = self.why(instance);
        let nodes = answer["nodes"].as_array().expect("a list");
        nodes.iter().find(|it| it["name"] == node).map_or(Value::Null, |node| node["reason"].clone())
    }

    /// Waits until a node has this reason, and returns its text.
    fn says(&self, instance: i64, node: &str, code: &str) -> String {
        eventually(&format!("`{node}` waits with {code}"), || {
            let reason = self.reason(instance, node);
            (reason["code"] == code).then(|| reason["text"].as_str().expect("a text").to_owned())
        })
    }

    /// What was asked for of a definition and has not begun.
    fn pending(&self, definition: i64) -> Vec<Value> {
        let answer = self.cluster.client.get(&format!("projects/p/instance/why?processDefinitionId={definition}"));
        answer["pending"].as_array().expect("a list").clone()
    }

    /// The instance succeeds, its only node `n` runs once, and nothing of it waits any more.
    fn ran_once(&self, definition: i64, instance: i64) {
        self.must_succeed(definition, instance);
        assert_eq!(self.starts(instance, "n"), 1);
        assert_eq!(self.why(instance)["nodes"], json!([]));
    }

    /// The same of all instances of a definition, which are so many.
    fn all_run_once(&self, definition: i64, count: usize) {
        let rows = eventually("all have ended", || {
            let rows = self.cluster.client.instances(definition);
            (rows.len() == count && rows.iter().all(|row| is_finished(&row["state"]))).then_some(rows)
        });
        for row in rows {
            self.ran_once(definition, row["id"].as_i64().expect("an id"));
        }
    }
}
