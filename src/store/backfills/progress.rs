//! How far backfills are.

use crate::model::{
    BackfillId, BackfillState, DateOrder, DefinitionId, Outcome, ProjectId, RunMode, ScheduleId, State,
};
use crate::store::entity::{backfill, backfill_date, process_definition, process_instance};
use crate::store::list::{link, page};
use crate::store::{Error, Page, Paged, Store, instant};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};
use std::collections::HashMap;
use std::time::Duration;

/// How many of the runs that ended last tell how long one takes.
const LATEST: u64 = 50;

/// A backfill as lists show it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct BackfillRow {
    pub id: BackfillId,
    pub process_definition_id: i32,
    pub process_definition_name: Option<String>,
    pub schedule_id: Option<ScheduleId>,
    pub timezone_id: String,
    pub state: BackfillState,
    pub run_mode: RunMode,
    pub parallelism: i32,
    pub date_order: DateOrder,
    pub total: i32,
    pub note: Option<String>,
    pub first_ms: i64,
    pub last_ms: i64,
    pub executor_id: i32,
    pub create_ms: i64,
    pub end_ms: Option<i64>,
}

/// What has become of its dates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Those that have not started.
    pub waiting: i64,
    /// Those whose runs live, paused ones included.
    pub running: i64,
    pub succeeded: i64,
    /// Those whose runs ended otherwise.
    pub failed: i64,
    /// How much longer it takes, judged by the runs that have ended.
    pub remaining: Option<Duration>,
}

impl Store {
    /// The backfills of a project, the newest first, with their progress.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn backfills(
        &self,
        project: ProjectId,
        definition: Option<DefinitionId>,
        part: Page,
    ) -> Result<Paged<(BackfillRow, Progress)>, Error> {
        use backfill::Column;
        let owner = link::<backfill::Entity, process_definition::Entity>(
            Column::ProcessDefinitionId,
            process_definition::Column::Id,
        );
        let found = backfill::Entity::find()
            .select_only()
            .join(JoinType::InnerJoin, owner)
            .filter(process_definition::Column::ProjectId.eq(project.0))
            .apply_if(definition, |rows, id| rows.filter(Column::ProcessDefinitionId.eq(id.0)));
        let newest = |rows: Select<_>| shown(rows).order_by_desc(Column::Id);
        let Paged { rows, total } = page::<_, BackfillRow>(self.read(), found, newest, part).await?;
        let mut progress = self.progress(rows.iter().map(|row| row.id.0).collect()).await?;
        let mut told = Vec::with_capacity(rows.len());
        for row in rows {
            let mut progress = progress.remove(&row.id.0).unwrap_or_default();
            progress.remaining = self.remaining(&row, &progress).await?;
            told.push((row, progress));
        }
        Ok(Paged { rows: told, total })
    }

    async fn progress(&self, ids: Vec<i32>) -> Result<HashMap<i32, Progress>, Error> {
        use backfill_date::Column as Date;
        use process_instance::Column as Run;
        let mut all: HashMap<i32, Progress> = HashMap::new();
        let waiting: Vec<(i32, i64)> = backfill_date::Entity::find()
            .select_only()
            .column(Date::BackfillId)
            .expr_as(Expr::cust("COUNT(*)"), "dates")
            .filter(Date::BackfillId.is_in(ids.iter().copied()))
            .filter(Date::Outcome.eq(Outcome::Waiting.code()))
            .group_by(Date::BackfillId)
            .into_tuple()
            .all(self.read())
            .await?;
        for (id, dates) in waiting {
            all.entry(id).or_default().waiting = dates;
        }
        let runs: Vec<(i32, Option<i32>, i64)> = process_instance::Entity::find()
            .select_only()
            .columns([Run::BackfillId, Run::State])
            .expr_as(Expr::cust("COUNT(*)"), "runs")
            .filter(Run::BackfillId.is_in(ids))
            .group_by(Run::BackfillId)
            .group_by(Run::State)
            .into_tuple()
            .all(self.read())
            .await?;
        for (id, state, runs) in runs {
            let progress = all.entry(id).or_default();
            match state.and_then(State::from_code).unwrap_or(State::Running) {
                State::Success => progress.succeeded += runs,
                state if state.is_finished() && state != State::Pause => progress.failed += runs,
                _ => progress.running += runs,
            }
        }
        Ok(all)
    }

    async fn remaining(&self, row: &BackfillRow, progress: &Progress) -> Result<Option<Duration>, Error> {
        use process_instance::Column as Run;
        if row.state != BackfillState::Running {
            return Ok(None);
        }
        let ended: Vec<(Option<chrono::NaiveDateTime>, Option<chrono::NaiveDateTime>)> =
            process_instance::Entity::find()
                .select_only()
                .columns([Run::StartTime, Run::EndTime])
                .filter(Run::BackfillId.eq(row.id.0))
                .filter(Run::State.eq(State::Success.code()))
                .order_by_desc(Run::Id)
                .limit(LATEST)
                .into_tuple()
                .all(self.read())
                .await?;
        let spans: Vec<Duration> =
            ended.into_iter().filter_map(|(start, end)| Some(instant(end?).since(instant(start?)))).collect();
        let Ok(count) = u32::try_from(spans.len()) else { return Ok(None) };
        let (left, together) = (progress.waiting + progress.running, i64::from(row.parallelism.max(1)));
        let rounds = left.div_euclid(together) + i64::from(left.rem_euclid(together) > 0);
        let one = spans.iter().sum::<Duration>().checked_div(count);
        Ok(one.map(|one| one.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))))
    }
}

fn shown(found: Select<backfill::Entity>) -> Select<backfill::Entity> {
    use backfill::Column;
    found
        .columns([Column::Id, Column::ProcessDefinitionId, Column::ScheduleId, Column::TimezoneId, Column::State])
        .columns([Column::RunMode, Column::Parallelism, Column::DateOrder, Column::Total, Column::Note])
        .columns([Column::FirstMs, Column::LastMs, Column::ExecutorId, Column::CreateMs, Column::EndMs])
        .column_as(process_definition::Column::Name, "process_definition_name")
}
