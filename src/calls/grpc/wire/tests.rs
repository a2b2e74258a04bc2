use super::*;
use crate::calls::{Beat, Exit, Failure, Hello, Place, Report, SignIn, Standing, ToMaster, ToWorker, What};
use crate::model::{
    DataType, DefinitionId, Direct, Document, Node, Priority, ProjectId, Property, TaskType, Time, Timeout,
};
use crate::params::Moment;
use crate::queue::{Job, Rank};
use chrono_tz::Tz;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use prost::Message;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// What arrives of words that were sent.
fn sent<W: Message + Default>(words: &W) -> W {
    W::decode(words.encode_to_vec().as_slice()).unwrap()
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((".*", inner), 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn nodes()(
        (id, name, after) in (".*", ".*", vec(".*", 0..4)),
        kind in select(TaskType::ALL),
        (source, params) in (json(), json()),
        params_in_source in any::<bool>(),
        (forbidden, max_retries, retry_interval, worker_group) in any::<(bool, u32, u32, i32)>(),
        timeout in of(any::<(u32, bool, bool)>()),
        priority in select(Priority::ALL),
    ) -> Node {
        let mut written = Map::from_iter([("source".to_owned(), source)]);
        if params_in_source {
            written.insert("params".to_owned(), params.clone());
        }
        Node {
            id, name, kind, params, forbidden, max_retries, retry_interval,
            timeout: timeout.map(|(minutes, warn, fail)| Timeout { minutes, warn, fail }),
            priority, after, worker_group, source: written,
        }
    }
}

fn properties() -> impl Strategy<Value = Property> {
    (".*", select(Direct::ALL), select(DataType::ALL), ".*").prop_map(|(prop, direct, kind, value)| Property {
        prop,
        direct,
        kind,
        value,
    })
}

fn moments() -> impl Strategy<Value = Moment> {
    let times = prop_oneof![any::<i64>(), 0..4_000_000_000_000_i64];
    (times, select(chrono_tz::TZ_VARIANTS.as_slice()), any::<bool>()).prop_map(|(time, zone, backfill)| {
        if backfill { Moment::of_backfill(Time(time), zone) } else { Moment::of_run(Time(time), zone) }
    })
}

prop_compose! {
    fn jobs()(
        (tag, attempt, project, definition) in any::<(u64, u32, i32, i32)>(),
        (instance, task) in any::<(i32, i32)>(),
        (instance_priority, task_priority) in (select(Priority::ALL), select(Priority::ALL)),
        node in nodes(),
        globals in vec(properties(), 0..4),
        moment in moments(),
        tenant in of(".*"),
        limit in of(any::<Duration>()),
    ) -> Job {
        Job {
            tag: Tag(tag), attempt,
            rank: Rank { instance_priority, instance: InstanceId(instance), task_priority, task: TaskId(task) },
            project: ProjectId(project), definition: DefinitionId(definition),
            node: Arc::new(node), globals: Arc::new(globals), moment, tenant, limit,
        }
    }
}

fn holders() -> impl Strategy<Value = Holder> {
    (".*", any::<u64>()).prop_map(|(worker, incarnation)| Holder { worker, incarnation })
}

fn places() -> impl Strategy<Value = Place> {
    (".*", of(any::<u32>()), of(".*"), of(".*")).prop_map(|(host, pid, execute_path, log_path)| Place {
        host,
        pid,
        execute_path,
        log_path,
    })
}

fn reports() -> impl Strategy<Value = Report> {
    let exits = select(&[Exit::Success, Exit::Failed, Exit::TimedOut][..]);
    let what = prop_oneof![
        (any::<i64>(), places()).prop_map(|(at, place)| What::Started { at: Time(at), place }),
        (exits, any::<i64>(), any::<i64>(), places()).prop_map(|(exit, started_at, at, place)| What::Ended {
            exit,
            started_at: Time(started_at),
            at: Time(at),
            place
        }),
        Just(What::NotHere),
        Just(What::Lost),
    ];
    (any::<i32>(), any::<u64>(), what).prop_map(|(instance, tag, what)| Report {
        instance: InstanceId(instance),
        tag: Tag(tag),
        what,
    })
}

fn words_of_workers() -> impl Strategy<Value = ToMaster> {
    prop_oneof![
        any::<u64>().prop_map(|number| ToMaster::Credit { number }),
        any::<(u64, i32, u64)>().prop_map(|(number, instance, tag)| ToMaster::Claim {
            number,
            instance: InstanceId(instance),
            tag: Tag(tag)
        }),
        any::<u64>().prop_map(|number| ToMaster::Withdraw { number }),
        reports().prop_map(ToMaster::Report),
        vec(any::<u64>(), 0..20).prop_map(|tags| ToMaster::Holding { tags: tags.into_iter().map(Tag).collect() }),
    ]
}

fn words_of_masters() -> impl Strategy<Value = ToWorker> {
    let attempts = any::<([i32; 5], u64)>().prop_map(|([project, definition, instance, task, epoch], tag)| Address {
        project: ProjectId(project),
        definition: DefinitionId(definition),
        instance: InstanceId(instance),
        task: TaskId(task),
        tag: Tag(tag),
        epoch,
    });
    prop_oneof![
        (any::<u64>(), any::<i32>(), jobs()).prop_map(|(credit, epoch, job)| ToWorker::Grant {
            credit,
            epoch,
            job: Arc::new(job)
        }),
        any::<u64>().prop_map(|credit| ToWorker::Void { credit }),
        attempts.clone().prop_map(|attempt| ToWorker::Ask { attempt }),
        (attempts, any::<bool>()).prop_map(|(attempt, now)| ToWorker::Kill { attempt, now }),
        any::<u64>().prop_map(|tag| ToWorker::Acknowledge { tag: Tag(tag) }),
        any::<[i32; 3]>().prop_map(|ids| ToWorker::Clear { ids }),
        any::<u64>().prop_map(|incarnation| ToWorker::Fenced { incarnation }),
    ]
}

/// The pictures of all parts: a job has no equality of its own.
fn picture(what: &impl std::fmt::Debug) -> String {
    format!("{what:?}")
}

fn arrived(what: ToWorker) -> ToWorker {
    match from_master(sent(&to_worker_words(what))).unwrap() {
        Some(FromMaster::Said(what)) => what,
        _ => panic!("another word"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_a_master_says_arrives_as_it_was(what in words_of_masters()) {
        prop_assert_eq!(picture(&what), picture(&arrived(what)));
    }

    #[test]
    fn what_a_worker_says_arrives_as_it_was(what in words_of_workers()) {
        let Some(FromWorker::Said(said)) = from_worker(sent(&to_master_words(what.clone()))).unwrap() else {
            panic!("another word");
        };
        prop_assert_eq!(what, said);
    }

    #[test]
    fn a_greeting_arrives_as_it_was(holder in holders(), host in ".*", start in ".*", master in ".*") {
        let hello = Hello { holder, host, start };
        let words = hello_words(hello.clone(), master.clone());
        let Some(FromWorker::Hello { hello: said, master: meant }) = from_worker(sent(&words)).unwrap() else {
            panic!("another word");
        };
        prop_assert_eq!((hello, master), (said, meant));
    }

    #[test]
    fn calls_arrive_as_they_were(
        holder in holders(), host in ".*", address in of(any::<std::net::SocketAddrV4>()),
        pid in any::<u32>(), (after, lease_ms) in any::<(u64, u64)>(),
    ) {
        let beat = Beat { holder: holder.clone(), after, lease_ms };
        prop_assert_eq!(&beat, &super::beat(sent(&beat.clone().into())).unwrap());
        let who = SignIn { holder, host, address: address.map(Into::into), pid, lease_ms };
        prop_assert_eq!(&who, &sign_in(sent(&who.clone().into())).unwrap());
    }

    #[test]
    fn bytes_of_a_stranger_never_make_us_panic(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(said) = words::FromMaster::decode(bytes.as_slice()) {
            let _ = from_master(said);
        }
        if let Ok(said) = words::FromWorker::decode(bytes.as_slice()) {
            let _ = from_worker(said);
        }
    }

    #[test]
    fn moments_of_any_kind_are_refused_or_kept(base in any::<i64>(), zone in select(chrono_tz::TZ_VARIANTS.as_slice())) {
        for base in [base, base / 100_000 * 1000] {
            if let Some(moment) = Moment::of_parts(Time(base), zone) {
                prop_assert_eq!(moment.parts(), (Time(base), zone));
            }
        }
    }
}

#[test]
fn standings_arrive_as_they_were() {
    let all = [
        Ok(Standing::Lives { beat: 7, moved: true }),
        Ok(Standing::Lives { beat: u64::MAX, moved: false }),
        Ok(Standing::Fenced),
        Ok(Standing::Superseded),
        Ok(Standing::Unknown),
        Err(Failure::Unreachable("a".into())),
        Err(Failure::Unavailable("b".into())),
        Err(Failure::Refused("c".into())),
    ];
    for answered in all {
        let before = picture(&answered);
        assert_eq!(before, picture(&standing(sent(&answer(answered)))));
    }
}

#[test]
fn every_node_of_recorded_workflows_arrives_as_it_was() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/workflows");
    let script = |name: &str| serde_json::json!({"rawScript": format!("echo {name}"), "localParams": [], "x": 0.1});
    let mut nodes = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let Some("json") = path.extension().and_then(|ending| ending.to_str()) else { continue };
        let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for task in recorded["tasks"].as_array().unwrap() {
            let name = task["name"].as_str().unwrap();
            let text = serde_json::json!({"tasks": [
                {"id": "tasks-1", "name": name, "type": "SHELL", "params": script(name), "more": task},
                {"id": "tasks-2", "name": format!("{name}, as text"), "type": "SHELL", "params": script(name).to_string()},
            ]});
            for node in Document::from_value(&text).unwrap().nodes {
                let words = words::Node::from(&node);
                assert_eq!(words.params.is_none(), node.source["params"].is_object(), "a script is sent once");
                let job = Job {
                    tag: Tag(1),
                    attempt: 1,
                    rank: Rank {
                        instance_priority: Priority::Medium,
                        instance: InstanceId(1),
                        task_priority: Priority::Low,
                        task: TaskId(2),
                    },
                    project: ProjectId(3),
                    definition: DefinitionId(4),
                    node: Arc::new(node),
                    globals: Arc::default(),
                    moment: Moment::of_run(Time(1_552_194_309_000), Tz::Asia__Shanghai),
                    tenant: None,
                    limit: None,
                };
                let before = picture(&job);
                let arrived = arrived(ToWorker::Grant { credit: 1, epoch: 1, job: Arc::new(job) });
                let ToWorker::Grant { job, .. } = arrived else { panic!("{arrived:?}") };
                assert_eq!(before, picture(&job));
                nodes += 1;
            }
        }
    }
    assert!(nodes > 400, "{nodes}");
}

#[test]
fn a_word_of_a_later_release_is_passed_over() {
    // Field 99 of a length of two bytes.
    let later = [0x9a, 0x06, 0x02, 0x08, 0x01];
    assert!(from_worker(words::FromWorker::decode(&later[..]).unwrap()).unwrap().is_none());
    assert!(from_master(words::FromMaster::decode(&later[..]).unwrap()).unwrap().is_none());
    let report = words::Report { instance: 1, tag: 2, what: None };
    assert_eq!(super::report(report).unwrap(), None);
}

#[test]
fn what_is_not_understood_is_told() {
    let told = |grant: words::Grant| {
        let said = words::FromMaster { what: Some(words::from_master::What::Grant(grant)) };
        from_master(said).err().unwrap().to_string()
    };
    assert_eq!(told(words::Grant::default()), "the message lacks its job");
    let job =
        words::Job { rank: Some(words::Rank { instance_priority: 9, ..Default::default() }), ..Default::default() };
    assert_eq!(told(words::Grant { job: Some(job), ..Default::default() }), "9 is no priority");
    let who = words::SignInRequest { address: Some("here".into()), ..Default::default() };
    assert_eq!(sign_in(who).unwrap_err().to_string(), "\"here\" is no address");
}
