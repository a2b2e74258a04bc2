//! Schedules become due: once, whatever happens, and as their policies say.

use super::place::store;
use super::stage::{self, claim, definition, end, run_of};
use crate::model::{
    Command, CommandType, DefinitionId, OverlapPolicy, ProjectId, ReleaseState, ScheduleId, Time, UserId,
};
use crate::store::entity::{process_definition, process_instance};
use crate::store::{Begin, Decide, Decision, Firing, Store, Timetable, Timing, Unmoved};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::sync::Arc;

const ADMIN: UserId = UserId(1);

fn timing(overlapping: OverlapPolicy) -> Timing {
    Timing { overlapping: Some(overlapping), ..stage::timing("0 * * * * ?") }
}

/// A schedule that is on line and due at 1000 ms.
async fn schedule(store: &Store, overlapping: OverlapPolicy) -> (ProjectId, DefinitionId, ScheduleId) {
    let (project, definition) = definition(store).await;
    let id = store.create_schedule(definition, ADMIN, timing(overlapping)).await.unwrap().unwrap();
    release(store, project, id, ReleaseState::Online).await.unwrap();
    (project, definition, id)
}

async fn release(store: &Store, project: ProjectId, id: ScheduleId, state: ReleaseState) -> Result<(), Unmoved> {
    store.release_schedule(project, id, state, Arc::new(|_| Some(Time(1000))), Time(0)).await.unwrap()
}

/// These instants run, and a second after the last one it is due again.
fn at(instants: &[i64]) -> Decide {
    let firings: Vec<Firing> = instants.iter().map(|at| Firing { at: Time(*at), missed: 0, runs: true }).collect();
    let next = instants.last().map(|at| Time(at + 1000));
    Arc::new(move |_| Decision { firings: firings.clone(), next, offline: None })
}

async fn fire(store: &Store, id: ScheduleId, instants: &[i64]) -> usize {
    store.fire(vec![id], Time(9000), at(instants), Begin::nothing()).await.unwrap().commands
}

