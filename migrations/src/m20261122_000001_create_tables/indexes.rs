//! What is looked up by something else than its key. Names are unique in the whole database, as SQLite and
//! PostgreSQL want it.

use crate::columns::Columns;
use sea_orm_migration::prelude::*;

pub struct Definition {
    table: &'static str,
    name: String,
    columns: Vec<&'static str>,
    unique: bool,
    statement: IndexCreateStatement,
}

impl Definition {
    /// Creates the index unless it is there.
    pub async fn create(self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        match manager.has_index(self.table, &self.name).await? {
            true => Ok(()),
            false => manager.create_index(self.statement).await,
        }
    }

    pub fn table(&self) -> &str {
        self.table
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    pub fn is_unique(&self) -> bool {
        self.unique
    }

    fn unique(mut self) -> Self {
        self.unique = true;
        self.statement.unique();
        self
    }

    /// Leaves out the rows without a value, where the database can: no work for those that have none.
    fn of_set(mut self, columns: &Columns, column: &'static str) -> Self {
        if columns.has_partial_indexes() {
            self.statement.and_where(Expr::col(column).is_not_null());
        }
        self
    }
}

fn index(table: &'static str, columns: &[&'static str]) -> Definition {
    let short = table.trim_start_matches("t_escheduler_");
    let name = format!("{short}_{}_index", columns.join("_"));
    let mut statement = Index::create();
    statement.name(&name).table(table);
    for column in columns {
        statement.col(*column);
    }
    Definition { table, name, columns: columns.to_vec(), unique: false, statement }
}

pub fn all(c: &Columns) -> Vec<Definition> {
    vec![
        index("t_escheduler_user", &["user_name"]).unique(),
        index("t_escheduler_version", &["version"]).unique(),
        index("t_escheduler_session", &["user_id"]),
        index("t_escheduler_access_token", &["token"]),
        index("t_escheduler_relation_user_alertgroup", &["alertgroup_id"]),
        index("t_escheduler_project", &["user_id"]),
        index("t_escheduler_project", &["name"]),
        index("t_escheduler_relation_project_user", &["user_id"]),
        index("t_escheduler_relation_datasource_user", &["user_id"]),
        index("t_escheduler_relation_resources_user", &["user_id"]),
        index("t_escheduler_relation_udfs_user", &["user_id"]),
        index("t_escheduler_process_definition", &["project_id", "id"]),
        index("t_escheduler_schedules", &["process_definition_id"]),
        index("t_escheduler_schedules", &["next_fire_ms"]).of_set(c, "next_fire_ms"),
        index("t_escheduler_command", &["process_instance_id"]).of_set(c, "process_instance_id"),
        index("t_escheduler_process_instance", &["process_definition_id", "id"]),
        index("t_escheduler_process_instance", &["start_time"]),
        index("t_escheduler_process_instance", &["state"]),
        index("t_escheduler_process_instance", &["root_id"]).of_set(c, "root_id"),
        index("t_escheduler_relation_process_instance", &["parent_process_instance_id"]),
        index("t_escheduler_relation_process_instance", &["process_instance_id"]),
        index("t_escheduler_task_instance", &["process_instance_id", "flag"]),
        index("t_escheduler_task_instance", &["process_definition_id", "process_instance_id"]),
        index("t_escheduler_alert", &["alert_status"]),
    ]
}
