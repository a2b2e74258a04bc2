use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

fn machine() -> Machine {
    Machine {
        root: false,
        home: Some("/home/ada".into()),
        timezone: Some("Europe/Berlin".into()),
        etc: "/nonexistent/etc/escheduler".into(),
    }
}

fn env(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// A configuration folder with the given files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// What is told about a folder, the folder's own name left out.
fn mistakes(dir: &Path, variables: &[(&str, &str)]) -> Vec<String> {
    let prefix = format!("{}/", dir.display());
    let mistakes = load(Some(dir), env(variables), &machine()).unwrap_err();
    mistakes.iter().map(|mistake| mistake.to_string().replace(&prefix, "")).collect()
}

fn manual_conf() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/manual-conf")
}

#[test]
fn without_anything_set_all_files_lie_below_the_base_folder() {
    let loaded = load(None, env(&[]), &machine()).unwrap();
    let config = &loaded.config;
    let base = Path::new("/home/ada/.local/share/escheduler");
    assert_eq!(config.data.basedir, base);
    assert_eq!(config.database.backend, Backend::Sqlite(base.join("escheduler.db")));
    assert_eq!(config.process.exec, base.join("exec"));
    assert_eq!(config.process.log, base.join("logs"));
    assert_eq!(config.resource.local, base.join("resources"));
    assert_eq!(config.log.dir, base.join("server-logs"));
    assert_eq!(config.server.socket().to_string(), "127.0.0.1:12345");
    assert_eq!(config.server.context_path, "/escheduler");
    assert_eq!(config.server.session_timeout, Duration::from_secs(7200));
    assert_eq!(config.server.max_http_post_size, 64 << 20);
    assert_eq!(config.server.timezone, chrono_tz::Europe::Berlin);
    assert_eq!(config.worker.kill_grace, Duration::from_secs(10));
    assert_eq!(config.worker.log_max_size, 1 << 30);
    assert_eq!(config.worker.shell, Path::new("/bin/sh"));
    assert_eq!((config.master.exec_threads, config.worker.exec_threads), (1000, 100));
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn root_keeps_its_data_below_var_lib() {
    let loaded = load(None, env(&[("HOME", "/root")]), &Machine { root: true, ..machine() }).unwrap();
    assert_eq!(loaded.config.data.basedir, Path::new("/var/lib/escheduler"));
}

#[test]
fn a_port_and_a_base_folder_are_enough_for_a_second_copy() {
    let variables = [("ESCHEDULER_SERVER_PORT", "23456"), ("ESCHEDULER_DATA_BASEDIR_PATH", "/tmp/second/")];
    let loaded = load(None, env(&variables), &machine()).unwrap();
    assert_eq!(loaded.config.server.port, 23456);
    let first = load(None, env(&[]), &machine()).unwrap();
    for (key, value) in &loaded.values {
        assert!(!value.text.contains("/home/ada"), "{key} stays at {}", value.text);
        let moved = first.values[key].text.contains("/home/ada");
        assert_eq!(value.text.contains("/tmp/second"), moved, "{key}");
    }
    assert_eq!(loaded.config.database.backend, Backend::Sqlite("/tmp/second/escheduler.db".into()));
}

#[test]
fn the_sample_of_the_manual_loads_unchanged() {
    let loaded = load(Some(&manual_conf()), env(&[]), &machine()).unwrap();
    let config = &loaded.config;
    assert_eq!((config.master.exec_threads, config.master.exec_task_number), (100, 20));
    assert_eq!(config.worker.fetch_task_num, 10);
    assert_eq!(config.server.max_http_post_size, 5_000_000);
    assert_eq!(config.process.exec, Path::new("/tmp/escheduler/exec"));
    assert_eq!(config.escheduler.queue, Queue::Zookeeper);
    assert_eq!(config.escheduler.env_path.as_deref(), Some(Path::new("/opt/.escheduler_env.sh")));
    let Backend::Mysql(url) = &config.database.backend else { panic!("{:?}", config.database) };
    assert_eq!(url.expose(), "mysql://xx:xx@192.168.xx.xx:3306/escheduler");
    for (key, text) in [
        ("zookeeper.escheduler.lock.masters", "/escheduler/lock/masters"),
        ("zookeeper.escheduler.lock.failover.masters", "/escheduler/lock/failover/masters"),
        ("schedule.misfire.threshold", "60000"),
        ("server.multipart.max-file-size", "1024MB"),
        ("mail.server.host", "smtp.exmail.qq.com"),
    ] {
        assert_eq!(loaded.values[key].text, text, "{key}");
        assert_ne!(loaded.values[key].source, BUILT_IN, "{key}");
    }
    assert!(loaded.notes.iter().any(|note| note.ends_with("org.quartz.threadPool.threadCount has no effect here")));
    assert!(loaded.notes.iter().any(|note| note.contains("data_source.properties:1: spring.datasource.type has no")));
}

#[test]
fn the_originals_base_folder_moves_only_its_uploads() {
    let config = load(Some(&manual_conf()), env(&[]), &machine()).unwrap().config;
    assert_eq!(config.data.upload, Path::new("/tmp/escheduler"));
    assert_eq!(config.data.basedir, Path::new("/home/ada/.local/share/escheduler"));
    assert_eq!(config.process.log, Path::new("/home/ada/.local/share/escheduler/logs"));
}

#[test]
fn the_originals_environment_files_are_found_in_the_folder() {
    let dir =
        folder(&[("env/.escheduler_env.sh", "export A=1"), ("env/escheduler_env.py", ""), ("escheduler.toml", "")]);
    let config = load(Some(dir.path()), env(&[]), &machine()).unwrap().config;
    assert_eq!(config.escheduler.env_path, Some(dir.path().join("env/.escheduler_env.sh")));
    assert_eq!(config.escheduler.env_py, Some(dir.path().join("env/escheduler_env.py")));
}

#[test]
fn the_environment_beats_our_file_and_our_file_beats_the_originals() {
    let dir = folder(&[
        ("master.properties", "master.exec.threads = 1\nmaster.exec.task.number=1\nmaster.heartbeat.interval=1"),
        ("escheduler.toml", "[master]\nexec.threads = 2\nexec.task.number = 2\n"),
    ]);
    let loaded = load(Some(dir.path()), env(&[("ESCHEDULER_MASTER_EXEC_THREADS", "3")]), &machine()).unwrap();
    let master = &loaded.config.master;
    assert_eq!((master.exec_threads, master.exec_task_number, master.heartbeat_interval.as_secs()), (3, 2, 1));
    assert_eq!(loaded.values["master.exec.threads"].source, "ESCHEDULER_MASTER_EXEC_THREADS");
    assert_eq!(loaded.values["master.exec.task.number"].source, format!("{}/escheduler.toml:3", dir.path().display()));
    assert_eq!(loaded.values["worker.exec.threads"].source, BUILT_IN);
}

#[test]
fn five_mistakes_name_five_places() {
    let dir = folder(&[
        ("worker.properties", "# slots\nworker.exec.thread=5\nworker.heartbeat.interval=soon\n"),
        ("escheduler.toml", "[server]\nport = 70000\ntimezone = \"Europe/Berlim\"\n\n[shutdown]\ngrace = \"10\"\n"),
    ]);
    assert_eq!(
        mistakes(dir.path(), &[]),
        [
            "worker.properties:2: worker.exec.thread is no known key; the nearest is worker.exec.threads",
            "escheduler.toml:2: server.port: \"70000\" is no port; ports go from 0 to 65535",
            "escheduler.toml:3: server.timezone: \"Europe/Berlim\" is no IANA time zone; the nearest is Europe/Berlin",
            "worker.properties:3: worker.heartbeat.interval: \"soon\" is no duration; \
             write for example \"250ms\", \"10s\", \"5min\" or \"1h\"",
            "escheduler.toml:6: shutdown.grace: \"10\" needs a unit, for example \"10s\"",
        ]
    );
}

#[test]
fn a_line_that_is_not_toml_hides_no_other_mistake() {
    let dir = folder(&[(
        "escheduler.toml",
        "[worker]\nexec.threads = ten\nshell = \"bin/sh\"\n\n[mastr]\nexec.threads = 5\n[log]\njson = \"perhaps\"\n",
    )]);
    let told = mistakes(dir.path(), &[("ESCHEDULER_SERVER_ADDRESS", "here")]);
    let places: Vec<&str> = told.iter().map(|mistake| mistake.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "escheduler.toml:2",
            "escheduler.toml:6",
            "ESCHEDULER_SERVER_ADDRESS",
            "escheduler.toml:3",
            "escheduler.toml:8"
        ],
        "{told:#?}"
    );
}