async fn outcomes(store: &Store) -> String {
    let told = super::stage::outcomes(store).await;
    told.into_iter().map(|(at, outcome, _)| format!("{} {outcome}", at.0)).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn an_instant_becomes_one_command_whoever_asks_and_however_often() {
    let store = store!();
    let (.., definition, id) = schedule(&store, OverlapPolicy::Parallel).await;
    let near = store.near(Time(5000), 10).await.unwrap();
    assert_eq!(near.iter().map(|near| (near.schedule, near.at)).collect::<Vec<_>>(), [(id, Time(1000))]);
    let all = futures::future::join_all((0..8).map(|_| fire(&store, id, &[1000, 2000]))).await;
    assert_eq!(all.iter().sum::<usize>(), 2);
    let commands = store.starts(10).await.unwrap();
    let told = |wish: &Command| (wish.kind, wish.definition, wish.schedule, wish.schedule_time, wish.created_at);
    let expected = [1000, 2000].map(|at| (CommandType::Scheduler, definition, Some(id), Some(Time(at)), Time(9000)));
    assert_eq!(commands.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(store.near(Time(3000), 10).await.unwrap()[0].at, Time(3000));
    let instance = claim(&store).await;
    let row = process_instance::Entity::find_by_id(instance.0).one(store.read()).await.unwrap().unwrap();
    assert_eq!((row.schedule_id, row.schedule_time), (Some(id.0), Some(crate::store::utc(Time(1000)))));
}

#[tokio::test]
async fn set_back_and_put_on_line_again_it_does_not_repeat_an_instant() {
    let store = store!();
    let (project, _, id) = schedule(&store, OverlapPolicy::Parallel).await;
    assert_eq!(fire(&store, id, &[1000, 2000]).await, 2);
    release(&store, project, id, ReleaseState::Offline).await.unwrap();
    release(&store, project, id, ReleaseState::Online).await.unwrap();
    assert_eq!(fire(&store, id, &[1000, 2000, 3000]).await, 1);
    assert_eq!(outcomes(&store).await, "1000 STARTED, 2000 STARTED, 3000 STARTED");
}

#[tokio::test]
async fn off_line_it_never_fires() {
    let store = store!();
    let (project, definition, id) = schedule(&store, OverlapPolicy::Wait).await;
    assert_eq!(fire(&store, id, &[1000, 2000]).await, 1);
    let instance = claim(&store).await;
    release(&store, project, id, ReleaseState::Offline).await.unwrap();
    assert!(store.near(Time(i64::MAX - 1), 10).await.unwrap().is_empty());
    assert_eq!(fire(&store, id, &[3000]).await, 0);
    end(&store, instance).await;
    assert_eq!(store.start_waiting(Time(9000)).await.unwrap(), 0);
    assert_eq!(outcomes(&store).await, "1000 STARTED, 2000 SKIPPED");
    // Of a definition that went off line behind its back (EasyScheduler 1.0.1, known defects E1 and E2).
    release(&store, project, id, ReleaseState::Online).await.unwrap();
    store
        .write(move |tx| {
            Box::pin(async move {
                let off = process_definition::Entity::update_many()
                    .col_expr(process_definition::Column::ReleaseState, Expr::value(0));
                off.filter(process_definition::Column::Id.eq(definition.0)).exec(tx).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    assert_eq!(fire(&store, id, &[4000]).await, 0);
    assert!(store.near(Time(i64::MAX - 1), 10).await.unwrap().is_empty());
    assert_eq!(release(&store, project, id, ReleaseState::Online).await, Err(Unmoved::Definition));
}

#[tokio::test]
async fn waiting_instants_start_one_by_one_in_their_order() {
    let store = store!();
    let (.., id) = schedule(&store, OverlapPolicy::Wait).await;
    assert_eq!(fire(&store, id, &[1000, 2000, 3000]).await, 1);
    assert_eq!(outcomes(&store).await, "1000 STARTED, 2000 WAITING, 3000 WAITING");
    assert_eq!(store.start_waiting(Time(9000)).await.unwrap(), 0, "the first is a command still");
    for expected in [1000, 2000, 3000] {
        let instance = claim(&store).await;
        let row = process_instance::Entity::find_by_id(instance.0).one(store.read()).await.unwrap().unwrap();
        assert_eq!(row.schedule_time, Some(crate::store::utc(Time(expected))));
        assert_eq!(store.start_waiting(Time(9000)).await.unwrap(), 0, "it runs");
        end(&store, instance).await;
        let both = futures::future::join(store.start_waiting(Time(9000)), store.start_waiting(Time(9000))).await;
        assert_eq!(both.0.unwrap() + both.1.unwrap(), usize::from(expected < 3000));
    }
}

#[tokio::test]
async fn while_its_run_lives_looking_at_what_waits_writes_nothing() {
    let store = store!();
    let (project, _, id) = schedule(&store, OverlapPolicy::Wait).await;
    fire(&store, id, &[1000, 2000]).await;
    let commits = store.changed();
    let look = async || (store.start_waiting(Time(9000)).await.unwrap(), *commits.borrow());
    let before = *commits.borrow();
    assert_eq!(look().await, (0, before), "it is about to begin");
    let instance = claim(&store).await;
    let before = *commits.borrow();
    assert_eq!(look().await, (0, before), "it runs");
    // Taken off line, what waits is given up although it still runs.
    release(&store, project, id, ReleaseState::Offline).await.unwrap();
    assert_eq!(look().await.0, 0);
    assert_eq!(outcomes(&store).await, "1000 STARTED, 2000 SKIPPED");
    end(&store, instance).await;
}

#[tokio::test]
async fn skip_leaves_out_what_comes_while_one_runs() {
    let store = store!();
    let (.., id) = schedule(&store, OverlapPolicy::Skip).await;
    assert_eq!(fire(&store, id, &[1000, 2000]).await, 1);
    let instance = claim(&store).await;
    assert_eq!(fire(&store, id, &[3000]).await, 0);
    end(&store, instance).await;
    assert_eq!(fire(&store, id, &[4000]).await, 1);
    assert_eq!(outcomes(&store).await, "1000 STARTED, 2000 SKIPPED, 3000 SKIPPED, 4000 STARTED");
}

#[tokio::test]
async fn replace_stops_what_runs_and_drops_what_waits() {
    let store = store!();
    let (.., id) = schedule(&store, OverlapPolicy::Replace).await;
    assert_eq!(fire(&store, id, &[1000]).await, 1);
    let instance = claim(&store).await;
    assert_eq!(fire(&store, id, &[2000]).await, 1, "a stop");
    let orders = store.orders(10).await.unwrap();
    assert_eq!((orders[0].kind, orders[0].instance), (CommandType::Stop, Some(instance)));
    fire(&store, id, &[3000]).await;
    assert_eq!(outcomes(&store).await, "1000 STARTED, 2000 SKIPPED, 3000 WAITING");
    end(&store, instance).await;
    for order in store.orders(10).await.unwrap() {
        store.drop_command(order.id).await.unwrap();
    }
    assert_eq!(store.start_waiting(Time(9000)).await.unwrap(), 1);
    let start = store.starts(10).await.unwrap();
    assert_eq!(start.iter().map(|wish| wish.schedule_time).collect::<Vec<_>>(), [Some(Time(3000))]);
    // A command that nobody has taken is replaced without a trace but its row.
    fire(&store, id, &[4000]).await;
    let start = store.starts(10).await.unwrap();
    assert_eq!(start.iter().map(|wish| wish.schedule_time).collect::<Vec<_>>(), [Some(Time(4000))]);
}

#[tokio::test]
async fn what_has_a_place_begins_in_the_transaction_that_fires_it() {
    let store = store!();
    let mut ids = Vec::new();
    for _ in 0..100 {
        let (.., id) = schedule(&store, OverlapPolicy::Skip).await;
        ids.push(id);
    }
    // No instance can be made of one of them.
    let odd = ids[50];
    let instance = move |wish: &Command| Some(run_of(wish.clone())).filter(|new| new.command.schedule != Some(odd));
    let begin = Begin { most: 90, instance: Arc::new(instance) };
    let fired = store.fire(ids.clone(), Time(9000), at(&[1000]), begin.clone()).await.unwrap();
    assert_eq!((fired.begun.len(), fired.commands, fired.next.len()), (90, 10, 100));
    // Each has the id of its own row, and is a run of its schedule.
    for (id, new) in &fired.begun {
        let row = process_instance::Entity::find_by_id(id.0).one(store.read()).await.unwrap().unwrap();
        assert_eq!(row.schedule_id.map(ScheduleId), new.command.schedule);
        assert_eq!(row.schedule_time, Some(crate::store::utc(Time(1000))));
    }
    let left: Vec<_> = store.starts(100).await.unwrap().into_iter().filter_map(|wish| wish.schedule).collect();
    let expected: Vec<_> = ids.iter().copied().filter(|id| *id == odd || *id > ids[90]).collect();
    assert_eq!(left, expected);
    // What was decided is not decided again, and what runs is seen to run.
    let again = store.fire(ids.clone(), Time(9000), at(&[1000, 2000]), begin).await.unwrap();
    assert_eq!((again.begun.len(), again.commands), (0, 0));
}

#[tokio::test]
async fn many_fire_in_one_transaction() {
    let store = store!();
    let (_, definition) = definition(&store).await;
    let project = ProjectId(1);
    let mut ids = Vec::new();
    for _ in 0..40 {
        let id = store.create_schedule(definition, ADMIN, timing(OverlapPolicy::Parallel)).await.unwrap().unwrap();
        release(&store, project, id, ReleaseState::Online).await.unwrap();
        ids.push(id);
    }
    let instants: Vec<i64> = (1..=30).map(|second| second * 1000).collect();
    let fired = store.fire(ids, Time(40_000), at(&instants), Begin::nothing()).await.unwrap();
    assert_eq!((fired.commands, fired.next.len()), (1200, 40));
    assert_eq!(store.starts(5000).await.unwrap().len(), 1200);
    assert_eq!(store.forget_firings(Time(40_001), 5000).await.unwrap(), 1200);
}
