//! Firings that become instances at once, and what is worked out for them beforehand.

use super::*;

/// What can be started.
const DOCUMENT: &str = r#"{"tasks": [{"id": "n", "name": "n", "type": "SHELL", "params": {"rawScript": "true"}}],
    "globalParams": [{"prop": "day", "direct": "IN", "type": "VARCHAR", "value": "${system.biz.date}"}]}"#;

/// Something else that can be.
const ANEW: &str = r#"{"tasks": [{"id": "n", "name": "anew", "type": "SHELL", "params": {"rawScript": "true"}}]}"#;

#[tokio::test]
async fn where_there_is_a_place_the_instance_is_made_at_once() {
    let mut site = Site::open().await;
    stage::draw(&site.timetable.store, site.definition, DOCUMENT).await;
    let first = site.schedule(MisfirePolicy::FireOnce).await;
    site.schedule(MisfirePolicy::FireOnce).await;
    let (places, mut there) = site.with_places(1);
    site.pass(10 * MINUTE).await;
    assert_eq!(site.told().await, (vec!["12:10 STARTED".to_owned(); 2], vec!["12:10".to_owned()]));
    let Begun { instances, places: held } = there.try_recv().unwrap();
    let [Claimed::New(loaded)] = instances.as_slice() else { panic!("one instance, with all that is known of it") };
    let store = &site.timetable.store;
    let read = store.load(loaded.id).await.unwrap();
    assert_eq!(format!("{loaded:?}"), format!("{read:?}"), "as if it had been read");
    assert_eq!((read.schedule_time, read.globals.contains("20231114")), (Some(at(12, 10)), true), "{}", read.globals);
    assert_eq!(store.live_instances().await.unwrap()[0].owner.as_deref(), Some("me"));
    assert_eq!(places.free(), 0);
    drop(held);
    assert_eq!(places.free(), 1);
    assert_eq!(store.starts(10).await.unwrap().iter().filter(|wish| wish.schedule == Some(first)).count(), 0);
}

#[tokio::test]
async fn what_cannot_be_started_goes_by_a_command_although_there_is_a_place() {
    let mut site = Site::open().await;
    stage::draw(&site.timetable.store, site.definition, r#"{"tasks": []}"#).await;
    site.schedule(MisfirePolicy::FireOnce).await;
    let (places, _there) = site.with_places(1);
    site.pass(10 * MINUTE).await;
    assert_eq!((site.told().await.1, places.free()), (vec!["12:10".to_owned()], 1));
}

/// A schedule of ten past twelve, a tenth of a second before: it is worked out already what will be written.
async fn a_moment_before() -> (Site, ScheduleId, Arc<Places>, UnboundedReceiver<Begun>) {
    let mut site = Site::open().await;
    stage::draw(&site.timetable.store, site.definition, DOCUMENT).await;
    let id = site.schedule(MisfirePolicy::FireOnce).await;
    let (places, there) = site.with_places(1);
    site.pass(Duration::from_millis(299_900)).await;
    assert!(site.timer.foreseen.as_ref().is_some_and(|it| it.at == at(12, 10) && it.portions.len() == 1));
    assert_eq!(site.told().await, (vec![], vec![]));
    (site, id, places, there)
}

fn only(there: &mut UnboundedReceiver<Begun>) -> Loaded {
    let begun = there.try_recv().unwrap();
    let mut instances = begun.instances.into_iter();
    let (Some(Claimed::New(loaded)), None) = (instances.next(), instances.next()) else { panic!("one instance") };
    *loaded
}

#[tokio::test]
async fn what_was_worked_out_beforehand_is_written_at_the_instant() {
    let (mut site, _, _, mut there) = a_moment_before().await;
    site.pass(Duration::from_millis(103)).await;
    let loaded = only(&mut there);
    assert_eq!((loaded.schedule_time, loaded.started_at), (Some(at(12, 10)), at(12, 10)));
    assert_eq!(format!("{loaded:?}"), format!("{:?}", site.timetable.store.load(loaded.id).await.unwrap()));
    assert_eq!(site.told().await, (vec!["12:10 STARTED".to_owned()], vec![]));
}

#[tokio::test]
async fn if_the_schedule_has_changed_since_it_fires_as_it_is() {
    let (mut site, id, _, mut there) = a_moment_before().await;
    let (store, now) = (site.timetable.store.clone(), site.clock.now());
    let next: crate::store::Next = Arc::new(|_| Some(at(12, 10)));
    let release = |state| store.release_schedule(ProjectId(1), id, state, next.clone(), now);
    release(ReleaseState::Offline).await.unwrap().unwrap();
    let urgent = Timing { priority: Some(Priority::Highest), ..stage::timing("0 0/10 * * * ?") };
    store.update_schedule(ProjectId(1), id, urgent).await.unwrap().unwrap();
    release(ReleaseState::Online).await.unwrap().unwrap();
    site.pass(Duration::from_millis(100)).await;
    assert_eq!(only(&mut there).priority, Priority::Highest);
}

#[tokio::test]
async fn who_comes_late_to_it_dates_the_run_anew() {
    let (mut site, _, _, mut there) = a_moment_before().await;
    site.pass(Duration::from_millis(700)).await;
    let loaded = only(&mut there);
    assert_eq!((loaded.schedule_time, loaded.started_at), (Some(at(12, 10)), site.clock.now()));
}

#[tokio::test]
async fn if_the_place_is_taken_meanwhile_a_command_is_left() {
    let (mut site, _, places, mut there) = a_moment_before().await;
    places.take(1);
    site.pass(Duration::from_millis(100)).await;
    assert!(there.try_recv().is_err());
    assert_eq!(site.told().await, (vec!["12:10 STARTED".to_owned()], vec!["12:10".to_owned()]));
}

#[tokio::test]
async fn a_definition_that_was_drawn_anew_since_runs_as_it_is() {
    let (mut site, _, _, mut there) = a_moment_before().await;
    stage::draw(&site.timetable.store, site.definition, ANEW).await;
    site.pass(Duration::from_millis(100)).await;
    assert!(only(&mut there).document.contains("anew"));
}

#[tokio::test]
async fn who_came_on_line_since_fires_beside_those_that_were_foreseen() {
    let (mut site, _, _, mut there) = a_moment_before().await;
    let late = site.schedule(MisfirePolicy::FireOnce).await;
    site.clock.advance(Duration::from_millis(20));
    // It is looked at although an instant is near.
    site.timer.look().await.unwrap();
    site.pass(Duration::from_millis(80)).await;
    assert_eq!(only(&mut there).schedule_time, Some(at(12, 10)));
    let commands = site.timetable.store.starts(10).await.unwrap();
    assert_eq!(commands.iter().filter_map(|wish| wish.schedule).collect::<Vec<_>>(), [late], "there was one place");
}

#[tokio::test]
async fn what_was_worked_out_before_the_clock_was_set_back_is_not_written_an_hour_later() {
    let (mut site, id, _, mut there) = a_moment_before().await;
    site.clock.set(at(11, 10));
    site.pass(59 * MINUTE + Duration::from_millis(59_900)).await;
    assert!(there.try_recv().is_err());
    let made = site.timer.foreseen.as_ref().unwrap().made;
    assert!(site.clock.boot() - made <= EARLY, "it was worked out anew");
    site.pass(Duration::from_millis(100)).await;
    assert_eq!(only(&mut there).started_at, at(12, 10));
    assert_eq!(site.told().await.0, ["12:10 STARTED"], "{id}");
}
