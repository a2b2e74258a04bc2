//! Workers as the database knows them: one row each, with the incarnation that may hold attempts now.
//!
//! A later incarnation is a greater number, and takes the row over from an earlier one, which is dead then: its
//! worker has seen to that before it signs in (design: holder).

use crate::calls::{Beat, Holder, SignIn, Standing};
use crate::model::Time;
use crate::store::entity::{worker_group, worker_server};
use crate::store::{Error, Store, instant, utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use std::collections::{BTreeSet, HashMap};
use worker_server::Column;

/// A worker's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRow {
    pub holder: Holder,
    pub host: String,
    pub beat: u64,
    pub lease_ms: u64,
    pub fenced: bool,
    /// When it has signed in, or last renewed here, by the clock of the master that wrote it: for people only.
    pub heard_at: Option<Time>,
}

impl WorkerRow {
    /// Whether this row proves that nothing of the holder lives, and that nobody can tell how it ended. A later
    /// incarnation that lives could: it is asked instead.
    pub fn buries(&self, holder: &Holder) -> bool {
        self.holder.worker == holder.worker && self.holder.incarnation >= holder.incarnation && self.fenced
    }

    fn of(row: worker_server::Model) -> Option<WorkerRow> {
        let incarnation = u64::from_str_radix(&row.incarnation?, 16).ok()?;
        Some(WorkerRow {
            holder: Holder { worker: row.name?, incarnation },
            host: row.host.unwrap_or_default(),
            beat: row.beat.unwrap_or_default() as u64,
            lease_ms: row.lease_ms.unwrap_or_default() as u64,
            fenced: row.fenced.is_some(),
            heard_at: row.last_heartbeat_time.map(instant),
        })
    }
}

fn text(incarnation: u64) -> String {
    format!("{incarnation:016x}")
}

impl Store {
    /// Begins an incarnation. Repeating it changes nothing.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn sign_in_worker(&self, who: SignIn) -> Result<Standing, Error> {
        self.write(move |tx| {
            let who = who.clone();
            Box::pin(async move { begin(tx, who).await })
        })
        .await
    }

    /// Renews a lease at the database, by compare-and-set on the beat that it follows.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn renew(&self, beat: Beat) -> Result<Standing, Error> {
        self.write(move |tx| {
            let beat = beat.clone();
            Box::pin(async move {
                let moved = worker_server::Entity::update_many()
                    .col_expr(Column::Beat, Expr::value(beat.after as i64 + 1))
                    .col_expr(Column::LeaseMs, Expr::value(beat.lease_ms as i64))
                    .col_expr(Column::LastHeartbeatTime, Expr::value(utc(Time::now())))
                    .filter(Column::Name.eq(beat.holder.worker.clone()))
                    .filter(Column::Incarnation.eq(text(beat.holder.incarnation)))
                    .filter(Column::Beat.eq(beat.after as i64))
                    .filter(Column::Fenced.is_null())
                    .exec(tx)
                    .await?;
                if moved.rows_affected == 1 {
                    return Ok(Standing::Lives { beat: beat.after + 1, moved: true });
                }
                Ok(standing(find(tx, &beat.holder.worker).await?.as_ref(), &beat.holder))
            })
        })
        .await
    }

    /// Declares a holder dead if its beat has not moved since it was seen. `false`: it lives, or has gone on. One
    /// that is fenced already counts.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn fence(&self, holder: Holder, beat: u64) -> Result<bool, Error> {
        self.write(move |tx| {
            let holder = holder.clone();
            Box::pin(async move {
                worker_server::Entity::update_many()
                    .col_expr(Column::Fenced, Expr::value(beat as i64))
                    .filter(Column::Name.eq(holder.worker.clone()))
                    .filter(Column::Incarnation.eq(text(holder.incarnation)))
                    .filter(Column::Beat.eq(beat as i64))
                    .filter(Column::Fenced.is_null())
                    .exec(tx)
                    .await?;
                Ok(find(tx, &holder.worker).await?.is_some_and(|row| row.buries(&holder)))
            })
        })
        .await
    }

    /// All workers that ever signed in.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, Error> {
        let rows = worker_server::Entity::find().all(self.read()).await?;
        Ok(rows.into_iter().filter_map(WorkerRow::of).collect())
    }

    /// Worker groups: the addresses that tasks of a group may run at (`EasyScheduler 1.1.0: worker groups`). A group
    /// without addresses stands for all workers, as one that does not exist does.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn worker_groups(&self) -> Result<HashMap<i32, BTreeSet<String>>, Error> {
        let rows = worker_group::Entity::find().all(self.read()).await?;
        let addresses = |list: &str| {
            let each = list.split(',').map(str::trim).filter(|address| !address.is_empty());
            each.map(str::to_owned).collect::<BTreeSet<String>>()
        };
        let groups = rows.into_iter().map(|row| (row.id as i32, addresses(&row.ip_list.unwrap_or_default())));
        Ok(groups.filter(|(_, addresses)| !addresses.is_empty()).collect())
    }
}

async fn find(tx: &DatabaseTransaction, worker: &str) -> Result<Option<WorkerRow>, Error> {
    let row = worker_server::Entity::find().filter(Column::Name.eq(worker)).one(tx).await?;
    Ok(row.and_then(WorkerRow::of))
}

/// What the row says about this holder, without having moved anything.
fn standing(row: Option<&WorkerRow>, holder: &Holder) -> Standing {
    match row {
        Some(row) if row.holder.incarnation > holder.incarnation => Standing::Superseded,
        Some(row) if row.holder == *holder && row.fenced => Standing::Fenced,
        Some(row) if row.holder == *holder => Standing::Lives { beat: row.beat, moved: false },
        _ => Standing::Unknown,
    }
}

async fn begin(tx: &DatabaseTransaction, who: SignIn) -> Result<Standing, Error> {
    let now = utc(Time::now());
    let row = worker_server::ActiveModel {
        name: Set(Some(who.holder.worker.clone())),
        host: Set(Some(who.host.clone())),
        // The original keeps the number of the process in this column.
        port: Set(Some(who.pid as i32)),
        create_time: Set(Some(now)),
        last_heartbeat_time: Set(Some(now)),
        incarnation: Set(Some(text(who.holder.incarnation))),
        beat: Set(Some(0)),
        lease_ms: Set(Some(who.lease_ms as i64)),
        fenced: Set(None),
        ..Default::default()
    };
    let taken = worker_server::Entity::update_many()
        .set(row.clone())
        .filter(Column::Name.eq(who.holder.worker.clone()))
        .filter(Column::Incarnation.lt(text(who.holder.incarnation)))
        .exec(tx)
        .await?;
    if taken.rows_affected == 0 {
        match find(tx, &who.holder.worker).await? {
            Some(row) => return Ok(standing(Some(&row), &who.holder)),
            None => drop(row.insert(tx).await?),
        }
    }
    Ok(Standing::Lives { beat: 0, moved: false })
}
