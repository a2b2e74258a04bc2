//! Backfills: each date starts once, at most so many at once, and all of it is paused, resumed and stopped together.

use super::place::store;
use super::stage::{claim, definition, end, end_as, run_of};
use crate::model::{
    Backfill, BackfillId, BackfillState, Command, CommandType, DateOrder, DefinitionId, ExecuteType, InstanceId,
    Outcome, ProjectId, ReleaseState, RunMode, State, Time, UserId,
};
use crate::store::entity::{backfill_date, process_definition, process_instance};
use crate::store::{BackfillRow, Backfills, Page, Progress, Store, Unsteered};
use chrono_tz::Tz;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

const ADMIN: UserId = UserId(1);
const DAY: i64 = 86_400_000;

fn backfill(definition: DefinitionId, mode: RunMode, parallelism: i32, order: DateOrder) -> Backfill {
    let template = Command { worker_group: 7, ..Command::start(definition, ADMIN) };
    Backfill { template, schedule: None, zone: Tz::UTC, mode, parallelism, order }
}

/// A backfill of some days, the first of them 1 January 1970.
async fn create(store: &Store, backfill: Backfill, days: i64) -> BackfillId {
    let dates = (0..days).map(|day| Time(day * DAY)).collect();
    store.create_backfill(backfill, dates, [None, None], Time(5)).await.unwrap().unwrap()
}

async fn steer(store: &Store, id: BackfillId, wish: ExecuteType) -> Result<(), Unsteered> {
    store.order_backfill(ProjectId(1), id, wish, ADMIN, Time(9)).await.unwrap().unwrap()
}

async fn advance(store: &Store) -> usize {
    store.advance(Time(7)).await.unwrap()
}

/// The days that wait to be claimed.
async fn wished(store: &Store) -> Vec<i64> {
    store.starts(100).await.unwrap().iter().filter_map(|wish| Some(wish.schedule_time?.0 / DAY)).collect()
}

async fn shown(store: &Store) -> (BackfillRow, Progress) {
    let mut all = store.backfills(ProjectId(1), None, Page { number: 1, size: 10 }).await.unwrap();
    assert_eq!(all.total, 1);
    all.rows.remove(0)
}

async fn dates(store: &Store) -> String {
    let rows = backfill_date::Entity::find().order_by_asc(backfill_date::Column::Position);
    let told =
        |row: backfill_date::Model| format!("{} {}", row.date_ms / DAY, Outcome::from_code(row.outcome).unwrap());
    rows.all(store.read()).await.unwrap().into_iter().map(told).collect::<Vec<_>>().join(", ")
}

/// Whatever was wished of instances.
async fn orders(store: &Store) -> Vec<(CommandType, Option<InstanceId>)> {
    let mut all: Vec<_> = store.orders(10).await.unwrap();
    all.extend(store.starts(10).await.unwrap());
    all.iter().map(|order| (order.kind, order.instance)).collect()
}

#[tokio::test]
async fn as_many_dates_run_at_once_as_may_and_each_runs_once() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Parallel, 2, DateOrder::Ascending), 4).await;
    let all = futures::future::join_all((0..8).map(|_| advance(&store))).await;
    assert_eq!(all.iter().sum::<usize>(), 2, "whoever looks");
    let wish = store.starts(1).await.unwrap().remove(0);
    assert_eq!((wish.kind, wish.backfill, wish.worker_group), (CommandType::Complement, Some(id), 7));
    assert_eq!(wish.param("complementStartDate").as_deref(), Some("1970-01-01 00:00:00"));
    let (first, second) = (claim(&store).await, claim(&store).await);
    assert_eq!(advance(&store).await, 0, "two run");
    let row = process_instance::Entity::find_by_id(first.0).one(store.read()).await.unwrap().unwrap();
    assert_eq!((row.backfill_id, row.timezone_id.as_deref()), (Some(id.0), Some("UTC")));
    end(&store, second).await;
    assert_eq!((advance(&store).await, wished(&store).await), (1, vec![2]));
    end_as(&store, first, State::Failure).await;
    assert_eq!((advance(&store).await, wished(&store).await), (1, vec![2, 3]), "others do not wait for one that fails");
    let (_, progress) = shown(&store).await;
    assert_eq!((progress.waiting, progress.running, progress.succeeded, progress.failed), (0, 0, 1, 1));
    for _ in 0..2 {
        let run = claim(&store).await;
        assert_eq!(advance(&store).await, 0);
        end(&store, run).await;
    }
    assert_eq!(shown(&store).await.0.state, BackfillState::Running);
    assert_eq!(advance(&store).await, 0);
    let (row, progress) = shown(&store).await;
    assert_eq!((row.state, row.end_ms, row.total, progress.succeeded), (BackfillState::Finished, Some(7), 4, 3));
}