#[test]
fn wrong_values_are_told_in_words() {
    for (key, value, what) in [
        ("worker.exec.threads", "many", "\"many\" is no whole number"),
        ("worker.exec.threads", "0", "must be at least 1"),
        ("worker.exec.threads", "-5", "\"-5\" is no whole number"),
        ("worker.task.cgroup", "perhaps", "\"perhaps\" is neither true nor false"),
        (
            "worker.log.max.size",
            "1 potato",
            "\"1 potato\" is no size; write for example \"512KB\", \"64MB\" or \"1GiB\"",
        ),
        ("process.exec.basepath", "exec", "\"exec\" is no absolute path"),
        ("data.basedir.path", "~/data", "\"~/data\" is no absolute path"),
        ("server.context-path", "escheduler", "\"escheduler\" is no path such as /escheduler/"),
        ("datasource.url", "oracle:thin:x", "\"oracle:thin:x\" is no sqlite://, mysql:// or postgres:// address"),
        ("datasource.url", "sqlite://here.db", "\"sqlite://here.db\" is no sqlite:// with an absolute path"),
        ("escheduler.queue.impl", "redis", "\"redis\" is none of auto, memory, direct, zookeeper"),
        ("log.level", "loud", "\"loud\" is none of error, warn, info, debug, trace, off"),
        (
            "data.basedir.path",
            "${data.basedir.path}/x",
            "\"${data.basedir.path}/x\" holds a place-holder that is not known here",
        ),
        ("mail.server.port", "smtp", "\"smtp\" is no whole number"),
        ("worker.max.cpuload.avg", "high", "\"high\" is no number"),
    ] {
        let name = environment::variable(key);
        let told = load(None, env(&[(&name, value)]), &machine()).unwrap_err();
        assert_eq!(told, [Mistake::new(&name, format!("{key}: {what}"))]);
    }
}

