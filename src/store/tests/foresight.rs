//! What schedules are going to do is worked out before they are due, and written only if they still stand as they did.

use super::commits::{hold, insert_and_fail};
use super::place::store;
use super::stage::{self, definition, run_of};
use crate::model::{Command, DefinitionId, OverlapPolicy, Priority, ProjectId, ReleaseState, ScheduleId, Time, UserId};
use crate::store::entity::process_instance;
use crate::store::{Begin, Decide, Decision, Fired, Firing, Foreseen, Store, Timetable, Timing};
use sea_orm::EntityTrait;
use std::sync::Arc;

const ADMIN: UserId = UserId(1);
const PROJECT: ProjectId = ProjectId(1);
const DEFINITION: DefinitionId = DefinitionId(1);

fn timing(overlapping: OverlapPolicy) -> Timing {
    Timing { overlapping: Some(overlapping), ..stage::timing("* * * * * ?") }
}

/// So many schedules of the first definition, on line and due at 1000 ms.
async fn schedules(store: &Store, count: usize, overlapping: OverlapPolicy) -> Vec<ScheduleId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let id = store.create_schedule(DEFINITION, ADMIN, timing(overlapping)).await.unwrap().unwrap();
        release(store, id, ReleaseState::Online).await;
        ids.push(id);
    }
    ids
}

async fn release(store: &Store, id: ScheduleId, state: ReleaseState) {
    release_at(store, id, state, 0).await;
}

async fn release_at(store: &Store, id: ScheduleId, state: ReleaseState, now: i64) {
    let next = Arc::new(|_: &_| Some(Time(1000)));
    store.release_schedule(PROJECT, id, state, next, Time(now)).await.unwrap().unwrap();
}

/// The instant at which a schedule is due runs, and it is due again a second later.
fn each_second() -> Decide {
    Arc::new(|schedule| {
        let Some(at) = schedule.next.filter(|at| *at <= Time(1000)) else {
            return Decision { next: schedule.next, ..Decision::default() };
        };
        let firings = vec![Firing { at, missed: 0, runs: true }];
        Decision { firings, next: Some(Time(at.0 + 1000)), offline: None }
    })
}

fn begin(most: usize) -> Begin {
    Begin { most, instance: Arc::new(|wish: &Command| Some(run_of(wish.clone()))) }
}

async fn foresee(store: &Store, ids: &[ScheduleId], most: usize) -> Arc<Foreseen> {
    Arc::new(store.foresee(ids.to_vec(), Time(1000), each_second(), begin(most)).await.unwrap())
}

async fn fire(store: &Store, ids: &[ScheduleId]) -> Fired {
    store.fire(ids.to_vec(), Time(1000), each_second(), begin(1000)).await.unwrap()
}

async fn made(store: &Store) -> usize {
    process_instance::Entity::find().all(store.read()).await.unwrap().len() + store.starts(1000).await.unwrap().len()
}

#[tokio::test]
async fn what_was_foreseen_is_written_at_the_instant_and_not_before() {
    let store = store!();
    definition(&store).await;
    let ids = schedules(&store, 100, OverlapPolicy::Parallel).await;
    let foreseen = foresee(&store, &ids, 90).await;
    assert_eq!((foreseen.begins(), foreseen.left.len(), made(&store).await), (90, 0, 0));
    assert_eq!(store.near(Time(1000), 1000).await.unwrap().len(), 100);
    let fired = store.fire_foreseen(foreseen.clone()).await.unwrap().unwrap();
    assert_eq!((fired.begun.len(), fired.commands, fired.next.len()), (90, 10, 100));
    for (id, new) in &fired.begun {
        let row = process_instance::Entity::find_by_id(id.0).one(store.read()).await.unwrap().unwrap();
        assert_eq!(row.schedule_id.map(ScheduleId), new.command.schedule, "each has the id of its own row");
    }
    assert_eq!(stage::outcomes(&store).await.len(), 100);
    assert_eq!(store.near(Time(5000), 1000).await.unwrap().iter().filter(|near| near.at == Time(2000)).count(), 100);
    assert!(store.fire_foreseen(foreseen).await.unwrap().is_none(), "it is not written twice");
    assert_eq!(made(&store).await, 100);
}

#[tokio::test]
async fn of_many_who_foresaw_it_and_many_who_decide_then_one_writes() {
    let store = store!();
    definition(&store).await;
    let ids = schedules(&store, 3, OverlapPolicy::Parallel).await;
    let mut foreseen = Vec::new();
    for _ in 0..4 {
        foreseen.push(foresee(&store, &ids, 3).await);
    }
    let foresaw = foreseen
        .into_iter()
        .map(|foreseen| async { store.fire_foreseen(foreseen).await.unwrap().map_or(0, |fired| fired.begun.len()) });
    let decide = (0..4).map(|_| async { fire(&store, &ids).await.begun.len() });
    let (foresaw, decide) = tokio::join!(futures::future::join_all(foresaw), futures::future::join_all(decide));
    assert_eq!(foresaw.into_iter().chain(decide).filter(|begun| *begun > 0).collect::<Vec<_>>(), [3]);
    assert_eq!((made(&store).await, stage::outcomes(&store).await.len()), (3, 3));
}

