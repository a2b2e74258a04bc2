//! What of the upgrade is done. Each step that must not be done twice notes itself in the transaction that does it:
//! MySQL commits changes of tables one by one, and the upgrade may be killed between any two statements.

use super::Error;
use super::session::{Session, quote};
use std::collections::BTreeMap;

/// The table stays, as the record of what was done.
pub(super) const TABLE: &str = "t_escheduler_upgrade";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS t_escheduler_upgrade (\
                      `step` varchar(128) NOT NULL PRIMARY KEY, `position` varchar(255) NOT NULL\
                      ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC";

/// The release that the upgrade began from.
pub(super) const FROM: &str = "from";
/// The zone in which times were read.
pub(super) const ZONE: &str = "zone";
/// When the upgrade began, UTC.
pub(super) const BEGUN: &str = "begun";
/// The last step.
pub(super) const DONE: &str = "done";

/// The notes, as they stand in the table.
pub(super) struct Journal {
    notes: BTreeMap<String, String>,
}

impl Journal {
    /// Reads the notes; there are none before the upgrade has begun.
    pub async fn read(session: &mut Session<'_>, exists: bool) -> Result<Journal, Error> {
        let mut notes = BTreeMap::new();
        if exists {
            for [step, position] in session.texts("SELECT step, position FROM t_escheduler_upgrade").await? {
                notes.insert(step, position);
            }
        }
        Ok(Journal { notes })
    }

    /// Begins the upgrade with these notes, all or none.
    pub async fn begin(&mut self, session: &mut Session<'_>, notes: &[(String, String)]) -> Result<(), Error> {
        session.run(CREATE).await?;
        session.begin().await?;
        for (step, position) in notes {
            self.note(session, step, position).await?;
        }
        session.commit().await
    }

    pub fn has_begun(&self) -> bool {
        self.notes.contains_key(FROM)
    }

    pub fn get(&self, step: &str) -> Option<&str> {
        self.notes.get(step).map(String::as_str)
    }

    pub fn is_done(&self, step: &str) -> bool {
        self.notes.contains_key(step)
    }

    /// Notes a step, or how far it has come; part of the transaction that is open.
    pub async fn note(&mut self, session: &mut Session<'_>, step: &str, position: &str) -> Result<(), Error> {
        let values = format!("({}, {})", quote(step), quote(position));
        let sql = format!(
            "INSERT INTO t_escheduler_upgrade (step, position) VALUES {values} \
             ON DUPLICATE KEY UPDATE position = {}",
            quote(position)
        );
        session.run(&sql).await?;
        self.notes.insert(step.to_owned(), position.to_owned());
        Ok(())
    }
}
