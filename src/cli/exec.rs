//! `escheduler exec FILE`: one workflow, run to its end in a private instance.

mod watch;

use super::progress::{Look, Progress};
use super::run::{Signals, cannot_start};
use super::{Conf, Exit, cannot, complain, workflow_file};
use crate::app::{App, Roles};
use crate::config::Loaded;
use crate::model::{Document, State};
use crate::registry::Role;
use crate::telemetry::{self, Target};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use watch::{Ended, Watch};

/// Whatever a configuration says, the run touches no database, queue or folder but its own. What its nodes
/// leave in their folders stays until the whole is removed.
const PRIVATE: [(&str, &str); 11] = [
    ("ESCHEDULER_DATASOURCE_URL", "sqlite://${data.basedir.path}/escheduler.db"),
    ("ESCHEDULER_ZOOKEEPER_QUORUM", ""),
    ("ESCHEDULER_ESCHEDULER_QUEUE_IMPL", "memory"),
    ("ESCHEDULER_DATA_UPLOAD_BASEDIR_PATH", "${data.basedir.path}/upload"),
    ("ESCHEDULER_DATA_DOWNLOAD_BASEDIR_PATH", "${data.basedir.path}/download"),
    ("ESCHEDULER_PROCESS_EXEC_BASEPATH", "${data.basedir.path}/exec"),
    ("ESCHEDULER_PROCESS_LOG_BASEPATH", "${data.basedir.path}/logs"),
    ("ESCHEDULER_LOG_DIR", "${data.basedir.path}/server-logs"),
    ("ESCHEDULER_RESOURCE_LOCAL_PATH", "${data.basedir.path}/resources"),
    ("ESCHEDULER_RES_UPLOAD_STARTUP_TYPE", "LOCAL"),
    ("ESCHEDULER_DEVELOPMENT_STATE", "true"),
];

/// How many nodes that failed are explained.
const EXPLAINED: usize = 5;

/// How many last lines of their logs are shown.
const LINES: usize = 10;

pub(super) fn exec(file: &Path, params: &[(String, String)], conf: &Conf) -> Result<(), Exit> {
    let workflow = Workflow::read(file, params)?;
    let folder = std::path::absolute(std::env::temp_dir())
        .map(|temp| temp.join(format!("escheduler-exec-{:08x}", rand::random::<u32>())))
        .map_err(|error| cannot(&format!("there is no folder for temporary files: {error}")))?;
    let mut own = vec![("ESCHEDULER_DATA_BASEDIR_PATH".to_owned(), folder.to_string_lossy().into_owned())];
    own.extend(PRIVATE.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let loaded = conf.load(own)?;
    super::block_on(in_folder(&folder, loaded, workflow))
}

/// What is to be run.
struct Workflow {
    name: String,
    document: Document,
    text: String,
}

impl Workflow {
    fn read(file: &Path, params: &[(String, String)]) -> Result<Workflow, Exit> {
        let place = if file == Path::new("-") { "the standard input".into() } else { file.display().to_string() };
        let wrong = |problems: Vec<String>| {
            let lines: String = problems.iter().map(|problem| format!("{place}: {problem}\n")).collect();
            complain(&lines);
            Exit::Wrong
        };
        let (name, document) = workflow_file::read(file, params).map_err(wrong)?;
        let text = document.to_string();
        let document = Document::from_value(&document)
            .map_err(|problems| wrong(problems.iter().map(ToString::to_string).collect()))?;
        match document.unsupported() {
            nodes if nodes.is_empty() => Ok(Workflow { name, document, text }),
            nodes => Err(wrong(vec![format!("this release cannot run every node yet: {}", nodes.join(", "))])),
        }
    }
}

/// Makes the folder, runs the workflow in it, and removes the folder if nobody needs it any more.
async fn in_folder(folder: &Path, loaded: Loaded, workflow: Workflow) -> Result<(), Exit> {
    let mut signals = Signals::new().map_err(|error| cannot(&format!("signals cannot be received: {error}")))?;
    std::fs::DirBuilder::new().mode(0o700).create(folder).map_err(|error| {
        cannot(&format!(
            "the folder {} cannot be made: {error}; set TMPDIR to a folder that can be written",
            folder.display()
        ))
    })?;
    let ended = run(&loaded, workflow, &mut signals).await;
    match &ended {
        Ok(Ended::Run(State::Success)) | Err(_) => {
            if let Err(error) = crate::worker::workplace::remove_all(folder) {
                complain(&format!("the folder {} could not be removed: {error}", folder.display()));
            }
        }
        Ok(_) => complain(&format!("logs and files of the run are in {}", folder.display())),
    }
    match ended? {
        Ended::Run(State::Success) => Ok(()),
        Ended::Run(_) => Err(Exit::Failed),
        Ended::Stopped | Ended::Left => Err(Exit::Interrupted),
        Ended::Broken(why) => Err(cannot(&why)),
    }
}

/// Who is needed to run a workflow.
const ROLES: [Role; 2] = [Role::Master, Role::Worker];

/// Runs the workflow. An error means that nothing was run.
async fn run(loaded: &Loaded, workflow: Workflow, signals: &mut Signals) -> Result<Ended, Exit> {
    loaded.warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
    let _logs = telemetry::init(&loaded.config.log, Target::Console);
    let app = App::open(loaded, &ROLES).await.map_err(|error| cannot_start(&error))?;
    let mut roles = Roles::default();
    app.start(&ROLES, &mut roles).await.map_err(|error| cannot_start(&error))?;
    let progress = Progress::new(workflow.name.clone(), std::io::stdout(), look(loaded));
    let watched = match Watch::begin(&app, &workflow, progress).await {
        Ok(mut watch) => {
            let ended = watch.until_end(&mut roles, signals).await;
            Ok((ended, watch.finish().await))
        }
        Err(why) => Err(why),
    };
    let tasks = app.stop(roles, loaded.config.shutdown.grace).await;
    let (ended, failed) = watched.map_err(|why| cannot(&format!("the run cannot be started: {why}")))?;
    failed.iter().take(EXPLAINED).for_each(|(name, log)| complain(&explain(name, log)));
    if tasks > 0 {
        complain(&format!("{tasks} tasks are still running"));
    }
    Ok(ended)
}

/// What the screen can show.
fn look(loaded: &Loaded) -> Look {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let look = Look::of_stdout(set("NO_COLOR").is_some(), loaded.config.server.timezone);
    match set("TERM") {
        Some(term) if term != "dumb" => look,
        // It cannot move its cursor.
        Some(_) | None => Look { terminal: None, colours: false, ..look },
    }
}

/// The last lines of a failed node's log.
fn explain(name: &str, log: &Path) -> String {
    let lines = match tail(log, LINES) {
        Ok(lines) => lines,
        Err(error) => return format!("{name} failed; its log {} cannot be read: {error}", log.display()),
    };
    if lines.is_empty() {
        return format!("{name} failed, and printed nothing");
    }
    let lines: String = lines.iter().map(|line| format!("\n    {}", super::progress::clean(line))).collect();
    format!("{name} failed; its log {} ends:{lines}", log.display())
}

/// The last lines of a file that may be very long.
fn tail(file: &Path, lines: usize) -> std::io::Result<Vec<String>> {
    use std::io::{Read, Seek, SeekFrom};
    const BYTES: u64 = 16 << 10;
    let mut file = std::fs::File::open(file)?;
    let begin = file.metadata()?.len().saturating_sub(BYTES);
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.trim_end().lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].iter().map(|line| (*line).to_owned()).collect())
}