#[test]
fn what_members_trust_each_other_by_must_fit_together() {
    for (variables, told) in [
        (
            vec![("ESCHEDULER_CLUSTER_SECRET", "tiger")],
            "cluster.secret: must have at least 16 characters; make one by: openssl rand -hex 32",
        ),
        (vec![("ESCHEDULER_CLUSTER_TLS_CERT", "/c")], "cluster.tls.cert: cluster.tls.key is missing beside it"),
        (vec![("ESCHEDULER_CLUSTER_TLS_KEY", "/k")], "cluster.tls.key: cluster.tls.cert is missing beside it"),
        (
            vec![("ESCHEDULER_CLUSTER_TLS_CA", "/a")],
            "cluster.tls.ca: cluster.tls.cert and cluster.tls.key are missing beside it",
        ),
        (
            vec![("ESCHEDULER_CLUSTER_TLS_NAME", "n")],
            "cluster.tls.name: cluster.tls.cert and cluster.tls.key are missing beside it",
        ),
        (
            vec![("ESCHEDULER_CLUSTER_ADDRESS", "here")],
            "cluster.address: \"here\" is no IP address such as 10.0.0.1 or 0.0.0.0",
        ),
        (vec![("ESCHEDULER_WORKER_PORT", "x")], "worker.port: \"x\" is no port; ports go from 0 to 65535"),
    ] {
        let place = variables[0].0;
        assert_eq!(load(None, env(&variables), &machine()).unwrap_err(), [Mistake::new(place, told)]);
    }
}

#[test]
fn a_cluster_is_read_from_its_keys() {
    let dir = folder(&[(
        "escheduler.toml",
        "[server]\nhost = \"node1\"\n[logger]\nport = 50051\n[master]\nport = 5678\n[zookeeper]\nquorum = \"a,b:2182\"\n\
         [cluster]\naddress = \"10.0.0.1\"\nsecret = \"tiger tiger tiger\"\ntls.cert = \"/c\"\ntls.key = \"/k\"\n",
    )]);
    let loaded = load(Some(dir.path()), env(&[]), &machine()).unwrap();
    let config = &loaded.config;
    assert_eq!((config.master.port, config.logger.port), (5678, 50051));
    assert_eq!(config.cluster.host.as_deref(), Some("node1"));
    assert_eq!(config.cluster.address, Some([10, 0, 0, 1].into()));
    assert_eq!(config.cluster.quorum, ["a:2181", "b:2182"]);
    assert_eq!(config.cluster.secret.expose(), "tiger tiger tiger");
    let tls = config.cluster.tls.as_ref().unwrap();
    assert_eq!((tls.cert.as_path(), tls.ca.as_deref()), (Path::new("/c"), None));
    assert!(!format!("{}{loaded:?}{config:?}", show(&loaded)).contains("tiger"));
}

