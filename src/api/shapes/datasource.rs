//! Data sources. No answer holds a password.

use crate::datasource::{Document, MASK, Target};
use crate::model::{DataSourceId, DbType, Time};
use crate::store;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataSource {
    id: DataSourceId,
    user_id: i32,
    user_name: Option<String>,
    name: String,
    note: Option<String>,
    #[serde(rename = "type")]
    kind: Option<DbType>,
    /// JSON text, which the list page parses.
    connection_params: String,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

impl From<store::DataSource> for DataSource {
    fn from(row: store::DataSource) -> DataSource {
        // What cannot be read cannot be masked either, so nothing of it is shown.
        let document = Document::parse(&row.connection_params).unwrap_or_default();
        DataSource {
            id: row.id,
            user_id: row.user_id,
            user_name: row.user_name,
            name: row.name,
            note: row.note,
            kind: row.kind,
            connection_params: document.masked().text(),
            create_time: row.create_time,
            update_time: row.update_time,
        }
    }
}

/// What the edit form begins with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataSourceForm {
    name: String,
    note: Option<String>,
    #[serde(rename = "type")]
    kind: DbType,
    /// A comma list, if there are several.
    host: String,
    /// A text.
    port: String,
    principal: String,
    database: String,
    user_name: String,
    password: &'static str,
    #[schema(value_type = Object)]
    other: Map<String, Value>,
}

impl DataSourceForm {
    /// A mask stands for the password, and says when it comes back that the password stays as it is.
    pub fn new(row: store::DataSource, target: Target, has_password: bool) -> DataSourceForm {
        DataSourceForm {
            name: row.name,
            note: row.note,
            kind: target.kind,
            host: target.host,
            port: target.port.to_string(),
            principal: target.principal.unwrap_or_default(),
            database: target.database,
            user_name: target.user,
            password: if has_password { MASK } else { "" },
            other: target.other.object(),
        }
    }
}
