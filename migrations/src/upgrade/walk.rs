//! Goes through a table in pieces: each piece and the note how far it came are one transaction, so that no row is
//! done twice and none is left out, wherever the upgrade was killed.

use super::journal::Journal;
use super::session::{Session, quote};
use super::{Error, Work};
use std::time::{Duration, Instant};

/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);

/// Where to go, and what to call it.
pub(super) struct Walk<'w> {
    /// The name of the step; its end is noted under the same name with ` done`.
    pub step: &'w str,
    pub table: &'w str,
    /// The column whose order is followed; not necessarily unique.
    pub key: &'w str,
    /// What is told when it takes long: `converting the times of t_escheduler_user`.
    pub doing: &'w str,
}

/// The note that a walk has come to its end.
pub(super) fn done(step: &str) -> String {
    format!("{step} done")
}

impl Walk<'_> {
    /// Calls `piece` for one range of keys after the other, as a condition on the column.
    pub async fn go(
        &self,
        work: &mut Work<'_, '_>,
        mut piece: impl AsyncFnMut(&mut Session<'_>, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let done = done(self.step);
        if work.journal.is_done(&done) {
            return Ok(());
        }
        let (begun, mut told, mut gone) = (Instant::now(), Instant::now(), 0u64);
        loop {
            let (session, journal) = (&mut *work.session, &mut *work.journal);
            let after = self.after(journal);
            let Some((last, count)) = self.next(session, &after, work.options.batch).await? else { break };
            session.begin().await?;
            piece(session, &format!("{after} AND `{}` <= {}", self.key, quote(&last))).await?;
            journal.note(session, self.step, &last).await?;
            session.commit().await?;
            gone += count;
            if told.elapsed() > TELL {
                told = Instant::now();
                session.tell(&format!("{}: {gone} so far ({} s)", self.doing, begun.elapsed().as_secs()));
            }
        }
        let (session, journal) = (&mut *work.session, &mut *work.journal);
        session.begin().await?;
        journal.note(session, &done, "yes").await?;
        session.commit().await
    }

    fn after(&self, journal: &Journal) -> String {
        match journal.get(self.step) {
            Some(position) => format!("`{}` > {}", self.key, quote(position)),
            None => format!("`{}` IS NOT NULL", self.key),
        }
    }

    /// The last key of the next piece, and how many keys it has.
    async fn next(&self, session: &mut Session<'_>, after: &str, size: usize) -> Result<Option<(String, u64)>, Error> {
        let Walk { table, key, .. } = self;
        let sql = format!(
            "SELECT MAX(k), COUNT(*) FROM \
             (SELECT DISTINCT `{key}` AS k FROM `{table}` WHERE {after} ORDER BY `{key}` LIMIT {size}) piece"
        );
        let rows = session.texts::<2>(&sql).await?;
        let piece = rows.into_iter().next().map(|[last, count]| (last, count.parse().unwrap_or_default()));
        Ok(piece.filter(|(_, count)| *count > 0))
    }
}
