//! What users are granted. Each call replaces the whole set.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::language::Words;
use crate::api::param::{Kind::*, Param, Params, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::model::{Time, UserId};
use crate::store::{Grant, GrantRefusal};

const USER: Param = need("userId", Int, "The id of the user.");

pub const PROJECTS: Params = &[USER, need("projectIds", Ids, "The ids of all projects that the user is granted.")];
pub const FILES: Params = &[USER, need("resourceIds", Ids, "The ids of all resources that the user is granted.")];
pub const UDFS: Params = &[USER, need("udfIds", Ids, "The ids of all UDFs that the user is granted.")];
pub const DATA_SOURCES: Params =
    &[USER, need("datasourceIds", Ids, "The ids of all data sources that the user is granted.")];

/// `users/grant-project`
pub async fn projects(call: Call) -> Outcome {
    replace(call, Grant::Project, "projectIds").await
}

/// `users/grant-file`
pub async fn files(call: Call) -> Outcome {
    replace(call, Grant::Resource, "resourceIds").await
}

/// `users/grant-udf-func`
pub async fn udfs(call: Call) -> Outcome {
    replace(call, Grant::Function, "udfIds").await
}

/// `users/grant-datasource`
pub async fn data_sources(call: Call) -> Outcome {
    replace(call, Grant::DataSource, "datasourceIds").await
}

async fn replace(call: Call, kind: Grant, parameter: &str) -> Outcome {
    let user = UserId(call.form.int("userId")?);
    let ids = call.form.ids(parameter)?;
    match call.store().set_grants(user, kind, ids, Time::now()).await? {
        Ok(()) => Reply::done(),
        Err(GrantRefusal::NoUser) => Err(Code::NO_SUCH_USER.refuse(&[&user])),
        Err(GrantRefusal::Unknown(id)) => Err(Failure::invalid(
            parameter,
            Words::new(format!("nothing has the id {id}"), format!("编号 {id} 不存在")),
        )),
    }
}