#[tokio::test]
async fn the_latest_date_can_come_first() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    create(&store, backfill(definition, RunMode::Parallel, 2, DateOrder::Descending), 3).await;
    advance(&store).await;
    assert_eq!(wished(&store).await, [2, 1]);
    assert_eq!(dates(&store).await, "2 STARTED, 1 STARTED, 0 WAITING");
    let (row, _) = shown(&store).await;
    assert_eq!((row.first_ms, row.last_ms), (0, 2 * DAY));
}

#[tokio::test]
async fn one_after_the_other_a_date_that_fails_halts_the_rest_until_somebody_resumes() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Serial, 1, DateOrder::Ascending), 3).await;
    advance(&store).await;
    let run = claim(&store).await;
    end_as(&store, run, State::Failure).await;
    assert_eq!(advance(&store).await, 0);
    let (row, _) = shown(&store).await;
    let why = format!("the run of 1970-01-01 00:00:00 (process instance {run}) ended as FAILURE");
    assert_eq!((row.state, row.note), (BackfillState::Paused, Some(why)));
    steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
    assert_eq!((advance(&store).await, wished(&store).await), (1, vec![1]));
    let run = claim(&store).await;
    end(&store, run).await;
    assert_eq!((advance(&store).await, wished(&store).await), (1, vec![2]));
}

#[tokio::test]
async fn it_waits_while_its_definition_is_off_line() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Parallel, 1, DateOrder::Ascending), 2).await;
    release(&store, definition, ReleaseState::Offline).await;
    assert_eq!(advance(&store).await, 0);
    let (row, _) = shown(&store).await;
    assert_eq!((row.state, row.note.as_deref()), (BackfillState::Paused, Some("the definition is off line")));
    release(&store, definition, ReleaseState::Online).await;
    steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
    assert_eq!(advance(&store).await, 1);
}

async fn release(store: &Store, id: DefinitionId, state: ReleaseState) {
    use process_definition::Column;
    store
        .write(move |tx| {
            Box::pin(async move {
                let released = process_definition::Entity::update_many()
                    .col_expr(Column::ReleaseState, Expr::value(state.code()))
                    .filter(Column::Id.eq(id.0));
                released.exec(tx).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn it_pauses_and_resumes_as_a_whole() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Parallel, 2, DateOrder::Ascending), 4).await;
    advance(&store).await;
    let (first, second) = (claim(&store).await, claim(&store).await);
    steer(&store, id, ExecuteType::Pause).await.unwrap();
    let paused = Err(Unsteered::State(BackfillState::Paused));
    assert_eq!(steer(&store, id, ExecuteType::Pause).await, paused);
    assert_eq!(orders(&store).await, [(CommandType::Pause, Some(first)), (CommandType::Pause, Some(second))]);
    assert_eq!(advance(&store).await, 0);
    // One pauses, the other one ended before it heard of it.
    for order in store.orders(10).await.unwrap() {
        store.drop_command(order.id).await.unwrap();
    }
    end_as(&store, first, State::ReadyPause).await;
    end(&store, second).await;
    assert_eq!(steer(&store, id, ExecuteType::RecoverSuspended).await, Err(Unsteered::Pausing));
    end_as(&store, first, State::Pause).await;
    assert_eq!(advance(&store).await, 0, "it stays paused");
    steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
    assert_eq!(orders(&store).await, [(CommandType::RecoverSuspended, Some(first))]);
    assert_eq!(advance(&store).await, 1, "the one that goes on takes the other place");
    let days: Vec<_> = wished(&store).await;
    assert_eq!(days, [2]);
}

#[tokio::test]
async fn a_resume_before_anybody_heard_of_the_pause_takes_it_back() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Parallel, 1, DateOrder::Ascending), 2).await;
    advance(&store).await;
    claim(&store).await;
    steer(&store, id, ExecuteType::Pause).await.unwrap();
    steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
    assert_eq!(orders(&store).await, []);
}

