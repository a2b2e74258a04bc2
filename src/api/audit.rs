//! In whose name a call changes something, and what it is about: what the audit rows of [`crate::store`] are made of.

use super::call::Client;
use super::form::Form;
use super::table::Route;
use crate::model::Time;
use crate::store::{Account, Author};

/// Parameters that name objects. Nothing else is noted, so no secret and no document ever is.
const NAMING: &[&str] = &[
    "id",
    "userName",
    "userId",
    "projectName",
    "projectId",
    "projectIds",
    "resourceIds",
    "udfIds",
    "datasourceIds",
    "tenantCode",
    "queue",
    "queueName",
    "alertgroupId",
    "groupName",
    "userIds",
    "processId",
    "processIds",
    "processDefinitionId",
    "processDefinitionIds",
    "processInstanceId",
    "processInstanceIds",
    "executeType",
    "execType",
    "releaseState",
    "scheduleId",
    "name",
    "fileName",
    "suffix",
    "type",
    "funcName",
    "resourceId",
];

/// In the name of whoever calls.
pub fn author(account: &Account, client: &Client, route: &Route, project: Option<&str>, form: &Form) -> Author {
    Author {
        user: account.id,
        name: account.name.clone(),
        action: route.path.to_owned(),
        object: object(project, form),
        address: client.address.to_string(),
        request: client.request.clone(),
        at: Time::now(),
    }
}

fn object(project: Option<&str>, form: &Form) -> String {
    let path = project.map(|name| ("project", name));
    let named = NAMING.iter().filter_map(|name| form.sent(name).map(|value| (*name, value)));
    let filled = path.into_iter().chain(named).filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_what_names_it_and_by_nothing_else() {
        let form = Form::parse("userPassword=secret&userName=alice&content=x&token=t&id=7&desc=d&phone=", b"");
        assert_eq!(object(None, &form), "id=7 userName=alice");
        assert_eq!(object(Some("billing"), &Form::parse("", b"")), "project=billing");
    }

    #[test]
    fn nothing_that_names_is_a_secret() {
        for secret in ["userPassword", "password", "token", "content", "other", "processDefinitionJson"] {
            assert!(!NAMING.contains(&secret), "{secret}");
        }
    }
}
