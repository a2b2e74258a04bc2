//! What a task finds around it: its account, its environment, its script.

use crate::site::{Site, document, shell};
use nix::unistd::{Uid, User, getgrouplist};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Makes a tenant; returns its id.
fn tenant(site: &Site, code: &str) -> i64 {
    let queue = site.get("queue/list")[0]["id"].to_string();
    site.post("tenant/create", &[("tenantCode", code), ("tenantName", code), ("queueId", &queue), ("desc", "")]);
    let list = site.get("tenant/list");
    let rows = list.as_array().expect("a list").iter();
    rows.rev().find(|row| row["tenantCode"] == code).expect("the tenant")["id"].as_i64().expect("an id")
}

/// Runs one script as a tenant; returns the instance's state and the task's log.
fn run(site: &Site, name: &str, tenant: i64, script: &str) -> (Value, String) {
    let mut drawing = document(vec![shell(name, script, &[])]);
    drawing["tenantId"] = json!(tenant);
    let definition = site.define(&format!("run {name}"), &drawing);
    let row = site.run(definition);
    let tasks = site.tasks(row["id"].as_i64().expect("an id"));
    assert_eq!(tasks[0]["name"], name);
    (row["state"].clone(), site.log(&tasks[0]))
}

const WHO: &str = "id -u\nid -g\nid -G\necho \"$HOME\"\necho \"$USER $LOGNAME $SHELL\"\ntouch mine\nstat -c %U mine\n";

/// What [`WHO`] has to say of an account.
fn described(user: &User) -> Vec<String> {
    let name = std::ffi::CString::new(user.name.as_str()).expect("a name");
    let groups = getgrouplist(&name, user.gid).expect("groups");
    let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
    vec![
        user.uid.to_string(),
        user.gid.to_string(),
        groups.join(" "),
        user.dir.display().to_string(),
        format!("{0} {0} {1}", user.name, user.shell.display()),
        user.name.clone(),
    ]
}

/// Accounts that are not root and exist here.
fn accounts() -> Vec<User> {
    let names = ["daemon", "www-data", "games", "nobody"];
    names.iter().filter_map(|name| User::from_name(name).ok().flatten()).collect()
}

fn is_root(test: &str) -> bool {
    let root = Uid::effective().is_root();
    if !root {
        println!("skipped, because it needs root: {test}");
    }
    root
}

#[test]
fn tenants_run_under_their_account_groups_and_home() {
    if !is_root("tenants run under their account") {
        return;
    }
    let site = Site::start();
    site.project();
    for user in accounts().iter().take(2) {
        let (state, log) = run(&site, &user.name, tenant(&site, &user.name), WHO);
        assert_eq!((state, log.lines().map(str::to_owned).collect()), (json!("SUCCESS"), described(user)));
        println!("ran as {}", user.name);
    }
}

#[test]
fn a_tenant_without_an_account_fails_the_task_and_its_log_says_so() {
    let site = Site::start();
    site.project();
    let (state, log) = run(&site, "nobody knows me", tenant(&site, "no-such-account"), "echo hello");
    assert_eq!(state, "FAILURE");
    assert!(log.contains("the account `no-such-account` does not exist on this host"), "{log}");
    assert!(!log.contains("hello"));
}

#[test]
fn without_root_the_own_account_works_and_a_foreign_one_is_refused() {
    let accounts = accounts();
    let (Some(own), Some(foreign)) = (accounts.last(), accounts.first()) else { return };
    if !is_root("running as somebody else") {
        return;
    }
    let mut site = Site::prepare(&[]);
    let ids = [format!("--reuid={}", own.uid), format!("--regid={}", own.gid), "--clear-groups".into()];
    site.launcher = std::iter::once("setpriv".to_owned()).chain(ids).collect();
    std::os::unix::fs::chown(site.folder.path(), Some(own.uid.as_raw()), Some(own.gid.as_raw())).expect("as root");
    site.up();
    site.project();
    let (state, log) = run(&site, "own", tenant(&site, &own.name), "id -u");
    assert_eq!((state, log.trim()), (json!("SUCCESS"), own.uid.to_string().as_str()));
    let (state, log) = run(&site, "foreign", tenant(&site, &foreign.name), "id -u");
    assert_eq!(state, "FAILURE");
    let sentence = format!("to run as `{}`, but escheduler runs as `{}`", foreign.name, own.name);
    assert!(log.contains(&sentence), "{log}");
    let (state, _) = run(&site, "without", -1, "id -u");
    assert_eq!(state, "SUCCESS");
}

