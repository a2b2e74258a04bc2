//! Signing in and out.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::language::Words;
use crate::api::param::{Kind, Params, need};
use crate::api::password::{self, Verdict};
use crate::api::reply::{Failure, Outcome, Reply};
use std::time::Instant;

pub const LOGIN: Params = &[
    need("userName", Kind::AnyText, "The name of the user."),
    need("userPassword", Kind::AnyText, "The password, in the clear."),
];

/// `login`
pub async fn login(call: Call) -> Outcome<String> {
    let name = call.form.text("userName")?;
    let password = call.form.text("userPassword")?;
    if name.is_empty() {
        return Err(Code::USER_NAME_EMPTY.refuse(&[]));
    }
    let (address, guard) = (call.client.address, &call.shared.guard);
    guard.check(address, name, Instant::now()).map_err(Failure::TooOften)?;
    let unhashed = |error: password::Error| Failure::Generic(error.to_string());
    let turn = call.shared.passwords.turn().await.map_err(unhashed)?;
    guard.check(address, name, Instant::now()).map_err(Failure::TooOften)?;
    let wrong = || Code::WRONG_PASSWORD.refuse(&[]);
    let known = call.store().credentials(name).await?;
    let stored = known.as_ref().map(|(_, hash)| hash.clone());
    let verdict = turn.check(password, stored).await.map_err(unhashed)?;
    if known.is_none() || verdict == Verdict::Wrong {
        guard.failed(address, name, Instant::now());
        tracing::info!(%address, "a log-in has failed");
    }
    drop(turn);
    let (account, old) = known.ok_or_else(wrong)?;
    match verdict {
        Verdict::Wrong => return Err(wrong()),
        Verdict::Right => {}
        Verdict::Outdated(new) => {
            if let Err(error) = call.store().rehash(account.id, old, new).await {
                tracing::warn!(user = %account.id, "an old password hash could not be replaced: {error}");
            }
        }
    }
    match call.shared.sessions.sign_in(&call.store_by(&account), &account, call.client.ip.clone()).await {
        Ok(id) => Reply::session(id),
        Err(error) => {
            tracing::error!(user = %account.id, "a login could not be recorded: {error}");
            Err(Code::NO_SESSION.refuse(&[]))
        }
    }
}

/// `signOut`
pub async fn sign_out(call: Call) -> Outcome {
    // An access token is no login that could end.
    let none = || Failure::because(Words::new("there is no such login", "没有该登录"));
    let id = call.client.session.as_deref().ok_or_else(none)?;
    match call.shared.sessions.sign_out(call.store(), id).await? {
        true => Reply::done(),
        false => Err(none()),
    }
}
