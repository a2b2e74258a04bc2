//! Whether an answer is as it has to be, whatever was asked.

use super::case::Case;
use super::grounds::{Caller, Grounds};
use super::wire::Answer;
use serde_json::Value;

/// What stands in an answer that nobody foresaw.
const UNFORESEEN: [&str; 3] =
    ["see the log of the server", "the database cannot be used at present", "请查看服务器日志"];

/// Codes of addresses and methods that do not exist, of parameters, and of too many log-ins.
const EVERYWHERE: [i64; 4] = [404, 405, 10001, 429];

/// What kind of answer it is, or what is wrong with it.
pub fn judge(case: &Case, answer: &Answer, grounds: &Grounds) -> Result<String, String> {
    let operation = &grounds.operations[case.operation];
    let (status, kind, body) = match answer {
        Answer::Http { status, kind, body } => (*status, kind.as_str(), &body[..]),
        Answer::Nothing if case.is_cut || case.is_malformed => return Ok("closed".to_owned()),
        other => return Err(format!("{} {}: {other:?}", operation.method, operation.path)),
    };
    let fault = |what: &str| {
        let text: String = String::from_utf8_lossy(body).chars().take(600).collect();
        Err(format!(
            "{} {} as {:?}: {what}: HTTP {status} {kind} {text}",
            operation.method, operation.path, case.caller
        ))
    };
    if status >= 500 {
        return fault("the server's fault");
    }
    if case.is_malformed && [400, 414, 431].contains(&status) && body.is_empty() {
        return Ok("no HTTP".to_owned());
    }
    if status == 401 {
        let may_be = case.caller == Caller::Nobody || case.is_masked || case.is_malformed;
        return match body.is_empty() {
            true if may_be => Ok("401".to_owned()),
            true => fault("somebody who is logged in is not known"),
            false => fault("more than nothing"),
        };
    }
    if case.caller == Caller::Nobody && operation.needs_login && !case.is_masked && status < 400 {
        return fault("a stranger is let in");
    }
    if !case.is_astray && !operation.statuses.contains(&status) && !([404, 405].contains(&status)) {
        return fault("a status that is not documented");
    }
    if !kind.starts_with("application/json") {
        return match status {
            200 if operation.path.starts_with("/docs") || kind == "application/octet-stream" => Ok("file".to_owned()),
            400 if kind.starts_with("text/plain") && !body.is_empty() => Ok("no file".to_owned()),
            308 if case.is_astray => Ok("elsewhere".to_owned()),
            // Nothing else may follow upon HEAD.
            _ if body.is_empty() && case.bytes.starts_with(b"HEAD ") => Ok("HEAD".to_owned()),
            _ => fault("neither an envelope nor a file"),
        };
    }
    if body.is_empty() && case.bytes.starts_with(b"HEAD ") {
        return Ok("HEAD".to_owned());
    }
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return fault("no JSON") };
    if json.get("openapi").is_some() {
        return Ok("the document".to_owned());
    }
    let (Some(code), Some(msg), Some(data)) = (json["code"].as_i64(), json["msg"].as_str(), json.get("data")) else {
        return fault("no envelope");
    };
    if json.as_object().is_some_and(|object| object.len() != 3) || msg.is_empty() {
        return fault("not the envelope");
    }
    if UNFORESEEN.iter().any(|text| msg.contains(text)) {
        return fault("nobody foresaw it");
    }
    match code {
        0 => Ok("done".to_owned()),
        _ if !data.is_null() => fault("data beside a refusal"),
        _ if EVERYWHERE.contains(&code) || case.is_astray => Ok(code.to_string()),
        _ if !operation.codes.contains(&code) => fault("a code that is not documented"),
        _ if code == operation.generic => match msg.contains(": ") || operation.is_shared {
            true => Ok("generic with a reason".to_owned()),
            false => fault("the generic code without a reason"),
        },
        _ => Ok("refused".to_owned()),
    }
}