#[tokio::test]
async fn a_schedule_that_was_changed_meanwhile_does_not_fire_as_it_was() {
    let store = store!();
    definition(&store).await;
    let ids = schedules(&store, 2, OverlapPolicy::Parallel).await;
    let stale = foresee(&store, &ids, 2).await;
    release(&store, ids[0], ReleaseState::Offline).await;
    assert!(store.fire_foreseen(stale.clone()).await.unwrap().is_none(), "off line it never fires");
    let urgent = Timing { priority: Some(Priority::Highest), at: Time(1), ..timing(OverlapPolicy::Parallel) };
    store.update_schedule(PROJECT, ids[0], urgent).await.unwrap().unwrap();
    release_at(&store, ids[0], ReleaseState::Online, 2).await;
    assert!(store.fire_foreseen(stale.clone()).await.unwrap().is_none(), "it is due again, but is another one");
    assert_eq!(made(&store).await, 0);
    let fired = store.fire_foreseen(foresee(&store, &ids, 2).await).await.unwrap().unwrap();
    assert_eq!(fired.begun[0].1.command.priority, Priority::Highest);
}

#[tokio::test]
async fn with_its_definition_off_line_or_itself_deleted_nothing_fires() {
    let store = store!();
    definition(&store).await;
    let ids = schedules(&store, 1, OverlapPolicy::Parallel).await;
    let foreseen = foresee(&store, &ids, 1).await;
    assert!(store.release_definition(PROJECT, DEFINITION, ReleaseState::Offline, Time(0)).await.unwrap());
    assert!(store.fire_foreseen(foreseen.clone()).await.unwrap().is_none());
    store.delete_schedule(PROJECT, ids[0], ADMIN).await.unwrap().unwrap();
    assert!(store.fire_foreseen(foreseen).await.unwrap().is_none());
    assert_eq!(made(&store).await, 0);
    assert!(!foresee(&store, &ids, 1).await.is_any());
}

#[tokio::test]
async fn what_depends_on_the_very_moment_is_left() {
    let store = store!();
    definition(&store).await;
    let alone = schedules(&store, 2, OverlapPolicy::Skip).await;
    let free = schedules(&store, 2, OverlapPolicy::Parallel).await;
    let all: Vec<_> = alone.iter().chain(&free).copied().collect();
    let foreseen = foresee(&store, &all, 4).await;
    assert_eq!((&foreseen.left, foreseen.begins()), (&alone, 2));
    let unreadable: Decide =
        Arc::new(|_| Decision { offline: Some("it cannot be read".into()), ..Decision::default() });
    let foreseen = store.foresee(free.clone(), Time(1000), unreadable, begin(2)).await.unwrap();
    assert_eq!((foreseen.left, made(&store).await), (free, 0));
}

#[tokio::test]
async fn where_nothing_is_due_any_more_nothing_is_written() {
    let store = store!();
    definition(&store).await;
    let ids = schedules(&store, 2, OverlapPolicy::Parallel).await;
    fire(&store, &ids).await;
    let late = foresee(&store, &ids, 2).await;
    let before = *store.changed().borrow();
    let fired = store.fire_foreseen(late).await.unwrap().unwrap();
    assert_eq!((fired.begun.len(), fired.commands), (0, 0));
    assert_eq!(fired.next.iter().map(|near| near.at).collect::<Vec<_>>(), [Time(2000); 2], "but when they are is told");
    assert_eq!(*store.changed().borrow(), before);
}

#[tokio::test]
async fn a_definition_that_is_drawn_anew_while_on_line_is_not_run_as_it_was() {
    let store = store!();
    definition(&store).await;
    let ids = schedules(&store, 1, OverlapPolicy::Parallel).await;
    let foreseen = foresee(&store, &ids, 1).await;
    assert_eq!(foreseen.drawn.keys().copied().collect::<Vec<_>>(), [DEFINITION]);
    stage::draw(&store, DEFINITION, "{}").await;
    assert!(store.fire_foreseen(foreseen).await.unwrap().is_none());
    assert_eq!(made(&store).await, 0);
}

#[tokio::test]
async fn who_is_off_line_when_it_is_foreseen_may_be_on_line_at_the_instant() {
    let store = store!();
    definition(&store).await;
    let ids = schedules(&store, 2, OverlapPolicy::Parallel).await;
    release(&store, ids[0], ReleaseState::Offline).await;
    let foreseen = foresee(&store, &ids, 2).await;
    assert_eq!((&foreseen.left[..], foreseen.begins()), (&ids[..1], 1));
}

/// A job beside it fails, so that both are written once more, each by itself.
#[tokio::test]
async fn what_was_foreseen_is_written_although_its_first_try_is_taken_back() {
    let store = store!();
    definition(&store).await;
    let ids = schedules(&store, 100, OverlapPolicy::Parallel).await;
    let foreseen = foresee(&store, &ids, 100).await;
    let release = hold(&store).await;
    let both = async { tokio::join!(store.fire_foreseen(foreseen), store.write(insert_and_fail("bad"))) };
    let ((), (fired, failed)) = tokio::join!(async { drop(release) }, both);
    assert!(failed.is_err());
    let fired = fired.unwrap().unwrap();
    assert_eq!((fired.begun.len(), made(&store).await, stage::outcomes(&store).await.len()), (100, 100, 100));
}
