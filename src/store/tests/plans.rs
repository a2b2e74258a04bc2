//! How SQLite reads the lists that grow without end: by an index that holds all that they are chosen and counted by.

use crate::model::{ProjectId, Time};
use crate::store::list::{chosen, counted};
use crate::store::{Error, InstanceFilter, Page, Store, TaskFilter, instances, tasks};
use sea_orm::{ConnectionTrait, DatabaseBackend, EntityTrait, QueryTrait, Select};

const PAGE: Page = Page { number: 3, size: 10 };

/// The steps in which the database would read.
async fn plan<E: EntityTrait>(store: &Store, query: Select<E>) -> String {
    let mut statement = query.build(DatabaseBackend::Sqlite);
    statement.sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
    let steps = store.read().query_all_raw(statement).await.unwrap();
    steps.iter().map(|step| step.try_get::<String>("", "detail").unwrap()).collect::<Vec<_>>().join("\n")
}

async fn only_reads<E: EntityTrait>(
    store: &Store,
    index: &str,
    found: Select<E>,
    newest: fn(Select<E>) -> Select<E>,
) -> Result<(), Error> {
    for query in [counted(&found), chosen(found, newest, PAGE)?] {
        let plan = plan(store, query).await;
        assert!(plan.contains(&format!("USING COVERING INDEX {index}")), "{plan}");
    }
    Ok(())
}

#[tokio::test]
async fn which_instances_and_tasks_a_page_has_and_how_many_there_are_is_read_from_an_index() {
    let (store, project) = (Store::memory().await.unwrap(), ProjectId(1));
    let after = Some(Time(0));
    for filter in [InstanceFilter::default(), InstanceFilter { after, ..InstanceFilter::default() }] {
        let found = instances::found(project, &filter);
        let index = "process_instance_process_definition_id_start_time_index";
        only_reads(&store, index, found, instances::newest_first).await.unwrap();
    }
    for filter in [TaskFilter::default(), TaskFilter { after, ..TaskFilter::default() }] {
        let found = tasks::found(project, &filter);
        let index = "task_instance_process_definition_id_start_time_index";
        only_reads(&store, index, found, tasks::newest_first).await.unwrap();
    }
}