#[tokio::test]
async fn it_stops_as_a_whole() {
    let store = store!();
    let (project, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Parallel, 2, DateOrder::Ascending), 4).await;
    advance(&store).await;
    let run = claim(&store).await;
    let other = store.order_backfill(ProjectId(project.0 + 1), id, ExecuteType::Stop, ADMIN, Time(9)).await.unwrap();
    assert_eq!(other, None, "of another project");
    steer(&store, id, ExecuteType::Stop).await.unwrap();
    assert_eq!(orders(&store).await, [(CommandType::Stop, Some(run))], "what nobody has taken never starts");
    assert_eq!(advance(&store).await, 0);
    assert_eq!(dates(&store).await, "0 STARTED, 1 SKIPPED, 2 SKIPPED, 3 SKIPPED");
    let (row, _) = shown(&store).await;
    assert_eq!((row.state, row.end_ms), (BackfillState::Stopped, Some(9)));
    let stopped = Err(Unsteered::State(BackfillState::Stopped));
    assert_eq!(steer(&store, id, ExecuteType::RecoverSuspended).await, stopped);
}

#[tokio::test]
async fn paused_it_takes_back_what_no_master_has_begun() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Parallel, 3, DateOrder::Descending), 4).await;
    advance(&store).await;
    let run = claim(&store).await;
    steer(&store, id, ExecuteType::Pause).await.unwrap();
    assert_eq!(orders(&store).await, [(CommandType::Pause, Some(run))], "the others begin no more");
    assert_eq!(dates(&store).await, "3 STARTED, 2 WAITING, 1 WAITING, 0 WAITING");
    end(&store, run).await;
    assert_eq!(advance(&store).await, 0);
    steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
    assert_eq!((advance(&store).await, wished(&store).await), (3, vec![2, 1, 0]));
}

#[tokio::test]
async fn paused_again_before_a_run_goes_on_it_stays_paused() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Parallel, 1, DateOrder::Ascending), 2).await;
    advance(&store).await;
    let run = claim(&store).await;
    end_as(&store, run, State::Pause).await;
    for wish in [ExecuteType::Pause, ExecuteType::RecoverSuspended, ExecuteType::Pause] {
        steer(&store, id, wish).await.unwrap();
    }
    assert_eq!(orders(&store).await, []);
    assert_eq!(dates(&store).await, "0 STARTED, 1 WAITING");
    steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
    assert_eq!(orders(&store).await, [(CommandType::RecoverSuspended, Some(run))]);
}

/// Whoever comes first, a date either never runs or is told what became of the backfill.
#[tokio::test]
async fn a_master_that_claims_meanwhile_is_told() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    for (wish, order) in [(ExecuteType::Pause, CommandType::Pause), (ExecuteType::Stop, CommandType::Stop)] {
        for _ in 0..5 {
            let id = create(&store, backfill(definition, RunMode::Parallel, 4, DateOrder::Ascending), 4).await;
            advance(&store).await;
            let wishes = store.starts(10).await.unwrap();
            assert_eq!(wishes.len(), 4);
            let claims = wishes.into_iter().map(|wish| store.claim_starts([run_of(wish)].into()));
            let claims = futures::future::join_all(claims);
            let (claimed, steered) = futures::join!(claims, steer(&store, id, wish));
            steered.unwrap();
            let claimed: Vec<InstanceId> = claimed.into_iter().filter_map(|ids| ids.unwrap()[0]).collect();
            let told: Vec<_> = claimed.iter().map(|run| (order, Some(*run))).collect();
            let mut orders = orders(&store).await;
            orders.sort_by_key(|(_, run)| *run);
            assert_eq!(orders, told, "no start is left, and each run is told");
            let started = dates_of(&store, id, Outcome::Started).await;
            assert_eq!(started, claimed.len());
            // Out of the way of the next one.
            for order in store.orders(10).await.unwrap() {
                store.drop_command(order.id).await.unwrap();
            }
            for run in claimed {
                end(&store, run).await;
            }
        }
    }
}

async fn dates_of(store: &Store, id: BackfillId, outcome: Outcome) -> usize {
    use backfill_date::Column;
    let dates = backfill_date::Entity::find().filter(Column::BackfillId.eq(id.0));
    dates.filter(Column::Outcome.eq(outcome.code())).all(store.read()).await.unwrap().len()
}

#[tokio::test]
async fn one_after_the_other_an_older_date_that_failed_when_it_ran_again_halts_the_rest_too() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Serial, 1, DateOrder::Ascending), 4).await;
    advance(&store).await;
    let first = claim(&store).await;
    end(&store, first).await;
    advance(&store).await;
    let second = claim(&store).await;
    end_as(&store, first, State::Running).await;
    end(&store, second).await;
    assert_eq!(advance(&store).await, 0, "the first one runs again");
    assert_eq!(shown(&store).await.0.state, BackfillState::Running);
    end_as(&store, first, State::Failure).await;
    assert_eq!(advance(&store).await, 0);
    let why = format!("the run of 1970-01-01 00:00:00 (process instance {first}) ended as FAILURE");
    assert_eq!(shown(&store).await.0.note, Some(why));
    end(&store, first).await;
    steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
    assert_eq!((advance(&store).await, wished(&store).await), (1, vec![2]));
}

