//! Rows of new instances: many by one statement, with the ids that the database gave them.

use super::claim::NewInstance;
use crate::model::InstanceId;
use crate::store::Error;
use crate::store::entity::process_instance::{Column, Entity};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseBackend, DatabaseTransaction, EntityTrait, Iterable,
    QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// How many rows one statement inserts, so that databases need not count its values.
const ROWS: usize = 64;
/// How many bytes of documents go into one statement: MySQL 5.7 takes 4 MiB in all, unless it was told otherwise.
const BYTES: usize = 1 << 20;
/// How many bytes of documents may lie written down for one transaction: each row has its own copy.
const READY: usize = 4 << 20;

/// Inserts an instance.
pub(super) async fn one(tx: &DatabaseTransaction, new: &NewInstance) -> Result<InstanceId, Error> {
    Ok(InstanceId(Entity::insert(new.row()).exec(tx).await?.last_insert_id))
}

/// New instances, and the statements that insert them. Most of the work is to write these down, so whoever can does it
/// before the transaction.
#[derive(Default)]
pub(in crate::store) struct Inserts {
    /// In the order in which they are inserted.
    pub new: Arc<[NewInstance]>,
    /// The first statements, written down already. Gone once they were carried out: a copy would take as long as to
    /// write them down once more, which has to be done only if the transaction is tried again.
    ready: Mutex<VecDeque<Statement>>,
}

impl Inserts {
    pub fn of(new: Arc<[NewInstance]>, backend: DatabaseBackend) -> Result<Inserts, Error> {
        let mut bytes = 0;
        let first = portions(&new).into_iter().take_while(|rows| {
            bytes += new[rows.clone()].iter().map(size).sum::<usize>();
            bytes <= READY
        });
        let ready = first.map(|rows| statement(backend, &new[rows])).collect::<Result<_, _>>()?;
        Ok(Inserts { new, ready: Mutex::new(ready) })
    }

    /// The ids are in the order of the instances.
    pub async fn carry_out(&self, tx: &DatabaseTransaction) -> Result<Vec<InstanceId>, Error> {
        let mut ready = std::mem::take(&mut *self.ready.lock().unwrap_or_else(PoisonError::into_inner));
        let mut ids = Vec::with_capacity(self.new.len());
        for rows in portions(&self.new) {
            let new = &self.new[rows];
            let statement = ready.pop_front().map_or_else(|| statement(tx.get_database_backend(), new), Ok)?;
            ids.extend(together(tx, statement, new).await?);
        }
        Ok(ids)
    }
}

/// How many bytes of texts it brings.
fn size(new: &NewInstance) -> usize {
    let drawn = [&new.locations, &new.connects].into_iter().flatten().map(String::len).sum::<usize>();
    new.document.len() + new.globals.len() + drawn
}

