//! Definitions, as far as starting one needs them.

use crate::model::{DefinitionId, ProjectId, ReleaseState, Time, UserId};
use crate::store::entity::process_definition;
use crate::store::{Error, Store, instant};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::sync::Arc;

/// How many are read by one statement.
const AT_ONCE: usize = 500;

/// A definition that is not deleted.
#[derive(Clone, Debug)]
pub struct Definition {
    pub id: DefinitionId,
    pub name: String,
    pub version: i32,
    pub release: ReleaseState,
    /// When it was changed last.
    pub changed_at: Option<Time>,
    pub project: ProjectId,
    pub author: UserId,
    /// Shared by all who start it: it may be large.
    pub document: Arc<str>,
    pub locations: Option<String>,
    pub connects: Option<String>,
    pub timeout_minutes: i32,
    pub tenant_id: i32,
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
}

impl Store {
    /// Reads a definition; `None` if there is none with this id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, Error> {
        let row = process_definition::Entity::find_by_id(id.0).one(self.read()).await?;
        Ok(row.and_then(read))
    }

    /// Reads those definitions that there are, in no order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn definitions_of(&self, ids: Vec<DefinitionId>) -> Result<Vec<Definition>, Error> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            let ids = ids.iter().map(|id| id.0);
            let rows = process_definition::Entity::find().filter(process_definition::Column::Id.is_in(ids));
            found.extend(rows.all(self.read()).await?.into_iter().filter_map(read));
        }
        Ok(found)
    }
}

fn read(row: process_definition::Model) -> Option<Definition> {
    let there = row.flag != Some(0);
    there.then(|| Definition {
        id: DefinitionId(row.id),
        name: row.name.unwrap_or_default(),
        version: row.version.unwrap_or_default(),
        release: row.release_state.and_then(ReleaseState::from_code).unwrap_or(ReleaseState::Offline),
        changed_at: row.update_time.map(instant),
        project: ProjectId(row.project_id.unwrap_or_default()),
        author: UserId(row.user_id.unwrap_or_default()),
        document: row.process_definition_json.unwrap_or_default().into(),
        locations: row.locations,
        connects: row.connects,
        timeout_minutes: row.timeout.unwrap_or_default(),
        tenant_id: row.tenant_id,
        receivers: row.receivers,
        receivers_cc: row.receivers_cc,
    })
}

impl Store {
    /// Makes an online definition of a document outside of any project, for a run that nobody else sees.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn adopt_document(&self, name: String, document: String) -> Result<DefinitionId, Error> {
        use sea_orm::ActiveModelTrait;
        use sea_orm::ActiveValue::Set;
        let row = process_definition::ActiveModel {
            name: Set(Some(name)),
            version: Set(Some(0)),
            release_state: Set(Some(ReleaseState::Online.code())),
            project_id: Set(Some(0)),
            user_id: Set(Some(1)),
            process_definition_json: Set(Some(document)),
            flag: Set(Some(1)),
            timeout: Set(Some(0)),
            tenant_id: Set(-1),
            ..Default::default()
        };
        self.write(move |tx| {
            let row = row.clone();
            Box::pin(async move { Ok(DefinitionId(row.insert(tx).await?.id)) })
        })
        .await
    }
}
