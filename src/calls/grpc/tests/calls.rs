//! Calls that are tied to no stream.

use super::member::{Setup, member, registry};
use super::{attempt, credentials, holder, masters, ours, pool, soon};
use crate::calls::grpc::{AnyMaster, EveryBell, OtherMasters, Pool};
use crate::calls::{
    Beat, Bell, Colleagues, Failure, LocalBell, MasterMail, Registrar, Report, SignIn, Standing, ToWorker, What,
};
use crate::model::{DefinitionId, InstanceId, Tag};
use crate::registry::Role;
use std::sync::Arc;

/// Nobody listens there.
const NOBODY: ([u8; 4], u16) = ([127, 0, 0, 1], 1);

fn beat() -> Beat {
    Beat { holder: holder(1), after: 4, lease_ms: 10_000 }
}

fn report() -> Report {
    Report { instance: InstanceId(1), tag: Tag(2), what: What::NotHere }
}

#[tokio::test]
async fn a_worker_reaches_the_database_through_a_master() {
    let master = Setup::default().serve().await;
    let (registry, _joined) = registry([master.member()]).await;
    let registrar = AnyMaster::new(pool(), masters(&registry));
    let who = SignIn { holder: holder(1), host: "h".into(), address: None, pid: 7, lease_ms: 10_000 };
    let lives = Standing::Lives { beat: 1, moved: true };
    assert_eq!(registrar.sign_in(who.clone()).await.unwrap(), lives);
    assert_eq!(registrar.beat(beat()).await.unwrap(), lives);
    assert_eq!(*master.register.asked.lock().unwrap(), [format!("{who:?}"), format!("{:?}", beat())]);
}

#[tokio::test]
async fn the_answers_of_the_database_come_through() {
    let answers: [fn() -> Result<Standing, Failure>; 6] = [
        || Ok(Standing::Fenced),
        || Ok(Standing::Superseded),
        || Ok(Standing::Unknown),
        || Err(Failure::Unavailable("no database".into())),
        || Err(Failure::Refused("not you".into())),
        || Err(Failure::Unreachable("too late".into())),
    ];
    for answer in answers {
        let master = Setup { answer, ..Setup::default() }.serve().await;
        let (registry, _joined) = registry([master.member()]).await;
        let told = AnyMaster::new(pool(), masters(&registry)).beat(beat()).await;
        assert_eq!(format!("{told:?}"), format!("{:?}", answer()));
    }
}

#[tokio::test]
async fn masters_are_asked_until_one_can_do_it_and_that_one_first_the_next_time() {
    let broken = Setup { start: "m2", answer: || Err(Failure::Unavailable("no database".into())), ..Setup::default() };
    let (broken, good) = (broken.serve().await, Setup { start: "m3", ..Setup::default() }.serve().await);
    let nobody = member(Role::Master, "m1", "h", NOBODY.into());
    let (registry, joined) = registry([nobody, broken.member(), good.member()]).await;
    let registrar = AnyMaster::new(pool(), masters(&registry));
    for _ in 0..5 {
        assert_eq!(registrar.beat(beat()).await.unwrap(), Standing::Lives { beat: 1, moved: true });
    }
    assert_eq!(good.register.asked.lock().unwrap().len(), 5);
    assert!(broken.register.asked.lock().unwrap().len() <= 1);

    good.leave().await;
    let why = registrar.beat(beat()).await.unwrap_err();
    assert!(matches!(why, Failure::Unreachable(_)), "one may have done it: {why}");
    drop(joined);
    let why = registrar.beat(beat()).await.unwrap_err().to_string();
    assert_eq!(why, "no answer: no master is known");
}

#[tokio::test]
async fn a_restarted_master_is_called_without_a_failure() {
    let master = Setup::default().serve().await;
    let (registry, _joined) = registry([master.member()]).await;
    let registrar = AnyMaster::new(pool(), masters(&registry));
    let address = master.address;
    registrar.beat(beat()).await.unwrap();
    master.leave().await;
    registrar.beat(beat()).await.unwrap_err();
    let _again = Setup { listen: address, ..Setup::default() }.serve().await;
    registrar.beat(beat()).await.unwrap();
}

