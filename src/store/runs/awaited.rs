//! The runs that DEPENDENT nodes wait for.

use crate::dependency::{Answers, Found, FoundNode, Interval, Question};
use crate::model::{CommandType, DefinitionId, InstanceId, State, TaskType};
use crate::store::entity::{process_definition, process_instance, task_instance};
use crate::store::list::kept;
use crate::store::{Error, Store, utc};
use sea_orm::prelude::DateTime;
use sea_orm::sea_query::{
    Alias, Asterisk, CaseStatement, Cond, Expr, ExprTrait, Order, Query, SelectStatement, UnionType,
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use std::collections::{HashMap, HashSet};

/// How many questions one statement asks: SQLite joins 500 selects at most, and each question takes three.
const TOGETHER: usize = 40;

/// How many ids one statement names.
const AT_ONCE: usize = 500;

#[derive(Clone, Copy, Debug, FromQueryResult)]
struct Candidate {
    question: i32,
    id: i32,
    state: Option<i32>,
    start_time: Option<DateTime>,
    end_time: Option<DateTime>,
}

/// Instance, name, state, retries done and allowed, type.
type NodeRow = (i32, String, i32, Option<i32>, Option<i32>, Option<String>);

impl Store {
    /// The runs that count for the intervals that are asked about. However many runs there are, a question costs the
    /// same few rows of an index.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn awaited(&self, questions: Vec<Question>) -> Result<Answers, Error> {
        let mut runs = HashMap::new();
        for asked in questions.chunks(TOGETHER) {
            let selects = asked.iter().zip(0..).flat_map(|(question, place)| candidates(place, question));
            let Some(select) = joined(selects) else { continue };
            let rows = self.read().query_all(&select).await?;
            let mut best: HashMap<i32, Candidate> = HashMap::new();
            for row in rows {
                let new = Candidate::from_query_result(&row, "")?;
                let known = best.entry(new.question).or_insert(new);
                if new.rank() > known.rank() {
                    *known = new;
                }
            }
            for (question, place) in asked.iter().zip(0..) {
                if let Some(found) = best.get(&place) {
                    runs.insert(question.clone(), found.found());
                }
            }
        }
        self.add_nodes(&mut runs).await?;
        let definitions = self.names_of(questions.iter().map(|question| question.definition).collect()).await?;
        Ok(Answers { definitions, runs, asked: questions })
    }

    /// The nodes that are asked about, of the runs that were found.
    async fn add_nodes(&self, runs: &mut HashMap<Question, Found>) -> Result<(), Error> {
        use task_instance::Column;
        let wanted = || runs.iter().filter_map(|(question, found)| Some((found.instance.0, question.node.as_ref()?)));
        let instances: Vec<i32> = wanted().map(|(id, _)| id).collect::<HashSet<_>>().into_iter().collect();
        let names: Vec<String> = wanted().map(|(_, name)| name.clone()).collect::<HashSet<_>>().into_iter().collect();
        let mut found: HashMap<(i32, String), FoundNode> = HashMap::new();
        for instances in instances.chunks(AT_ONCE) {
            for names in names.chunks(AT_ONCE) {
                let rows: Vec<NodeRow> = task_instance::Entity::find()
                    .select_only()
                    .columns([Column::ProcessInstanceId, Column::Name, Column::State])
                    .columns([Column::RetryTimes, Column::MaxRetryTimes, Column::TaskType])
                    .filter(Column::ProcessInstanceId.is_in(instances.iter().copied()))
                    .filter(Column::Flag.eq(1))
                    .filter(Column::Name.is_in(names.iter().map(String::as_str)))
                    .filter(Column::State.is_not_null())
                    .into_tuple()
                    .all(self.read())
                    .await?;
                for (instance, name, state, retries, most, kind) in rows {
                    let Some(state) = State::from_code(state) else { continue };
                    let is_child = kind.as_deref() == Some(TaskType::SubProcess.name());
                    let may_retry = !is_child && retries.unwrap_or_default() < most.unwrap_or_default();
                    found.insert((instance, name), FoundNode { state, may_retry });
                }
            }
        }
        for (question, run) in runs.iter_mut() {
            run.node = question.node.clone().and_then(|name| found.get(&(run.instance.0, name)).copied());
        }
        Ok(())
    }

    async fn names_of(&self, definitions: HashSet<DefinitionId>) -> Result<HashMap<DefinitionId, String>, Error> {
        use process_definition::Column;
        let definitions: Vec<DefinitionId> = definitions.into_iter().collect();
        let mut names = HashMap::new();
        for definitions in definitions.chunks(AT_ONCE) {
            let rows: Vec<(i32, Option<String>)> = process_definition::Entity::find()
                .select_only()
                .columns([Column::Id, Column::Name])
                .filter(Column::Id.is_in(definitions.iter().map(|id| id.0)))
                .filter(kept(Column::Flag))
                .into_tuple()
                .all(self.read())
                .await?;
            names.extend(rows.into_iter().map(|(id, name)| (DefinitionId(id), name.unwrap_or_default())));
        }
        Ok(names)
    }
}

