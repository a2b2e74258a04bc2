//! Who is there, and how what they need is: for people to look at.

use crate::api::call::Call;
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{DatabaseState, Server, ZookeeperState};
use crate::registry::{self, Role};
use crate::zookeeper;

impl From<registry::Error> for Failure {
    fn from(error: registry::Error) -> Failure {
        Failure::Generic(error.to_string())
    }
}

/// `process/master/list`, `monitor/master/list`
pub async fn masters(call: Call) -> Outcome<Vec<Server>> {
    servers(&call, Role::Master).await
}

/// `process/worker/list`, `monitor/worker/list`
pub async fn workers(call: Call) -> Outcome<Vec<Server>> {
    servers(&call, Role::Worker).await
}

async fn servers(call: &Call, role: Role) -> Outcome<Vec<Server>> {
    let servers: Vec<Server> = call.shared.muster.servers(role).await?.into_iter().map(Server::from).collect();
    Reply::data(&servers)
}

/// `monitor/database`
pub async fn database(call: Call) -> Outcome<Vec<DatabaseState>> {
    Reply::data(&vec![DatabaseState::from(call.store().pulse().await?)])
}

/// `monitor/zookeeper/list`: nobody, if nothing but this process is there.
pub async fn zookeeper(call: Call) -> Outcome<Vec<ZookeeperState>> {
    let states = zookeeper::states(&call.shared.settings.zookeeper).await;
    let states: Vec<ZookeeperState> = states.into_iter().map(ZookeeperState::from).collect();
    Reply::data(&states)
}