/// What goes into one statement each.
fn portions(new: &[NewInstance]) -> Vec<Range<usize>> {
    let (mut portions, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (place, new) in new.iter().enumerate() {
        let own = size(new);
        if place > from && (place - from == ROWS || bytes + own > BYTES) {
            portions.push(from..place);
            (from, bytes) = (place, 0);
        }
        bytes += own;
    }
    if from < new.len() {
        portions.push(from..new.len());
    }
    portions
}

/// Written down by hand: the library asks for the type of each column again for each value.
fn statement(backend: DatabaseBackend, new: &[NewInstance]) -> Result<Statement, Error> {
    let columns: Vec<Column> = Column::iter().filter(|column| is_sent(*column, new)).collect();
    let mut insert = Query::insert().into_table(Entity).columns(columns.iter().copied()).to_owned();
    for new in new {
        let mut row = new.row();
        let value = |column: &Column| {
            let value = text_of_time(row.take(*column).into_value()?, backend);
            Some(if is_the_same(*column) { Expr::Constant(value) } else { Expr::val(value) })
        };
        insert.values(columns.iter().filter_map(value).collect::<Vec<_>>()).map_err(Error::broken)?;
    }
    if backend == DatabaseBackend::Postgres {
        insert.returning(Query::returning().column(Column::Id));
    }
    Ok(backend.build(&insert))
}

/// SQLite keeps times as texts, and the library writes these down only when it carries out a statement.
fn text_of_time(value: Value, backend: DatabaseBackend) -> Value {
    match (backend, value) {
        (DatabaseBackend::Sqlite, Value::ChronoDateTime(Some(at))) => at.format("%F %T%.f").to_string().into(),
        (_, value) => value,
    }
}

/// What every new instance has: it stands in the text of the statement, and need not be bound for each.
fn is_the_same(column: Column) -> bool {
    use Column::{AlertFlag, Epoch, Flag, MaxTryTimes, Recovery, Revision, RunTimes, State, Takeovers};
    matches!(column, AlertFlag | Epoch | Flag | MaxTryTimes | Recovery | Revision | RunTimes | State | Takeovers)
}

/// Not what no new instance has, nor what none of these has.
fn is_sent(column: Column, new: &[NewInstance]) -> bool {
    let any = |has: fn(&NewInstance) -> bool| new.iter().any(has);
    match column {
        Column::Id | Column::EndTime | Column::DependenceScheduleTimes => false,
        Column::RootId => any(|new| new.root.is_some()),
        Column::Locations => any(|new| new.locations.is_some()),
        Column::Connects => any(|new| new.connects.is_some()),
        Column::ScheduleTime => any(|new| new.command.schedule_time.is_some()),
        Column::ScheduleId => any(|new| new.command.schedule.is_some()),
        Column::BackfillId => any(|new| new.command.backfill.is_some()),
        Column::TimezoneId => any(|new| new.command.zone.is_some()),
        _ => true,
    }
}

/// Rows get their ids one after the other, in the order in which they are written down.
async fn together(
    tx: &DatabaseTransaction,
    statement: Statement,
    new: &[NewInstance],
) -> Result<Vec<InstanceId>, Error> {
    let count = new.len();
    let ids: Vec<i32> = match statement.db_backend {
        // It tells all of them, perhaps in another order.
        DatabaseBackend::Postgres => {
            let rows = tx.query_all_raw(statement).await?;
            let mut ids: Vec<i32> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
            ids.sort_unstable();
            ids
        }
        DatabaseBackend::MySql => {
            let first = told(tx, statement).await?;
            in_a_row(tx, first, new).await?
        }
        // It tells the last one; nobody else writes.
        _ => {
            let last = told(tx, statement).await?;
            (1..=last).skip((last.unsigned_abs() as usize).saturating_sub(count)).collect()
        }
    };
    match ids.len() == count {
        true => Ok(ids.into_iter().map(InstanceId).collect()),
        false => Err(Error::broken("it did not tell the ids of all new instances")),
    }
}

/// The one id that a database tells.
async fn told(tx: &DatabaseTransaction, statement: Statement) -> Result<i32, Error> {
    i32::try_from(tx.execute_raw(statement).await?.last_insert_id()).map_err(Error::broken)
}

/// The id of a row, its owner, definition and schedule.
type Told = (i32, Option<String>, Option<i32>, Option<i32>);

/// MySQL tells the first id. It reserves those of the others with it, since it sees how many rows there are.
async fn in_a_row(tx: &DatabaseTransaction, first: i32, new: &[NewInstance]) -> Result<Vec<i32>, Error> {
    let step = Query::select().expr_as(Expr::cust("@@auto_increment_increment"), "step").to_owned();
    let step: u64 = match tx.query_one(&step).await? {
        Some(row) => row.try_get("", "step")?,
        None => 1,
    };
    let ids: Vec<i32> = (first..).step_by(usize::try_from(step.max(1)).unwrap_or(1)).take(new.len()).collect();
    // Not believed without a look: an instance that is taken for another one would be run twice, or as another one.
    let found = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Owner, Column::ProcessDefinitionId, Column::ScheduleId])
        .filter(Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(Column::Id);
    let found: Vec<Told> = found.into_tuple().all(tx).await?;
    let expected = ids.iter().zip(new).map(|(id, new)| {
        let (definition, schedule) = (new.command.definition.0, new.command.schedule);
        (*id, Some(new.owner.clone()), Some(definition), schedule.map(|id| id.0))
    });
    match found.into_iter().eq(expected) {
        true => Ok(ids),
        false => Err(Error::broken("the ids of new instances do not follow each other")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Command, DefinitionId, Time, UserId};
    use crate::store::{Store, stage};
    use sea_orm::IdenStatic;

    fn portions_of(lengths: &[usize]) -> Vec<Range<usize>> {
        let new = lengths.iter().map(|length| NewInstance {
            document: "d".repeat(*length).into(),
            ..stage::run_of(Command::start(DefinitionId(1), UserId(1)))
        });
        portions(&new.collect::<Vec<_>>())
    }

    #[test]
    fn a_statement_has_neither_too_many_rows_nor_too_many_bytes() {
        assert!(portions_of(&[]).is_empty());
        assert_eq!(portions_of(&[1; 130]), [0..64, 64..128, 128..130]);
        assert_eq!(portions_of(&[10, BYTES, 10, 10, BYTES * 2, 1]), [0..1, 1..2, 2..4, 4..5, 5..6]);
    }

    #[tokio::test]
    async fn of_large_documents_a_few_lie_ready_and_all_are_inserted() {
        let store = Store::memory().await.unwrap();
        let document: Arc<str> = "d".repeat(BYTES - 100).into();
        let new: Vec<_> = (0..6).map(|_| NewInstance { document: document.clone(), ..run_at(Time(0)) }).collect();
        let inserts = Arc::new(Inserts::of(new.into(), DatabaseBackend::Sqlite).unwrap());
        assert_eq!(inserts.ready.lock().unwrap().len(), READY / BYTES);
        let ids = store.write(move |tx| {
            let inserts = inserts.clone();
            Box::pin(async move { inserts.carry_out(tx).await })
        });
        assert_eq!(ids.await.unwrap().len(), 6);
        assert_eq!(store.live_instances().await.unwrap().len(), 6);
    }

    #[tokio::test]
    async fn a_row_of_many_is_what_it_would_be_alone() {
        let store = Store::memory().await.unwrap();
        let new: Vec<_> = [0, 1, 1_700_006_400_000, 1_700_006_400_120].map(|at| run_at(Time(at))).into();
        let ids = store
            .write(move |tx| {
                let new = new.clone();
                Box::pin(async move {
                    let mut ids = Inserts::of(new.clone().into(), DatabaseBackend::Sqlite)?.carry_out(tx).await?;
                    for new in &new {
                        ids.push(one(tx, new).await?);
                    }
                    Ok(ids)
                })
            })
            .await
            .unwrap();
        let columns = Column::iter().filter(|column| !matches!(column, Column::Id)).map(|column| {
            let name = column.as_str();
            format!("typeof({name}) || ' ' || coalesce({name}, '')")
        });
        let sql =
            format!("SELECT {} FROM t_escheduler_process_instance", columns.collect::<Vec<_>>().join(" || '|' || "));
        let mut texts = Vec::new();
        for id in ids {
            let sql = format!("{sql} WHERE id = {id}");
            let row = store.read().query_one_raw(Statement::from_string(DatabaseBackend::Sqlite, sql)).await.unwrap();
            texts.push(row.unwrap().try_get_by_index::<String>(0).unwrap());
        }
        let (many, alone) = texts.split_at(4);
        assert_eq!(many, alone);
        assert!(many[3].contains("text 2023-11-15 00:00:00.120"), "{}", many[3]);
    }

    fn run_at(at: Time) -> NewInstance {
        let wish = Command { schedule_time: Some(at), created_at: at, ..Command::start(DefinitionId(1), UserId(1)) };
        NewInstance { started_at: at, ..stage::run_of(wish) }
    }
}
