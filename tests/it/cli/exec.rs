//! `exec` in a pipe.

use super::{PROGRAM, Place, Process, is_gone};
use crate::site::eventually;
use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

#[test]
fn a_workflow_runs_to_its_end_and_leaves_nothing_behind() {
    let place = Place::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello.yaml");
    let ended = place.run(&["exec", &file.to_string_lossy(), "-p", "who=the reader"]);
    ended.succeeds();
    let mut lines = ended.out.lines();
    for node in ["greet: SUCCESS after ", "count: SUCCESS after ", "leave: SUCCESS after "] {
        let found = lines.any(|line| line.contains(node));
        assert!(found, "`{node}` is missing, or in the wrong order: {}", ended.out);
    }
    assert!(ended.out.contains("hello, the reader\n"), "{}", ended.out);
    assert!(ended.out.trim_end().lines().last().is_some_and(|line| line.starts_with("hello: SUCCESS in ")));
    assert!(!ended.out.contains('\x1b'), "{}", ended.out);
    assert_eq!(ended.err, "");
    place.assert_clean();
}

#[test]
fn a_failure_names_the_node_its_last_words_and_the_folder() {
    let place = Place::new();
    let file = place.script("for n in $(seq 20); do echo line $n; done; echo it is broken >&2; exit 3");
    let ended = place.exec(&file);
    ended.fails(1, &["node failed; its log ", "    line 20\n    it is broken\n", "logs and files of the run are in "]);
    assert!(!ended.err.contains("line 3\n"), "only the end of the log: {}", ended.err);
    assert!(ended.out.contains("wf: FAILURE in "), "{}", ended.out);
    let folder = ended.err.trim_end().rsplit(' ').next().map(Path::new).expect("a folder");
    assert_eq!(folder.parent(), Some(place.tmp().as_path()));
    let mode = folder.metadata().expect("the folder is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o700, "nobody else may look into it");
    let log = ended.err.split("its log ").nth(1).and_then(|text| text.split(" ends:").next()).expect("a log");
    assert_eq!(std::fs::read_to_string(log).expect("the log").lines().count(), 21);
    eventually("all processes are gone", || place.processes().is_empty().then_some(()));
}

#[test]
fn the_nodes_after_a_failed_one_do_not_start() {
    let place = Place::new();
    let file = place.write("f.yaml", "tasks:\n- {name: a, script: exit 1}\n- {name: b, script: echo, after: a}\n");
    let ended = place.exec(&file);
    ended.fails(1, &["a failed, and printed nothing"]);
    assert!(ended.out.contains("b     not started"), "{}", ended.out);
}

#[test]
fn a_recorded_workflow_of_200_nodes_is_told_in_a_table_that_one_can_read() {
    let place = Place::new();
    let text = include_str!("../../data/workflows/rnaseq-dirt02-001.json");
    let recorded: serde_json::Value = serde_json::from_str(text).expect("a recording");
    let tasks = recorded["tasks"].as_array().expect("nodes");
    let node = |task: &serde_json::Value| serde_json::json!({"name": task["name"], "script": "echo done", "after": task["parents"]});
    let nodes: Vec<_> = tasks.iter().map(node).collect();
    let file = place.write("recorded.json", &serde_json::json!({"tasks": nodes}).to_string());
    let ended = place.exec(&file);
    ended.succeeds();
    let told = ended.out.lines().filter(|line| line.contains(": SUCCESS after ")).count();
    assert_eq!(told, tasks.len());
    let table: Vec<_> = ended.out.lines().skip_while(|line| !line.starts_with("node ")).collect();
    assert_eq!(table.len(), 1 + 50 + 2, "{table:#?}");
    assert_eq!(table[51], format!("and {} more that succeeded", tasks.len() - 50));
    place.assert_clean();
}

#[test]
fn the_standard_input_can_be_the_file() {
    let place = Place::new();
    let ended = place.shell("printf 'tasks:\\n- {name: a, script: echo here}\\n' | $P exec -");
    ended.succeeds();
    assert!(ended.out.contains("stdin: SUCCESS in "), "{}", ended.out);
}

#[test]
fn a_reader_who_goes_away_does_not_end_the_run() {
    let place = Place::new();
    let file = place.write(
        "f.yaml",
        "tasks:\n- {name: a, script: 'true'}\n- {name: b, script: 'until [ -e @/go ]; do sleep 0.01; done; echo yes > @/made', after: a}\n"
            .replace('@', &place.folder.path().to_string_lossy())
            .as_str(),
    );
    let mut command = place.command(PROGRAM);
    let mut process = Process {
        child: command.arg("exec").arg(&file).stdout(Stdio::piped()).spawn().expect("it starts"),
        out: None,
        err: None,
    };
    let mut reader = std::io::BufReader::new(process.child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    assert!(line.contains(" a: "), "{line}");
    drop(reader);
    place.write("go", "");
    process.end().succeeds();
    assert_eq!(place.note("made"), "yes");
    place.assert_clean();
}

#[test]
fn closed_standard_streams_change_nothing() {
    let place = Place::new();
    let file = place.script("echo hello; exit 1");
    let file = file.to_string_lossy();
    for streams in ["<&-", "2>&-", ">&-", "<&- >&- 2>&-"] {
        assert_eq!(place.shell(&format!("$P exec {file} {streams}")).code, Some(1), "{streams}");
    }
}

#[test]
fn tasks_have_the_signals_that_programs_expect() {
    let place = Place::new();
    // A writer whose reader has gone dies by SIGPIPE, also if escheduler is told to ignore it.
    let file = place.script(
        "(yes; echo $? > @/yes) | head -n 1; grep -E '^Sig(Blk|Ign)' /proc/self/status > @/signals; echo >> @/signals",
    );
    let ended = place.shell(&format!("trap '' PIPE HUP; $P exec {}", file.display()));
    ended.succeeds();
    assert_eq!(place.note("yes"), "141");
    let signals = place.note("signals");
    assert!(signals.lines().all(|line| line.ends_with("\t0000000000000000")), "{signals}");
}

#[test]
fn what_a_node_leaves_running_is_ended_with_it() {
    let place = Place::new();
    let file = place.script(
        "setsid sh -c 'echo $$ > @/pid; exec sleep 1000' > /dev/null 2>&1 & until [ -s @/pid ]; do sleep 0.01; done",
    );
    place.exec(&file).succeeds();
    eventually("it is gone", || is_gone(&place.note("pid")));
    place.assert_clean();
}

#[test]
fn a_temporary_folder_that_cannot_be_written_is_named() {
    let place = Place::new();
    let file = place.script("true");
    let ended = place.shell(&format!("TMPDIR=/nowhere/at/all $P exec {}", file.display()));
    ended.fails(3, &["/nowhere/at/all/escheduler-exec-", "No such file or directory", "set TMPDIR"]);
    let relative = place.shell(&format!("mkdir here && TMPDIR=here $P exec {}", file.display()));
    relative.succeeds();
}

#[test]
fn a_long_temporary_folder_works() {
    let place = Place::new();
    let deep = place.path(&format!("tmp/{}", "a-rather-long-name/".repeat(12)));
    std::fs::create_dir_all(&deep).expect("our own folder");
    let file = place.script("true");
    place.shell(&format!("TMPDIR={} $P exec {}", deep.display(), file.display())).succeeds();
}

#[test]
fn the_machine_s_configuration_does_not_make_the_run_less_private() {
    let place = Place::new();
    let elsewhere = place.path("elsewhere");
    let text = "datasource.url = 'mysql://db.example.com/escheduler'\nescheduler.queue.impl = 'zookeeper'\n\
        data.basedir.path = '@'\nlog.dir = '@/l'\nprocess.exec.basepath = '@/e'\nprocess.log.basepath = '@/p'\n\
        resource.local.path = '@/r'\nworker.shell = '/bin/bash'\n";
    place.write("conf/escheduler.toml", &text.replace('@', &elsewhere.to_string_lossy()));
    let file = place.script("echo ${BASH_VERSION:0:1} > @/bash");
    let conf = place.path("conf");
    place.run(&["exec", "--conf", &conf.to_string_lossy(), &file.to_string_lossy()]).succeeds();
    assert!(place.note("bash").parse::<u32>().is_ok(), "what is not about places counts");
    assert!(!elsewhere.exists());
    place.assert_clean();
}

#[test]
fn the_run_is_that_of_the_account_that_types() {
    if !super::is_root() {
        eprintln!("SKIPPED: only root can become another account");
        return;
    }
    let place = Place::new();
    for folder in ["tmp", "home"] {
        std::os::unix::fs::chown(place.path(folder), Some(65534), Some(65534)).expect("root may");
    }
    let file = place.script("id -u; echo $(id -u) > @/home/uid");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).expect("our own file");
    let ended = place.shell(&format!("setpriv --reuid=65534 --regid=65534 --clear-groups $P exec {}", file.display()));
    ended.succeeds();
    assert_eq!(place.note("home/uid"), "65534");
    place.assert_clean();
}

#[test]
fn it_is_told_why_a_node_does_not_run() {
    let place = Place::new();
    let file = place.write(
        "f.yaml",
        "tasks:\n- {name: a, script: exit 1, retries: 1, retryInterval: 60}\n- {name: b, script: echo, after: a}\n",
    );
    let mut process = Process {
        child: place.command(PROGRAM).arg("exec").arg(&file).stdout(Stdio::piped()).spawn().expect("it starts"),
        out: None,
        err: None,
    };
    let lines = std::io::BufReader::new(process.child.stdout.take().expect("a pipe")).lines();
    let mut lines = lines.map(|line| line.expect("a line"));
    assert!(lines.any(|line| line.ends_with("a: it failed, and is tried again when its interval is over")));
    process.signal(nix::sys::signal::Signal::SIGINT);
    let rest: Vec<String> = lines.collect();
    assert!(!rest.iter().any(|line| line.contains("b: it waits for")), "that it is not its turn is no news: {rest:?}");
    assert_eq!(process.end().code, Some(130));
}
