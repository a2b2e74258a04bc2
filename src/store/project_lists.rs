//! Projects by themselves, and whose they are: for those who grant them.

use super::entity::{project, relation_project_user};
use super::list::kept;
use super::projects::{granted_to, newest_first, shown};
use super::{Error, Project, Store};
use crate::model::{ProjectId, UserId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

impl Store {
    /// A project.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn project(&self, id: ProjectId) -> Result<Option<Project>, Error> {
        use project::Column;
        let found = project::Entity::find().select_only().filter(kept(Column::Flag)).filter(Column::Id.eq(id.0));
        Ok(shown(found).into_model().one(self.read()).await?)
    }

    /// The projects that were granted to a user, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn granted_projects(&self, user: UserId) -> Result<Vec<Project>, Error> {
        use project::Column;
        let granted = granted_to(user).select_only().column(relation_project_user::Column::ProjectId).into_query();
        let found = project::Entity::find().select_only().filter(kept(Column::Flag));
        Ok(newest_first(shown(found.filter(Column::Id.in_subquery(granted)))).into_model().all(self.read()).await?)
    }

    /// The projects that a user neither owns nor was granted, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn ungranted_projects(&self, user: UserId) -> Result<Vec<Project>, Error> {
        use project::Column;
        use relation_project_user::Column as Grant;
        // One NULL among the ids would make the list empty.
        let granted = granted_to(user).filter(Grant::ProjectId.is_not_null());
        let granted = granted.select_only().column(Grant::ProjectId).into_query();
        let foreign = Condition::any().add(Column::UserId.is_null()).add(Column::UserId.ne(user.0));
        let found = project::Entity::find()
            .select_only()
            .filter(kept(Column::Flag))
            .filter(foreign)
            .filter(Column::Id.not_in_subquery(granted));
        Ok(newest_first(shown(found)).into_model().all(self.read()).await?)
    }
}
