//! Who is alive, and whom to wake. Nothing here is the truth: a lost wake-up costs a second.

mod memory;

pub use memory::Memory;

use async_trait::async_trait;

/// The parts that a process can play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Role {
    Master,
    Worker,
    Api,
    Logger,
    Alert,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Master, Role::Worker, Role::Api, Role::Logger, Role::Alert];

    pub fn name(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Worker => "worker",
            Role::Api => "api",
            Role::Logger => "logger",
            Role::Alert => "alert",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One living member. Signing out is what dropping its [`Membership`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub role: Role,
    /// The start of a process: never the same twice.
    pub start: String,
    pub host: String,
    pub pid: u32,
}

#[async_trait]
pub trait Registry: Send + Sync {
    /// Signs in, until the returned value is dropped.
    async fn join(&self, member: Member) -> Membership;

    /// All living members of a role.
    async fn members(&self, role: Role) -> Vec<Member>;

    /// Tells every member of a role that there is something to look at.
    fn wake(&self, role: Role);

    /// Waits for a [`wake`](Registry::wake) of the role. One that came since the last wait counts.
    async fn woken(&self, role: Role);
}

/// Being signed in.
pub struct Membership {
    leave: Option<Box<dyn FnOnce() + Send>>,
}

impl Membership {
    fn new(leave: impl FnOnce() + Send + 'static) -> Self {
        Membership { leave: Some(Box::new(leave)) }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take() {
            leave();
        }
    }
}
