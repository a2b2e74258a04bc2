//! `config check` and `config show`.

use super::Place;

#[test]
fn five_mistakes_are_told_with_five_places() {
    let place = Place::new();
    let conf = place.path("conf");
    place.write(
        "conf/escheduler.toml",
        "[server]\nport = 99999\n[worker]\nexec.thread = 7\nkill.grace = \"soon\"\n[log]\nmax.size = \"64 apples\"\n",
    );
    let arguments = ["config", "check", "--conf", &conf.to_string_lossy()];
    let mut command = place.command(super::PROGRAM);
    let ended = super::Process::start(command.args(arguments).env("ESCHEDULER_MASTER_EXEC_THREADS", "many")).end();
    let file = place.path("conf/escheduler.toml").display().to_string();
    let place_of = |line: u32| format!("{file}:{line}: ");
    ended.fails(
        2,
        &[
            &format!("{}server.port", place_of(2)),
            &format!("{}worker.exec.thread is no known key; the nearest is worker.exec.threads", place_of(4)),
            &format!("{}worker.kill.grace", place_of(5)),
            &format!("{}log.max.size", place_of(7)),
            "ESCHEDULER_MASTER_EXEC_THREADS: ",
            "5 mistakes in the configuration",
        ],
    );
    assert_eq!(ended.err.lines().count(), 6, "{}", ended.err);
    // The same from everything that needs a configuration; nothing is begun.
    place.run(&["run", "--conf", &conf.to_string_lossy()]).fails(2, &["4 mistakes in the configuration"]);
    place.run(&["migrate", "--conf", &conf.to_string_lossy()]).fails(2, &["4 mistakes in the configuration"]);
    let file = place.script("true");
    place.run(&["exec", "--conf", &conf.to_string_lossy(), &file.to_string_lossy()]).fails(2, &["4 mistakes"]);
    assert_eq!(place.names("home"), Vec::<String>::new());
    place.assert_clean();
}

#[test]
fn a_file_that_is_no_toml_names_the_line_and_shows_no_secret() {
    let place = Place::new();
    place.write("conf/escheduler.toml", "[datasource]\npassword = hunter2\n");
    let conf = place.path("conf");
    let ended = place.run(&["config", "check", "--conf", &conf.to_string_lossy()]);
    ended.fails(2, &["escheduler.toml:2: is not TOML: "]);
    assert!(!ended.err.contains("hunter2"), "{}", ended.err);
}

#[test]
fn a_configuration_in_order_is_counted_and_makes_nothing() {
    let place = Place::new();
    let ended = place.run(&["config", "check"]);
    ended.succeeds();
    assert!(ended.out.contains("configuration in order: 0 keys set, "), "{}", ended.out);
    assert_eq!(place.names("home"), Vec::<String>::new());
}

#[test]
fn a_misspelt_variable_is_a_warning() {
    let place = Place::new();
    let ended = place.shell("ESCHEDULER_SERVER_PROT=1 $P config check");
    ended.succeeds();
    assert!(
        ended.out.contains(
            "warning: ESCHEDULER_SERVER_PROT is no known key and is ignored; the nearest is ESCHEDULER_SERVER_PORT"
        ),
        "{}",
        ended.out
    );
}

#[test]
fn each_value_is_shown_with_its_source_and_secrets_are_masked() {
    let place = Place::new();
    place.write("conf/escheduler.toml", "[worker]\nexec.threads = 3\n[mail]\npasswd = 'hunter2'\n");
    let conf = place.path("conf");
    let ended = place.shell(&format!("ESCHEDULER_SERVER_PORT=1234 $P config show --conf {}", conf.display()));
    ended.succeeds();
    let line = |key: &str| {
        let found = ended.out.lines().find(|line| line.starts_with(&format!("{key} = ")));
        found.unwrap_or_else(|| panic!("no {key}: {}", ended.out)).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("server.port"), "server.port = \"1234\" # ESCHEDULER_SERVER_PORT");
    assert_eq!(
        line("worker.exec.threads"),
        format!("worker.exec.threads = \"3\" # {}/escheduler.toml:2", conf.display())
    );
    assert_eq!(line("master.exec.threads"), "master.exec.threads = \"1000\" # built in");
    assert!(line("mail.passwd").contains("\"******\""));
    assert!(!ended.out.contains("hunter2"));
    place.shell("$P config show | head -n 1").succeeds();
}

#[test]
fn a_folder_of_configuration_that_is_not_there_is_named() {
    let place = Place::new();
    place.run(&["config", "check", "--conf", "/nowhere"]).fails(2, &["/nowhere: there is no such folder"]);
    place
        .run(&["config", "check", "--conf", "/etc/passwd"])
        .fails(2, &["/etc/passwd: is a file; the configuration is a folder"]);
}

#[test]
fn help_lists_the_exit_codes() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["exec", "--help"], &["run", "--help"]] {
        let ended = place.run(arguments);
        ended.succeeds();
        for code in ["Exit codes:", "\n  0 ", "\n  2 ", "\n  3 ", "\n  130 "] {
            assert!(ended.out.contains(code), "{arguments:?}: {}", ended.out);
        }
        assert!(ended.out.lines().all(|line| line.chars().count() <= 100), "{}", ended.out);
    }
}
