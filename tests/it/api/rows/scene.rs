//! Who calls rows: the same five in every proof.

use super::super::client::{Answer, Client};
use super::super::stage::Stage;
use super::super::world::{ADMIN, BASE};
use super::case::Form;
use super::promise::Document;
use super::specification::Spec;
use escheduler::store::entity::relation_project_user;
use sea_orm::ActiveValue::Set;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The administrator, who owns nothing.
    Admin,
    /// alice, who owns the project `billing`.
    Owner,
    /// grace, to whom alice's project is granted.
    Granted,
    /// bob, who has nothing to do with it.
    Stranger,
    /// Somebody without a login.
    Nobody,
}

impl Who {
    pub const ALL: [Who; 5] = [Who::Admin, Who::Owner, Who::Granted, Who::Stranger, Who::Nobody];

    fn credentials(self) -> Option<(&'static str, &'static str)> {
        match self {
            Who::Admin => Some(ADMIN),
            Who::Owner => Some(("alice", "wonder1")),
            Who::Granted => Some(("grace", "wonder1")),
            Who::Stranger => Some(("bob", "wonder1")),
            Who::Nobody => None,
        }
    }
}

/// A stage with everybody on it.
pub struct Scene {
    pub stage: Stage,
    /// grace, who may work in `billing`.
    pub granted: Client,
    pub document: Document,
    count: AtomicUsize,
}

impl Deref for Scene {
    type Target = Stage;
    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl Scene {
    /// The users' ids are 1 admin, 2 alice, 3 bob, 4 grace.
    pub async fn new() -> Option<Scene> {
        let stage = Stage::new().await?;
        let granted = stage.world.user("grace");
        let document = Document::of(&stage.world);
        let scene = Scene { stage, granted, document, count: AtomicUsize::new(0) };
        scene.grant(scene.project).await;
        Some(scene)
    }

    /// Grants a project to grace.
    pub async fn grant(&self, project: i32) {
        let grant = relation_project_user::ActiveModel {
            user_id: Set(4),
            project_id: Set(Some(project)),
            perm: Set(Some(7)),
            ..Default::default()
        };
        self.insert(grant).await;
    }

    /// Waits for something that the store does, from within a case.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
    }

    /// A number that nothing else in this scene gets.
    pub fn next(&self) -> usize {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn call(&self, who: Who, spec: &Spec, form: &Form) -> Answer {
        let project = form.pairs.iter().find(|(name, _)| name == "{projectName}").map_or("billing", |(_, name)| name);
        let path =
            format!("{BASE}/{}", spec.path.replace("{projectName}", &project.replace('{', "%7B").replace('}', "%7D")));
        let form = form.clone().without("{projectName}");
        let send = |client: &Client| client.send(spec.method, &path, &form.pairs, form.file.as_ref(), &form.headers);
        match who {
            Who::Admin => send(&self.world.admin),
            Who::Owner => send(&self.alice),
            Who::Granted => send(&self.granted),
            Who::Stranger => send(&self.bob),
            Who::Nobody => send(&self.world.stranger()),
        }
    }

    /// Logs a caller in again.
    pub fn log_in(&self, who: Who) {
        let client = match who {
            Who::Admin => &self.world.admin,
            Who::Owner => &self.alice,
            Who::Granted => &self.granted,
            Who::Stranger => &self.bob,
            Who::Nobody => return,
        };
        if let Some((name, password)) = who.credentials() {
            client.log_in(name, password).data();
        }
    }
}
