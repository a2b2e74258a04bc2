//! `migrate` on database servers: new databases, those of EasyScheduler 1.x, and strangers.

#[path = "../../../migrations/tests/upgrade/old/mod.rs"]
mod old;
#[path = "../../../migrations/tests/upgrade/proxy.rs"]
mod proxy;

use super::{Outcome, PROGRAM, Place, Process};
use escheduler::model::Document;
use escheduler::store::entity;
use nix::sys::signal::Signal;
use proxy::{Fate, Proxy};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, EntityTrait};
use servers::Mariadb;
use std::sync::mpsc;

/// Runs `migrate` on this database.
fn migrate(place: &Place, url: &str, arguments: &[&str]) -> Outcome {
    start(place, url, arguments).end()
}

fn start(place: &Place, url: &str, arguments: &[&str]) -> Process {
    let mut command = place.command(PROGRAM);
    Process::start(command.arg("migrate").args(arguments).env("ESCHEDULER_DATASOURCE_URL", url))
}

fn old_database(place: &Place, maria: &Mariadb, version: &str) -> String {
    let url = maria.database();
    let name = url.rsplit('/').next().expect("a name");
    let file = place.write("old.sql", &format!("USE {name};\n{}", old::database(version, 100)));
    maria.execute(&format!("source {}", file.display()));
    url
}

fn with<T>(url: &str, work: impl AsyncFnOnce(DatabaseConnection) -> T) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let db = Database::connect(url).await.expect("the database");
        work(db).await
    })
}

#[test]
fn a_database_of_each_release_is_upgraded_though_the_program_is_killed() {
    let Some(maria) = servers::mariadb() else { return };
    for version in old::VERSIONS {
        let place = Place::new();
        let url = old_database(&place, maria, version);
        let zone = ["--time-zone", "Europe/Berlin"];
        let plan = migrate(&place, &url, &["--dry-run", zone[0], zone[1]]);
        plan.succeeds();
        for told in [&format!("a database of EasyScheduler {version};"), "read as Europe/Berlin", "nothing was changed"]
        {
            assert!(plan.out.contains(told), "`{told}` is missing: {}", plan.out);
        }
        let proxy = Proxy::to(maria.port());
        // Before a note is committed with what it tells of, in the change of a table, and at the end.
        let deaths = ["'times t_escheduler_user'", "ALTER TABLE `t_escheduler_task_instance`", "INTO seaql_migrations"];
        for place_of_death in deaths {
            let (told, killed) = mpsc::channel();
            proxy.judge(move |statement| match statement.contains(place_of_death) {
                // Held up until the program is dead.
                true => told.send(()).map_or(Fate::CutBefore, |()| {
                    std::thread::sleep(std::time::Duration::from_millis(200));
                    Fate::Passed
                }),
                false => Fate::Passed,
            });
            let program = start(&place, &proxy.url(&url), &zone);
            killed.recv_timeout(super::PATIENCE).unwrap_or_else(|_| panic!("never at {place_of_death}"));
            program.signal(Signal::SIGKILL);
            assert_eq!(program.end().code, None, "it was killed at {place_of_death}");
        }
        // Without a zone: it is remembered.
        let last = migrate(&place, &url, &[]);
        last.succeeds();
        assert!(last.out.contains("was interrupted; it goes on") && last.out.contains("is up to date"), "{}", last.out);
        let again = migrate(&place, &url, &[]);
        again.succeeds();
        assert!(again.out.lines().count() == 1 && again.out.contains("is up to date"), "{}", again.out);
        with(&url, async |db| reads_everything(&db).await);
    }
}