#[tokio::test]
async fn one_after_the_other_a_run_that_goes_on_has_still_to_succeed() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let id = create(&store, backfill(definition, RunMode::Serial, 1, DateOrder::Ascending), 2).await;
    advance(&store).await;
    let run = claim(&store).await;
    steer(&store, id, ExecuteType::Pause).await.unwrap();
    end_as(&store, run, State::Pause).await;
    steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
    for order in store.starts(10).await.unwrap() {
        store.drop_command(order.id).await.unwrap();
    }
    end_as(&store, run, State::Failure).await;
    assert_eq!((advance(&store).await, shown(&store).await.0.state), (0, BackfillState::Paused));
}

#[tokio::test]
async fn one_after_the_other_a_date_whose_run_was_deleted_halts_the_rest() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    create(&store, backfill(definition, RunMode::Serial, 1, DateOrder::Ascending), 2).await;
    advance(&store).await;
    let run = claim(&store).await;
    delete(&store, run).await;
    assert_eq!(advance(&store).await, 0);
    let (row, _) = shown(&store).await;
    let why = "there is no run of 1970-01-01 00:00:00: it has been deleted";
    assert_eq!((row.state, row.note.as_deref()), (BackfillState::Paused, Some(why)));
}

async fn delete(store: &Store, run: InstanceId) {
    store
        .write(move |tx| {
            Box::pin(async move {
                process_instance::Entity::delete_by_id(run.0).exec(tx).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_date_that_is_refused_pauses_the_whole_and_is_not_lost() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    for mode in [RunMode::Serial, RunMode::Parallel] {
        let id = create(&store, backfill(definition, mode, 1, DateOrder::Ascending), 2).await;
        advance(&store).await;
        let wish = store.starts(1).await.unwrap().remove(0);
        store.reject_command(wish.id, format!("it has no tenant{}", "!".repeat(300))).await.unwrap();
        assert_eq!(dates_of(&store, id, Outcome::Waiting).await, 2);
        assert_eq!(advance(&store).await, 0);
        let all = store.backfills(ProjectId(1), None, Page { number: 1, size: 1 }).await.unwrap();
        let row = &all.rows[0].0;
        let note = row.note.clone().unwrap_or_default();
        assert_eq!((row.id, row.state, note.chars().count()), (id, BackfillState::Paused, 255));
        assert!(note.starts_with("the run of 1970-01-01 00:00:00 was refused: it has no tenant!"), "{note}");
        steer(&store, id, ExecuteType::RecoverSuspended).await.unwrap();
        assert_eq!((advance(&store).await, wished(&store).await), (1, vec![0]));
        steer(&store, id, ExecuteType::Stop).await.unwrap();
    }
}

#[tokio::test]
async fn with_one_that_is_refused_the_others_that_nobody_has_begun_wait_again() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    create(&store, backfill(definition, RunMode::Parallel, 3, DateOrder::Ascending), 4).await;
    advance(&store).await;
    claim(&store).await;
    let wish = store.starts(1).await.unwrap().remove(0);
    store.reject_command(wish.id, "it has no tenant".into()).await.unwrap();
    assert_eq!(wished(&store).await, [0; 0]);
    assert_eq!(dates(&store).await, "0 STARTED, 1 WAITING, 2 WAITING, 3 WAITING");
}

/// Of a start that is refused and of its backfill that is steered at the same time, none waits for the other for ever.
#[tokio::test]
async fn it_is_steered_while_its_dates_are_refused() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    for _ in 0..5 {
        let id = create(&store, backfill(definition, RunMode::Parallel, 4, DateOrder::Ascending), 4).await;
        advance(&store).await;
        let wishes = store.starts(10).await.unwrap();
        let refusals = wishes.into_iter().map(|wish| store.reject_command(wish.id, "no".into()));
        let (refused, steered) =
            futures::join!(futures::future::join_all(refusals), steer(&store, id, ExecuteType::Pause));
        refused.into_iter().for_each(|refused| refused.unwrap());
        assert!(steered.is_ok() || steered == Err(Unsteered::State(BackfillState::Paused)), "{steered:?}");
        assert_eq!((dates_of(&store, id, Outcome::Waiting).await, wished(&store).await), (4, vec![]));
    }
}
