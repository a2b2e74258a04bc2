//! Starts become instances: many in one write, each once.

use super::place::store;
use super::stage::run_of;
use crate::model::{Command, CommandId, CommandType, DefinitionId, InstanceId, UserId};
use crate::store::entity::process_instance;
use crate::store::{NewInstance, Store};
use sea_orm::EntityTrait;
use std::collections::HashSet;
use std::sync::Arc;

/// Starts that differ in their parameters.
async fn starts(store: &Store, count: i32) -> Vec<Command> {
    let mut starts = Vec::new();
    for number in 0..count {
        let wish = Command { param: format!("{{\"n\":{number}}}"), ..Command::start(DefinitionId(1), UserId(1)) };
        let id = store.insert_command(wish.clone()).await.unwrap();
        starts.push(Command { id, ..wish });
    }
    starts
}

fn instances(starts: &[Command]) -> Arc<[NewInstance]> {
    starts.iter().cloned().map(run_of).collect()
}

async fn param(store: &Store, id: InstanceId) -> Option<String> {
    process_instance::Entity::find_by_id(id.0).one(store.read()).await.unwrap().unwrap().command_param
}

#[tokio::test]
async fn each_start_is_told_the_id_of_its_own_instance() {
    let store = store!();
    let starts = starts(&store, 150).await;
    store.drop_command(starts[70].id).await.unwrap();
    let ids = store.claim_starts(instances(&starts)).await.unwrap();
    for (number, (start, id)) in starts.iter().zip(&ids).enumerate() {
        match (number, id) {
            (70, id) => assert_eq!(*id, None),
            (_, id) => assert_eq!(param(&store, id.unwrap()).await, Some(start.param.clone())),
        }
    }
    assert!(store.starts(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_masters_that_claim_the_same_one_gets_each() {
    let store = store!();
    let mut starts = starts(&store, 60).await;
    let forward = instances(&starts);
    starts.reverse();
    let backward = instances(&starts);
    let claims = (0..6).map(|number| store.claim_starts(if number % 2 == 0 { &forward } else { &backward }.clone()));
    let claimed: Vec<InstanceId> =
        futures::future::join_all(claims).await.into_iter().flat_map(|ids| ids.unwrap()).flatten().collect();
    assert_eq!(claimed.len(), 60);
    let mut params = HashSet::new();
    for id in claimed {
        params.insert(param(&store, id).await.unwrap());
    }
    assert_eq!(params.len(), 60);
}

#[tokio::test]
async fn a_start_that_cannot_be_made_leaves_all_as_they_were() {
    let store = store!();
    let starts = starts(&store, 3).await;
    let mut claims: Vec<NewInstance> = starts.iter().cloned().map(run_of).collect();
    // Servers hold no longer name; a file holds any.
    claims[1].name = "n".repeat(300);
    let claimed = store.claim_starts(claims.into()).await;
    let left: Vec<CommandId> = store.starts(10).await.unwrap().into_iter().map(|start| start.id).collect();
    match claimed {
        Ok(ids) => assert_eq!((ids.iter().flatten().count(), left.len()), (3, 0)),
        Err(_) => assert_eq!(left, starts.iter().map(|start| start.id).collect::<Vec<_>>()),
    }
}

#[tokio::test]
async fn a_refused_start_goes_to_the_error_table_and_is_claimed_no_more() {
    let store = store!();
    let starts = starts(&store, 2).await;
    store.reject_command(starts[0].id, "it is a test".into()).await.unwrap();
    let ids = store.claim_starts(instances(&starts)).await.unwrap();
    assert_eq!(ids.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    let row = process_instance::Entity::find_by_id(ids[1].unwrap().0).one(store.read()).await.unwrap().unwrap();
    assert_eq!(row.command_type, Some(CommandType::StartProcess.code()));
}