/// The program reads what it has taken over.
async fn reads_everything(db: &DatabaseConnection) {
    macro_rules! read {
        ($($table:ident)*) => {
            $(entity::$table::Entity::find().all(db).await.expect(stringify!($table));)*
        };
    }
    read!(alert alertgroup access_token command datasource error_command master_server process_definition
          process_instance project queue relation_datasource_user relation_process_instance relation_project_user
          relation_resources_user relation_udfs_user relation_user_alertgroup resources schedules session
          task_instance tenant udfs user version worker_group worker_server);
    let definitions = entity::process_definition::Entity::find().all(db).await.expect("definitions");
    let instances = entity::process_instance::Entity::find().all(db).await.expect("instances");
    let documents = definitions.into_iter().map(|row| row.process_definition_json);
    let documents = documents.chain(instances.into_iter().map(|row| row.process_instance_json));
    let mut count = 0;
    for text in documents.flatten() {
        Document::parse(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"));
        count += 1;
    }
    assert!(count > 20, "{count} documents");
    for task in entity::task_instance::Entity::find().all(db).await.expect("tasks") {
        let node = task.task_json.expect("a node");
        Document::parse(&format!("{{\"tasks\":[{}]}}", node.replace(r#"["A"]"#, "[]").replace(r#"[\"A\"]"#, "[]")))
            .unwrap_or_else(|problems| panic!("{problems:?} in {node}"));
    }
}

#[test]
fn an_empty_database_of_a_server_gets_its_tables() {
    let mut urls: Vec<String> = servers::mariadb().map(Mariadb::database).into_iter().collect();
    urls.extend(servers::postgres().map(servers::Postgres::database));
    for url in urls {
        let place = Place::new();
        let plan = migrate(&place, &url, &["--dry-run"]);
        plan.succeeds();
        assert!(plan.out.contains("is empty; its tables would be made. Nothing was changed"), "{}", plan.out);
        for _ in 0..2 {
            let made = migrate(&place, &url, &[]);
            made.succeeds();
            assert!(made.out.contains("is up to date") && !made.out.contains("es+"), "{}", made.out);
        }
        let users = with(&url, async |db| entity::user::Entity::find().all(&db).await.expect("users"));
        assert_eq!(users.len(), 1);
    }
}

#[test]
fn processes_that_migrate_an_empty_database_at_once_all_succeed() {
    let mut urls: Vec<String> = servers::mariadb().map(Mariadb::database).into_iter().collect();
    urls.extend(servers::postgres().map(servers::Postgres::database));
    for url in urls {
        let place = Place::new();
        let programs: Vec<Process> = (0..4).map(|_| start(&place, &url, &[])).collect();
        for program in programs {
            let ended = program.end();
            ended.succeeds();
            assert!(ended.out.contains("is up to date"), "{}", ended.out);
        }
        let users = with(&url, async |db| entity::user::Entity::find().all(&db).await.expect("users"));
        assert_eq!(users.len(), 1);
    }
}

#[test]
fn a_stranger_s_database_is_refused_with_a_sentence() {
    let Some(maria) = servers::mariadb() else { return };
    let (place, url) = (Place::new(), maria.database());
    with(&url, async |db| db.execute_unprepared("CREATE TABLE wp_posts (id int)").await.expect("our own database"));
    for arguments in [&["--dry-run"][..], &[]] {
        migrate(&place, &url, arguments).fails(3, &["is not touched: the tables `wp_posts` belong to something else"]);
    }
    migrate(&place, &url, &["--time-zone", "Mars/Olympus"])
        .fails(2, &["\"Mars/Olympus\" names no time zone", "+08:00"]);
    let nobody = "mysql://es:hidden@127.0.0.1:1/es";
    let refused = migrate(&place, nobody, &[]);
    refused.fails(3, &["the database 127.0.0.1:1/es cannot be reached"]);
    assert!(!refused.err.contains("hidden"), "{}", refused.err);
}

#[test]
fn a_dry_run_makes_no_embedded_database_either() {
    let place = Place::new();
    let line = |arguments: &str| {
        place.shell(&format!("ESCHEDULER_DATA_BASEDIR_PATH={} $P migrate {arguments}", place.path("data").display()))
    };
    let looked = line("--dry-run");
    assert!(looked.succeeds().out.contains("escheduler.db is not there; it would be made"), "{}", looked.out);
    assert!(!place.path("data").exists());
    line("").succeeds();
    let looked = line("--dry-run");
    assert!(looked.succeeds().out.contains("is up to date"), "{}", looked.out);
}
