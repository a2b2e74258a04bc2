//! A change whose audit row cannot be written does not happen, whatever it is about.

use super::place::store;
use super::stage;
use crate::model::{
    DefinitionId, InstanceId, ProjectId, ReleaseState, ResourceType, ScheduleId, State, Time, UserId, UserType,
};
use crate::store::entity::{firing, process_definition, process_instance, project, resources, schedules};
use crate::store::{Account, Author, Change, ChangeId, Edit, Error, InstanceEdit, NewResource, Next, Store, Timing};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait};
use std::fmt::Debug;
use std::sync::Arc;

const ADMIN: UserId = UserId(1);
const AT: Time = Time(0);

/// Something of each kind that can be changed, in a database that has no place for audit rows.
struct Scene {
    store: Store,
    /// The same in somebody's name.
    by: Store,
    project: ProjectId,
    /// Off line, at rest.
    definition: DefinitionId,
    /// On line.
    online: DefinitionId,
    /// An instance of `online` that has ended.
    instance: InstanceId,
}

impl Scene {
    async fn new(store: Store) -> Scene {
        let (project, definition, online, instance) = store
            .write(|tx| {
                Box::pin(async move {
                    tx.execute_unprepared("DROP TABLE t_escheduler_audit").await?;
                    let new = project::ActiveModel {
                        name: Set(Some("p".into())),
                        user_id: Set(Some(ADMIN.0)),
                        flag: Set(Some(1)),
                        ..Default::default()
                    };
                    let project = new.insert(tx).await?.id;
                    let definition = |name: &str, state: ReleaseState| process_definition::ActiveModel {
                        name: Set(Some(name.into())),
                        project_id: Set(Some(project)),
                        user_id: Set(Some(ADMIN.0)),
                        release_state: Set(Some(state.code())),
                        flag: Set(Some(1)),
                        tenant_id: Set(-1),
                        ..Default::default()
                    };
                    let draft = definition("draft", ReleaseState::Offline).insert(tx).await?.id;
                    let online = definition("online", ReleaseState::Online).insert(tx).await?.id;
                    let new = process_instance::ActiveModel {
                        process_definition_id: Set(Some(online)),
                        state: Set(Some(State::Success.code())),
                        executor_id: Set(ADMIN.0),
                        ..Default::default()
                    };
                    let instance = new.insert(tx).await?.id;
                    Ok((ProjectId(project), DefinitionId(draft), DefinitionId(online), InstanceId(instance)))
                })
            })
            .await
            .unwrap();
        let author = Author {
            user: ADMIN,
            name: "admin".into(),
            action: "a".into(),
            object: String::new(),
            address: "192.0.2.1".into(),
            request: "r1".into(),
            at: AT,
        };
        let by = store.by(author);
        Scene { store, by, project, definition, online, instance }
    }

    /// Every row that a change of these tests is about.
    async fn picture(&self) -> String {
        async fn rows<E: EntityTrait>(store: &Store) -> Vec<E::Model>
        where
            E::Model: Sync,
        {
            E::find().all(store.read()).await.unwrap()
        }
        format!(
            "{:?} {:?} {:?} {:?} {:?}",
            rows::<process_definition::Entity>(&self.store).await,
            rows::<process_instance::Entity>(&self.store).await,
            rows::<schedules::Entity>(&self.store).await,
            rows::<firing::Entity>(&self.store).await,
            rows::<resources::Entity>(&self.store).await,
        )
    }

    /// In somebody's name it fails and changes nothing. In nobody's it is done, so it was the row that was missing.
    async fn happens_only_unnoted<T: Debug>(&self, change: impl AsyncFn(Store) -> Result<T, Error>) -> T {
        let before = self.picture().await;
        let failed = change(self.by.clone()).await;
        assert!(failed.is_err(), "{failed:?}");
        assert_eq!(self.picture().await, before);
        let done = change(self.store.clone()).await.unwrap();
        assert_ne!(self.picture().await, before);
        done
    }

    /// A file that was put in its place.
    async fn file(&self, alias: &str, from: Option<&str>) -> ChangeId {
        let resource = match from {
            Some(name) => self.store.named_resource(ResourceType::File, name).await.unwrap().map(|row| row.id),
            None => None,
        };
        let change = Change {
            kind: ResourceType::File,
            tenant: "default".into(),
            resource,
            from: from.map(str::to_owned),
            to: Some(alias.into()),
            at: AT,
        };
        self.store.begin_change(change).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn an_edit_of_an_instance() {
    let scene = Scene::new(store!()).await;
    let edit = InstanceEdit {
        document: None,
        locations: Some("{\"tasks-1\":{}}".into()),
        connects: None,
        schedule_time: None,
        flag: None,
        sync_definition: false,
        at: AT,
    };
    let edited = scene
        .happens_only_unnoted(async |store| store.edit_instance(scene.project, scene.instance, edit.clone()).await);
    assert_eq!(edited.await, Ok(()));
}

#[tokio::test]
async fn the_deletion_of_a_definition() {
    let scene = Scene::new(store!()).await;
    let admin = Account { id: ADMIN, name: "admin".into(), kind: UserType::Admin };
    let deleted = scene
        .happens_only_unnoted(async |store| store.delete_definition(scene.project, scene.definition, &admin).await);
    assert_eq!(deleted.await, Ok(()));
}

#[tokio::test]
async fn the_life_of_a_schedule() {
    let scene = Scene::new(store!()).await;
    let timing = |crontab: &str| Timing { start: AT, at: AT, ..stage::timing(crontab) };
    let made = scene
        .happens_only_unnoted(async |store| store.create_schedule(scene.online, ADMIN, timing("0 * * * * ?")).await);
    let id: ScheduleId = made.await.unwrap();
    let project = scene.project;
    let updated =
        scene.happens_only_unnoted(async |store| store.update_schedule(project, id, timing("0 0 * * * ?")).await);
    assert_eq!(updated.await, Ok(()));
    let next: Next = Arc::new(|_| Some(Time(1000)));
    for state in [ReleaseState::Online, ReleaseState::Offline] {
        let released = scene
            .happens_only_unnoted(async |store| store.release_schedule(project, id, state, next.clone(), AT).await);
        assert_eq!(released.await, Ok(()));
    }
    let deleted = scene.happens_only_unnoted(async |store| store.delete_schedule(project, id, ADMIN).await);
    assert_eq!(deleted.await, Ok(()));
}

#[tokio::test]
async fn the_life_of_a_resource() {
    let scene = Scene::new(store!()).await;
    let new = NewResource {
        alias: "a.sh".into(),
        file_name: "a.sh".into(),
        desc: None,
        owner: ADMIN,
        kind: ResourceType::File,
        size: 1,
        tenant: "default".into(),
        at: AT,
    };
    let change = scene.file("a.sh", None).await;
    let made = scene.happens_only_unnoted(async |store| store.end_creation(change, new.clone()).await).await;
    let described =
        scene.happens_only_unnoted(async |store| store.describe_resource(made.id, "what it does".into(), AT).await);
    assert_eq!(described.await.desc.as_deref(), Some("what it does"));
    let change = scene.file("b.sh", Some("a.sh")).await;
    let edit = Edit { alias: Some("b.sh".into()), ..Edit::default() };
    let renamed =
        scene.happens_only_unnoted(async |store| store.end_edit(change, made.id, edit.clone(), AT).await).await;
    assert_eq!(renamed.alias, "b.sh");
    let removed = scene.happens_only_unnoted(async |store| store.begin_removal(renamed.clone(), AT).await);
    assert!(removed.await.is_ok());
}
