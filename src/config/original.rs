//! The names of EasyScheduler 1.x: which of them are ours under another name, and which change nothing here.

use super::table::{Table, distance, nearest};

/// The files of the original below its `conf/`, in the order in which they are read; a later one wins.
pub(super) const FILES: [&str; 9] = [
    "alert.properties",
    "common/common.properties",
    "common/hadoop/hadoop.properties",
    "quartz.properties",
    "zookeeper.properties",
    "dao/data_source.properties",
    "master.properties",
    "worker.properties",
    "application.properties",
];

/// The shell file with the environment of tasks, below `conf/`.
pub(super) const ENV_SHELL: &str = "env/.escheduler_env.sh";

/// The Python file with the environment of tasks, below `conf/`.
pub(super) const ENV_PYTHON: &str = "env/escheduler_env.py";

/// Names of the original and of its frameworks, and what they are called here.
const RENAMED: [(&str, &str); 17] = [
    // The original keeps only uploads there; the database and the logs must not follow them into /tmp.
    ("data.basedir.path", "data.upload.basedir.path"),
    ("spring.datasource.url", "datasource.url"),
    ("spring.datasource.username", "datasource.username"),
    ("spring.datasource.password", "datasource.password"),
    ("spring.datasource.maxActive", "datasource.maxActive"),
    ("spring.datasource.minIdle", "datasource.minIdle"),
    ("spring.datasource.maxWait", "datasource.maxWait"),
    ("org.quartz.jobStore.misfireThreshold", "schedule.misfire.threshold"),
    ("spring.http.multipart.max-file-size", "server.multipart.max-file-size"),
    ("spring.http.multipart.max-request-size", "server.multipart.max-request-size"),
    ("spring.servlet.multipart.max-file-size", "server.multipart.max-file-size"),
    ("spring.servlet.multipart.max-request-size", "server.multipart.max-request-size"),
    ("server.servlet.session.timeout", "server.session.timeout"),
    ("server.servlet.context-path", "server.context-path"),
    ("server.jetty.max-http-post-size", "server.max-http-post-size"),
    ("zookeeper.escheduler.lock.masters.failover", "zookeeper.escheduler.lock.failover.masters"),
    ("zookeeper.escheduler.lock.workers.failover", "zookeeper.escheduler.lock.failover.workers"),
];

/// Keys of the original that have nothing to act on here.
const WITHOUT_EFFECT: [&str; 2] = ["master.task.commit.retryTimes", "master.task.commit.interval"];

/// What the keys of Java frameworks begin with: pools, thread factories, class names.
const FRAMEWORKS: [&str; 3] = ["spring.", "org.quartz.", "logging."];

/// What a name in one of the original's files stands for.
pub(super) enum Meaning<'n> {
    /// A key of ours.
    Key(&'n str),
    /// Something that changes nothing here.
    NoEffect,
    /// Nothing that is known; the nearest name that would be.
    Unknown { nearest: &'n str },
}

/// Looks a name of the original's files up.
pub(super) fn meaning<'n>(name: &'n str, table: &'n Table) -> Meaning<'n> {
    if let Some(key) = our_name(name) {
        return Meaning::Key(key);
    }
    if table.knows(name) {
        return Meaning::Key(name);
    }
    if WITHOUT_EFFECT.contains(&name) {
        return Meaning::NoEffect;
    }
    let nearest =
        nearest(name, table.names().chain(RENAMED.into_iter().map(|(theirs, _)| theirs)).chain(WITHOUT_EFFECT));
    if FRAMEWORKS.iter().any(|prefix| name.starts_with(prefix)) && distance(name, nearest) > 2 {
        return Meaning::NoEffect;
    }
    Meaning::Unknown { nearest }
}

/// What a renamed key of the original is called here.
pub(super) fn our_name(name: &str) -> Option<&'static str> {
    RENAMED.into_iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_renamed_key_leads_to_a_key_that_exists() {
        let table = Table::built_in();
        for (theirs, ours) in RENAMED {
            assert!(table.knows(ours), "{theirs} leads to {ours}, which does not exist");
        }
    }

    #[test]
    fn a_slip_in_a_framework_key_is_not_taken_for_one_without_effect() {
        let table = Table::built_in();
        assert!(matches!(meaning("org.quartz.threadPool.threadCount", &table), Meaning::NoEffect));
        assert!(matches!(
            meaning("spring.datasource.usrname", &table),
            Meaning::Unknown { nearest: "spring.datasource.username" }
        ));
    }
}