impl Candidate {
    /// The newest that lives comes before all that have ended, and of those the last one.
    fn rank(&self) -> (bool, Option<DateTime>, i32) {
        match self.is_live() {
            true => (true, self.start_time, self.id),
            false => (false, self.end_time, self.id),
        }
    }

    fn state(&self) -> State {
        self.state.and_then(State::from_code).unwrap_or(State::Running)
    }

    fn is_live(&self) -> bool {
        State::LIVE.contains(&self.state())
    }

    fn found(&self) -> Found {
        Found { instance: InstanceId(self.id), state: self.state(), node: None }
    }
}

/// The best run of each kind: one with a schedule time, a backfill, one without a schedule time. Each is a range of
/// one index.
fn candidates(place: i32, question: &Question) -> [SelectStatement; 3] {
    use process_instance::Column;
    let within = |column: Column, interval: &Interval| {
        Cond::all().add(column.gte(utc(interval.from))).add(column.lt(utc(interval.until)))
    };
    let backfill = || Column::HistoryCmd.starts_with(CommandType::Complement.name());
    let scheduled = within(Column::ScheduleTime, &question.interval)
        .add(Condition::any().add(Column::HistoryCmd.is_null()).add(backfill().not()));
    let backfilled = within(Column::ScheduleTime, &question.business).add(backfill());
    let by_hand = within(Column::StartTime, &question.interval).add(Column::ScheduleTime.is_null());
    [scheduled, backfilled, by_hand].map(|which| {
        let live = || Column::State.is_in(State::LIVE.map(State::code));
        let ended_at =
            CaseStatement::new().case(live(), Expr::col(Column::StartTime)).finally(Expr::col(Column::EndTime));
        Query::select()
            .expr_as(Expr::val(place), Alias::new("question"))
            .columns([Column::Id, Column::State, Column::StartTime, Column::EndTime])
            .from(process_instance::Entity)
            .and_where(Column::ProcessDefinitionId.eq(question.definition.0))
            .cond_where(which)
            .order_by_expr(CaseStatement::new().case(live(), 0).finally(1).into(), Order::Asc)
            .order_by_expr(ended_at.into(), Order::Desc)
            .order_by(Column::Id, Order::Desc)
            .limit(1)
            .to_owned()
    })
}

/// All of them as one statement.
fn joined(selects: impl Iterator<Item = SelectStatement>) -> Option<SelectStatement> {
    // Only a select from a select may have an order and a limit of its own in every database.
    let wrapped = selects.zip(0..).map(|(select, place)| {
        Query::select().column(Asterisk).from_subquery(select, Alias::new(format!("c{place}"))).to_owned()
    });
    wrapped.reduce(|mut all, next| all.union(UnionType::All, next).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;
    use sea_orm::Statement;

    #[tokio::test]
    async fn every_candidate_is_found_by_its_time_however_many_runs_there_are() {
        let store = Store::memory().await.unwrap();
        let interval = Interval { from: Time(0), until: Time(1) };
        let question = Question { definition: DefinitionId(1), node: None, interval, business: interval };
        for select in candidates(0, &question) {
            let sql = format!("EXPLAIN QUERY PLAN {}", select.to_string(sea_orm::sea_query::SqliteQueryBuilder));
            let rows =
                store.read().query_all_raw(Statement::from_string(sea_orm::DbBackend::Sqlite, &sql)).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
            let search = plan.iter().find(|line| line.contains("t_escheduler_process_instance")).unwrap();
            let is_range = search.contains("process_definition_id=?") && search.contains("_time<?");
            assert!(search.starts_with("SEARCH") && is_range, "{plan:?}");
        }
    }
}
