//! Users, tenants and queues.

use super::Nothing;
use crate::model::{Time, UserId, UserType};
use crate::store;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    id: UserId,
    user_name: String,
    /// Never told, not even as a hash.
    user_password: Nothing,
    email: Option<String>,
    phone: Option<String>,
    user_type: UserType,
    tenant_id: i32,
    tenant_code: Nothing,
    tenant_name: Option<String>,
    queue_name: Option<String>,
    alert_group: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
    queue: Option<String>,
}

impl User {
    /// As the list shows a user: `queue` is the one that counts, the user's own or else the tenant's.
    pub fn listed(user: store::User) -> User {
        let queue = user.queue.clone().filter(|queue| !queue.is_empty()).or(user.tenant_queue.clone());
        User { queue, ..User::plain(user, None) }
    }

    /// As users see themselves.
    pub fn own(user: store::User, groups: &[String]) -> User {
        User::plain(user, (!groups.is_empty()).then(|| groups.join(",")))
    }

    fn plain(user: store::User, alert_group: Option<String>) -> User {
        User {
            id: user.id,
            user_name: user.user_name.unwrap_or_default(),
            user_password: Nothing,
            email: user.email,
            phone: user.phone,
            user_type: user.user_type.unwrap_or(UserType::General),
            tenant_id: user.tenant_id.unwrap_or_default(),
            tenant_code: Nothing,
            tenant_name: user.tenant_name,
            queue_name: user.queue_name,
            alert_group,
            create_time: user.create_time,
            update_time: user.update_time,
            queue: user.queue,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    id: i32,
    tenant_code: Option<String>,
    tenant_name: Option<String>,
    desc: Option<String>,
    queue_id: i32,
    queue_name: Option<String>,
    queue: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

impl From<store::Tenant> for Tenant {
    fn from(tenant: store::Tenant) -> Tenant {
        Tenant {
            id: tenant.id,
            tenant_code: tenant.tenant_code,
            tenant_name: tenant.tenant_name,
            desc: tenant.desc,
            queue_id: tenant.queue_id.unwrap_or_default(),
            queue_name: tenant.queue_name,
            queue: tenant.queue,
            create_time: tenant.create_time,
            update_time: tenant.update_time,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    id: i32,
    queue_name: Option<String>,
    queue: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

impl From<store::Queue> for Queue {
    fn from(queue: store::Queue) -> Queue {
        Queue {
            id: queue.id,
            queue_name: queue.queue_name,
            queue: queue.queue,
            create_time: queue.create_time,
            update_time: queue.update_time,
        }
    }
}
