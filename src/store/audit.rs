//! Who has changed what (`t_escheduler_audit`). A store [in somebody's name](Store::by) notes each change in the
//! transaction that makes it, so that there is no change without its row and no row without its change.

use super::entity::audit::{ActiveModel, Column, Entity};
use super::list::{contains, page};
use super::{ChangeId, DataSourceChange, Error, Page, Paged, Resource, Store};
use crate::model::{
    BackfillId, CommandId, DataSourceId, DefinitionId, InstanceId, ProjectId, ScheduleId, TaskId, Time, UdfId, UserId,
};
use futures::future::BoxFuture;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use std::sync::Arc;

/// How many rows are removed in one write, so that nobody waits long for it.
const SLICE: u64 = 1000;
/// How much of the text that names an object is kept, in characters.
const OBJECT: usize = 1000;

/// Who asks for a change, and how.
#[derive(Clone, Debug)]
pub struct Author {
    pub user: UserId,
    pub name: String,
    /// The path of the call.
    pub action: String,
    /// What the call is about; no secrets.
    pub object: String,
    /// Where it comes from.
    pub address: String,
    pub request: String,
    pub at: Time,
}

/// A change as it was noted.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Audited {
    pub id: i64,
    pub at_ms: i64,
    pub user_id: i32,
    pub user_name: String,
    pub action: String,
    pub object: String,
    pub address: String,
    pub request_id: String,
}

/// Which changes.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub user: Option<UserId>,
    /// Part of the user's name, of the action or of the object.
    pub search: String,
    pub after: Option<Time>,
    pub until: Option<Time>,
}

/// What a job answers when it has changed something, or refused to.
#[diagnostic::on_unimplemented(
    message = "`Fact` tells whether a `{Self}` stands for a change; implement it in store/audit.rs"
)]
pub trait Fact: Send + 'static {
    /// A refusal has changed nothing.
    fn happened(&self) -> bool {
        true
    }

    /// The number of what was made.
    fn number(&self) -> Option<i64> {
        None
    }
}

impl Fact for () {}

impl Fact for bool {
    fn happened(&self) -> bool {
        *self
    }
}

impl Fact for i32 {
    fn number(&self) -> Option<i64> {
        Some(i64::from(*self))
    }
}

impl Fact for i64 {
    fn number(&self) -> Option<i64> {
        Some(*self)
    }
}

macro_rules! ids {
    ($($name:ident),*) => {$(
        impl Fact for $name {
            fn number(&self) -> Option<i64> {
                Some(i64::from(self.0))
            }
        }
    )*};
}

ids!(BackfillId, CommandId, DataSourceId, DefinitionId, InstanceId, ProjectId, ScheduleId, TaskId, UdfId, UserId);

/// The note that a file is to go: what matters is that its row is gone.
impl Fact for ChangeId {}

impl Fact for Resource {
    fn number(&self) -> Option<i64> {
        Some(i64::from(self.id.0))
    }
}

impl Fact for DataSourceChange {
    fn happened(&self) -> bool {
        *self == DataSourceChange::Done
    }
}

impl<T: Fact> Fact for Option<T> {
    fn happened(&self) -> bool {
        self.as_ref().is_some_and(Fact::happened)
    }

    fn number(&self) -> Option<i64> {
        self.as_ref().and_then(Fact::number)
    }
}

impl<T: Fact, E: Send + 'static> Fact for Result<T, E> {
    fn happened(&self) -> bool {
        self.as_ref().is_ok_and(Fact::happened)
    }

    fn number(&self) -> Option<i64> {
        self.as_ref().ok().and_then(Fact::number)
    }
}

impl Store {
    /// The same store in somebody's name: what it [changes](Store::change) is noted.
    pub fn by(&self, author: Author) -> Store {
        Store { shared: self.shared.clone(), author: Some(Arc::new(author)) }
    }

    /// Writes like [`Store::write`] what somebody has asked for, and notes it in the same transaction, in the name
    /// that the store was given. What nobody has asked for is not noted.
    pub(super) async fn change<T: Fact>(
        &self,
        job: impl for<'c> Fn(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T, Error>> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let Some(author) = self.author.clone() else { return self.write(job).await };
        let job = Arc::new(job);
        self.write(move |tx| {
            let (job, author) = (job.clone(), author.clone());
            Box::pin(async move {
                let answer = job(tx).await?;
                if answer.happened() {
                    insert(tx, &author, answer.number()).await?;
                }
                Ok(answer)
            })
        })
        .await
    }

    /// Changes, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn changes(&self, filter: &AuditFilter, part: Page) -> Result<Paged<Audited>, Error> {
        let by_text = Condition::any()
            .add(contains(Column::UserName, &filter.search))
            .add(contains(Column::Action, &filter.search))
            .add(contains(Column::Object, &filter.search));
        let mut found = Entity::find().select_only();
        if !filter.search.is_empty() {
            found = found.filter(by_text);
        }
        let found = found
            .filter(Condition::all().add_option(filter.user.map(|user| Column::UserId.eq(user.0))))
            .filter(Condition::all().add_option(filter.after.map(|at| Column::AtMs.gte(at.0))))
            .filter(Condition::all().add_option(filter.until.map(|at| Column::AtMs.lte(at.0))));
        let newest = |rows: Select<Entity>| {
            use sea_orm::Iterable;
            rows.columns(Column::iter()).order_by_desc(Column::Id)
        };
        page(self.read(), found, newest, part).await
    }

    /// Forgets the changes before that instant, and answers how many there were.
    ///
    /// # Errors
    /// The database cannot be written; some may be forgotten already.
    pub async fn forget_changes(&self, before: Time) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let old = Entity::find().select_only().column(Column::Id).filter(Column::AtMs.lt(before.0));
            let ids: Vec<i64> = old.order_by_asc(Column::AtMs).limit(SLICE).into_tuple().all(self.read()).await?;
            if ids.is_empty() {
                return Ok(forgotten);
            }
            let removed = self.write(move |tx| {
                let ids = ids.clone();
                Box::pin(async move {
                    Ok(Entity::delete_many().filter(Column::Id.is_in(ids)).exec(tx).await?.rows_affected)
                })
            });
            forgotten += removed.await?;
        }
    }
}

async fn insert(tx: &DatabaseTransaction, author: &Author, number: Option<i64>) -> Result<(), Error> {
    let object = match (number, author.object.is_empty()) {
        (Some(number), true) => format!("id={number}"),
        (Some(number), false) => format!("id={number} {}", author.object),
        (None, _) => author.object.clone(),
    };
    let cut = |text: &str, longest| text.chars().take(longest).collect::<String>();
    let row = ActiveModel {
        at_ms: Set(author.at.0),
        user_id: Set(author.user.0),
        user_name: Set(cut(&author.name, 64)),
        action: Set(cut(&author.action, 128)),
        object: Set(cut(&object, OBJECT)),
        address: Set(cut(&author.address, 45)),
        request_id: Set(cut(&author.request, 64)),
        ..Default::default()
    };
    row.insert(tx).await?;
    Ok(())
}
