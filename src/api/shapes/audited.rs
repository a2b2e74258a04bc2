//! Changes that somebody has made.

use crate::model::Time;
use crate::store;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Audited {
    id: i64,
    user_id: i32,
    user_name: String,
    action: String,
    object: String,
    address: String,
    request_id: String,
    create_time: Time,
}

impl From<store::Audited> for Audited {
    fn from(change: store::Audited) -> Audited {
        Audited {
            id: change.id,
            user_id: change.user_id,
            user_name: change.user_name,
            action: change.action,
            object: change.object,
            address: change.address,
            request_id: change.request_id,
            create_time: Time(change.at_ms),
        }
    }
}
