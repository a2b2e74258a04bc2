//! A project in the middle of its life: definitions, instances and tasks, written as a master would have.

use super::world::document;
use super::{Client, World};
use escheduler::model::{State, Time};
use escheduler::store::entity::{process_instance, relation_process_instance, task_instance};
use escheduler::store::utc;
use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;

/// When the first instance started, on the wall of Shanghai: 2026-03-01 08:00:00.
pub const START: Time = Time(1_772_323_200_000);

pub struct Stage {
    pub world: World,
    /// The owner of the project `billing`.
    pub alice: Client,
    /// Nobody in particular.
    pub bob: Client,
    pub project: i32,
    /// A definition that is off line.
    pub draft: i32,
    /// A definition that is on line.
    pub daily: i32,
    pub ended: i32,
    pub running: i32,
    /// A task of `ended`, with a log.
    pub task: i32,
    /// A SUB_PROCESS task of `ended`.
    pub sub_task: i32,
    /// The instance that it ran.
    pub child: i32,
}

impl Stage {
    pub async fn new() -> Option<Stage> {
        Some(Stage::on(World::new().await?).await)
    }

    /// The same on this server.
    pub async fn on(world: World) -> Stage {
        let (alice, bob) = (world.user("alice"), world.user("bob"));
        alice.post("projects/create", &[("projectName", "billing"), ("desc", "monthly invoices")]).data();
        let project = id(&alice, "projects/list-paging", "billing");
        let draft = save(&alice, "billing", "draft");
        let daily = save(&alice, "billing", "daily");
        release(&alice, "billing", daily, "1");
        let mut stage =
            Stage { world, alice, bob, project, draft, daily, ended: 0, running: 0, task: 0, sub_task: 0, child: 0 };
        stage.ended = stage.instance("daily-0-1", State::Success, |_| ()).await;
        stage.running = stage
            .instance("daily-0-2", State::Running, |row| row.start_time = Set(Some(utc(Time(START.0 + 60_000)))))
            .await;
        stage.child = stage.instance("nested-0-3", State::Success, |row| row.is_sub_process = Set(Some(1))).await;
        stage.task = stage.task(stage.ended, "prepare", State::Success, |_| ()).await;
        let sub_process = |row: &mut task_instance::ActiveModel| {
            row.task_type = Set(Some("SUB_PROCESS".to_owned()));
            row.host = Set(None);
            row.log_path = Set(None);
        };
        stage.sub_task = stage.task(stage.ended, "nested", State::Success, sub_process).await;
        stage.relate(stage.ended, stage.sub_task, stage.child).await;
        std::fs::write(stage.world.logs.path().join("1.log"), "one\ntwo\nthree\n").unwrap();
        stage
    }

    pub async fn insert<A>(&self, row: A) -> <A::Entity as sea_orm::EntityTrait>::Model
    where
        A: ActiveModelTrait + sea_orm::ActiveModelBehavior + Send + Sync + Clone + 'static,
        <A::Entity as sea_orm::EntityTrait>::Model: sea_orm::IntoActiveModel<A> + Send,
    {
        let inserted = self.world.store.write(move |tx| {
            let row = row.clone();
            Box::pin(async move { Ok(row.insert(tx).await?) })
        });
        inserted.await.unwrap()
    }