#[test]
fn two_kinds_of_files_must_not_share_a_folder() {
    let told = load(None, env(&[("ESCHEDULER_LOG_DIR", "${data.basedir.path}//logs/")]), &machine()).unwrap_err();
    assert_eq!(told, [Mistake::new("ESCHEDULER_LOG_DIR", "log.dir: must not be the folder of process.log.basepath")]);
}

#[test]
fn a_misspelt_variable_is_a_warning_with_the_nearest_key() {
    let variables = [
        ("ESCHEDULER_MASTER_EXEC_TRHEADS", "5"),
        ("ESCHEDULER_SERVICE_HOST", "10.0.0.1"),
        ("ESCHEDULER_ENV_PATH", "/x"),
    ];
    let warnings = load(None, env(&variables), &machine()).unwrap().warnings;
    for (warning, (name, nearest)) in warnings.iter().zip([
        ("ESCHEDULER_ENV_PATH", "ESCHEDULER_ESCHEDULER_ENV_PATH"),
        ("ESCHEDULER_MASTER_EXEC_TRHEADS", "ESCHEDULER_MASTER_EXEC_THREADS"),
        ("ESCHEDULER_SERVICE_HOST", "ESCHEDULER_SERVER_HOST"),
    ]) {
        assert_eq!(*warning, format!("{name} is no known key and is ignored; the nearest is {nearest}"));
    }
    assert_eq!(warnings.len(), 3);
}

