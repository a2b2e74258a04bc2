//! What several suites set up: a definition that is on line, and runs of it.

use crate::model::{
    Command, DefinitionId, FailureStrategy, InstanceId, Outcome, ProjectId, ReleaseState, ScheduleId, State, Time,
    WarningType,
};
use crate::store::entity::{firing, process_definition, process_instance, project, schedules};
use crate::store::{NewInstance, Store, Timing, utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

/// A project with a definition that is on line.
pub async fn definition(store: &Store) -> (ProjectId, DefinitionId) {
    store
        .write(|tx| {
            Box::pin(async move {
                let new = project::ActiveModel {
                    name: Set(Some("p".into())),
                    user_id: Set(Some(1)),
                    flag: Set(Some(1)),
                    ..Default::default()
                };
                let project = new.insert(tx).await?.id;
                let new = process_definition::ActiveModel {
                    name: Set(Some("d".into())),
                    project_id: Set(Some(project)),
                    release_state: Set(Some(ReleaseState::Online.code())),
                    flag: Set(Some(1)),
                    tenant_id: Set(-1),
                    ..Default::default()
                };
                Ok((ProjectId(project), DefinitionId(new.insert(tx).await?.id)))
            })
        })
        .await
        .unwrap()
}

/// Makes an instance of the oldest start.
pub async fn claim(store: &Store) -> InstanceId {
    let command = store.starts(1).await.unwrap().remove(0);
    store.claim_starts([run_of(command)].into()).await.unwrap()[0].unwrap()
}

/// What a master makes of a start.
pub fn run_of(command: Command) -> NewInstance {
    NewInstance {
        command,
        owner: "me".into(),
        host: "localhost".into(),
        name: "run".into(),
        document: "{}".into(),
        locations: None,
        connects: None,
        globals: "[]".into(),
        timeout_minutes: 0,
        tenant_id: -1,
        started_at: Time(0),
        root: None,
    }
}

/// The run comes to this end.
pub async fn end_as(store: &Store, id: InstanceId, state: State) {
    use process_instance::Column;
    store
        .write(move |tx| {
            Box::pin(async move {
                let ended = process_instance::Entity::update_many()
                    .col_expr(Column::State, Expr::value(state.code()))
                    .filter(Column::Id.eq(id.0));
                assert_eq!(ended.exec(tx).await?.rows_affected, 1);
                Ok(())
            })
        })
        .await
        .unwrap();
}

/// The run succeeds.
pub async fn end(store: &Store, id: InstanceId) {
    end_as(store, id, State::Success).await;
}

/// What became of the instants of all schedules, in their order, and for how many earlier ones each stands.
pub async fn outcomes(store: &Store) -> Vec<(Time, Outcome, i32)> {
    let rows = firing::Entity::find().order_by_asc(firing::Column::FireMs).all(store.read()).await.unwrap();
    let told = |row: firing::Model| (Time(row.fire_ms), Outcome::from_code(row.outcome).unwrap(), row.missed);
    rows.into_iter().map(told).collect()
}

/// The definition has this document from now on.
pub async fn draw(store: &Store, id: DefinitionId, document: &'static str) {
    use process_definition::Column;
    store
        .write(move |tx| {
            Box::pin(async move {
                let drawn = process_definition::Entity::update_many()
                    .col_expr(Column::ProcessDefinitionJson, Expr::value(document))
                    .col_expr(Column::UpdateTime, Expr::value(utc(Time::now())))
                    .filter(Column::Id.eq(id.0));
                assert_eq!(drawn.exec(tx).await?.rows_affected, 1);
                Ok(())
            })
        })
        .await
        .unwrap();
}

/// The schedule is as EasyScheduler left it, with an expression that it took for one.
pub async fn rewrite(store: &Store, id: ScheduleId, crontab: &'static str) {
    use schedules::Column;
    store
        .write(move |tx| {
            Box::pin(async move {
                let rewritten = schedules::Entity::update_many()
                    .col_expr(Column::Crontab, Expr::value(crontab))
                    .col_expr(Column::NextFireMs, Expr::value(None::<i64>))
                    .filter(Column::Id.eq(id.0));
                assert_eq!(rewritten.exec(tx).await?.rows_affected, 1);
                Ok(())
            })
        })
        .await
        .unwrap();
}

/// A schedule that says nothing but when it fires, from the beginning of time until 2096.
pub fn timing(crontab: &str) -> Timing {
    Timing {
        crontab: crontab.into(),
        zone: None,
        gap: None,
        overlap: None,
        start: Time(0),
        end: Time(4_000_000_000_000),
        misfire: None,
        overlapping: None,
        jitter_ms: None,
        strategy: FailureStrategy::Continue,
        warning: WarningType::None,
        warning_group: 0,
        priority: None,
        worker_group: -1,
        receivers: None,
        receivers_cc: None,
        at: Time(0),
    }
}