#[tokio::test]
async fn who_has_another_secret_is_refused_and_told_so() {
    let master = Setup::default().serve().await;
    let (registry, _joined) = registry([master.member()]).await;
    let registrar = AnyMaster::new(Pool::new(credentials("another secret")), masters(&registry));
    let why = registrar.beat(beat()).await.unwrap_err();
    assert!(matches!(&why, Failure::Refused(why) if why.contains("cluster.secret")), "{why:?}");
    assert!(master.register.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn letters_go_to_the_owner_and_wishes_to_all_others() {
    let (mut own, mut second, mut third) = (
        Setup::default().serve().await,
        Setup { start: "m2", ..Setup::default() }.serve().await,
        Setup { start: "m3", ..Setup::default() }.serve().await,
    );
    let nobody = member(Role::Master, "m0", "h", NOBODY.into());
    let (registry, _joined) = registry([nobody, own.member(), second.member(), third.member()]).await;
    let others = OtherMasters::new(pool(), masters(&registry), "m1".into());

    others.letter("m0", holder(1), report());
    others.letter("nobody", holder(1), report());
    others.letter("m2", holder(1), report());
    match second.next().await {
        MasterMail::Letter { from, report: what } => assert_eq!((from, what), (holder(1), report())),
        other => panic!("{other:?}"),
    }
    let attempt = attempt();
    others.pass("w9", ToWorker::Ask { attempt });
    for master in [&mut second, &mut third] {
        match master.next().await {
            MasterMail::Pass { worker, what: ToWorker::Ask { attempt: asked } } => {
                assert_eq!((worker.as_str(), asked), ("w9", attempt));
            }
            other => panic!("{other:?}"),
        }
    }
    others.ended(vec![DefinitionId(3), DefinitionId(5)]);
    for master in [&mut second, &mut third] {
        match master.next().await {
            MasterMail::Ended { definitions } => assert_eq!(definitions, [DefinitionId(3), DefinitionId(5)]),
            other => panic!("{other:?}"),
        }
    }
    assert!(own.mail.try_recv().is_err());
}

#[tokio::test]
async fn a_letter_for_a_former_master_is_not_taken_by_its_successor() {
    let mut successor = Setup { start: "m2", ..Setup::default() }.serve().await;
    let former = member(Role::Master, "m1", "h", successor.address);
    let (registry, _joined) = registry([former, successor.member()]).await;
    let others = OtherMasters::new(pool(), masters(&registry), "m0".into());
    others.letter("m1", holder(1), report());
    others.letter("m2", holder(2), report());
    assert!(matches!(successor.next().await, MasterMail::Letter { from, .. } if from == holder(2)));
    assert!(successor.mail.try_recv().is_err());
}

#[tokio::test]
async fn a_flood_of_letters_never_makes_its_sender_wait_and_does_not_break_the_line() {
    let mut master = Setup { start: "m2", ..Setup::default() }.serve().await;
    let (registry, _joined) = registry([master.member()]).await;
    let others = OtherMasters::new(pool(), masters(&registry), "m1".into());
    // Far more than are under way at once.
    (0..10_000).for_each(|_| others.letter("m2", holder(1), report()));
    assert!(matches!(master.next().await, MasterMail::Letter { .. }));
    while !matches!(master.next().await, MasterMail::Letter { from, .. } if from == holder(2)) {
        others.letter("m2", holder(2), report());
    }
}

#[tokio::test]
async fn a_ring_is_heard_at_every_master() {
    let (first, second) = (Setup::default().serve().await, Setup { start: "m2", ..Setup::default() }.serve().await);
    let nobody = member(Role::Master, "m0", "h", NOBODY.into());
    let (registry, mut joined) = registry([nobody, first.member(), second.member()]).await;
    let bell = EveryBell::new(None, pool(), masters(&registry), "api".into());
    for _ in 0..3 {
        bell.ring();
        first.rung().await;
        second.rung().await;
    }
    let third = Setup { start: "m3", ..Setup::default() }.serve().await;
    joined.push(registry.join(third.member()).await);
    bell.ring();
    third.rung().await;
}

#[tokio::test]
async fn the_bell_of_this_process_rings_at_once_and_without_a_network() {
    let (registry, _joined) = registry([member(Role::Master, "m1", "h", NOBODY.into())]).await;
    let local = Arc::new(LocalBell::default());
    let bell = EveryBell::new(Some(local.clone()), pool(), masters(&registry), "m1".into());
    bell.ring();
    soon(local.rung()).await;
    bell.ring();
    soon(bell.rung()).await;
}

#[tokio::test]
async fn credentials_show_no_secret() {
    assert_eq!(format!("{:?}", ours()), "Credentials { key: Key, tls: None }");
}