#[test]
fn the_variables_of_a_task_and_foreign_ones_are_no_cause_for_a_warning() {
    let mut variables: Vec<(&str, &str)> = TASK_VARIABLES.iter().map(|name| (*name, "7")).collect();
    variables.push(("PATH", "/bin"));
    assert_eq!(load(None, env(&variables), &machine()).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn the_link_of_a_container_service_does_not_set_the_port() {
    let loaded = load(None, env(&[("ESCHEDULER_SERVER_PORT", "tcp://10.0.0.1:80")]), &machine()).unwrap();
    assert_eq!(loaded.config.server.port, 12345);
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn the_time_zone_is_the_one_set_else_tz_else_the_machines_else_utc() {
    let zone = |variables: &[(&str, &str)], machine: &Machine| {
        load(None, env(variables), machine).unwrap().config.server.timezone.name()
    };
    assert_eq!(zone(&[("ESCHEDULER_SERVER_TIMEZONE", "Asia/Shanghai"), ("TZ", "UTC")], &machine()), "Asia/Shanghai");
    assert_eq!(zone(&[("TZ", ":America/New_York")], &machine()), "America/New_York");
    assert_eq!(zone(&[("TZ", "CET-1CEST")], &machine()), "Europe/Berlin");
    assert_eq!(zone(&[], &Machine { timezone: None, ..machine() }), "UTC");
}

#[test]
fn a_home_less_account_is_told_to_name_a_folder() {
    let machine = Machine { home: None, ..machine() };
    let told = load(None, env(&[]), &machine).unwrap_err();
    assert_eq!(told.len(), 1);
    assert!(told[0].what.starts_with("data.basedir.path: there is no home folder"), "{}", told[0]);
    assert!(load(None, env(&[("HOME", "/home/x")]), &machine).is_ok());
}

#[test]
fn our_own_manual_is_a_valid_file_and_changes_nothing() {
    let dir = folder(&[("escheduler.toml", table::MANUAL)]);
    let loaded = load(Some(dir.path()), env(&[]), &machine()).unwrap();
    let plain = load(None, env(&[]), &machine()).unwrap();
    assert_eq!(loaded.values.len(), plain.values.len());
    for (key, value) in &loaded.values {
        assert_eq!(value.text, plain.values[key].text, "{key}");
    }
}

#[test]
fn a_java_name_in_our_file_is_told_its_name_here() {
    let dir = folder(&[("escheduler.toml", "[spring.datasource]\nurl = \"mysql://db/es\"\n[wroker]\n")]);
    assert_eq!(
        mistakes(dir.path(), &[]),
        [
            "escheduler.toml:2: spring.datasource.url is called datasource.url here",
            "escheduler.toml:3: wroker is no known key; the nearest is log.dir",
        ]
    );
}

#[test]
fn a_list_may_be_written_as_one_and_an_empty_section_is_fine() {
    let dir = folder(&[("escheduler.toml", "[master]\n[zookeeper]\nquorum = [\"a:2181\", \"b:2181\"]\n")]);
    let loaded = load(Some(dir.path()), env(&[]), &machine()).unwrap();
    assert_eq!(loaded.values["zookeeper.quorum"].text, "a:2181,b:2181");
}

#[test]
fn property_files_may_be_latin_1_or_utf_8() {
    for bytes in [&b"mail.sender=J\xf6rg"[..], "mail.sender=J\u{f6}rg".as_bytes(), b"mail.sender=J\\u00f6rg"] {
        let dir = folder(&[]);
        fs::write(dir.path().join("alert.properties"), bytes).unwrap();
        let loaded = load(Some(dir.path()), env(&[]), &machine()).unwrap();
        assert_eq!(loaded.values["mail.sender"].text, "J\u{f6}rg");
    }
}

#[test]
fn a_folder_that_is_not_there_or_is_a_file_is_told() {
    let dir = folder(&[("file", "")]);
    assert_eq!(mistakes(&dir.path().join("gone"), &[])[0].split(": ").nth(1), Some("there is no such folder"));
    assert_eq!(
        mistakes(&dir.path().join("file"), &[])[0].split(": ").nth(1),
        Some("is a file; the configuration is a folder")
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let dir = folder(&[(
        "escheduler.toml",
        "[mail]\npasswd = \"tiger\"\n[datasource]\nurl = \"mysql://scott:tiger@db/es\"\n",
    )]);
    let loaded = load(Some(dir.path()), env(&[("ESCHEDULER_DATASOURCE_PASSWORD", "tiger")]), &machine()).unwrap();
    let shown = format!("{}{:?}{:?}", show(&loaded), loaded, loaded.config);
    assert!(!shown.contains("tiger"), "{shown}");
    assert!(shown.contains("datasource.url = \"mysql://scott:******@db/es\""));

    let broken =
        folder(&[("escheduler.toml", "[mail]\npasswd = tiger\n[datasource]\nurl = \"x://scott:tiger@db/es\"\n")]);
    let told = mistakes(broken.path(), &[]).join("\n");
    assert!(!told.contains("tiger"), "{told}");
}

#[test]
fn show_tells_each_key_with_its_value_and_source() {
    let shown = show(&load(None, env(&[("ESCHEDULER_SERVER_PORT", "1")]), &machine()).unwrap());
    let line = |key: &str| shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
    assert!(line("server.port").starts_with("server.port = \"1\" "));
    assert!(line("server.port").ends_with(" # ESCHEDULER_SERVER_PORT"));
    assert!(
        line("process.exec.basepath").starts_with("process.exec.basepath = \"/home/ada/.local/share/escheduler/exec\"")
    );
    assert!(line("process.exec.basepath").ends_with(" # built in"));
    assert_eq!(shown.lines().count(), table::Table::built_in().names().count());
}

#[test]
fn check_says_what_has_no_effect() {
    let home = folder(&[]);
    let dir = folder(&[("quartz.properties", "org.quartz.threadPool.threadCount = 25\n")]);
    let base = home.path().join("a/b").display().to_string();
    let loaded = load(Some(dir.path()), env(&[("ESCHEDULER_DATA_BASEDIR_PATH", &base)]), &machine()).unwrap();
    let text = check(&loaded).unwrap();
    assert!(text.contains("quartz.properties:1: org.quartz.threadPool.threadCount has no effect here\n"), "{text}");
    assert!(text.contains("configuration in order: 1 keys set"), "{text}");
    assert!(!home.path().join("a").exists(), "checking makes nothing");
    prepare(&loaded).unwrap();
    assert!(home.path().join("a/b/server-logs").is_dir());
}

#[test]
fn a_data_folder_that_cannot_be_made_is_told_once_with_its_key() {
    let home = folder(&[("file", "")]);
    let base = home.path().join("file/data").display().to_string();
    let loaded = load(None, env(&[("ESCHEDULER_DATA_BASEDIR_PATH", &base)]), &machine()).unwrap();
    for told in [check(&loaded).unwrap_err(), prepare(&loaded).unwrap_err()] {
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].place, "ESCHEDULER_DATA_BASEDIR_PATH");
        assert!(told[0].what.starts_with(&format!("data.basedir.path: {base} cannot be made: ")), "{}", told[0]);
    }
    assert!(report(&check(&loaded).unwrap_err()).ends_with("1 mistake in the configuration\n"));
}

#[test]
fn zookeeper_is_found_as_the_original_names_it() {
    let built_in = load(None, env(&[]), &machine()).unwrap().config.zookeeper;
    assert_eq!((built_in.quorum.as_str(), built_in.client), ("", ZookeeperClient::Async));
    assert_eq!(built_in.session_timeout, Duration::from_secs(10));
    assert_eq!(built_in.connection_timeout, Duration::from_secs(10));

    let text = "zookeeper.quorum=zk1:2181,zk2:2181\nzookeeper.escheduler.root=/es/\n\
                zookeeper.escheduler.masters=/es/m\nzookeeper.escheduler.lock.failover.workers=/es/l\n\
                zookeeper.session.timeout=300\nzookeeper.retry.sleep=100\nzookeeper.retry.maxtime=7\n";
    let dir = folder(&[("zookeeper.properties", text)]);
    let variables = env(&[("ESCHEDULER_ZOOKEEPER_CLIENT", "zookeeper-client")]);
    let found = load(Some(dir.path()), variables, &machine()).unwrap().config.zookeeper;
    assert_eq!(found.quorum, "zk1:2181,zk2:2181");
    assert_eq!(found.client, ZookeeperClient::Client);
    assert_eq!(found.session_timeout, Duration::from_secs(300));
    assert_eq!((found.retry_sleep, found.retry_maxtime), (Duration::from_millis(100), 7));
    assert_eq!((found.root.as_str(), found.masters.as_str()), ("/es", "/es/m"));
    assert_eq!(found.locks[3], "/es/l");

    let dir =
        folder(&[("zookeeper.properties", "zookeeper.escheduler.workers=es/workers\nzookeeper.retry.maxtime=-1\n")]);
    assert_eq!(
        mistakes(dir.path(), &[]),
        [
            "zookeeper.properties:2: zookeeper.retry.maxtime: \"-1\" is no whole number",
            "zookeeper.properties:1: zookeeper.escheduler.workers: \"es/workers\" is no path such as /escheduler",
        ]
    );
}

#[test]
fn resources_are_kept_where_the_keys_of_the_original_say() {
    let storage = |variables: &[(&str, &str)]| load(None, env(variables), &machine()).unwrap().config.resource;
    assert_eq!(storage(&[]).storage, Storage::Local);
    assert_eq!(storage(&[("ESCHEDULER_RES_UPLOAD_STARTUP_TYPE", "none")]).storage, Storage::Nowhere);
    let hdfs = [
        ("ESCHEDULER_HDFS_STARTUP_STATE", "true"),
        ("ESCHEDULER_FS_DEFAULTFS", "hdfs://one:8020/, hdfs://two:8020"),
        ("ESCHEDULER_DATA_STORE2HDFS_BASEPATH", "/"),
    ];
    let both = "hdfs://one:8020,hdfs://two:8020".to_owned();
    assert_eq!((storage(&hdfs).storage, storage(&hdfs).base), (Storage::Hdfs { name_nodes: both }, String::new()));
    let off = [hdfs[0], hdfs[1], ("ESCHEDULER_RES_UPLOAD_STARTUP_TYPE", "LOCAL")];
    assert_eq!(storage(&off).storage, Storage::Local, "what is said in so many words beats the old switch");
    let s3 = [("ESCHEDULER_RES_UPLOAD_STARTUP_TYPE", "S3"), ("ESCHEDULER_FS_DEFAULTFS", "s3a://files")];
    assert!(matches!(storage(&s3).storage, Storage::S3 { bucket, .. } if bucket == "files"));
    assert_eq!(storage(&s3).base, "/escheduler");

    let dir = folder(&[("escheduler.toml", "res.upload.startup.type = 'HDFS'\ndata.store2hdfs.basepath = '/a/../b'")]);
    let told = mistakes(dir.path(), &[]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|it| it.contains("fs.defaultFS") && it.contains("hdfs://name-node:8020")), "{told:?}");
}
