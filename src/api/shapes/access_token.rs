//! Access tokens.

use crate::api::bearer;
use crate::model::Time;
use crate::store;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessToken {
    id: i32,
    user_id: i32,
    user_name: Option<String>,
    /// Its first letters; the rest is told once, when it is made.
    token: String,
    expire_time: Option<Time>,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

impl From<store::Token> for AccessToken {
    fn from(token: store::Token) -> AccessToken {
        AccessToken {
            id: token.id,
            user_id: token.user_id.unwrap_or_default(),
            user_name: token.user_name,
            token: bearer::masked(token.hint.as_deref()),
            expire_time: token.expire_time,
            create_time: token.create_time,
            update_time: token.update_time,
        }
    }
}
