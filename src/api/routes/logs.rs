//! Task logs, while the task runs and after.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, Param, Params, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{File, dependent_log};
use crate::logs;
use crate::model::{TaskId, TaskType, Time};
use bytes::Bytes;
use futures::stream;
use std::sync::Arc;

/// How much of a log is in memory at a time.
const CHUNK: usize = 256 * 1024;

const TASK: Param = need("taskInstId", Int, "The id of the task instance.");
pub const DETAIL: Params = &[
    TASK,
    need("skipLineNum", Int, "How many lines to leave out at the start."),
    need("limit", Int, "How many lines to show at most."),
];
pub const DOWNLOAD: Params = &[TASK];

impl From<logs::Error> for Failure {
    fn from(error: logs::Error) -> Failure {
        Failure::because(error.to_string())
    }
}

/// `log/detail`
pub async fn detail(call: Call) -> Outcome<String> {
    let id = TaskId(call.form.int("taskInstId")?);
    let skip = u64::try_from(call.form.int("skipLineNum")?).unwrap_or_default();
    let limit = u64::try_from(call.form.int("limit")?).unwrap_or_default();
    match place(&call, id).await? {
        Place::File(host, path) => Reply::data(&call.shared.logs.lines(&host, &path, skip, limit).await?),
        Place::Row(text) => {
            let [skip, limit] = [skip, limit].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
            let lines = text.lines().skip(skip).take(limit);
            Reply::data(&lines.flat_map(|line| [line, "\r\n"]).collect::<String>())
        }
    }
}

/// `log/download-log`: what is there at the time of the call, and what is added meanwhile.
pub async fn download(call: Call) -> Outcome<File> {
    let id = TaskId(call.form.int("taskInstId")?);
    let name = format!("{}.queryLog", Time::now().0);
    let (host, path) = match place(&call, id).await? {
        Place::File(host, path) => (host, path),
        Place::Row(text) => {
            let bytes = Box::pin(stream::once(async { Ok(Bytes::from(text)) }));
            return Reply::file(name, bytes);
        }
    };
    let logs = call.shared.logs.clone();
    // The first piece before the status: what cannot be read is still HTTP 400.
    let first = logs.bytes(&host, &path, 0, CHUNK).await?;
    let next = first.len() as u64;
    let bytes = stream::try_unfold((Some(first), next), move |(ready, next)| {
        let (logs, host, path): (Arc<dyn logs::Logs>, _, _) = (logs.clone(), host.clone(), path.clone());
        async move {
            if let Some(first) = ready {
                return Ok((!first.is_empty()).then_some((first, (None, next))));
            }
            let piece: Bytes = logs.bytes(&host, &path, next, CHUNK).await.map_err(std::io::Error::other)?;
            let after = next + piece.len() as u64;
            Ok((!piece.is_empty()).then_some((piece, (None, after))))
        }
    });
    Reply::file(name, Box::pin(bytes))
}

/// Where the log of a task is.
enum Place {
    /// On a host, at a path.
    File(String, String),
    /// Nothing runs for a DEPENDENT node: what it has found stands in its row, and this is the log made of that.
    Row(String),
}

async fn place(call: &Call, id: TaskId) -> Result<Place, Failure> {
    let place = call.store().task_place(id).await?;
    let place = place.ok_or_else(|| Code::NO_SUCH_TASK.because(&[&id]))?;
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (filled(&place.host), filled(&place.log_path)) {
        (Some(host), Some(path)) => Ok(Place::File(host, path)),
        _ if place.task_type.as_deref() == Some(TaskType::Dependent.name()) => {
            Ok(Place::Row(dependent_log(id, &place, call.shared.settings.zone)))
        }
        _ => Err(Code::NO_HOST_YET.refuse(&[&id])),
    }
}
