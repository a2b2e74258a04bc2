//! Servers, the database, ZooKeeper, and what is never there.

use super::{PAGE, Stage, World};
use escheduler::registry::{Member, Registry, Role};
use serde_json::{Value, json};

fn member(role: Role, start: &str) -> Member {
    Member { role, start: start.to_owned(), host: "10.0.0.5".into(), pid: 4021, address: None, sound: true }
}

#[tokio::test(flavor = "multi_thread")]
async fn masters_and_workers_are_those_that_have_signed_in() {
    let Some(stage) = Stage::new().await else { return };
    let (world, registry) = (&stage.world, stage.world.registry.clone());
    assert_eq!(world.admin.get("process/master/list", &[]).data(), json!([]));
    let _masters = [registry.join(member(Role::Master, "a")).await, registry.join(member(Role::Master, "b")).await];
    let _worker = registry.join(member(Role::Worker, "a")).await;
    for path in ["process/master/list", "monitor/master/list"] {
        let masters = world.admin.get(path, &[]).data();
        assert_eq!(masters.as_array().unwrap().len(), 2);
        assert_ne!(masters[0]["id"], masters[1]["id"]);
    }
    for (client, path) in [(&world.admin, "process/worker/list"), (&stage.bob, "monitor/worker/list")] {
        let workers = client.get(path, &[]).data();
        let worker = workers[0].as_object().unwrap();
        let mut keys: Vec<&str> = worker.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["createTime", "host", "id", "lastHeartbeatTime", "port", "resInfo", "zkDirectory"]);
        assert_eq!((&worker["host"], &worker["port"]), (&json!("10.0.0.5"), &json!(4021)));
        assert!(worker["createTime"].as_i64() <= worker["lastHeartbeatTime"].as_i64());
        let info: Value = serde_json::from_str(worker["resInfo"].as_str().unwrap()).unwrap();
        let share = |key: &str| (0.0..=1.0).contains(&info[key].as_f64().unwrap());
        assert!(share("cpuUsage") && share("memoryUsage") && info["loadAverage"].is_number(), "{info}");
    }
    assert_eq!(stage.bob.get("process/master/list", &[]).code(), 30001);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_asked_how_it_is() {
    let Some(stage) = Stage::new().await else { return };
    let states = stage.bob.get("monitor/database", &[]).data();
    let state = states[0].as_object().unwrap();
    let mut keys: Vec<&str> = state.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["date", "maxConnections", "maxUsedConnections", "state", "threadsConnections", "threadsRunningConnections"]
    );
    let number = |key: &str| state[key].as_i64().unwrap();
    assert_eq!(number("state"), 1);
    assert!(number("maxConnections") >= number("threadsConnections") && number("threadsConnections") >= 1, "{states}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_zookeeper_server_is_asked_and_a_dead_one_is_told() {
    let Some(world) = World::new().await else { return };
    assert_eq!(world.admin.get("monitor/zookeeper/list", &[]).data(), json!([]), "embedded, there is none");
    let Some(zookeeper) = servers::zookeeper() else { return };
    let quorum = vec![zookeeper.address(), "127.0.0.1:1".to_owned()];
    let Some(world) = World::with(|settings| settings.zookeeper = quorum).await else { return };
    let states = world.admin.get("monitor/zookeeper/list", &[]).data();
    let mut alive = states[0].as_object().unwrap().clone();
    assert_eq!(
        (&alive["hostname"], &alive["mode"], &alive["state"]),
        (&json!(zookeeper.address()), &json!("standalone"), &json!(1))
    );
    assert!(alive["connections"].as_i64() >= Some(1) && alive["nodeCount"].as_i64() >= Some(1), "{states}");
    let mut dead = states[1].as_object().unwrap().clone();
    for state in [&mut alive, &mut dead] {
        assert!(state.remove("date").unwrap().is_i64());
    }
    assert_eq!(alive.keys().collect::<Vec<_>>(), dead.keys().collect::<Vec<_>>());
    let unknown = -1;
    assert_eq!(
        Value::from(dead),
        json!({"hostname": "127.0.0.1:1", "connections": unknown, "watches": unknown, "sent": unknown,
               "received": unknown, "mode": null, "minLatency": unknown, "avgLatency": unknown, "maxLatency": unknown,
               "nodeCount": unknown, "state": 0})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_task_records() {
    let Some(stage) = Stage::new().await else { return };
    for path in ["projects/task-record/list-paging", "projects/task-record/history-list-paging"] {
        let page = stage.bob.get(path, &PAGE).data();
        assert_eq!(page, json!({"totalList": [], "total": 0, "currentPage": 1, "totalPage": 1}));
    }
}
