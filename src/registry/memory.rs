//! The registry of one process.

use super::{Member, Membership, Registry, Role};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

#[derive(Clone, Default)]
pub struct Memory {
    members: Arc<Mutex<Vec<Member>>>,
    wakes: Arc<[Notify; Role::ALL.len()]>,
}

#[async_trait]
impl Registry for Memory {
    async fn join(&self, member: Member) -> Membership {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).push(member.clone());
        let members = self.members.clone();
        Membership::new(move || {
            members.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| *other != member);
        })
    }

    async fn members(&self, role: Role) -> Vec<Member> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.iter().filter(|member| member.role == role).cloned().collect()
    }

    fn wake(&self, role: Role) {
        self.wakes[role as usize].notify_one();
    }

    async fn woken(&self, role: Role) {
        self.wakes[role as usize].notified().await;
    }
}
