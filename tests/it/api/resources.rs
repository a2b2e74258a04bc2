//! Uploaded files: names that lead astray, uploads that end in the middle, and what belongs together.

use super::world::MAX_FILE;
use super::{BASE, Client, PAGE, World, page_and};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

fn upload(client: &Client, kind: &str, name: &str, content: &[u8]) -> super::Answer {
    let form = [("type", kind), ("name", name), ("desc", "")];
    client.upload(&format!("{BASE}/resources/create"), &form, name, content, &[])
}

fn made(client: &Client, kind: &str, name: &str, content: &[u8]) -> String {
    upload(client, kind, name, content).data()["id"].to_string()
}

/// Every file below the folder, as paths within it.
fn files(folder: &Path) -> Vec<String> {
    let (mut found, mut open) = (vec![], vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => open.push(entry.path()),
                false => found.push(entry.path().strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_up_comes_down_and_lies_where_easyscheduler_keeps_it() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let content: Vec<u8> = (0..MAX_FILE).map(|at| (at * 7 % 251) as u8).collect();
    let id = made(&alice, "FILE", "数 data.bin", &content);
    assert_eq!(files(world.files.path()), ["resources/etl/resources/数 data.bin"]);
    let down = alice.get("resources/download", &[("id", &id)]);
    assert_eq!((down.status, &down.bytes), (200, &content));
    assert!(down.header("content-disposition").contains("filename*=UTF-8''"));
    let jar = made(&alice, "UDF", "geo.jar", b"PK");
    let renamed = [("id", &*jar), ("type", "UDF"), ("name", "geo-2.jar"), ("desc", "")];
    assert_eq!(alice.post("resources/update", &renamed).data()["alias"], "geo-2.jar");
    assert_eq!(files(world.files.path())[1], "resources/etl/udfs/geo-2.jar");
    let nothing_new = alice.post("resources/update", &renamed);
    assert!(nothing_new.data().is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_leads_out_of_the_folder() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let id = made(&alice, "FILE", "a.sh", b"x");
    for name in ["../a.sh", "..", "/etc/cron.d/x.sh", "a/b.sh", "a\\b.sh", ".a.sh", "a\u{7f}.sh", " a.sh", "a:b.sh"] {
        let path = format!("{BASE}/resources/create");
        let form = [("type", "FILE"), ("name", name), ("desc", "")];
        let answers = [
            alice.upload(&path, &form, "x.sh", b"x", &[]),
            alice.post("resources/update", &[("id", &id), ("type", "FILE"), ("name", name)]),
            alice.get("resources/verify-name", &[("name", name), ("type", "FILE")]),
        ];
        for answer in answers {
            assert_eq!(answer.code(), 10001, "{name}: {}", answer.text());
        }
        let form = [("type", "FILE"), ("fileName", name), ("suffix", "sh/../../x"), ("content", "x")];
        assert_eq!(alice.post("resources/online-create", &form).code(), 10001, "{name}");
    }
    // What the sender calls his file counts for nothing but its suffix.
    let form = [("type", "FILE"), ("name", "b.sh"), ("desc", "")];
    let answer = alice.upload(&format!("{BASE}/resources/create"), &form, "../../b.sh", b"x", &[]);
    assert_eq!(answer.data()["alias"], "b.sh");
    assert_eq!(files(world.files.path()), ["resources/etl/resources/a.sh", "resources/etl/resources/b.sh"]);
}

/// Sends the beginning of an upload and leaves.
fn break_off(world: &World, session: &str, sent: usize, promised: usize) {
    let border = "border";
    let head = format!(
        "--{border}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nFILE\r\n\
         --{border}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ncut.sh\r\n\
         --{border}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cut.sh\"\r\n\r\n"
    );
    let mut stream = TcpStream::connect(world.address).unwrap();
    let request = format!(
        "POST {BASE}/resources/create HTTP/1.1\r\nHost: x\r\nsessionId: {session}\r\n\
         Content-Type: multipart/form-data; boundary={border}\r\nContent-Length: {}\r\n\r\n{head}",
        head.len() + promised
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(&vec![b'x'; sent]).unwrap();
    // So much has been written to the disk by then that there is something to leave behind.
    until("the upload has begun", || files(world.files.path()).iter().any(|file| file.starts_with("upload/")));
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_leaves_neither_file_nor_row() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let session = alice.log_in("alice", "wonder1").data().as_str().unwrap().to_owned();
    for sent in [1, 100_000, 900_000] {
        tokio::task::block_in_place(|| break_off(&world, &session, sent, 1_000_000));
        until("nothing is left", || files(world.files.path()).is_empty());
    }
    assert!(alice.get("resources/list", &[("type", "FILE")]).data().as_array().unwrap().is_empty());
    made(&alice, "FILE", "cut.sh", b"whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_above_the_limit_is_refused_and_forgotten() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let answer = upload(&alice, "FILE", "large.sh", &vec![b'x'; MAX_FILE as usize + 1]);
    assert_eq!((answer.status, answer.code()), (200, 20007));
    assert!(files(world.files.path()).is_empty());
    let whole = World::with(|settings| settings.max_upload = 1000).await.unwrap();
    let bob = whole.user("bob");
    assert_eq!(upload(&bob, "FILE", "a.sh", &[b'x'; 2 << 20]).code(), 20007, "the whole request has a limit too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_is_told() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let id = made(&alice, "FILE", "a.sh", b"x");
    std::fs::remove_file(world.files.path().join("resources/etl/resources/a.sh")).unwrap();
    let view = alice.get("resources/view", &[("id", &id), ("skipLineNum", "0"), ("limit", "10")]);
    assert_eq!(view.code(), 20011);
    let download = alice.get("resources/download", &[("id", &id)]);
    assert_eq!((download.status, download.header("content-type")), (400, "text/plain;charset=UTF-8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jar_stays_as_long_as_a_function_needs_it_and_keeps_its_name_there() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let jar = made(&alice, "UDF", "geo.jar", b"PK");
    let function = |class: &str| {
        let form = [("type", "HIVE"), ("funcName", "geo"), ("className", class), ("resourceId", &*jar)];
        alice.post("resources/udf-func/create", &form)
    };
    assert_eq!(function("org.example.Geo'; drop table x").code(), 10001);
    function("org.example.Geo").data();
    assert_eq!(alice.get("resources/delete", &[("id", &jar)]).code(), 20013);
    let form = [("id", &*jar), ("type", "UDF"), ("name", "geo-2.jar")];
    alice.post("resources/update", &form).data();
    let udf = &alice.get("resources/udf-func/list-paging", &PAGE).rows()[0];
    assert_eq!(udf["resourceName"], "geo-2.jar");
    alice.get("resources/udf-func/delete", &[("id", &udf["id"].to_string())]).data();
    alice.get("resources/delete", &[("id", &jar)]).data();
    assert!(files(world.files.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_makes_no_function_of_a_jar_and_no_script_is_one() {
    let Some(world) = World::new().await else { return };
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let (jar, script) = (made(&alice, "UDF", "geo.jar", b"PK"), made(&alice, "FILE", "a.sh", b"x"));
    let function = |client: &Client, resource: &str| {
        let form = [("type", "HIVE"), ("funcName", "geo"), ("className", "G"), ("resourceId", resource)];
        client.post("resources/udf-func/create", &form).code()
    };
    assert_eq!((function(&bob, &jar), function(&alice, &script)), (30001, 20009));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_what_is_mine_and_searches_take_their_letters_for_letters() {
    let Some(world) = World::new().await else { return };
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    for name in ["100%.sh", "100a.sh", "other.sh"] {
        made(&alice, "FILE", name, b"x");
    }
    let found = |client: &Client, text: &str| {
        client.get("resources/list-paging", &page_and(&[("type", "FILE"), ("searchVal", text)])).names("alias")
    };
    assert_eq!(found(&alice, "100%"), ["100%.sh"]);
    assert_eq!(found(&world.admin, ""), ["other.sh", "100a.sh", "100%.sh"]);
    assert!(found(&bob, "").is_empty());
    assert_eq!(world.admin.get("resources/list", &[("type", "FILE")]).names("alias").len(), 0);
    assert_eq!(alice.get("resources/list", &[("type", "UDF")]).names("alias").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_starts_only_with_files_that_its_author_may_use() {
    let Some(world) = World::new().await else { return };
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    bob.post("projects/create", &[("projectName", "theirs"), ("desc", "")]).data();
    let node = serde_json::json!({"id": "tasks-1", "name": "a", "type": "SHELL", "preTasks": [],
        "params": {"rawScript": "sh load.sh", "resourceList": [{"res": "load.sh"}]}});
    let document = serde_json::json!({"globalParams": [], "tasks": [node], "timeout": 0, "tenantId": -1}).to_string();
    let form =
        [("name", "w"), ("processDefinitionJson", &*document), ("locations", "{}"), ("connects", "[]"), ("desc", "")];
    bob.post("projects/theirs/process/save", &form).data();
    bob.post("projects/theirs/process/release", &[("processId", "1"), ("releaseState", "1")]).data();
    let check = || bob.post("projects/theirs/executors/start-check", &[("processDefinitionId", "1")]);
    let nothing = check();
    assert_eq!(nothing.code(), 20004);
    assert!(nothing.msg().contains("load.sh"));
    made(&alice, "FILE", "load.sh", b"echo secret");
    assert_eq!(check().code(), 30001, "it is alice's");
    use sea_orm::ActiveModelTrait;
    let grant = escheduler::store::entity::relation_resources_user::ActiveModel {
        user_id: sea_orm::ActiveValue::Set(3),
        resources_id: sea_orm::ActiveValue::Set(Some(1)),
        ..Default::default()
    };
    let granted = world.store.write(move |tx| {
        let grant = grant.clone();
        Box::pin(async move { Ok(grant.insert(tx).await?.id) })
    });
    granted.await.unwrap();
    assert_eq!(check().code(), 0);
}