    /// An instance of `daily`, with all that a master writes.
    pub async fn instance(
        &self,
        name: &str,
        state: State,
        change: impl FnOnce(&mut process_instance::ActiveModel),
    ) -> i32 {
        let mut row = process_instance::ActiveModel {
            name: Set(Some(name.to_owned())),
            process_definition_id: Set(Some(self.daily)),
            state: Set(Some(state.code())),
            recovery: Set(Some(0)),
            start_time: Set(Some(utc(START))),
            end_time: Set(state.is_finished().then(|| utc(Time(START.0 + 67_500)))),
            run_times: Set(Some(1)),
            host: Set(Some("10.0.0.5".to_owned())),
            command_type: Set(Some(0)),
            command_param: Set(Some("{}".to_owned())),
            task_depend_type: Set(Some(2)),
            failure_strategy: Set(Some(1)),
            warning_type: Set(Some(0)),
            warning_group_id: Set(Some(0)),
            command_start_time: Set(Some(utc(START))),
            global_params: Set(Some("[]".to_owned())),
            process_instance_json: Set(Some(document("prepare"))),
            flag: Set(Some(1)),
            is_sub_process: Set(Some(0)),
            executor_id: Set(2),
            locations: Set(Some("{}".to_owned())),
            connects: Set(Some("[]".to_owned())),
            history_cmd: Set(Some("START_PROCESS".to_owned())),
            process_instance_priority: Set(Some(2)),
            tenant_id: Set(-1),
            epoch: Set(1),
            revision: Set(1),
            takeovers: Set(0),
            alert_flag: Set(0),
            ..Default::default()
        };
        change(&mut row);
        self.insert(row).await.id
    }

    /// A task of an instance of `daily`.
    pub async fn task(
        &self,
        instance: i32,
        name: &str,
        state: State,
        change: impl FnOnce(&mut task_instance::ActiveModel),
    ) -> i32 {
        let node = serde_json::json!({"name": name, "type": "SHELL", "dependence": {}, "preTasks": []});
        let mut row = task_instance::ActiveModel {
            name: Set(Some(name.to_owned())),
            task_type: Set(Some("SHELL".to_owned())),
            process_definition_id: Set(Some(self.daily)),
            process_instance_id: Set(Some(instance)),
            task_json: Set(Some(node.to_string())),
            state: Set(Some(state.code())),
            submit_time: Set(Some(utc(START))),
            start_time: Set(Some(utc(START))),
            end_time: Set(state.is_finished().then(|| utc(Time(START.0 + 67_500)))),
            host: Set(Some("10.0.0.5".to_owned())),
            execute_path: Set(Some("exec/1".to_owned())),
            log_path: Set(Some("1.log".to_owned())),
            alert_flag: Set(Some(0)),
            retry_times: Set(Some(0)),
            max_retry_times: Set(Some(0)),
            retry_interval: Set(Some(1)),
            pid: Set(Some(4711)),
            flag: Set(Some(1)),
            task_instance_priority: Set(Some(2)),
            attempt: Set(1),
            ..Default::default()
        };
        change(&mut row);
        self.insert(row).await.id
    }

    pub async fn relate(&self, parent: i32, task: i32, child: i32) {
        let row = relation_process_instance::ActiveModel {
            parent_process_instance_id: Set(Some(parent)),
            parent_task_instance_id: Set(Some(task)),
            process_instance_id: Set(Some(child)),
            ..Default::default()
        };
        self.insert(row).await;
    }

    /// A project of bob's, with an online definition.
    pub fn bobs_project(&self) -> i32 {
        self.bob.post("projects/create", &[("projectName", "other"), ("desc", "")]).data();
        let definition = save(&self.bob, "other", "hers");
        release(&self.bob, "other", definition, "1");
        definition
    }
}

/// The id of the row of that name.
pub fn id(client: &Client, list: &str, name: &str) -> i32 {
    let rows = client.get(list, &super::PAGE).rows();
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {rows:?}"));
    i32::try_from(row["id"].as_i64().unwrap()).unwrap()
}

/// Saves a definition of one node called `prepare`.
pub fn save(client: &Client, project: &str, name: &str) -> i32 {
    let form = [("name", name), ("processDefinitionJson", &document("prepare")), ("desc", "")];
    client.post(&format!("projects/{project}/process/save"), &form).data();
    id(client, &format!("projects/{project}/process/list-paging"), name)
}

pub fn release(client: &Client, project: &str, definition: i32, state: &str) {
    let form = [("processId", definition.to_string()), ("releaseState", state.to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    client.post(&format!("projects/{project}/process/release"), &form).data();
}