#[test]
fn a_task_finds_a_clean_place() {
    let site = Site::with(&[("ESCHEDULER_SERVER_TIMEZONE", "Asia/Shanghai"), ("ESCHEDULER_MASTER_EXEC_THREADS", "7")]);
    site.project();
    let script = "tr '\\0' '\\n' < /proc/$$/environ\necho ---\numask\nreadlink /proc/$$/fd/0\n\
                  grep -E '^Sig(Ign|Blk)' /proc/self/status\nfor fd in /proc/$$/fd/*; do readlink $fd; done\npwd\n";
    let (state, log) = run(&site, "around", -1, script);
    assert_eq!(state, "SUCCESS");
    let (environment, rest) = log.split_once("---").expect("both parts");
    let variables: BTreeMap<&str, &str> = environment.lines().filter_map(|line| line.split_once('=')).collect();
    let own = User::from_uid(Uid::effective()).expect("the user database").expect("our account");
    let names: Vec<&str> = variables.keys().copied().collect();
    let wanted = [
        "ESCHEDULER_PROCESS_INSTANCE_ID",
        "ESCHEDULER_SHIM",
        "ESCHEDULER_TASK_ATTEMPT",
        "ESCHEDULER_TASK_INSTANCE_ID",
        "ESCHEDULER_TASK_TAG",
        "HOME",
        "LANG",
        "LOGNAME",
        "PATH",
        "SHELL",
        "TZ",
        "USER",
    ];
    assert_eq!(names, wanted, "and nothing of the configuration");
    assert_eq!(variables["TZ"], "Asia/Shanghai");
    assert_eq!(variables["HOME"], own.dir.display().to_string());
    assert_eq!(variables["USER"], own.name);
    assert_eq!(variables["ESCHEDULER_TASK_ATTEMPT"], "1");

    let mut rest: Vec<&str> = rest.lines().filter(|line| !line.is_empty()).collect();
    let folder = rest.pop().expect("its folder").to_owned();
    assert_eq!(rest[..4], ["0022", "/dev/null", "SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"]);
    // Its input, its two outputs, and the script that the shell reads.
    let open: Vec<&str> = rest[4..].iter().filter(|path| !path.starts_with(&folder)).copied().collect();
    assert!(folder.contains("/exec/process/"), "{folder}");
    assert_eq!(open.len(), 3, "{open:?}");
    assert!(open[1].ends_with(".log") && open[1] == open[2], "{open:?}");
}

#[test]
fn scripts_and_names_of_every_shape_run_as_they_are_meant() {
    let site = Site::start();
    site.project();
    let big = format!("# {}\necho big\n", "0123456789abcdef".repeat(5 << 16));
    let scripts = [
        ("crlf", "if true; then\r\n  echo one\r\nfi\r\nexit 0\r\n", "one"),
        ("bom", "\u{feff}echo two", "two"),
        ("no end", "echo three", "three"),
        ("hash bang", "#!/bin/cat\nfour", "#!/bin/cat\r\nfour"),
        ("big", big.as_str(), "big"),
        ("it's \"quoted\", isn't it", "echo five", "five"),
        ("日本語 é 🎉", "echo '🎉'", "🎉"),
        ("$(touch /tmp/x); `id`", "echo six", "six"),
    ];
    for (name, script, said) in scripts {
        let (state, log) = run(&site, name, -1, script);
        assert_eq!((state, log.trim_end()), (json!("SUCCESS"), said), "{name}");
    }
    println!("{} scripts, the largest of {} bytes", scripts.len(), big.len());
}
