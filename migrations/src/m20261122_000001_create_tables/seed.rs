//! The first rows. Each table numbers its first row 1, which the alert group relies on: alerts about servers go to
//! group 1.

use crate::columns::Columns;
use argon2::{Argon2, password_hash::PasswordHasher};
use sea_orm_migration::prelude::*;

const ADMINISTRATORS: &str = "escheduler管理员告警组";
const PASSWORD: &[u8] = b"escheduler123";
/// Reserved for examples; nobody receives this mail.
const EMAIL: &str = "admin@example.com";

/// Fills the tables that are empty.
pub async fn sow(db: &SchemaManagerConnection<'_>, c: &Columns) -> Result<(), DbErr> {
    row(db, "t_escheduler_version", [("version", "1.1.0".into())]).await?;
    let queue = [("queue_name", "default".into()), ("queue", "default".into())];
    row(db, "t_escheduler_queue", queue.into_iter().chain(times(c))).await?;
    let group = [("group_name", ADMINISTRATORS.into()), ("group_type", 0.into()), ("desc", ADMINISTRATORS.into())];
    row(db, "t_escheduler_alertgroup", group.into_iter().chain(times(c))).await?;
    let member = [("alertgroup_id", 1.into()), ("user_id", 1.into())];
    row(db, "t_escheduler_relation_user_alertgroup", member.into_iter().chain(times(c))).await?;
    row(db, "t_escheduler_user", administrator()?.into_iter().chain(times(c))).await
}

fn administrator() -> Result<Vec<(&'static str, Expr)>, DbErr> {
    let hash = Argon2::default()
        .hash_password(PASSWORD)
        .map_err(|error| DbErr::Migration(format!("could not hash the first password: {error}")))?;
    Ok(vec![
        ("user_name", "admin".into()),
        ("user_password", hash.to_string().into()),
        ("user_type", 0.into()),
        ("email", EMAIL.into()),
        ("phone", "".into()),
        ("tenant_id", 0.into()),
    ])
}

fn times(c: &Columns) -> [(&'static str, Expr); 2] {
    [("create_time", c.now()), ("update_time", c.now())]
}

async fn row(
    db: &SchemaManagerConnection<'_>,
    table: &'static str,
    values: impl IntoIterator<Item = (&'static str, Expr)>,
) -> Result<(), DbErr> {
    if db.query_one(Query::select().column("id").from(table).limit(1)).await?.is_some() {
        return Ok(());
    }
    let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
    let mut insert = Query::insert();
    insert.into_table(table).columns(columns).values(values).map_err(|error| DbErr::Migration(error.to_string()))?;
    db.execute(&insert).await.map(drop)
}
